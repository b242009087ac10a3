"""The source `linked-history`: what people did in other scenarios answers in this one.

The fit pipeline adds it where people agreed to that (`Dataset.linked`). It answers only queries
with a linked history (`QueryBatch.linked`), and only up to the number of own events to which linked
people who were held out were better off with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec.components.candidates import PAD, Candidates
from crossrec.components.evidence import Evidence
from crossrec.components.linked_learning import (
    ENOUGH,
    Gains,
    Learning,
    Option,
    choose,
    measure,
    served_up_to,
)
from crossrec.components.linked_model import ALONE, Floats, LinkedModel, LinkedSpace
from crossrec.components.paired_gain import PairedGain
from crossrec.components.protocols import SourceReport
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.settings import Settings
from crossrec.components.state import State
from crossrec.components.topk import top_k
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.linked import LinkedHistories
from crossrec.data.vocabulary import Vocabulary
from crossrec.errors import NotFittedError
from crossrec.numeric.ragged import Ragged

NAME = "linked-history"


class LinkedHistoryConfig(Settings):
    """Settings of `linked-history`.

    Attributes
    ----------
    encoder : str
        Name of the vectors in which the items of all scenarios are compared; the pipeline's encoder
        where the fit adds the source itself.
    """

    encoder: str = ""


class LinkedHistorySource:
    """See the module. Sources without linked people, or without vectors, answer nothing."""

    def __init__(self, config: LinkedHistoryConfig | None = None) -> None:
        self.config = config or LinkedHistoryConfig()
        self._space: LinkedSpace | None = None
        self._model: LinkedModel | None = None
        self._items = Vocabulary()
        self._titles: list[str] = []
        self._said: dict[str, Any] = {}

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        """Learn from linked people of the dataset; choose and measure on people held out."""
        space, data, linked = self._data(dataset)
        option: Option = None
        gains: Gains = {}
        if len(data.rows) >= ENOUGH:
            option = choose(data)
            gains = measure(data, option)
        limit = served_up_to({at: gain for at, (gain, _, _) in gains.items()}) if gains else 0
        share = ALONE if option is None else option[1]
        self._said = {
            "penalty": None if option is None else option[0],
            "text_share": share,
            "measured": [_moment(at, *found) for at, found in gains.items()],
            "serves_up_to": limit,
        }
        self._learn(space, data, linked, option)

    def refit(self, dataset: Dataset, run: RunOptions) -> None:
        """Learn from more events of the same people; what was chosen and measured stays."""
        self._fitted()
        penalty = self._said["penalty"]
        option = None if penalty is None else (penalty, self._said["text_share"])
        self._learn(*self._data(dataset), option)

    def _data(self, dataset: Dataset) -> tuple[LinkedSpace, Learning, LinkedHistories]:
        """Return the text space and the linked people; nobody where there is no common space."""
        linked, name = dataset.linked, self.config.encoder
        own = dataset.vectors.get(name)
        if linked is None or own is None or name not in linked.vectors:
            linked = LinkedHistories(
                dataset.catalog.take([]), np.zeros(0, np.int64), Ragged.empty(0)
            )
            space = LinkedSpace(*(np.zeros((n, 1), np.float32) for n in (0, dataset.n_items)))
        else:
            space = LinkedSpace.of(linked.vectors[name], own)
        return space, learning(dataset, linked, space), linked

    def _learn(
        self, space: LinkedSpace, data: Learning, linked: LinkedHistories, option: Option
    ) -> None:
        """Learn by what was chosen."""
        nobody = np.zeros(0, np.int64)
        people = np.arange(len(data.rows))
        self._space, self._model = space, data.model(people, data.counts_without(nobody), option)
        self._items, self._titles = linked.catalog.items, list(linked.catalog.titles)
        learnt_from = 0 if option is None else len(people)
        self._said = {**self._said, "people": linked.people, "learnt_from": learnt_from}

    def _fitted(self) -> tuple[LinkedSpace, LinkedModel]:
        if self._space is None or self._model is None:
            raise NotFittedError("fit first")
        return self._space, self._model

    def linked(self) -> Vocabulary:
        """Return the items of other scenarios, which `QueryBatch.linked` indexes."""
        self._fitted()
        return self._items if self._said["serves_up_to"] >= 0 else Vocabulary()

    def features(self, histories: Ragged) -> Floats:
        """Return where people with these linked histories stand in the text space, (n, r)."""
        return self._fitted()[0].features(histories)

    def generate(self, queries: QueryBatch, k: int) -> Candidates:
        """Return the best `k` items of each query that has a linked history and few own events."""
        if not self._answered(queries).any():
            return Candidates.empty(len(queries), NAME)
        return top_k(self._scores(queries), k, queries.exclude, source=NAME)

    def score(self, queries: QueryBatch, index: NDArray[np.int64]) -> NDArray[np.float32]:
        """Score given items; NaN for queries that the source does not answer."""
        if not self._answered(queries).any():
            return np.full(index.shape, np.nan, dtype=np.float32)
        picked = np.take_along_axis(self._scores(queries), np.maximum(index, 0), axis=1)
        return np.where((index == PAD) | ~np.isfinite(picked), np.nan, picked).astype(np.float32)

    def _answered(self, queries: QueryBatch) -> NDArray[np.bool_]:
        space, _ = self._fitted()
        limit = int(self._said["serves_up_to"]) if len(space.linked) else -1
        few: NDArray[np.bool_] = queries.history.distinct().lengths <= limit
        return few & (queries.linked.lengths > 0)

    def _scores(self, queries: QueryBatch) -> Floats:
        space, model = self._fitted()
        rows = np.flatnonzero(self._answered(queries))
        scores = np.full((len(queries), len(model.base)), -np.inf, dtype=np.float32)
        features = self.features(queries.linked.take(rows))
        known = features.any(axis=1)  # whose items have no text is nobody
        scores[rows[known]] = model.scores(features[known], space.own)
        return scores

    def explain(self, queries: QueryBatch, index: NDArray[np.int64]) -> list[Evidence | None]:
        """Return the linked item that did most for each item, where any did something for it."""
        space, model = self._fitted()
        if not self._answered(queries)[0]:
            return [None] * len(index)
        linked = np.unique(queries.linked.row(0))
        parts = space.linked[linked] @ model.weights[:, index]
        parts += model.share * (space.linked[linked] @ space.own[index].T)
        found: list[Evidence | None] = []
        for column in parts.T:
            best = int(linked[column.argmax()])
            found.append(_because(self._items.id(best), self._titles[best], column.max() > 0))
        return found

    def report(self) -> SourceReport:
        """Return what was measured on linked people, and up to how many own events it answers."""
        self._fitted()
        return SourceReport(self._said, tuple(_lines(self._said)))

    def state(self) -> State:
        """Return what was learnt; of single people nothing is kept."""
        space, model = self._fitted()
        arrays = {
            "linked": space.linked,
            "own": space.own,
            "base": model.base,
            "weights": model.weights,
            "mean": model.mean,
        }
        values = {"items": list(self._items.ids), "titles": self._titles, "said": self._said}
        return State(arrays, {**values, "share": model.share})

    def restore(self, state: State, catalog: Catalog) -> None:
        """Take back what `state` returned."""
        get = state.arrays.__getitem__
        self._space = LinkedSpace(get("linked"), get("own"))
        share = float(state.values["share"])
        self._model = LinkedModel(get("base"), get("weights"), get("mean"), share)
        self._items, self._titles = Vocabulary(state.values["items"]), state.values["titles"]
        self._said = state.values["said"]


def learning(dataset: Dataset, linked: LinkedHistories, space: LinkedSpace) -> Learning:
    """Return what there is to learn of the linked people who have events here."""
    features = space.features(linked.histories)
    sequences = dataset.sequences.distinct()
    known = features.any(axis=1) & (sequences.lengths[linked.users] > 0)
    rows = linked.users[known]
    everybody = dataset.matrix(binary=True)
    return Learning(
        features[known], sequences.take(rows), everybody[rows], everybody, rows, space.own
    )


def _moment(own_events: int, gain: PairedGain, without: float, both: float) -> dict[str, Any]:
    """Return what was measured at one number of own events, as JSON values."""
    return {
        "own_events": own_events,
        "people": gain.n,
        "without": round(without, 4),
        "with": round(both, 4),
        "gain": round(gain.mean, 4),
        "error": round(gain.error, 4),
        "helps": gain.beyond_noise,
    }


def _because(id_: str, title: str, real: bool) -> Evidence:
    """Return the evidence in words; the id has the form of `linked_id`."""
    scenario, _, own = id_.partition("/")
    if not real:
        return Evidence(f"chosen by people who are in {scenario} too")
    return Evidence(f"because you chose “{title or own}” in {scenario}")


def _lines(said: Mapping[str, Any]) -> list[str]:
    """Return the report in lines."""
    people, limit = said["people"], said["serves_up_to"]
    lines = [f"{people} people with a history in other scenarios that may be used here"]
    for one in said["measured"]:
        outcome = "helps" if one["helps"] else "no gain beyond noise"
        lines.append(
            f"{one['own_events']} own events: ndcg@10 {one['without']:.4f} without it, "
            f"{one['with']:.4f} with it ({one['gain']:+.4f} ± {2 * one['error']:.4f} on "
            f"{one['people']} people): {outcome}"
        )
    if not said["measured"]:
        lines.append(
            f"under {ENOUGH} of them have events here: too few to measure whether it helps, so it "
            "answers by similar text, and only people without own events"
        )
    elif limit < 0:
        lines.append("it answers nobody")
    else:
        lines.append(f"it answers people with up to {limit} own events")
    return lines
