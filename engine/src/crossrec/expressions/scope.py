"""Where an expression finds its fields: items, and the user, history and context of a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from crossrec.components.live_items import LiveItems
from crossrec.components.policies import flag, number, seconds
from crossrec.expressions.values import Flag, Number, Text, Texts, Value, constant, one_text
from crossrec.numeric.ragged import IntArray

#: How the value of a declared field is read.
_PARSERS = {"number": number, "time": seconds}


@dataclass(frozen=True, eq=False)
class Scope:
    """The fields of one request.

    Attributes
    ----------
    items : LiveItems
    now : float
        Seconds since 1970.
    index : int64 array, shape (n,), or None
        The items in question; all where None.
    history : int64 array
        Items of the history, oldest first.
    user, context : mapping
        The row of the users table, and what is known of the moment.
    """

    items: LiveItems
    now: float
    index: IntArray | None = None
    history: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    user: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.items) if self.index is None else len(self.index)

    def item(self, name: str) -> Value:
        """Return a field of the items in question."""
        return self._of(name, self.index)

    def request(self, root: str, name: str) -> Value:
        """Return a field of the user or of the context; unknown where there is none."""
        fields = self.user if root == "user" else self.context
        value = fields.get(name)
        return Text(one_text("")) if value is None else constant(value)

    def past(self, name: str) -> Value:
        """Return what the items of the history hold: the mean of a number, else all texts.

        ``length`` is their number.
        """
        if name == "length":
            return Number(np.array(float(len(self.history))))
        found = self._of(name, self.history)
        if isinstance(found, (Number, Flag)):
            data = found.data.astype(np.float64)
            if isinstance(found, Flag):
                data = np.where(data == 1, np.nan, data / 2)
            known = data[~np.isnan(data)]
            return Number(np.array(known.mean() if len(known) else np.nan))
        if isinstance(found, Text):
            codes = np.unique(found.data.codes)
            return Texts(frozenset(found.data.names[code] for code in codes.tolist() if code >= 0))
        assert not isinstance(found.data, frozenset)
        codes = np.unique(found.data.codes.values)
        return Texts(frozenset(found.data.names[code] for code in codes.tolist()))

    def _of(self, name: str, index: IntArray | None) -> Value:
        """Return a field of some items in the kind that is declared, or that its values have."""
        kind = kind_of(self.items, name)
        if kind in _PARSERS:
            data = self.items.numbers(name, _PARSERS[kind])
            return Number(data if index is None else data[index])
        if kind == "flag":
            data = self.items.numbers(name, flag)
            chosen = data if index is None else data[index]
            return Flag.of(chosen == 1, ~np.isnan(chosen))
        if kind == "category":
            rows = self.items.lists(name)
            return Texts(rows if index is None else rows.take(index))
        texts = self.items.texts(name)
        return Text(texts if index is None else texts.take(index))


def kind_of(items: LiveItems, name: str) -> str:
    """Return the kind of an item field: declared, else what its values look like."""
    if name == items.schema.title:
        return "text"
    if name == items.schema.categories:
        return "category"
    declared = items.schema.field(name)
    return items.seems(name) if declared is None else declared.kind


Compute = Callable[[Scope], Value]
