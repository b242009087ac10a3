"""The policy `fatigue`: what was shown in vain weighs less, what somebody wants less of goes."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from crossrec.components.consumption import DAY
from crossrec.components.item_columns import values_of
from crossrec.components.policy_context import PolicyContext
from crossrec.components.ranked import Ranked
from crossrec.components.settings import Settings
from numpy.typing import NDArray
from pydantic import Field

from crossrec_policies.columns.depth import depth
from crossrec_policies.columns.impressions import impressions_of

FloatArray = NDArray[np.float64]


class FatigueConfig(Settings):
    """Settings of `fatigue`.

    Attributes
    ----------
    impressions : int
        Impressions without an answer after which an item loses weight, and as many again for each
        further loss; 0 counts none.
    factor : float
        What each loss leaves.
    half_life_days : float
        Half of a loss is forgotten after so many days without an impression.
    see_less : tuple of str
        Event types by which a user wants less of all items that share `field` with theirs.
    field : str
        What items of one kind share; "" for the creator.
    out_days : float
        Days during which nothing of that kind is shown.
    discount_days : float
        Days after that during which it weighs less, from `discount` up to 1.
    discount : float
        What is left of its weight at first.
    """

    impressions: Annotated[int, Field(ge=0)] = 5
    factor: Annotated[float, Field(ge=0, le=1)] = 0.5
    half_life_days: Annotated[float, Field(gt=0)] = 7.0
    see_less: tuple[str, ...] = ("not_interested", "see_less")
    field: str = ""
    out_days: Annotated[float, Field(ge=0)] = 14.0
    discount_days: Annotated[float, Field(ge=0)] = 140.0
    discount: Annotated[float, Field(ge=0, le=1)] = 0.2


class Fatigue:
    """Weighs down what was shown in vain, and what is like something a user wants less of.

    Impressions come from the decision log: without one there are none. An item that the user has
    any positive event for was not shown in vain. "See less" is out for 14 days and discounted for
    140, as in the ranking of X (2023); a later positive event on an item of that kind ends it. The
    item itself is what the scenario's events say; this is about all others of its kind.
    """

    def __init__(self, config: FatigueConfig | None = None) -> None:
        self.config = config or FatigueConfig()

    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        """Return the pool without what is out, and with what is tired further behind."""
        age, names = self._wanted_less(ranked.index, context)
        out = age < self.config.out_days
        values = [
            {"value": names[at], "days": round(float(age[at]), 1)}
            for at in np.flatnonzero(out).tolist()
        ]
        ranked = ranked.without(out, "less_wanted", values)
        age, names = age[~out], {n: names[at] for n, at in enumerate(np.flatnonzero(~out).tolist())}
        return self._shown_in_vain(self._discounted(ranked, age, names, context), context)

    def _wanted_less(
        self, index: NDArray[np.int64], context: PolicyContext
    ) -> tuple[FloatArray, dict[int, str]]:
        """Return how many days ago less of an item's kind was wanted, infinite if never, and what.

        Of several values of an item the one that was refused last counts.
        """
        age, names = np.full(len(index), np.inf), dict.fromkeys(range(len(index)), "")
        past = context.user.past
        kinds = [at for at, name in enumerate(context.event_types) if name in self.config.see_less]
        refusals = np.isin(past.types, kinds) & (past.weights < 0)
        _, entities = values_of(context.items, self.config.field)
        if entities is None or not refusals.any():
            return age, names
        last: dict[str, float] = {}
        vocabulary = context.items.catalog.items
        for at in np.flatnonzero(refusals | (past.weights > 0)).tolist():
            item = vocabulary.index(past.item_ids[at])
            for name in entities.of(item) if item >= 0 else ():
                if refusals[at]:
                    last[name.casefold()] = float(past.times[at])
                else:
                    last.pop(name.casefold(), None)
        for name, time in last.items():
            days = max(context.now - time, 0.0) / DAY
            for at in np.flatnonzero(np.isin(index, entities.items(name)) & (age > days)).tolist():
                age[at], names[at] = days, name
        return age, names

    def _discounted(
        self, ranked: Ranked, age: FloatArray, names: dict[int, str], context: PolicyContext
    ) -> Ranked:
        """Weigh down what has been out and is not forgotten yet."""
        config = self.config
        if not config.discount_days or not (age < config.out_days + config.discount_days).any():
            return ranked
        back = np.clip((age - config.out_days) / config.discount_days, 0.0, 1.0)
        factors = config.discount + (1 - config.discount) * back

        def details(at: int) -> dict[str, Any]:
            return {"value": names[at], "days": round(float(age[at]), 1)}

        return ranked.weighed(factors, "less_wanted_before", first=depth(context), values=details)

    def _shown_in_vain(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        """Weigh down what was shown often without an answer."""
        config = self.config
        if not config.impressions:
            return ranked
        times, ago = impressions_of(context, ranked.index)
        losses = times // config.impressions
        if not losses.any():
            return ranked
        past = context.user.past
        answered = {past.item_ids[at] for at in np.flatnonzero(past.weights > 0).tolist()}
        id_of = context.items.catalog.items.id
        for at in np.flatnonzero(losses).tolist():
            if id_of(int(ranked.index[at])) in answered:
                losses[at] = 0
        kept = np.power(0.5, ago / (DAY * config.half_life_days))
        factors = 1.0 - (1.0 - np.power(config.factor, losses)) * kept

        def details(at: int) -> dict[str, Any]:
            return {"times": int(times[at])}

        return ranked.weighed(factors, "shown_often", first=depth(context), values=details)
