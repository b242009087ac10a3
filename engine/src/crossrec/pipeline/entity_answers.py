"""Answers that are values of a field: artists, albums, authors, topics, each with its best items.

A value is scored by the places of its items in the ranked list, so that whatever ranks items, their
policies and their filters hold for artists and authors as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from crossrec.components.live_items import Entities, LiveItems
from crossrec.components.query import Query
from crossrec.components.slate import Example, SlateItem
from crossrec.data.catalog import as_text
from crossrec.numeric.ragged import Ragged

#: Items that are named with an answered value.
_EXAMPLES = 3
#: Added to each place: how slowly an item counts less the later it stands.
_DEPTH = 10.0


@dataclass(frozen=True, eq=False)
class Answered:
    """Values of a field in their order.

    Attributes
    ----------
    codes : int64 array
        Indexes into the names of the field's values.
    places : Ragged, a row a value
        Where its items stand in the ranked list, the best first.
    left_out : int
        Values that the request leaves out.
    """

    codes: NDArray[np.int64]
    places: Ragged
    left_out: int

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def best(self) -> NDArray[np.int64]:
        """Where the best item of each value stands in the ranked list."""
        return self.places.values[self.places.indptr[:-1]]


NONE = Answered(np.zeros(0, dtype=np.int64), Ragged.empty(0), 0)


def answered_entities(
    items: LiveItems,
    field: str,
    index: NDArray[np.int64],
    supported: NDArray[np.bool_],
    about: NDArray[np.int64],
    query: Query,
) -> Answered:
    """Return the values of a field that ranked items have, the best first.

    A value counts the sum of ``1 / (10 + place)`` over its items that a source supports. Values of
    the items that the list is about are left out, and those that the query excludes.

    Parameters
    ----------
    index : int64 array, shape (n,)
        The ranked items.
    supported : bool array, shape (n,)
        Whether a source proposed the item; the others count for next to nothing.
    """
    if not items.has(field) or not len(index):
        return NONE
    entities = items.entities(field)
    rows = entities.codes.take(index)
    unwanted = _codes(entities, (*query.exclude, *query.shown))
    unwanted = np.union1d(unwanted, entities.codes.take(about).values)
    weights = np.where(supported, 1.0, 1e-9) / (_DEPTH + np.arange(len(index)))
    totals = np.bincount(rows.values, weights[rows.row_of], minlength=len(entities.names))
    # Ragged rows are ascending in their places, so a stable sort keeps the best item first.
    by_value = np.argsort(rows.values, kind="stable")
    found, counts = np.unique(rows.values, return_counts=True)
    places = Ragged(np.concatenate([[0], np.cumsum(counts)]), rows.row_of[by_value])
    kept = np.flatnonzero(~np.isin(found, unwanted))
    order = kept[np.lexsort((places.values[places.indptr[kept]], -totals[found[kept]]))]
    return Answered(found[order], places.take(order), len(found) - len(kept))


def _codes(entities: Entities, names: Sequence[str]) -> NDArray[np.int64]:
    """Return the codes of the names that are values."""
    wanted = {name.casefold() for name in names}
    found = [code for code, name in enumerate(entities.names) if name in wanted] if wanted else []
    return np.array(found, dtype=np.int64)


def as_entities(
    shown: Sequence[SlateItem],
    answered: Answered,
    items: LiveItems,
    field: str,
    index: NDArray[np.int64],
) -> tuple[SlateItem, ...]:
    """Return the answer with the values of the field in place of their best items.

    Parameters
    ----------
    shown : sequence of SlateItem
        The best item of each value.
    """
    entities = items.entities(field) if shown else None
    found = []
    for row, item in enumerate(shown):
        assert entities is not None
        folded = entities.names[int(answered.codes[row])]
        name = next(one for one in entities.of(item.index) if one.casefold() == folded)
        best = index[answered.places.row(row)[:_EXAMPLES]].tolist()
        examples = tuple(
            Example(items.catalog.items.id(one), as_text(items.value(items.schema.title, one)))
            for one in best
        )
        found.append(replace(item, item_id=name, title=name, examples=examples))
    return tuple(found)


def short_of_entities(answered: Answered, field: str, n_items: int, k: int) -> str:
    """Say why there are fewer than k values; "" where there are k."""
    n = len(answered)
    if n >= k:
        return ""
    left = f", {answered.left_out} of which are left out" if answered.left_out else ""
    values = n + answered.left_out
    return f"only {n} of {k}: {n_items} candidates have {values} values of {field}{left}"
