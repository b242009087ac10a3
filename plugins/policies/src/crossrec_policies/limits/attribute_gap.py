"""The policy `attribute_gap`: other items between two of one artist."""

from __future__ import annotations

from collections import deque
from typing import Annotated

import numpy as np
from crossrec.components.item_columns import codes_of, values_of
from crossrec.components.policy_context import PolicyContext
from crossrec.components.ranked import Ranked
from crossrec.components.settings import Settings
from crossrec.numeric.ragged import Ragged
from numpy.typing import NDArray
from pydantic import Field

from crossrec_policies.columns.depth import depth
from crossrec_policies.columns.moves import completed, put_off


class AttributeGapConfig(Settings):
    """Settings of `attribute_gap`.

    Attributes
    ----------
    field : str
        The field whose values are kept apart; "" for the creator of an item.
    gap : int
        Other items between two that share a value, at least. The last items of the running session
        count as if they stood before the list.
    """

    field: str = ""
    gap: Annotated[int, Field(ge=1, le=100)] = 3


class AttributeGap:
    """Takes for each place the best item that shares no value with the last `gap` ones.

    Where every item left shares one, the best of them stands there all the same.
    """

    def __init__(self, config: AttributeGapConfig | None = None) -> None:
        self.config = config or AttributeGapConfig()

    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        """Return the pool with the first places spaced; the rest follows in its order."""
        name, entities = values_of(context.items, self.config.field)
        if entities is None or not len(ranked):
            return ranked
        rows = codes_of(entities, ranked.index)
        session = context.items.catalog.items.indexes(context.query.session[-self.config.gap :])
        before = codes_of(entities, session[session >= 0])
        reach = depth(context)
        order = completed(spaced(rows, self.config.gap, reach, before), len(ranked))
        names = entities.names

        def details(at: int) -> dict[str, str]:
            return {"field": name, "value": ", ".join(names[code] for code in rows.row(at))}

        return put_off(ranked, order, "too_close", reach, details)


def spaced(rows: Ragged, gap: int, n: int, before: Ragged) -> NDArray[np.int64]:
    """Return the places of the first `n` items in their new order.

    Parameters
    ----------
    rows : Ragged
        The values of each item, best item first.
    before : Ragged
        The values of the items that stand before the list.
    """
    bounds, values = rows.indptr.tolist(), rows.values.tolist()
    near: deque[list[int]] = deque(maxlen=gap)
    near.extend(before.row(at).tolist() for at in range(len(before)))
    # Of the items that were put off, those with the same values wait in one queue.
    waiting: dict[tuple[int, ...], deque[int]] = {}
    chosen: list[int] = []
    at, n = 0, min(n, len(rows))
    while len(chosen) < n:
        taken = {value for own in near for value in own}
        free = [key for key in waiting if taken.isdisjoint(key)]
        while not free and at < len(rows):
            key = tuple(values[bounds[at] : bounds[at + 1]])
            waiting.setdefault(key, deque()).append(at)
            at += 1
            if taken.isdisjoint(key):
                free = [key]
        best = min(free or waiting, key=lambda key: waiting[key][0])
        chosen.append(waiting[best].popleft())
        if not waiting[best]:
            del waiting[best]
        near.append(list(best))
    return np.array(chosen, dtype=np.int64)
