"""An expression: parsed once, checked, and computed for all items at a time."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from crossrec.components.live_items import LiveItems
from crossrec.errors import UsageError
from crossrec.expressions.compare import ExpressionError
from crossrec.expressions.scope import Compute, Scope
from crossrec.expressions.values import KINDS, Number, Value, as_flag

#: Longest expression, in characters: nothing is as long that a person has written.
LONGEST = 4_000
#: How much of it a message repeats.
_SHOWN = 200
_TOO_DEEP = "this is nested too deep: write it flatter"


@dataclass(frozen=True, eq=False)
class Expression:
    """A condition, or the number that a boost multiplies by.

    Attributes
    ----------
    text : str
    fields : tuple of (str, int)
        The item fields that are read, and where they stand in the text.
    user_fields : tuple of str
        The fields of the user that are read.
    """

    text: str
    fields: tuple[tuple[str, int], ...]
    compute: Compute
    user_fields: tuple[str, ...] = ()

    def check(self, items: LiveItems) -> None:
        """Refuse fields that no item of the catalog can have.

        Raises
        ------
        UsageError
            Names the field, where it stands, and those that are alike.
        """
        known = items.fields()
        for name, at in self.fields:
            if name not in known:
                near = get_close_matches(name, known, n=3) or sorted(known)
                message = f"no item has a field {name!r}: there are {', '.join(near)}"
                raise UsageError(pointed(self.text, message, at))

    def true(self, scope: Scope) -> NDArray[np.int8]:
        """Return where a condition holds, int8 (n,): FALSE, UNKNOWN or TRUE.

        Raises
        ------
        UsageError
            If it is no condition, or compares what cannot be compared.
        """
        value = self._value(scope)
        flags = as_flag(value)
        if flags is None:
            raise UsageError(f"{self.text!r} is a {KINDS[type(value)]}: a filter is a condition")
        return np.broadcast_to(flags.data, (len(scope),))

    def factor(self, scope: Scope) -> NDArray[np.float64]:
        """Return a boost, float64 (n,), not below 0; 1 where it is unknown.

        Raises
        ------
        UsageError
            If it is no number, or compares what cannot be compared.
        """
        value = self._value(scope)
        if not isinstance(value, Number):
            raise UsageError(
                f"{self.text!r} is a {KINDS[type(value)]}: a boost is a number, such as "
                "CASE WHEN brand = 'Acme' THEN 2 ELSE 1 END"
            )
        factors = np.broadcast_to(np.asarray(value.data, dtype=np.float64), (len(scope),))
        return np.where(np.isfinite(factors), np.maximum(factors, 0.0), 1.0)

    def _value(self, scope: Scope) -> Value:
        try:
            with np.errstate(all="ignore"):  # 1 / 0 is unknown, and so is the root of -1
                return self.compute(scope)
        except ExpressionError as error:
            raise UsageError(pointed(self.text, error.message, error.at)) from None
        except RecursionError:
            raise UsageError(pointed(self.text, _TOO_DEEP, None)) from None


@lru_cache(maxsize=256)
def parse_expression(text: str) -> Expression:
    """Return the expression that `text` writes.

    Raises
    ------
    UsageError
        Says what is wrong and where: a syntax error, a name that nothing has, what no expression
        may hold.
    """
    from sqlglot import parse
    from sqlglot.errors import ParseError, SqlglotError

    from crossrec.expressions.operations import compiled

    if not text.strip():
        raise UsageError("an expression is empty: write a condition such as price < 20")
    if len(text) > LONGEST:
        raise UsageError(f"an expression has {len(text)} characters, {LONGEST} at most")
    try:
        trees = [tree for tree in parse(text) if tree is not None]
        if len(trees) != 1:
            raise ExpressionError("write one expression alone", None)
        compute, fields, user_fields = compiled(trees[0])
    except ExpressionError as error:
        raise UsageError(pointed(text, error.message, error.at)) from None
    except ParseError as error:
        found = error.errors[0] if error.errors else {}
        at = len(str(found["start_context"])) if found.get("start_context") else None
        message = str(found.get("description") or "this is no expression")
        raise UsageError(pointed(text, _plain(message), at)) from None
    except SqlglotError as error:
        raise UsageError(pointed(text, f"this is no expression ({error})", None)) from None
    except RecursionError:
        raise UsageError(pointed(text, _TOO_DEEP, None)) from None
    return Expression(text, fields, compute, user_fields)


def pointed(text: str, message: str, at: int | None) -> str:
    """Return a message in one line that says where in `text` it is about."""
    where = "" if at is None else f", character {at + 1}"
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return f"{shown!r}{where}: {message}"


def _plain(message: str) -> str:
    """Return a parser's message without the names of its classes."""
    if message.startswith("Required keyword"):
        return "something is missing beside this operator"
    return message.rstrip(".")
