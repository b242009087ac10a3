"""The scale that a source's ratings are on, and how they become the scenario's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossrec.scenario import EventType

#: Highest ratings that scales end in.
_TOPS = (1.0, 5.0, 6.0, 7.0, 10.0, 20.0, 100.0)
_SETTLE = "settle it with --value-scale LOW:HIGH"


@dataclass(frozen=True)
class Scale:
    """A scale of a source and what it is mapped to.

    Attributes
    ----------
    low, high : float
        Of the source.
    target : (float, float)
        Of the scenario.
    most : float
        Highest value that is accepted: a portion above 1 is one that went round again.
    note : str
        What was found out; "" where the source has the scenario's scale.
    cause : str
        What values outside are rejected for.
    """

    low: float
    high: float
    target: tuple[float, float]
    most: float
    note: str
    cause: str

    def mapped(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return values of the source on the scenario's scale."""
        low, high = self.target
        if (self.low, self.high) == self.target:
            return values
        return low + (values - self.low) * ((high - low) / (self.high - self.low))


def found_scale(
    event: EventType,
    target: tuple[float, float],
    values: NDArray[np.float64],
    given: tuple[float, float] | None,
) -> Scale:
    """Return the scale of a source's first values, or the one that is given.

    Parameters
    ----------
    target : (float, float)
        The scale that the event type declares.
    values : float64 array
        Finite, at least one.
    """
    low, high = given or (
        _scale_of_portions(values) if event.value == "portion" else _scale_of(values, target)
    )
    most = np.inf if event.value == "portion" and given is None else high
    noun = f"{event.name}s" if event.value == "rating" else "portions"
    note = ""
    if (low, high) != target:
        said = "" if given else f" ({_SETTLE})"
        note = f"{noun} from {low:g} to {high:g}, read as {target[0]:g} to {target[1]:g}{said}"
    return Scale(low, high, target, most, note, f"{event.value} outside of {low:g} to {high:g}")


def _scale_of_portions(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return 0 to 100 where most portions are above 1; a few may be, of what was played again."""
    positive = values[values > 0]
    percent = len(positive) > 0 and float(np.median(positive)) > 1.5 and float(values.max()) > 10
    return (0.0, 100.0) if percent else (0.0, 1.0)


def _scale_of(values: NDArray[np.float64], target: tuple[float, float]) -> tuple[float, float]:
    """Return the scale that ratings seem to be on.

    Zeros are no rating on most scales, but a sign that none was given: they are left outside.
    """
    lowest, highest = float(values.min()), float(values.max())
    low, high = target
    if low <= lowest and highest <= high:
        return target
    if lowest < 0:
        most = max(-lowest, highest)
        top = next((top for top in _TOPS if top >= most), None)
        return target if top is None else (-top, top)
    given = values[values > 0]
    least = float(given.min()) if len(given) else lowest
    if highest <= 1.0 and (least < 1.0 or len(given) < len(values)) and high > 1.0:
        return 0.0, 1.0
    if highest <= high:
        return (0.5, high) if least == 0.5 and low > 0.5 else target
    top = next((top for top in _TOPS if top >= highest), None)
    if top is None:
        return target
    if top == 100.0:
        return 0.0, 100.0
    return (0.5 if least < 1.0 else 1.0), top
