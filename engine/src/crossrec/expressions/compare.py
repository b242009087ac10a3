"""Comparisons of columns and constants of any kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from crossrec.expressions.values import (
    KINDS,
    TRUE,
    UNKNOWN,
    Flag,
    Number,
    Text,
    Texts,
    Value,
    among,
    as_number,
    same_texts,
)


class ExpressionError(Exception):
    """What is wrong with an expression, and the character at which it stands."""

    def __init__(self, message: str, at: int | None) -> None:
        super().__init__(message)
        self.message, self.at = message, at


def equal(a: Value, b: Value, at: int | None) -> Flag:
    """Return where two values are the same; a list has the text that it is compared with."""
    if isinstance(a, Text) and isinstance(b, Text):
        return same_texts(a, b)
    if isinstance(a, Texts) or isinstance(b, Texts):
        return in_list(a, b, at) if isinstance(b, Texts) else in_list(b, a, at)
    if isinstance(a, Flag) and isinstance(b, Flag):
        return Flag.of(a.data == b.data, (a.data != UNKNOWN) & (b.data != UNKNOWN))
    return ordered(a, b, np.equal, at)


def known(value: Value) -> Any:
    """Return where a value is known, bool; a list is where it is not empty."""
    if isinstance(value, Number):
        return ~np.isnan(value.data)
    if isinstance(value, Flag):
        return value.data != UNKNOWN
    if isinstance(value, Text):
        return value.known
    if isinstance(value.data, frozenset):
        return np.array(bool(value.data))
    return value.data.codes.lengths > 0


def in_list(value: Value, listed: Value, at: int | None) -> Flag:
    """Return where a text is in a list, or two lists share one."""
    if isinstance(listed, Text) and isinstance(value, Text):
        return same_texts(value, listed)
    if isinstance(listed, Text) and isinstance(value, Texts):
        value, listed = listed, value
    if not isinstance(listed, Texts) or not isinstance(value, (Text, Texts)):
        kinds = f"a {KINDS[type(value)]} in a {KINDS[type(listed)]}"
        raise ExpressionError(f"cannot look for {kinds}: only texts are looked for", at)
    if isinstance(listed.data, frozenset):
        return among(value, listed.data)
    names = _names(value)
    if names is None:
        raise ExpressionError("two fields of an item cannot be looked for in one another", at)
    return among(listed, names)


def _names(value: Text | Texts) -> Sequence[str] | frozenset[str] | None:
    """Return the texts of a constant; None for a column."""
    if isinstance(value, Texts):
        return value.data if isinstance(value.data, frozenset) else None
    if value.constant is None:
        return None
    return (value.constant,) if value.constant else ()


def ordered(a: Value, b: Value, function: Callable[..., Any], at: int | None) -> Flag:
    """Compare two numbers, or a number with a text that writes one."""
    one, two = as_number(a), as_number(b)
    if one is None or two is None:
        kinds = f"a {KINDS[type(a)]} with a {KINDS[type(b)]}"
        raise ExpressionError(f"cannot compare {kinds}", at)
    for text, other in ((a, one), (b, two)):
        if isinstance(text, Text) and text.constant and np.isnan(other.data):
            raise ExpressionError(f"{text.constant!r} is no number and no date", at)
    both = ~(np.isnan(one.data) | np.isnan(two.data))
    return Flag.of(function(one.data, two.data), both)


def negated(value: Flag) -> Flag:
    """Return NOT: what is unknown stays so."""
    return Flag((TRUE - value.data).astype(np.int8))
