"""The catalog as it is now: the fitted one, under the fields that were written since."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec.components.coded import CodedLists, CodedTexts
from crossrec.data.catalog import Catalog, as_list, as_text
from crossrec.numeric.ragged import IntArray, Ragged, offsets
from crossrec.scenario import FieldKind, ItemSchema

#: Turns a field into a number; NaN where it holds none.
Parse = Callable[[Any], float]


class LiveItems:
    """Columns of the catalog with the store's newest values. Immutable but for its caches.

    Safe for many threads: two of them may compute the same column, which is then the same.

    Parameters
    ----------
    changed : mapping of item index to fields
        Fields that were written after the fit, new ones over old ones.
    """

    def __init__(
        self,
        catalog: Catalog,
        schema: ItemSchema,
        changed: Mapping[int, Mapping[str, Any]] | None = None,
    ) -> None:
        self.catalog, self.schema = catalog, schema
        self.changed = MappingProxyType(dict(changed or {}))
        shown = {
            schema.title: catalog.titles,
            schema.categories: catalog.categories,
            schema.creator: catalog.creators,
        }
        shown.pop("", None)
        self._columns: dict[str, Any] = {**shown, **catalog.attributes}
        self._changed_fields = {name for fields in self.changed.values() for name in fields}
        self._numbers: dict[tuple[str, Parse], NDArray[np.float64]] = {}
        self._texts: dict[str, CodedTexts] = {}
        self._coded_lists: dict[str, CodedLists] = {}
        self._seems: dict[str, FieldKind] = {}
        self._entities: dict[str, Entities] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self.catalog)

    def value(self, name: str, item: int) -> Any:
        """Return one field of one item; None where it has none."""
        own = self.changed.get(item)
        if own is not None and name in own:
            return own[name]
        return self._fitted(name)[item]

    def has(self, name: str) -> bool:
        """Whether any item may have a field."""
        return name in self._columns or name in self._changed_fields

    def fields(self) -> set[str]:
        """Return the names of all fields that an item has or may have."""
        declared = {field.name for field in self.schema.fields}
        return declared | set(self._columns) | self._changed_fields

    def seems(self, name: str) -> FieldKind:
        """Return what the values of an undeclared field look like: number, category (lists), text.

        Looked at once: a later value of another kind is read as what the others are.
        """
        if name not in self._seems:
            given = [value for value in self.values(name) if as_text(value)]
            lists = any(isinstance(value, (list, tuple)) for value in given)
            numbers = all(_is_number(value) for value in given)
            self._seems[name] = "category" if lists else "number" if given and numbers else "text"
        return self._seems[name]

    def texts(self, name: str) -> CodedTexts:
        """Return a field of all items as texts; computed once, and again for what changes."""
        known = self._texts.get(name)
        if known is None:
            known = CodedTexts.of(as_text(value) for value in self.values(name))
            self._texts[name] = known
        return known

    def lists(self, name: str) -> CodedLists:
        """Return a field of all items as lists of texts; kept as `texts` are."""
        known = self._coded_lists.get(name)
        if known is None:
            known = CodedLists.of(as_list(value) for value in self.values(name))
            self._coded_lists[name] = known
        return known

    def values(self, name: str) -> list[Any]:
        """Return a field of all items as it was written; None where there is none."""
        column = self._fitted(name)
        return [
            self.changed[at][name] if name in self.changed.get(at, ()) else column[at]
            for at in range(len(self))
        ]

    def numbers(self, name: str, parse: Parse) -> NDArray[np.float64]:
        """Return a field of all items as numbers, float64 (n_items,); NaN where there is none.

        Parsed once a catalog, and again only for the items that change.
        """
        key = (name, parse)
        known = self._numbers.get(key)
        if known is None:
            column = self._fitted(name)
            if isinstance(column, _Nothing):
                known = np.full(len(self), np.nan)
            else:
                known = np.fromiter((parse(value) for value in column), np.float64, len(self))
            for item, fields in self.changed.items():
                if name in fields:
                    known[item] = parse(fields[name])
            known.flags.writeable = False
            self._numbers[key] = known
        return known

    def entities(self, name: str) -> Entities:
        """Return which items share which values of a field."""
        known = self._entities.get(name)
        if known is None:
            with self._lock:
                if name not in self._entities:
                    self._entities[name] = Entities([as_list(value) for value in self.values(name)])
                known = self._entities[name]
        return known

    def updated(self, changed: Mapping[int, Mapping[str, Any]]) -> LiveItems:
        """Return the catalog with further changes; what was computed is carried over."""
        merged = {**self.changed}
        for item, fields in changed.items():
            merged[item] = {**merged.get(item, {}), **fields}
        fresh = LiveItems(self.catalog, self.schema, merged)
        for (name, parse), column in self._numbers.items():
            touched = {item: fields[name] for item, fields in changed.items() if name in fields}
            if touched:
                column = column.copy()
                for item, value in touched.items():
                    column[item] = parse(value)
                column.flags.writeable = False
            fresh._numbers[name, parse] = column
        fresh._seems = dict(self._seems)
        fresh._texts, fresh._coded_lists = dict(self._texts), dict(self._coded_lists)
        for item, fields in changed.items():
            for name, value in fields.items():
                if name in fresh._texts:
                    fresh._texts[name] = fresh._texts[name].replaced(item, as_text(value))
                if name in fresh._coded_lists:
                    rows = fresh._coded_lists[name].replaced(item, as_list(value))
                    fresh._coded_lists[name] = rows
        names = {name for fields in changed.values() for name in fields}
        fresh._entities.update({k: v for k, v in self._entities.items() if k not in names})
        return fresh

    def _fitted(self, name: str) -> Any:
        """Return the fitted column of a field."""
        return self._columns.get(name, _NOTHING)


def _is_number(value: Any) -> bool:
    try:
        return float(as_text(value)) == float(as_text(value))
    except ValueError:
        return False


class _Nothing:
    """A column in which every value is None."""

    def __getitem__(self, item: int) -> None:
        return None


_NOTHING = _Nothing()


class Entities:
    """Items by the values of one field: all tracks of an artist, all posts of an author.

    Upper and lower case are the same.

    Attributes
    ----------
    names : tuple of str
        The distinct values, folded to lower case.
    codes : Ragged, n_items rows
        The distinct values of each item, as indexes into `names`, in the order of the field.
    """

    def __init__(self, values: list[tuple[str, ...]]) -> None:
        self._values = values
        column = CodedLists.of([*dict.fromkeys(map(str.casefold, names))] for names in values)
        self.names, self.codes = column.names, column.codes.read_only()
        self._code = {name: code for code, name in enumerate(self.names)}
        order = np.argsort(self.codes.values, kind="stable")
        counts = np.bincount(self.codes.values, minlength=len(self.names))
        self._members = Ragged(offsets(counts), self.codes.row_of[order]).read_only()

    def of(self, item: int) -> tuple[str, ...]:
        """Return the values of an item."""
        return self._values[item]

    def items(self, name: str) -> IntArray:
        """Return the items that have this value, int64, ascending."""
        code = self._code.get(name.casefold(), -1)
        return self._members.row(code) if code >= 0 else np.zeros(0, dtype=np.int64)

    def sharing(self, item: int) -> IntArray:
        """Return the items that share a value with `item`, itself included."""
        parts = [self.items(name) for name in self._values[item]]
        own = np.array([item], dtype=np.int64)
        return np.unique(np.concatenate([own, *parts]))
