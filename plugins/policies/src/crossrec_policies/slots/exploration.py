"""The policy `exploration`: some places for items of which little is known yet."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from crossrec.components.consumption import DAY
from crossrec.components.item_columns import DATES, dates_of
from crossrec.components.policy_context import PolicyContext
from crossrec.components.ranked import PolicyChange, Ranked
from crossrec.components.settings import Settings
from crossrec.numeric.arrays import among
from numpy.typing import NDArray
from pydantic import Field

from crossrec_policies.slots.places import given_places, placed


class ExplorationConfig(Settings):
    """Settings of `exploration`.

    Attributes
    ----------
    share : float
        Share of the places of a list, evenly spread from the front.
    slots : tuple of int
        These places instead, from 1 on.
    days : float
        Items that are there for so many days at most are new; 0 for none.
    people : int
        Items that so many people at most have chosen are new as well; below 0 for none.
    candidates : int
        At most so many are drawn from: those that came last, of those without a date the least
        known.
    fields : tuple of str
        Fields that say since when an item is there; the first that does counts.
    """

    share: Annotated[float, Field(ge=0, le=1)] = 0.1
    slots: tuple[Annotated[int, Field(ge=1)], ...] = ()
    days: Annotated[float, Field(ge=0)] = 30.0
    people: Annotated[int, Field(ge=-1)] = 5
    candidates: Annotated[int, Field(ge=1)] = 200
    fields: tuple[str, ...] = DATES


class Exploration:
    """Draws new items, each with the same chance, from the whole catalogue, one for each slot.

    What the ranker itself puts into the other places is not drawn, nor what the user knows. So the
    chance that is written down is exact: 1 / candidates for an item in a slot, 1 for all others.
    Policies behind it may still change places.
    """

    def __init__(self, config: ExplorationConfig | None = None) -> None:
        self.config = config or ExplorationConfig()

    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        """Return the pool with new items in some of the first k places."""
        config = self.config
        slots = given_places(config.share, config.slots, context.k)
        if not len(slots):
            return ranked
        new = self._new(context, ranked.index[: context.k - len(slots)])
        if not len(new):
            return ranked
        n = min(len(slots), len(new))
        drawn = context.rng.choice(new, n, replace=False)
        chance = 1.0 / len(new)
        there = among(drawn, np.sort(ranked.index)).tolist()
        changes = [self._change(*one, chance) for one in zip(drawn.tolist(), there, strict=True)]
        return placed(ranked, drawn, slots[:n], np.full(n, chance), changes)

    def _change(self, item: int, there: bool, chance: float) -> PolicyChange:
        action: Literal["moved", "inserted"] = "moved" if there else "inserted"
        values: dict[str, Any] = {"chance": round(chance, 6)}
        return PolicyChange(item, action, "explored", values)

    def _new(self, context: PolicyContext, kept: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the new items that may be drawn: none of `kept`, none of the user's history."""
        config, n = self.config, len(context.items)
        dates = dates_of(context.items, config.fields, np.arange(n))
        new = (dates > context.now - config.days * DAY) & (dates <= context.now)
        late = dates
        if context.people is not None:
            new |= context.people <= config.people
            late = np.where(np.isnan(dates), -1e12 * (1.0 + context.people), dates)
        known = context.items.catalog.items.indexes(context.user.history.item_ids)
        new[kept] = new[known[known >= 0]] = False
        found = np.flatnonzero(new)
        late = -np.nan_to_num(late[found], nan=-np.inf)
        # The eligible ones among the newest; where these are too few, among twice as many.
        size = 2 * config.candidates
        while True:
            newest = found if size >= len(found) else found[np.argpartition(late, size)[:size]]
            newest = newest[context.eligible(newest)]
            if len(newest) >= config.candidates or size >= len(found):
                break
            size *= 2
        order = np.argsort(late[np.searchsorted(found, newest)], kind="stable")
        return newest[order[: config.candidates]]
