"""The policy `recency_decay`: what is old weighs less."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from crossrec.components.consumption import DAY
from crossrec.components.item_columns import DATES, dates_of
from crossrec.components.policy_context import PolicyContext
from crossrec.components.ranked import Ranked
from crossrec.components.settings import Settings
from pydantic import Field

from crossrec_policies.columns.depth import depth


class RecencyDecayConfig(Settings):
    """Settings of `recency_decay`.

    Attributes
    ----------
    half_life_days : float
        After so many days half of the weight that can go is gone.
    fields : tuple of str
        Fields that say since when an item is there; the first that does counts.
    floor : float
        What is left of the weight of the oldest items.
    """

    half_life_days: Annotated[float, Field(gt=0)] = 14.0
    fields: Annotated[tuple[str, ...], Field(min_length=1)] = DATES
    floor: Annotated[float, Field(ge=0, le=1)] = 0.1


class RecencyDecay:
    """Multiplies scores by ``floor + (1 - floor) * 0.5 ** (age / half_life)``.

    An item without a date gets the median factor of the pool's dated ones: it is neither taken for
    new nor for old. One that comes later is as new as can be.
    """

    def __init__(self, config: RecencyDecayConfig | None = None) -> None:
        self.config = config or RecencyDecayConfig()

    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        """Return the pool ordered by the decayed scores."""
        config = self.config
        dates = dates_of(context.items, config.fields, ranked.index)
        dated = ~np.isnan(dates)
        if not dated.any():
            return ranked
        age = np.maximum(context.now - dates, 0.0) / DAY
        factors = config.floor + (1 - config.floor) * np.power(0.5, age / config.half_life_days)
        factors = np.where(dated, factors, np.median(factors[dated]))

        def details(at: int) -> dict[str, Any]:
            return {"days": round(float(age[at]), 1) if dated[at] else "unknown"}

        return ranked.weighed(factors, "older", first=depth(context), values=details)
