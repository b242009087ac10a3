"""A wish: what free words were understood as."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["avoid", "only", "prefer", "less", "range"]
_FIELD = re.compile(r"[A-Za-z_]\w*")
#: What a preference multiplies scores by, and what is wanted less; chosen by
#: ``benchmarks/language.py`` on validation users.
PREFERRED, LESS = 1.5, 0.5


@dataclass(frozen=True)
class Part:
    """One part of a wish.

    Attributes
    ----------
    kind : str
        ``avoid``, ``only`` and ``range`` hold for every item of a list; ``prefer`` and ``less``
        move items.
    words : str
        What was written.
    expression : str
        A condition over the item; what it means.
    """

    kind: Kind
    words: str
    expression: str

    @property
    def holds(self) -> bool:
        """Whether every item of a list has to meet it."""
        return self.kind in ("avoid", "only", "range")


@dataclass(frozen=True)
class Wish:
    """Free words, understood.

    Attributes
    ----------
    words : str
        As they were written.
    text : str
        What remains of them as a description, for the encoder.
    parts : tuple of Part
    notes : tuple of str
        What could not be understood, or cannot be checked here.
    """

    words: str
    text: str
    parts: tuple[Part, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def filter(self) -> str:
        """The condition that every item meets; "" for none."""
        return " AND ".join(f"({part.expression})" for part in self.parts if part.holds)

    @property
    def boost(self) -> str:
        """What scores are multiplied by; "" for nothing."""
        factors = {"prefer": PREFERRED, "less": LESS}
        return " * ".join(
            f"CASE WHEN {part.expression} THEN {factors[part.kind]} ELSE 1 END"
            for part in self.parts
            if part.kind in factors
        )

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "words": self.words,
            "text": self.text,
            "filter": self.filter,
            "boost": self.boost,
            "parts": [vars(part) for part in self.parts],
            "notes": list(self.notes),
        }


def has_one(field: str, values: Iterable[str]) -> str:
    """Return the condition that a field has one of these values."""
    return f"{named(field)} IN ({', '.join(map(quoted, values))})"


def quoted(text: str) -> str:
    """Return a text as a constant of an expression."""
    return "'" + text.replace("'", "''") + "'"


def named(field: str) -> str:
    """Return a field as an expression names it."""
    return field if _FIELD.fullmatch(field) else f'item."{field.replace(chr(34), chr(34) * 2)}"'
