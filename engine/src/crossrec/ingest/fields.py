"""Cells of items and users as values: numbers, flags, times and lists, as the schema declares."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from crossrec.data.catalog import as_list, as_text
from crossrec.ingest.times import TimeParser
from crossrec.scenario import ItemField

if TYPE_CHECKING:
    import pandas as pd

_TRUE = {"true", "yes", "y", "t", "1", "1.0"}
_FALSE = {"false", "no", "n", "f", "0", "0.0"}


class FieldReader:
    """Reads fields by the kind that the schema gives them; others stay what they are.

    A cell that does not fit its kind is kept as text and counted: it costs the field its type,
    never the item or the user.

    Parameters
    ----------
    fields : iterable of ItemField
        The declared ones.
    lists : bool
        Whether a category with several values, separated by ``|``, becomes a list. Those of items
        are split where a catalog is made of them.
    """

    def __init__(self, fields: Iterable[ItemField], *, lists: bool = False) -> None:
        self._kinds = {field.name: field.kind for field in fields}
        self._lists = lists
        self._times: dict[str, TimeParser] = {}
        self._misfits: Counter[str] = Counter()

    def cells(self, name: str, column: pd.Series[Any]) -> list[Any]:
        """Return one JSON value for each row, None where there is nothing."""
        values = [cell_value(value) for value in column.tolist()]
        kind = self._kinds.get(name)
        if kind == "number":
            return self._converted(name, values, _number)
        if kind == "flag":
            return self._converted(name, values, _flag)
        if kind == "time":
            return self._seconds(name, column, values)
        if kind == "category" and self._lists:
            return [_several(value) for value in values]
        return values

    def notes(self) -> list[str]:
        """Return one line for each field with cells that do not fit its kind."""
        return [
            f"field {name!r}: {count:,} cells are not {self._kinds[name]}s and were kept as text"
            for name, count in self._misfits.items()
            if count
        ]

    def _converted(self, name: str, values: list[Any], convert: Callable[[Any], Any]) -> list[Any]:
        converted = [None if value is None else convert(value) for value in values]
        for place, (before, after) in enumerate(zip(values, converted, strict=True)):
            if before is not None and after is None:
                self._misfits[name] += 1
                converted[place] = before
        return converted

    def _seconds(self, name: str, column: pd.Series[Any], values: list[Any]) -> list[Any]:
        seconds = self._times.setdefault(name, TimeParser()).parse(column).tolist()
        self._misfits[name] += sum(
            value is not None and math.isnan(second)
            for value, second in zip(values, seconds, strict=True)
        )
        return [
            value if math.isnan(second) else second
            for value, second in zip(values, seconds, strict=True)
        ]


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
    if not stripped:
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


def _several(value: Any) -> Any:
    """Return a text with several values as a list, and everything else as it is."""
    if not isinstance(value, str) or "|" not in value:
        return value
    return list(as_list(value)) or None


def _number(value: Any) -> float | int | None:
    if isinstance(value, (int, float)):
        return value
    try:
        number = float(str(value).replace(",", ""))
    except ValueError:
        return None
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() and "." not in str(value) else number


def _flag(value: Any) -> bool | None:
    text = str(value).strip().lower()
    if text in _TRUE:
        return True
    return False if text in _FALSE else None
