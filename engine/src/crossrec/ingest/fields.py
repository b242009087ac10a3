"""Cells of items and users as values: numbers, flags, times and lists, as the schema declares."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from crossrec.data.catalog import as_text
from crossrec.ingest.cells import blanked, is_nothing
from crossrec.ingest.faults import short
from crossrec.ingest.lists import UnreadableListError, listed, names
from crossrec.ingest.numbers import NumberReader
from crossrec.ingest.times import TimeParser
from crossrec.scenario import ItemField

if TYPE_CHECKING:
    import pandas as pd

_TRUE = {
    "true",
    "yes",
    "y",
    "t",
    "1",
    "1.0",
    "on",
    "x",
    "✓",
    "✔",
    "ja",
    "oui",
    "si",
    "sí",
    "enabled",
}
_FALSE = {"false", "no", "n", "f", "0", "0.0", "off", "✗", "✘", "nein", "non", "nee", "disabled"}
#: Markers that are nothing in a text too: nobody calls an item so.
_NOTHING = frozenset({"\\N", "NULL", "(null)", "<null>", "NaN", "nan", "<NA>", "#N/A", "NaT"})
#: Those of lists, which have less to say: a list of genres that is "None" is none.
_NO_LIST = frozenset({"None", "null", "N/A", "n/a"})


class FieldReader:
    """Reads fields by the kind that the schema gives them; others stay what they are.

    A cell that does not fit its kind is kept as text and counted: it costs the field its type,
    never the item or the user. Numbers have points or commas as the column shows; lists are read in
    the usual spellings.

    Parameters
    ----------
    fields : iterable of ItemField
        The declared ones.
    """

    def __init__(self, fields: Iterable[ItemField]) -> None:
        self._kinds = {field.name: field.kind for field in fields}
        self._times: dict[str, TimeParser] = {}
        self._numbers: dict[str, NumberReader] = {}
        self._misfits: Counter[str] = Counter()
        self._examples: dict[str, str] = {}

    def cells(self, name: str, column: pd.Series[Any]) -> list[Any]:
        """Return one JSON value for each row, None where there is nothing."""
        values = [cell_value(value) for value in column.tolist()]
        kind = self._kinds.get(name)
        if kind in ("number", "flag", "time"):
            values = [None if isinstance(v, str) and is_nothing(v) else v for v in values]
        if kind == "number":
            reader = self._numbers.setdefault(name, NumberReader())
            given = [value for value in values if value is not None]
            numbers = iter(reader.read(given))
            read = [None if value is None else next(numbers) for value in values]
            return self._fitting(name, values, read)
        if kind == "flag":
            flags = [None if value is None else _flag(value) for value in values]
            return self._fitting(name, values, flags)
        if kind == "time":
            return self._seconds(name, column, values)
        if kind == "category":
            return [self._list(name, value) for value in values]
        return values

    def notes(self) -> list[str]:
        """Return one line for each field with decimal commas, or cells that do not fit its kind."""
        found = [f"field {name!r}: {one.note}" for name, one in self._numbers.items() if one.note]
        for name, count in self._misfits.items():
            if count:
                kind = "list" if self._kinds[name] == "category" else self._kinds[name]
                found.append(
                    f"field {name!r}: {count:,} cells are not {kind}s, such as "
                    f"{self._examples[name]!r}, and were kept as text"
                )
        return found

    def _list(self, name: str, value: Any) -> Any:
        """Return the list that a cell of a category is, or its text."""
        if isinstance(value, (list, dict)):
            return names(value)
        if not isinstance(value, str):
            return value
        if value.strip() in _NO_LIST:
            return None
        try:
            return listed(value)
        except UnreadableListError:
            self._misfit(name, value)
            return value

    def _misfit(self, name: str, value: Any) -> None:
        self._misfits[name] += 1
        self._examples.setdefault(name, short(str(value)))

    def _fitting(self, name: str, values: list[Any], converted: list[Any]) -> list[Any]:
        """Return the converted values, and where there is none what the cell was."""
        for place, (before, after) in enumerate(zip(values, converted, strict=True)):
            if before is not None and after is None:
                self._misfit(name, before)
                converted[place] = before
        return converted

    def _seconds(self, name: str, column: pd.Series[Any], values: list[Any]) -> list[Any]:
        parsed = self._times.setdefault(name, TimeParser()).parse(blanked(column)).tolist()
        seconds = [None if math.isnan(second) else second for second in parsed]
        return self._fitting(name, values, seconds)


def cell_value(value: Any) -> Any:
    """Return a cell as what JSON can hold, None where it is empty."""
    if isinstance(value, str):
        return _text(value)
    if value is None:
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, dict):
        return {str(key): cell_value(part) for key, part in value.items()}
    if isinstance(value, (list, tuple, set, np.ndarray)):
        parts = [cell_value(part) for part in value]
        return [part for part in parts if part is not None] or None
    text = str(value)
    return None if text in ("NaT", "<NA>") else text


def _text(value: str) -> Any:
    """Return a text, or the list that is written in it as JSON."""
    stripped = value.strip()
    if not stripped or stripped in _NOTHING:
        return None
    if stripped.startswith("[") and stripped.endswith("]"):
        try:
            return cell_value(json.loads(stripped))
        except ValueError:
            return value
    return _storable(value)


def written_text(value: Any) -> str:
    """Return a cell as what somebody wrote, "" where it is empty; never a list or a number."""
    text = value if isinstance(value, str) else as_text(cell_value(value))
    return _storable(text.strip())


def _storable(value: str) -> str:
    """Return a text without halves of surrogate pairs, which cannot be stored."""
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")


def _flag(value: Any) -> bool | None:
    text = str(value).strip().lower()
    if text in _TRUE:
        return True
    return False if text in _FALSE else None
