"""The policy `mmr`: each place for what is relevant and unlike the places before it."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from crossrec.components.policy_context import PolicyContext
from crossrec.components.ranked import Ranked
from crossrec.components.settings import Settings
from numpy.typing import NDArray
from pydantic import Field

from crossrec_policies.columns.moves import completed, put_forward
from crossrec_policies.lists.similarity import similarity_rows


class MmrConfig(Settings):
    """Settings of `mmr`.

    Attributes
    ----------
    relevance : float
        λ: 1 keeps the order of the scores, 0 looks at variety alone.
    head : int
        The best so many of the pool are chosen from.
    field : str
        The field whose sets of values are compared; "" for item vectors where a source has them,
        else for the categories.
    """

    relevance: Annotated[float, Field(ge=0, le=1)] = 0.85
    head: Annotated[int, Field(ge=2, le=2000)] = 100
    field: str = ""


class Mmr:
    """Maximal marginal relevance (Carbonell and Goldstein, 1998) for the first k places.

    Each place goes to the item with the largest ``λ · score - (1 - λ) · similarity`` to the one it
    is most like of those before it.
    """

    def __init__(self, config: MmrConfig | None = None) -> None:
        self.config = config or MmrConfig()

    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        """Return the pool with the first k places chosen anew."""
        config = self.config
        size = min(config.head, len(ranked))
        rows = similarity_rows(context, ranked.index[:size], config.field)
        if rows is None or config.relevance == 1.0:
            return ranked
        front = marginal(ranked.score[:size], rows, config.relevance, min(context.k, size))
        order = completed(front, len(ranked))
        return put_forward(ranked, order, "more_various", context.k, lambda at: {})


def marginal(
    score: NDArray[np.float64], rows: NDArray[np.float32], relevance: float, n: int
) -> NDArray[np.int64]:
    """Return the places of the `n` chosen items, int64 (n,); ties go to the better one.

    Parameters
    ----------
    score : float64 array, shape (m,)
        In [0, 1].
    rows : float32 array, shape (m, dim)
        Of length 1 or 0.
    """
    value = relevance * score
    near = np.full(len(score), -np.inf)
    chosen = np.empty(n, dtype=np.int64)
    for step in range(n):
        best = int(np.argmax(value if step == 0 else value - (1.0 - relevance) * near))
        chosen[step] = best
        value[best] = -np.inf
        np.maximum(near, rows @ rows[best], out=near)
    return chosen
