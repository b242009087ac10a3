"""The policy `dpp`: the list that is relevant and various as a whole."""

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

#: How alike two items are at most. Were it 1, no list would have a second item of the same
#: categories, whatever its score is.
_MOST_ALIKE = 0.95


class DppConfig(Settings):
    """Settings of `dpp`.

    Attributes
    ----------
    theta : float
        Weight of relevance: towards 1 the order of the scores, 0 looks at variety alone.
    head : int
        The best so many of the pool are chosen from.
    field : str
        The field whose sets of values are compared; "" for item vectors where a source has them,
        else for the categories.
    """

    theta: Annotated[float, Field(ge=0, lt=1)] = 0.9
    head: Annotated[int, Field(ge=2, le=2000)] = 100
    field: str = ""


class Dpp:
    """Greedy inference of a determinantal point process (Chen, Zhang and Zhou, 2018).

    Each place goes to the item that makes the determinant of the list's kernel largest. It is
    ``exp(α (s_i + s_j)) · (1 + cosine) / 2`` with ``α = θ / (2 (1 - θ))``, and 0.95 of that for two
    different items.
    """

    def __init__(self, config: DppConfig | None = None) -> None:
        self.config = config or DppConfig()

    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        """Return the pool with the first k places chosen anew."""
        config = self.config
        size = min(config.head, len(ranked))
        rows = similarity_rows(context, ranked.index[:size], config.field)
        if rows is None:
            return ranked
        # The scale of the kernel changes no choice: exponents of at most 0 cannot overflow.
        score = ranked.score[:size] - ranked.score[:size].max()
        quality = np.exp(config.theta / (2 * (1 - config.theta)) * score)
        front = greedy_map(quality, rows, min(context.k, size))
        order = completed(front, len(ranked))
        return put_forward(ranked, order, "more_various", context.k, lambda at: {})


def greedy_map(
    quality: NDArray[np.float64], rows: NDArray[np.float32], n: int
) -> NDArray[np.int64]:
    """Return the places of the `n` chosen items, int64 (n,).

    Algorithm 1 of Chen et al. (2018): the Cholesky factor of the chosen part of the kernel grows by
    a row a step, O(n² m) in all.

    Parameters
    ----------
    quality : float64 array, shape (m,)
        Above 0.
    rows : float32 array, shape (m, dim)
        Of length 1 or 0.
    """
    factor = np.zeros((n, len(quality)))
    gain = np.square(quality)
    chosen = np.empty(n, dtype=np.int64)
    for step in range(n):
        best = int(np.argmax(gain))
        chosen[step] = best
        similarity = _MOST_ALIKE * (1.0 + rows @ rows[best]) / 2.0
        similarity[best] = 1.0
        kernel = quality * quality[best] * similarity
        own = (kernel - factor[:step, best] @ factor[:step]) / np.sqrt(gain[best])
        factor[step] = own
        gain = gain - np.square(own)
        gain[best] = -np.inf
    return chosen
