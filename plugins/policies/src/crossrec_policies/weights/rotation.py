"""The policy `rotation`: what was shown just now gives way for a while."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from crossrec.components.policy_context import PolicyContext
from crossrec.components.ranked import Ranked
from crossrec.components.settings import Settings
from pydantic import Field

from crossrec_policies.columns.depth import depth
from crossrec_policies.columns.impressions import impressions_of


class RotationConfig(Settings):
    """Settings of `rotation`, named as in Recombee's API.

    Attributes
    ----------
    rotation_rate : float
        Share of its weight that an item loses when it is shown; 0 is no rotation, 1 the most.
    rotation_time : float
        Seconds after which it has all of it back.
    """

    rotation_rate: Annotated[float, Field(ge=0, le=1)] = 0.2
    rotation_time: Annotated[float, Field(gt=0)] = 7200.0


class Rotation:
    """Multiplies the score of what was shown to the user by ``1 - rate * (1 - passed / time)``.

    It reads the decision log: without one nothing was shown, and nothing happens.
    """

    def __init__(self, config: RotationConfig | None = None) -> None:
        self.config = config or RotationConfig()

    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        """Return the pool with what was shown lately further behind."""
        config = self.config
        _, ago = impressions_of(context, ranked.index)
        left = np.clip(1.0 - ago / config.rotation_time, 0.0, 1.0)
        if not config.rotation_rate or not left.any():
            return ranked

        def details(at: int) -> dict[str, Any]:
            return {"minutes": round(float(ago[at]) / 60)}

        factors = 1.0 - config.rotation_rate * left
        return ranked.weighed(factors, "shown_lately", first=depth(context), values=details)
