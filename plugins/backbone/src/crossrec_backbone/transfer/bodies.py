"""A pretrained body beside the backbone: the source it belongs to, with and without it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from crossrec.artifacts import read_pretrained
from crossrec.components.ndcg import target_places
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.numeric.gain import TOP
from crossrec.numeric.ragged import FloatArray, IntArray

if TYPE_CHECKING:
    from crossrec.plugins.registration import Registration

BODY, BODY_ALONE = "body", "body-without-pretraining"
#: In the order of the report, behind the other methods.
BODIES = (BODY, BODY_ALONE)
#: Candidates that are looked at: more than the metrics count, so that ties are seen.
_DEPTH = 2 * TOP
_NAME = "measured"


@dataclass(frozen=True)
class MeasuredBody:
    """What is measured as `BODY`, and without its pretraining as `BODY_ALONE`.

    Attributes
    ----------
    source : Registration
        The candidate generator that starts from it.
    folder : Path
        Where it lies.
    settings : mapping
        Of the source, the same for both.
    """

    source: Registration
    folder: Path
    settings: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def at(
        cls, source: Registration, folder: Path, settings: Mapping[str, Any] | None = None
    ) -> MeasuredBody:
        """Return a body with the settings that it was pretrained with, and others for the fits.

        Raises
        ------
        ArtifactError
            If it is damaged.
        """
        card, _ = read_pretrained(folder)
        kept = {name: value for name, value in card["settings"].items() if name != "training"}
        return cls(source, folder, {**kept, **(settings or {})})

    @property
    def sources(self) -> list[str]:
        """What it was pretrained on.

        Raises
        ------
        ArtifactError
            If it is damaged.
        """
        card, _ = read_pretrained(self.folder)
        return [str(row["name"]) for row in card.get("sources", [])]

    def identity(self) -> list[Any]:
        """Return JSON values that change with all that its figures depend on."""
        _, state = read_pretrained(self.folder)
        digest = hashlib.sha256(json.dumps(dict(state.values), sort_keys=True).encode())
        for name, array in sorted(state.arrays.items()):
            digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
        return [self.source.name, dict(self.settings), digest.hexdigest()]


@dataclass(frozen=True, eq=False)
class BodyPlaces:
    """Where the two methods put the target of each query, and what they learnt.

    Attributes
    ----------
    of : mapping of method to float32 array, shape (n,)
        Places from 0; infinity where the target is not among the first.
    learnt : mapping of method to JSON values
        The source's own report where it has one, and whether it was trained.
    """

    of: Mapping[str, FloatArray]
    learnt: Mapping[str, Any]


def body_places(
    body: MeasuredBody, dataset: Dataset, queries: QueryBatch, targets: IntArray, run: RunOptions
) -> BodyPlaces:
    """Fit the source with and without the body, and place the targets as it serves them.

    The source decides by the events of the dataset whether the history is among the candidates.
    """
    run = replace(run, pretrained={**run.pretrained, _NAME: body.folder})
    found: dict[str, FloatArray] = {}
    learnt: dict[str, Any] = {}
    for method, more in ((BODY, {"pretrained": _NAME}), (BODY_ALONE, {})):
        source = body.source.build({**body.settings, **more})
        source.fit(dataset, run)
        found[method] = _places(source, queries, targets)
        values = dict(source.report().values) if "report" in body.source.capabilities else {}
        trained = bool(len(dataset.interactions)) and bool(values.get("epochs", True))
        learnt[method] = {"trained": trained, "report": values}
    return BodyPlaces(found, learnt)


def _places(source: Any, queries: QueryBatch, targets: IntArray) -> FloatArray:
    """Return the place of each target among the first candidates of a source."""
    out = np.full(len(targets), np.inf, dtype=np.float32)
    for rows in queries.blocks(512):
        found = source.generate(queries.take(rows), _DEPTH)
        hit = found.index == targets[rows][:, None]
        some = np.flatnonzero(hit.any(axis=1))
        if len(some):
            out[rows[some]] = target_places(found.score[some], hit[some].argmax(axis=1))
    return out
