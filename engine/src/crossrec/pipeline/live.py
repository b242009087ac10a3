"""Items that came after the fit join the pipeline that serves, without a fit.

The store counts how often its items were written. Where the count has moved, the items behind the
fitted ones are encoded and handed to every source that declares ``add_items``; what comes of it is
swapped in as a whole. Nothing of this can fail a request: what could not take them in goes on with
the items of the fit, and is named.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec.components.run import RunOptions
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.pipeline.fit import attach_vectors
from crossrec.pipeline.frozen_catalog import FrozenCatalogSource
from crossrec.pipeline.pipeline import Pipeline
from crossrec.scenario import Scenario
from crossrec.workspace import Workspace

log = logging.getLogger("crossrec")

#: Fitted items that are encoded beside the new ones, to see whether company changes a vector.
_COMPANY = 16
#: Largest change of a number of a vector that rounding explains.
_ROUNDING = 1e-3


class LivePipeline:
    """A fitted pipeline that takes in what was ingested since.

    Safe for many threads: one of them makes the new pipeline, the others go on with the old one
    until it is there. Costs a request one look-up by key where nothing is new.
    """

    def __init__(
        self,
        fitted: Pipeline,
        scenario: Scenario,
        workspace: Workspace,
        run: RunOptions,
    ) -> None:
        self._fitted, self._scenario = fitted, scenario
        self._workspace, self._run = workspace, run
        self._grows = any("add_items" in able for able in fitted.capabilities.values())
        self._current = fitted
        self._seen = -1
        self._records: Mapping[str, Mapping[str, Any]] = {}
        self._lock = Lock()

    def pipeline(self) -> Pipeline:
        """Return the pipeline with all items that its sources can take in."""
        if not self._grows:
            return self._current
        try:
            changes = self._workspace.store().item_changes(self._scenario.name)
        except Exception as error:
            log.warning("cannot look for new items", exc_info=error)
            return self._current
        if changes != self._seen and self._lock.acquire(blocking=False):
            try:
                self._look(changes)
            finally:
                self._lock.release()
        return self._current

    def _look(self, changes: int) -> None:
        """Take in what is new; where that fails the pipeline is the fitted one, and says so."""
        fitted = self._fitted
        try:
            records = self._new_records()
            if records != self._records:
                self._current = (
                    with_items(fitted, self._scenario, records, self._run) if records else fitted
                )
                self._records = records
        except Exception as error:
            log.warning("new items could not be taken in", exc_info=error)
            failed = {"new items": f"{type(error).__name__}: {error}"}
            self._current = replace(fitted, unavailable={**fitted.unavailable, **failed})
            self._records = {}
        self._seen = changes

    def _new_records(self) -> dict[str, dict[str, Any]]:
        """Return the fields of the items that the fitted catalog lacks."""
        items = self._fitted.catalog.items
        if not len(items):
            return {}
        store, last = self._workspace.store(), items.id(len(items) - 1)
        found = store.items_after(self._scenario.name, last)
        return {id_: fields for id_, fields in found.items() if id_ not in items}


def with_items(
    fitted: Pipeline,
    scenario: Scenario,
    records: Mapping[str, Mapping[str, Any]],
    run: RunOptions,
) -> Pipeline:
    """Return the pipeline with further items; `fitted` stays as it is.

    Parameters
    ----------
    records : mapping of item id to fields
        Items that the fitted catalog lacks, at least one.
    """
    new = Catalog.from_records(Vocabulary(records), records, scenario.items)
    catalog = fitted.catalog.followed_by(new)
    vectors, failed = vectors_of(new, fitted, run)
    dataset = Dataset(fitted.users, catalog, Events.empty(), fitted.has_clock, vectors)
    sources, taken = {}, []
    for label, source in fitted.sources.items():
        sources[label], error = _grown(source, fitted, label, dataset)
        if error:
            failed[label] = error
        if not isinstance(sources[label], FrozenCatalogSource):
            taken.append(label)
    before, after = len(fitted.catalog), len(catalog)
    new_items = {
        "items": after - before,
        "in": taken,
        "not_in": [label for label in sources if label not in taken],
    }
    return replace(
        fitted,
        catalog=catalog,
        sources=sources,
        fallback=np.concatenate([fitted.fallback, np.arange(before, after)]),
        counts=np.concatenate([fitted.counts, np.zeros(after - before, fitted.counts.dtype)]),
        report={**fitted.report, "new_items": new_items},
        unavailable={**fitted.unavailable, **failed},
    )


def vectors_of(
    new: Catalog, fitted: Pipeline, run: RunOptions
) -> tuple[dict[str, NDArray[np.float32]], dict[str, str]]:
    """Return vectors of the whole catalog in which only the new items' rows are filled in.

    Only the new items are encoded, so an encoder whose vectors depend on the rest of the catalog
    can't be used: it is found out by encoding a few fitted items alone and in company. Without
    vectors new items are compared by their words.

    Returns
    -------
    vectors : mapping of encoder name to float32 array, shape (n_items, dim)
    failed : mapping of encoder to what is wrong with it
    """
    name = fitted.config.encoder
    if not name:
        return {}, {}
    described = [at for at, text in enumerate(fitted.catalog.texts) if text.strip()]
    known = fitted.catalog.take(described[:_COMPANY])
    alone, wrong = _encoded(known, fitted, run)
    together, more = _encoded(known.followed_by(new), fitted, run)
    if wrong or more:
        return {}, {f"encoder {name}": "; ".join({**dict.fromkeys(wrong), **dict.fromkeys(more)})}
    if not all(_alike(rows, together[key][: len(known)]) for key, rows in alone.items()):
        why = "its vectors depend on the whole catalog: new items have none until the next fit"
        return {}, {f"encoder {name}": why}
    before = len(fitted.catalog)
    vectors = {}
    for key, rows in together.items():
        if rows.shape[1]:
            vectors[key] = np.zeros((before + len(new), rows.shape[1]), dtype=np.float32)
            vectors[key][before:] = rows[len(known) :]
    return vectors, {}


def _encoded(
    catalog: Catalog, fitted: Pipeline, run: RunOptions
) -> tuple[Mapping[str, NDArray[np.float32]], list[str]]:
    """Return the vectors of some items as the fit made them, and what went wrong."""
    few = Dataset(Vocabulary(), catalog, Events.empty(), fitted.has_clock)
    few, notes = attach_vectors(few, fitted.resolved, run)
    return few.vectors, notes


def _alike(left: NDArray[np.float32], right: NDArray[np.float32]) -> bool:
    """Whether vectors are the same up to rounding; where no item has a text there are none."""
    if not left.size:
        return True
    return left.shape == right.shape and bool(np.allclose(left, right, rtol=0, atol=_ROUNDING))


def _grown(source: Any, fitted: Pipeline, label: str, dataset: Dataset) -> tuple[Any, str]:
    """Return the source with the new items, or kept from them, and the error if there was one."""
    error = ""
    if "add_items" in fitted.capabilities.get(label, frozenset()):
        longer = copy(source)
        try:
            longer.add_items(dataset)
        except Exception as raised:
            log.warning("source %s could not take in new items", label, exc_info=raised)
            error = f"new items could not be taken in: {type(raised).__name__}: {raised}"
        else:
            return longer, ""
    return FrozenCatalogSource(source, len(fitted.catalog), dataset.n_items), error
