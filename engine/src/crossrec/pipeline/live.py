"""The serving pipeline, kept up with the store's items without a fit.

The store numbers every writing of items. Where the number has moved, changed fields count from the
next request on, and items that came after the fit are encoded and handed to every source that
declares ``add_items``: in the background, never inside a request. What comes of it is swapped in as
a whole. Nothing of this can fail a request: what could not take the items in goes on with those of
the fit, and is named.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import replace
from itertools import chain
from threading import Lock, Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec.components.consumption import EventEffects
from crossrec.components.live_items import LiveItems
from crossrec.components.run import RunOptions
from crossrec.components.vectors import title_name
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.pipeline.frozen_catalog import FrozenCatalogSource
from crossrec.pipeline.item_vectors import attach_vectors
from crossrec.pipeline.pipeline import Pipeline
from crossrec.pipeline.serving import Serving
from crossrec.plugins.state import one_line
from crossrec.scenario import ItemSchema, Scenario
from crossrec.store.base import WITHDRAWN, Store

log = logging.getLogger("crossrec")

#: Fitted items that are encoded beside the new ones, to see whether company changes a vector.
_COMPANY = 16
#: Largest change of a number of a vector that rounding explains.
_ROUNDING = 1e-3

Records = Mapping[str, Mapping[str, Any]]


class LivePipeline:
    """A fitted pipeline with what was ingested since. Safe for many threads.

    Costs a request one look-up by key where nothing is new.

    Parameters
    ----------
    background : bool
        Whether new items are taken in by a thread of their own; where False the caller waits.
    """

    def __init__(
        self,
        fitted: Pipeline,
        scenario: Scenario,
        store: Store,
        run: RunOptions,
        *,
        background: bool = True,
    ) -> None:
        self._fitted, self._scenario = fitted, scenario
        self._store, self._run, self._background = store, run, background
        self._grows = any("add_items" in able for able in fitted.capabilities.values())
        items = LiveItems(fitted.catalog, scenario.items)
        self._serving = Serving(fitted, items, EventEffects.of(scenario))
        self._seen = int(fitted.report.get("item_changes", 0))
        self._new: dict[str, Mapping[str, Any]] = {}
        self._deleted: set[str] = set()
        self._taken: Mapping[str, Any] = {}
        self._lock = Lock()
        self._growing = Lock()

    def serving(self) -> Serving:
        """Return what a request is answered from, with the newest fields of all items."""
        try:
            changes = self._store.item_changes(self._scenario.name)
        except Exception as error:
            log.warning("cannot look for changed items", exc_info=error)
            return self._serving
        if changes != self._seen:
            self._catch_up(changes)
        return self._serving

    def _catch_up(self, changes: int) -> None:
        """Apply changed fields at once, and take in new items outside the request."""
        with self._lock:
            if changes == self._seen:
                return
            known = self._fitted.catalog.items
            try:
                changed = self._store.items_changed(self._scenario.name, self._seen)
                gone = self._deleted_since()
            except Exception as error:
                log.warning("cannot read changed items", exc_info=error)
                return
            self._deleted = (self._deleted - changed.keys()) | gone
            items = self._with_fields(changed)
            self._serving = replace(self._serving, items=items, deleted=self._gone_from(items))
            new = {
                id_: fields
                for id_, fields in changed.items()
                if id_ not in known and (id_ in self._new or not fields.get(WITHDRAWN))
            }
            self._new |= new
            self._seen = changes
        if new and self._grows:
            if self._background:
                Thread(target=self._grow, name="crossrec-new-items", daemon=True).start()
            else:
                self._grow()

    def _with_fields(self, changed: Records) -> LiveItems:
        """Return the live items with changed fields on top."""
        items = self._serving.items
        index = items.catalog.items.index
        places = {index(id_): fields for id_, fields in changed.items()}
        places.pop(-1, None)
        return items.updated(places)

    def _deleted_since(self) -> set[str]:
        """Return the items, fitted and new, that were deleted since the store was last read."""
        known = chain(self._fitted_items(known=True), self._new)
        others = self._fitted_items(known=False)
        return self._store.deleted_items(self._scenario.name, self._seen, known, others)

    def _fitted_items(self, *, known: bool) -> Iterator[str]:
        """Yield the fitted items that had a row in the item table, or the others."""
        catalog = self._fitted.catalog
        for id_, one in zip(catalog.items.ids, catalog.known.tolist(), strict=True):
            if one is known:
                yield id_

    def _gone_from(self, items: LiveItems) -> NDArray[np.int64]:
        """Return the deleted items of a catalog."""
        found = items.catalog.items.indexes(sorted(self._deleted))
        return found[found >= 0]

    def _grow(self) -> None:
        """Take in all items that came after the fit, and swap the result in."""
        with self._growing:
            while True:
                with self._lock:
                    records = dict(self._new)
                described = _described(records, self._scenario.items)
                if described == self._taken:
                    return
                try:
                    grown = with_items(self._fitted, self._scenario, records, self._run)
                except (Exception, SystemExit) as error:  # whatever happens, requests are answered
                    log.warning("new items cannot be taken in", exc_info=error)
                    with self._lock:
                        self._swap(_without_new(self._serving.pipeline, one_line(error)))
                    return
                with self._lock:
                    self._swap(grown)
                self._taken = described

    def _swap(self, pipeline: Pipeline) -> None:
        """Serve another pipeline, with the newest fields of all its items."""
        ids, index = self._serving.items.catalog.items, pipeline.catalog.items.index
        changed = {index(ids.id(item)): one for item, one in self._serving.items.changed.items()}
        # Those of a new item may have been written again while it was taken in.
        changed |= {index(id_): fields for id_, fields in self._new.items()}
        changed.pop(-1, None)
        items = LiveItems(pipeline.catalog, self._scenario.items, changed)
        deleted = self._gone_from(items)
        self._serving = replace(self._serving, pipeline=pipeline, items=items, deleted=deleted)


def _described(records: Records, schema: ItemSchema) -> Mapping[str, Any]:
    """Return what sources know an item by: another price is no reason to take it in anew."""
    new = Catalog.from_records(Vocabulary(records), records, schema)
    return dict(zip(records, zip(new.titles, new.texts, new.categories, new.creators), strict=True))


def _without_new(pipeline: Pipeline, error: str) -> Pipeline:
    """Return the pipeline that goes on serving, with why it lacks the newest items."""
    return replace(pipeline, unavailable={**pipeline.unavailable, "new items": error})


def with_items(
    fitted: Pipeline,
    scenario: Scenario,
    records: Mapping[str, Mapping[str, Any] | None],
    run: RunOptions,
) -> Pipeline:
    """Return the pipeline with further items; `fitted` stays as it is.

    Parameters
    ----------
    records : mapping of item id to fields
        Items that the fitted catalog lacks, at least one; None where only events name the item.
    """
    known = {id_: fields for id_, fields in records.items() if fields is not None}
    new = Catalog.from_records(Vocabulary(records), known, scenario.items)
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
    none = np.zeros(after - before, dtype=np.int64)
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
        people=np.concatenate([fitted.people, none]),
        evidence=np.concatenate([fitted.evidence, none]),
        report={**fitted.report, "new_items": new_items},
        unavailable={**fitted.unavailable, **failed},
    )


def vectors_of(
    new: Catalog, fitted: Pipeline, run: RunOptions
) -> tuple[dict[str, NDArray[np.float32]], dict[str, str]]:
    """Return vectors of the whole catalog in which only the new items' rows are filled in.

    Only the new items are encoded, so an encoder whose vectors depend on the rest of the catalog
    can't be used: it is found out by encoding a few fitted items alone and in company. Without
    vectors of texts new items are compared by their words.

    Returns
    -------
    vectors : mapping of encoder name to float32 array, shape (n_items, dim)
    failed : mapping of encoder to what is wrong with it
    """
    labels = list(fitted.resolved.encoders)
    if not labels:
        return {}, {}
    described = [at for at, text in enumerate(fitted.catalog.texts) if text.strip()]
    known = fitted.catalog.take((described or range(len(fitted.catalog)))[:_COMPANY])
    alone, wrong = _encoded(known, fitted, run)
    together, more = _encoded(known.followed_by(new), fitted, run)
    notes, before = dict.fromkeys([*wrong, *more]), len(fitted.catalog)
    vectors: dict[str, NDArray[np.float32]] = {}
    failed: dict[str, str] = {}
    for label in labels:
        keys = [key for key in (label, title_name(label)) if key in together]
        own = [note for note in notes if note.startswith(f"encoder {label} ")]
        if own:
            failed[f"encoder {label}"] = "; ".join(own)
        elif not all(_alike(alone[key], together[key][: len(known)]) for key in keys):
            why = "its vectors depend on the whole catalog: new items have none until the next fit"
            failed[f"encoder {label}"] = why
        else:
            vectors |= {key: _behind(before, together[key][len(known) :]) for key in keys}
    return {key: rows for key, rows in vectors.items() if rows.shape[1]}, failed


def _behind(before: int, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the rows of new items behind `before` rows of zeros."""
    return np.concatenate([np.zeros((before, rows.shape[1]), dtype=np.float32), rows])


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
    if isinstance(source, FrozenCatalogSource):  # the vectors of what it missed are not at hand
        return FrozenCatalogSource(source.source, source.known_items, dataset.n_items), error
    if "add_items" in fitted.capabilities.get(label, frozenset()):
        longer = copy(source)
        try:
            longer.add_items(dataset)
        except (Exception, SystemExit) as raised:
            log.warning("source %s could not take in new items", label, exc_info=raised)
            error = f"new items could not be taken in: {one_line(raised)}"
        else:
            return longer, ""
    return FrozenCatalogSource(source, len(fitted.catalog), dataset.n_items), error
