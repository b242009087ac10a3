"""The policy `attribute_cap`: at most so many items of one brand, author or genre."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from crossrec.components.item_columns import codes_of, values_of
from crossrec.components.policy_context import PolicyContext
from crossrec.components.ranked import PolicyChange, Ranked
from crossrec.components.settings import Settings
from crossrec.numeric.ragged import Ragged
from numpy.typing import NDArray
from pydantic import Field

from crossrec_policies.columns.depth import depth


class AttributeCapConfig(Settings):
    """Settings of `attribute_cap`.

    Attributes
    ----------
    field : str
        The field whose values are counted; "" for the creator of an item. An item of several values
        counts for each of them.
    most : int
        Items of one value at most.
    within : int
        Of the first so many places; 0 for the whole list.
    mode : {"postpone", "drop"}
        ``"postpone"`` moves what is too much behind all others, ``"drop"`` takes it out.
    """

    field: str = ""
    most: Annotated[int, Field(ge=1)] = 2
    within: Annotated[int, Field(ge=0)] = 0
    mode: Literal["postpone", "drop"] = "postpone"


class AttributeCap:
    """Keeps the best items of each value in their order and moves those beyond the cap behind.

    Where the pool has nothing else they come back at the end, so a list has k items all the same.
    With ``within = 0`` the cap holds whatever later policies drop; several fields need several
    entries, of which those with ``within`` come last.
    """

    def __init__(self, config: AttributeCapConfig | None = None) -> None:
        self.config = config or AttributeCapConfig()

    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        """Return the pool with at most ``most`` items of one value in front."""
        config = self.config
        name, entities = values_of(context.items, config.field)
        if entities is None:
            return ranked
        rows = codes_of(entities, ranked.index)
        kept, beyond = capped(rows, config.most, config.within or depth(context))
        if not len(beyond):
            return ranked

        def change(at: int, action: Literal["dropped", "moved"]) -> PolicyChange:
            values: dict[str, Any] = {"field": name, "most": config.most}
            values["value"] = ", ".join(entities.names[code] for code in rows.row(at).tolist())
            return PolicyChange(int(ranked.index[at]), action, "too_many_alike", values)

        rest = np.ones(len(ranked), dtype=bool)
        rest[kept] = rest[beyond] = False
        others = np.flatnonzero(rest)
        if config.mode == "drop":
            changes = [change(at, "dropped") for at in beyond.tolist()]
            return ranked.take(np.concatenate([kept, others]), *changes)
        behind = [others, beyond] if not config.within else [np.union1d(others, beyond)]
        order = np.concatenate([kept, *behind])
        if (order[1:] > order[:-1]).all():
            return ranked
        noted = beyond[beyond < depth(context)].tolist()
        return ranked.take(order, *(change(at, "moved") for at in noted))


def capped(rows: Ragged, most: int, stop: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which places stay under the cap and which go beyond it, both ascending.

    From the best on, until `stop` are kept; places behind are in neither.

    Parameters
    ----------
    rows : Ragged
        The values of each item, best item first.
    """
    bounds, values = rows.indptr.tolist(), rows.values.tolist()
    counts: dict[int, int] = {}
    full: set[int] = set()
    kept: list[int] = []
    beyond: list[int] = []
    for at in range(len(rows)):
        if len(kept) == stop:
            break
        own = values[bounds[at] : bounds[at + 1]]
        if not full.isdisjoint(own):
            beyond.append(at)
            continue
        kept.append(at)
        for value in own:
            counts[value] = counts.get(value, 0) + 1
            if counts[value] == most:
                full.add(value)
    return np.array(kept, dtype=np.int64), np.array(beyond, dtype=np.int64)
