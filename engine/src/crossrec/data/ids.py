"""The one rule for ids: what a cell or a request's value is as an id, and what is none.

Files, tables in memory and requests all go through it, so that an id that is written in two ways
meets itself.
"""

from __future__ import annotations

import math
import numbers
import re
from typing import Any

from crossrec.errors import UsageError

#: The longest id that is accepted, in characters.
MAX_LENGTH = 1_024
#: How databases, spreadsheets and data frames write that there is nothing.
NULL_MARKERS = frozenset(
    {
        *("\\N", "NULL", "Null", "null", "(null)", "<null>", "NIL", "nil", "undefined"),
        *("NaN", "nan", "NAN", "-NaN", "-nan", "NaT", "None", "NONE", "none", "<NA>", "NA"),
        *("N/A", "n/a", "#N/A", "#NULL!", "#VALUE!", "#REF!"),
    }
)
_WHOLE = re.compile(r"[+-]?\d+\.0+")
_FRACTION = re.compile(r"[+-]?\d*\.\d+")
# What surrounds a text and cannot be seen: white space, byte order marks, zero-width spaces.
_UNSEEN = "\ufeff\u200b"


def trimmed(text: str) -> str:
    """Return a text without white space and unseen marks around it."""
    text = text.strip()
    return text if not text or text.isascii() else text.strip(_UNSEEN).strip()


def is_whole_float(text: str) -> bool:
    """Whether a text is a whole number that was written as a fraction: ``17850.0``."""
    return _WHOLE.fullmatch(text) is not None


def is_fraction(text: str) -> bool:
    """Whether a text is a number with a part after the point that is not zero."""
    return _FRACTION.fullmatch(text) is not None and not is_whole_float(text)


def is_id(value: Any) -> bool:
    """Whether a value is of a kind that can be an id: text or a number, no flag and no list."""
    return isinstance(value, (str, bytes, numbers.Number)) and not _is_flag(value)


def id_text(value: Any) -> str:
    """Return a value as an id: trimmed text, whole numbers without a fraction, "" where none.

    A column of whole numbers with gaps reaches us as 17850.0; as text it would be "17850".
    """
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        text = trimmed(value)
        return "" if text in NULL_MARKERS else text
    if value is None:
        return ""
    if isinstance(value, numbers.Real) and not isinstance(value, numbers.Integral):
        number = float(value)
        if not math.isfinite(number):
            return ""
        if number.is_integer():
            return str(int(number))
    text = str(value)
    return "" if text in NULL_MARKERS else text


def requested_id(name: str, value: Any) -> str:
    """Return an id of a request, by the rule that files are read with.

    A text stays what it is but for white space around it: an unknown id is no error.

    Raises
    ------
    UsageError
        For what can be no id: None, a flag, a list or an object.
    """
    if type(value) is str:
        return trimmed(value)
    text = id_text(value) if is_id(value) else ""
    if not text:
        raise UsageError(f"{name} must be an id, a text or a whole number, not {value!r}")
    return text


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool) or type(value).__name__ == "bool"
