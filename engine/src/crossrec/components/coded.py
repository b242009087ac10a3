"""Columns of texts as numbers, so that they are compared as arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from crossrec.numeric.ragged import IntArray, Ragged, offsets

#: Functions of a column's texts whose values are kept.
_KEPT = 16


@dataclass(frozen=True, eq=False)
class CodedTexts:
    """One text of each item, or none.

    Attributes
    ----------
    codes : int64 array, any shape
        Index into `names`; -1 where there is no text.
    names : tuple of str
        Distinct texts.
    """

    codes: IntArray
    names: tuple[str, ...]
    _kept: dict[Callable[[str], float], NDArray[np.float64]] = field(default_factory=dict)

    @classmethod
    def of(cls, values: Iterable[str]) -> CodedTexts:
        """Return the column of these texts, "" for none."""
        known: dict[str, int] = {}
        codes = [known.setdefault(value, len(known)) if value else -1 for value in values]
        return cls(np.array(codes, dtype=np.int64), tuple(known))

    @cached_property
    def code_of(self) -> dict[str, int]:
        """Text → code."""
        return {name: code for code, name in enumerate(self.names)}

    def replaced(self, item: int, value: str) -> CodedTexts:
        """Return the column with another text for one item."""
        names = self.names
        code = self.code_of.get(value, len(names)) if value else -1
        if code == len(names):
            names = (*names, value)
        codes = self.codes.copy()
        codes[item] = code
        return CodedTexts(codes, names)

    def take(self, items: IntArray) -> CodedTexts:
        """Return the texts of some items."""
        return CodedTexts(self.codes[items], self.names, self._kept)

    def map(self, function: Callable[[str], float]) -> NDArray[np.float64]:
        """Return a number for each text, computed once for every distinct one; NaN for none.

        What the last functions made of the texts is kept, so that a filter is quick when it comes
        again.
        """
        of_name = self._kept.get(function)
        if of_name is None:
            of_name = np.array([*(function(name) for name in self.names), np.nan], np.float64)
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            self._kept[function] = of_name
        return of_name[self.codes]


@dataclass(frozen=True, eq=False)
class CodedLists:
    """Several texts of each item.

    Attributes
    ----------
    codes : Ragged of int64, a row an item
        Indexes into `names`.
    names : tuple of str
    """

    codes: Ragged
    names: tuple[str, ...]

    @classmethod
    def of(cls, rows: Iterable[Sequence[str]]) -> CodedLists:
        """Return the column of these lists."""
        known: dict[str, int] = {}
        flat: list[int] = []
        lengths = []
        for row in rows:
            flat += [known.setdefault(name, len(known)) for name in row]
            lengths.append(len(row))
        codes = Ragged(offsets(np.array(lengths, np.int64)), np.array(flat, np.int64))
        return cls(codes, tuple(known))

    def replaced(self, item: int, values: Sequence[str]) -> CodedLists:
        """Return the column with another list for one item."""
        known = {name: code for code, name in enumerate(self.names)}
        new = np.array([known.setdefault(name, len(known)) for name in values], dtype=np.int64)
        start, end = self.codes.indptr[item], self.codes.indptr[item + 1]
        old = self.codes.values
        codes = np.concatenate([old[:start], new, old[end:]])
        indptr = self.codes.indptr.copy()
        indptr[item + 1 :] += len(new) - (end - start)
        return CodedLists(Ragged(indptr, codes), tuple(known))

    def take(self, items: IntArray) -> CodedLists:
        """Return the lists of some items."""
        return CodedLists(self.codes.take(items), self.names)

    def any_of(self, names: Iterable[str]) -> NDArray[np.bool_]:
        """Return which items have at least one of these texts, bool (n_items,)."""
        wanted = set(names)
        chosen = np.fromiter((name in wanted for name in self.names), bool, len(self.names))
        found = np.zeros(len(self.codes), dtype=bool)
        if chosen.any():
            found[self.codes.row_of[chosen[self.codes.values]]] = True
        return found
