"""The policy `step_limit`: no leaps from one item to the next, of tempo or energy."""

from __future__ import annotations

from math import isnan
from typing import Annotated

import numpy as np
from crossrec.components.policies import number
from crossrec.components.policy_context import PolicyContext
from crossrec.components.ranked import Ranked
from crossrec.components.settings import Settings
from numpy.typing import NDArray
from pydantic import Field

from crossrec_policies.columns.depth import depth
from crossrec_policies.columns.moves import completed, put_off


class StepLimitConfig(Settings):
    """Settings of `step_limit`.

    Attributes
    ----------
    limits : mapping of str to number
        Field → how far apart two items that follow each other may be in it.
    """

    limits: dict[str, Annotated[float, Field(gt=0)]] = Field(
        default_factory=lambda: {"bpm": 20.0, "energy": 0.3}
    )


class StepLimit:
    """Takes for each place the best item within the limits of the one before it.

    The first place follows the last item of the running session, or what the list is about. An item
    that does not say is near to all; where no item left is near the best stands there all the same.
    """

    def __init__(self, config: StepLimitConfig | None = None) -> None:
        self.config = config or StepLimitConfig()

    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        """Return the pool with the first places without leaps; the rest follows in its order."""
        fields = {name: limit for name, limit in self.config.limits.items()
                  if context.items.has(name)}  # fmt: skip
        if not fields or not len(ranked):
            return ranked
        columns = [context.items.numbers(name, number) for name in fields]
        steps = np.stack(columns, axis=1) / np.array(list(fields.values()))
        query, reach = context.query, depth(context)
        before = context.items.catalog.items.indexes((*query.item_ids, *query.session)[-1:])
        start = steps[before[0]] if len(before) and before[0] >= 0 else np.full(len(fields), np.nan)
        order = completed(within_steps(steps[ranked.index], start, reach), len(ranked))
        names = ", ".join(fields)
        return put_off(ranked, order, "too_far", reach, lambda at: {"field": names})


def within_steps(
    steps: NDArray[np.float64], start: NDArray[np.float64], n: int
) -> NDArray[np.int64]:
    """Return the places of the first `n` items in their new order.

    Parameters
    ----------
    steps : float64 array, shape (m, n_fields)
        The fields of each item over their limits, best item first; NaN where one does not say.
    start : float64 array, shape (n_fields,)
        The same of what stands before the list.
    """
    window = min(2 * n, len(steps))
    values, left, last = steps[:window].tolist(), list(range(window)), start.tolist()
    order: list[int] = []
    # Plain lists: what is near stands among the first few.
    while left and len(order) < n:
        place = next((place for place, at in enumerate(left) if _near(values[at], last)), 0)
        at = left.pop(place)
        order.append(at)
        last = [old if isnan(new) else new for new, old in zip(values[at], last, strict=True)]
    return np.array(order, dtype=np.int64)


def _near(one: list[float], other: list[float]) -> bool:
    """Return whether no field of two items is more than its limit apart; NaN is near to all."""
    near = True
    for own, theirs in zip(one, other, strict=True):
        near = near and not abs(own - theirs) > 1.0
    return near
