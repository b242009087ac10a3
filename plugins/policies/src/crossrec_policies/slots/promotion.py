"""The policy `promotion`: places for chosen items, labelled."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from crossrec.components.item_columns import values_of
from crossrec.components.policy_context import PolicyContext
from crossrec.components.ranked import PolicyChange, Ranked
from crossrec.components.settings import Settings
from numpy.typing import NDArray
from pydantic import Field, model_validator

from crossrec_policies.slots.places import given_places, placed


class PromotionConfig(Settings):
    """Settings of `promotion`.

    Attributes
    ----------
    items : tuple of str
        Ids of the items that are promoted.
    field : str
        A field, instead: items that have one of `values` in it are promoted.
    values : tuple of str
        See `field`.
    share : float
        Share of the places of a list, evenly spread from the front.
    slots : tuple of int
        These places instead, from 1 on.
    label : str
        What the change of a promoted item says.
    """

    items: tuple[str, ...] = ()
    field: str = ""
    values: tuple[str, ...] = ()
    share: Annotated[float, Field(ge=0, le=1)] = 0.1
    slots: tuple[Annotated[int, Field(ge=1)], ...] = ()
    label: str = "promoted"

    @model_validator(mode="after")
    def _one_way_to_say_what(self) -> PromotionConfig:
        if self.items and self.field:
            raise ValueError("name the promoted items by their ids or by a field, not both")
        if bool(self.field) != bool(self.values):
            raise ValueError("field and values belong together: items that have one of the values")
        return self


class Promotion:
    """Puts promoted items into their places, those that suit the user best first.

    An item that stands at its place or before it by itself stays there, without a label. What the
    user may not see or what cannot be had is not promoted, wherever in the file this policy stands.
    """

    def __init__(self, config: PromotionConfig | None = None) -> None:
        self.config = config or PromotionConfig()

    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        """Return the pool with promoted items at their places."""
        config = self.config
        slots = given_places(config.share, config.slots, context.k).tolist()
        wanted = self._wanted(context)
        if not slots or not len(wanted):
            return ranked
        wanted = wanted[context.eligible(wanted)]
        place = {item: at for at, item in enumerate(ranked.index.tolist())}
        nowhere = len(place)
        queue = sorted(wanted.tolist(), key=lambda item: place.get(item, nowhere))
        chosen: list[int] = []
        places: list[int] = []
        changes: list[PolicyChange] = []
        for slot, item in zip(slots, queue, strict=False):
            if item in place and place[item] + len(chosen) <= slot:
                continue
            action: Literal["moved", "inserted"] = "moved" if item in place else "inserted"
            values = {"label": config.label, "to": slot + 1}
            changes.append(PolicyChange(item, action, "promoted", values))
            chosen.append(item)
            places.append(slot)
        if not chosen:
            return ranked
        items = np.array(chosen, dtype=np.int64)
        return placed(ranked, items, np.array(places, dtype=np.int64), None, changes)

    def _wanted(self, context: PolicyContext) -> NDArray[np.int64]:
        """Return the items that are promoted, in the order of the settings or the catalogue."""
        config = self.config
        if config.items:
            found = context.items.catalog.items.indexes(dict.fromkeys(config.items))
            return found[found >= 0]
        _, entities = values_of(context.items, config.field) if config.field else ("", None)
        if entities is None:
            return np.zeros(0, dtype=np.int64)
        return np.unique(np.concatenate([entities.items(value) for value in config.values]))
