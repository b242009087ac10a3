"""The policy `known_share`: so much of a list is known to the person, the rest is new."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from crossrec.components.policy_context import PolicyContext
from crossrec.components.ranked import Ranked
from crossrec.components.settings import Settings
from crossrec.numeric.arrays import among
from numpy.typing import NDArray
from pydantic import Field

from crossrec_policies.columns.depth import depth
from crossrec_policies.columns.moves import completed, put_off


class KnownShareConfig(Settings):
    """Settings of `known_share`.

    Attributes
    ----------
    share : float
        Share of items of the person's history, 0 to 1.
    """

    share: Annotated[float, Field(ge=0, le=1)] = 0.7


class KnownShare:
    """Mixes what the history has and what it has not, each in its order.

    Every first part of the list has the share, as nearly as whole items can. Where one kind is used
    up the other fills the list.
    """

    def __init__(self, config: KnownShareConfig | None = None) -> None:
        self.config = config or KnownShareConfig()

    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        """Return the pool with the first places mixed; the rest follows in its order."""
        items = context.items.catalog.items.indexes(context.user.history.item_ids)
        known = among(ranked.index, np.unique(items[items >= 0]))
        order = completed(mixed(known, self.config.share, depth(context)), len(ranked))
        kinds = ("new", "known")
        reach = depth(context)
        return put_off(
            ranked, order, "share_of_known", reach, lambda at: {"kind": kinds[int(known[at])]}
        )


def mixed(known: NDArray[np.bool_], share: float, n: int) -> NDArray[np.int64]:
    """Return the places of the first `n` items in their new order.

    Parameters
    ----------
    known : bool array
        Whether each item is known, best item first.
    """
    parts = {True: np.flatnonzero(known).tolist(), False: np.flatnonzero(~known).tolist()}
    taken = {True: 0, False: 0}
    order: list[int] = []
    while len(order) < min(n, len(known)):
        wanted = taken[True] + 0.5 < share * (len(order) + 1)
        if taken[wanted] == len(parts[wanted]):
            wanted = not wanted
        order.append(parts[wanted][taken[wanted]])
        taken[wanted] += 1
    return np.array(order, dtype=np.int64)
