"""What an expression computes with: numbers, texts, lists of texts and three-valued flags.

Every value is a column over the items in question, or a constant of them all. A missing value is
unknown, as in SQL: NaN among numbers, code -1 among texts, `UNKNOWN` among flags. Flags are int8,
so that AND is the least, OR the greatest and NOT the mirror image (Kleene, 1938).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec.components.coded import CodedLists, CodedTexts
from crossrec.components.policies import number, seconds
from crossrec.data.catalog import as_list, as_text

FALSE, UNKNOWN, TRUE = 0, 1, 2


@dataclass(frozen=True, eq=False)
class Number:
    """float64 array, shape (n,) or (); NaN is unknown."""

    data: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Flag:
    """int8 array, shape (n,) or (): FALSE, UNKNOWN or TRUE."""

    data: NDArray[np.int8]

    @classmethod
    def of(cls, true: NDArray[np.bool_], known: NDArray[np.bool_] | bool = True) -> Flag:
        """Return what is true where it is known."""
        return cls(np.where(known, np.where(true, TRUE, FALSE), UNKNOWN).astype(np.int8))


@dataclass(frozen=True, eq=False)
class Text:
    """Texts; ``codes`` of shape (n,) or ()."""

    data: CodedTexts

    @property
    def known(self) -> NDArray[np.bool_]:
        """Where there is a text."""
        return self.data.codes >= 0

    @property
    def constant(self) -> str | None:
        """The one text of all items, "" where it is unknown; None for a column."""
        if self.data.codes.ndim:
            return None
        return self.data.names[0] if self.known else ""


@dataclass(frozen=True, eq=False)
class Texts:
    """Lists of texts, one of each item; or the same list for all."""

    data: CodedLists | frozenset[str]


Value = Number | Flag | Text | Texts
#: How each kind of value is called in messages.
KINDS: dict[type, str] = {Number: "number", Flag: "condition", Text: "text", Texts: "list of texts"}


def constant(value: Any) -> Value:
    """Return a value of a request (a user's field, a context) as a constant."""
    if isinstance(value, (bool, np.bool_)):
        return Flag.of(np.array(bool(value)))
    if isinstance(value, (int, float, np.integer, np.floating)):
        return Number(np.array(float(value)))
    if isinstance(value, (list, tuple, set, frozenset)):
        return Texts(frozenset(as_list(list(value))))
    return Text(one_text(as_text(value)))


def one_text(value: str) -> CodedTexts:
    """Return one text for all items; "" is unknown."""
    return CodedTexts(np.array(0 if value else -1), (value,))


def as_flag(value: Value) -> Flag | None:
    """Return a condition as it is, and a field of a request that is missing as unknown."""
    if isinstance(value, Text) and value.constant == "":
        return Flag(np.array(UNKNOWN, dtype=np.int8))
    return value if isinstance(value, Flag) else None


def as_number(value: Value) -> Number | None:
    """Return a number as it is, and a text as the number or the date (seconds) that it writes."""
    if isinstance(value, Text):
        return Number(value.data.map(_read))
    return value if isinstance(value, Number) else None


def _read(text: str) -> float:
    plain = number(text)
    return seconds(text) if np.isnan(plain) else plain


def same_texts(a: Text, b: Text) -> Flag:
    """Return where two texts are equal."""
    one, other = sorted((a.data, b.data), key=lambda column: len(column.names))
    code = other.code_of
    renamed = np.array([*(code.get(name, -2) for name in one.names), -1], dtype=np.int64)
    return Flag.of(renamed[one.codes] == other.codes, a.known & b.known)


def among(value: Text | Texts, names: Iterable[str]) -> Flag:
    """Return where a text is one of `names`, or a list has one of them; no list is an empty one."""
    wanted = frozenset(names)
    if isinstance(value, Text):
        codes = [value.data.code_of[name] for name in wanted if name in value.data.code_of]
        return Flag.of(np.isin(value.data.codes, codes), value.known)
    if isinstance(value.data, frozenset):
        return Flag.of(np.array(bool(value.data & wanted)))
    return Flag.of(value.data.any_of(wanted))


def choice(conditions: list[Flag], options: list[Value], otherwise: Value) -> Value | None:
    """Return the first option whose condition is true; None where the kinds differ.

    Numbers and flags only: texts are compared, not computed.
    """
    kind = type(otherwise)
    if not isinstance(otherwise, (Number, Flag)) or any(type(one) is not kind for one in options):
        return None
    result: Any = otherwise.data
    for condition, option in reversed(list(zip(conditions, options, strict=True))):
        result = np.where(condition.data == TRUE, option.data, result)  # type: ignore[arg-type]
    return Number(result) if isinstance(otherwise, Number) else Flag(result.astype(np.int8))
