"""The policy `popularity_debias`: what everybody knows weighs less."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from crossrec.components.policy_context import PolicyContext
from crossrec.components.ranked import Ranked
from crossrec.components.settings import Settings
from pydantic import Field

from crossrec_policies.columns.depth import depth


class PopularityDebiasConfig(Settings):
    """Settings of `popularity_debias`.

    Attributes
    ----------
    power : float
        How much popularity counts: 0 not at all, 1 makes an item that ten times as many people
        know weigh a tenth.
    floor : float
        What is left of any item's weight at least.
    """

    power: Annotated[float, Field(ge=0, le=2)] = 0.1
    floor: Annotated[float, Field(ge=0, le=1)] = 0.1


class PopularityDebias:
    """Multiplies scores by ``((1 + least) / (1 + people)) ** power``.

    `people` is how many had evidence for an item when the events were learnt last, as the fit or
    the last refresh counted them; `least` is that of the pool's least known item.
    """

    def __init__(self, config: PopularityDebiasConfig | None = None) -> None:
        self.config = config or PopularityDebiasConfig()

    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        """Return the pool with well-known items further behind."""
        config = self.config
        if context.people is None or not config.power or not len(ranked):
            return ranked
        people = context.people[ranked.index].astype(np.float64)
        factors = np.power((1.0 + people.min()) / (1.0 + people), config.power)
        factors = np.maximum(factors, config.floor)
        if (factors == factors[0]).all():
            return ranked

        def details(at: int) -> dict[str, Any]:
            return {"people": int(people[at])}

        return ranked.weighed(factors, "well_known", first=depth(context), values=details)
