"""How much each event counts: the one place where strengths and values become weights."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crossrec.scenario import EventType, Scenario


def event_weights(
    types: NDArray[np.int64], values: NDArray[np.float64], scenario: Scenario
) -> NDArray[np.float32]:
    """Return the signed weight of each event.

    The weight is the strength of its type, multiplied by a factor of its value: a rating mapped to
    [-1, 1] over the type's `value_range`, a portion within [0, 1], seconds as
    ``min(seconds / value_cap, 1)``. Counts and money do not scale, nor does a missing value (NaN).

    Parameters
    ----------
    types : int64 array, shape (n,)
        Index into ``scenario.events``.
    values : float64 array, shape (n,)
        NaN where an event has none.

    Returns
    -------
    float32 array, shape (n,)
    """
    strengths = np.array([event.strength for event in scenario.events], dtype=np.float64)
    weights = strengths[types]
    for index in np.flatnonzero(np.bincount(types, minlength=len(strengths))).tolist():
        event = scenario.events[index]
        if not _scales(event):
            continue
        rows = np.flatnonzero((types == index) & ~np.isnan(values))
        weights[rows] *= _factor(values[rows], event)
    return weights.astype(np.float32)


def _scales(event: EventType) -> bool:
    """Whether the value of this type changes its weight."""
    return (
        event.value == "portion"
        or (event.value == "rating" and event.value_range is not None)
        or (event.value == "seconds" and event.value_cap is not None)
    )


def _factor(values: NDArray[np.float64], event: EventType) -> NDArray[np.float64]:
    """Return what to multiply the strength with."""
    if event.value == "rating" and event.value_range is not None:
        low, high = event.value_range
        return np.clip(2.0 * (values - low) / (high - low) - 1.0, -1.0, 1.0)
    if event.value == "seconds" and event.value_cap is not None:
        return np.clip(values / event.value_cap, 0.0, 1.0)
    return np.clip(values, 0.0, 1.0)
