"""What a request is about: given items, an entity, a list to put in order, part of a history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from crossrec.components.query import Entity, Query
from crossrec.data.vocabulary import Vocabulary
from crossrec.errors import UsageError
from crossrec.pipeline.config import RowsConfig
from crossrec.pipeline.history_rows import History, Row, row_of
from crossrec.pipeline.pipeline import Pipeline, ServedSurface
from crossrec.pipeline.serving import Serving

#: Items that are named of those that a list is about, at most.
_NAMED = 3
#: Items that stand for an entity: those that most people chose.
_SEEDS = 50


def _nothing() -> NDArray[np.int64]:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Subject:
    """What the list of one request is about.

    Attributes
    ----------
    about : int64 array
        Items that candidates are related to.
    excluded : int64 array
        Those of them that are no candidates.
    within : int64 array or None
        The only candidates, in the order in which they were given; all items where None.
    notes : tuple of str
        What of it is not known.
    named : int64 array
        Items that stand for what it is about.
    missing : str
        Why there is nothing to make a list about; "" where there is.
    """

    about: NDArray[np.int64] = field(default_factory=_nothing)
    excluded: NDArray[np.int64] = field(default_factory=_nothing)
    within: NDArray[np.int64] | None = None
    notes: tuple[str, ...] = ()
    named: NDArray[np.int64] = field(default_factory=_nothing)
    missing: str = ""

    def outside(self, n_items: int) -> NDArray[np.int64]:
        """Return the items that are no candidates since they are not `within`, ascending."""
        if self.within is None:
            return _nothing()
        left = np.ones(n_items, dtype=bool)
        left[self.within] = False
        return np.flatnonzero(left)


def subject_of(serving: Serving, surface: ServedSurface, query: Query, history: History) -> Subject:
    """Return what a query on a surface is about.

    Raises
    ------
    UsageError
        If it asks for a row that the surface does not have.
    """
    rows = surface.plan.config.rows
    if rows is not None:
        return _of_row(row_of(serving, rows, history, query.row), rows, history)
    if query.row > 1:
        raise UsageError(f"surface {surface.plan.name!r} has one row: leave the row out")
    vocabulary, notes = serving.pipeline.catalog.items, list[str]()
    given = known_items(vocabulary, query.item_ids, "given items", notes)
    if query.entity is not None:
        return _of_entity(serving, surface, query.entity)
    if surface.plan.config.input == "list":
        order = given[np.sort(np.unique(given, return_index=True)[1])]
        return Subject(within=order, notes=tuple(notes))
    return Subject(given, given, notes=tuple(notes), named=given[:_NAMED])


def _of_row(row: Row | str, rows: RowsConfig, history: History) -> Subject:
    """Return a part of the history as a subject; without one there are no candidates.

    What a list about a group may show of the history is the group.
    """
    if isinstance(row, str):
        return Subject(within=_nothing(), missing=row)
    others = np.setdiff1d(history.items, row.items)
    return Subject(row.items, row.items if rows.by == "item" else others, named=row.named)


def _of_entity(serving: Serving, surface: ServedSurface, entity: Entity) -> Subject:
    """Return an entity as a subject: on a surface about items the best known ones stand for it."""
    has = serving.items.has(entity.field)
    items = serving.items.entities(entity.field).items(entity.value) if has else _nothing()
    notes = () if len(items) else (f"no item has {entity.field} {entity.value!r}",)
    if surface.plan.about_items:
        return Subject(_best_known(serving.pipeline, items), notes=notes)
    return Subject(within=items, notes=notes)


def _best_known(pipeline: Pipeline, items: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the items that most people chose, the best known last, as in a history."""
    order = np.argsort(-pipeline.people[items], kind="stable")[:_SEEDS]
    return items[order][::-1]


def known_items(
    vocabulary: Vocabulary, ids: Sequence[str], what: str, notes: list[str]
) -> NDArray[np.int64]:
    """Return the items that the catalog has, and note how many it lacks."""
    items = vocabulary.indexes(ids)
    unknown = int((items < 0).sum())
    if unknown:
        notes.append(f"{unknown} of {len(items)} {what} are not in the fitted catalog")
    return items[items >= 0]
