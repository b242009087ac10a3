"""The functions of numbers that an expression may call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from crossrec.expressions.scope import Scope


def finite(values: Any) -> Any:
    """Return numbers; what is none, such as 1 / 0, is unknown."""
    return np.where(np.isfinite(values), values, np.nan)


def _days_since(scope: Scope, values: Sequence[Any]) -> Any:
    return (scope.now - values[0]) / 86_400.0


#: Name → fewest arguments, most, and what computes them.
FUNCTIONS: dict[str, tuple[int, int, Callable[[Scope, Sequence[Any]], Any]]] = {
    "days_since": (1, 1, _days_since),
    "abs": (1, 1, lambda scope, values: np.abs(values[0])),
    "round": (1, 1, lambda scope, values: np.round(values[0])),
    "floor": (1, 1, lambda scope, values: np.floor(values[0])),
    "ceil": (1, 1, lambda scope, values: np.ceil(values[0])),
    "sqrt": (1, 1, lambda scope, values: np.sqrt(values[0])),
    "exp": (1, 1, lambda scope, values: np.exp(values[0])),
    "ln": (1, 1, lambda scope, values: np.log(values[0])),
    "power": (2, 2, lambda scope, values: np.power(values[0], values[1])),
    "least": (2, 99, lambda scope, values: np.minimum.reduce(np.broadcast_arrays(*values))),
    "greatest": (2, 99, lambda scope, values: np.maximum.reduce(np.broadcast_arrays(*values))),
}
