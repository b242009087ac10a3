"""How much what follows and what is popular weigh: chosen on the last basket of some users."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from crossrec.components.candidates import PAD
from crossrec.components.ndcg import NdcgScorer
from crossrec.components.topk import padded
from crossrec.numeric.ragged import Ragged
from crossrec.numeric.sparse import block_rows, leading
from numpy.typing import NDArray

from crossrec_collaborative.baskets.habits import Habits
from crossrec_collaborative.baskets.lines import BasketLines, IntArray

#: Weights that are tried.
FOLLOWING = (0.0, 0.5, 2.0, 6.0)
POPULAR = (0.01, 0.05, 0.15, 0.4)
#: Users whose last basket is predicted; with fewer than the second nothing is chosen.
MOST_USERS, LEAST_USERS = 2000, 50
#: Users times items: of a larger catalogue fewer users are predicted, down to `FEW_USERS`.
CELLS, FEW_USERS = 60_000_000, 200
#: Candidates of each user that what follows proposes, and of all that popularity does.
_PROPOSED = 50


@dataclass(frozen=True)
class Weights:
    """Weights of the parts of a score beside the user's own, which weighs 1."""

    following: float
    popular: float


@dataclass(frozen=True, eq=False)
class Parts:
    """The parts of the scores of some candidates, aligned float32 arrays, shape (n, m)."""

    index: IntArray
    own: NDArray[np.float32]
    following: NDArray[np.float32]
    popular: NDArray[np.float32]

    def scores(self, weights: Weights) -> NDArray[np.float32]:
        """Return the weighted sum; -inf at padding."""
        total = self.own + weights.following * self.following + weights.popular * self.popular
        return np.where(self.index == PAD, -np.inf, total).astype(np.float32)


def choose_weights(
    lines: BasketLines,
    learn: Callable[[BasketLines], Habits],
    parts_of: Callable[[Habits, BasketLines], tuple[NDArray[np.float64], NDArray[np.float32]]],
    options: Sequence[Weights],
    seed: int,
) -> Weights | None:
    """Return the weights with the best mean ndcg@10; None where too few users can tell.

    Parameters
    ----------
    lines : BasketLines
        Of all users.
    learn : callable
        From baskets to what a fit learns of them; it gets all but the last baskets of those users
        who are predicted.
    parts_of : callable
        From habits and the baskets of some users to what each line adds to the user's own part, and
        to the part of what follows of all items, float32 (n_rows, n_items).
    """
    users = np.flatnonzero(lines.per_row >= 2)
    if len(users) < LEAST_USERS or len(options) < 2:
        return options[0] if len(options) == 1 else None
    most = max(FEW_USERS, min(MOST_USERS, CELLS // max(int(lines.items.max()), 1)))
    if len(users) > most:
        rng = np.random.default_rng(seed)
        users = np.sort(rng.choice(users, most, replace=False))
    chosen = np.zeros(lines.n_rows, dtype=bool)
    chosen[users] = True
    is_last = (lines.ages == 0) & chosen[lines.owners]
    before = lines.where(~is_last)
    habits = learn(before)
    gains = np.zeros(len(options))
    for rows in np.array_split(users, -(-len(users) // max(1, block_rows(habits.n_items) // 4))):
        block = before.take(rows)
        held_out = lines.where(is_last).take(rows)
        parts = _parts(habits, block, *parts_of(habits, block))
        scorer = NdcgScorer(parts.index, Ragged(held_out.indptr, held_out.items))
        gains += [scorer.gains(parts.scores(option)).sum() for option in options]
    return options[int(np.argmax(gains))]


def all_options(following: float | None, popular: float | None) -> list[Weights]:
    """Return the weights to choose from; one that is given stays."""
    first = FOLLOWING if following is None else (following,)
    second = POPULAR if popular is None else (popular,)
    return [Weights(*pair) for pair in product(first, second)]


def _parts(
    habits: Habits,
    lines: BasketLines,
    line_own: NDArray[np.float64],
    following: NDArray[np.float32],
) -> Parts:
    """Return the candidates of each row: its own items, the best followers, the most popular."""
    n_items = habits.n_items
    common = leading(habits.popular, min(_PROPOSED, n_items))
    bounds = lines.indptr.tolist()
    own = np.zeros((lines.n_rows, n_items), dtype=np.float32)
    np.add.at(own, (lines.rows, lines.items), line_own.astype(np.float32))
    candidates = [
        np.unique(
            np.concatenate(
                [
                    lines.items[start:stop],
                    leading(following[row], min(_PROPOSED, n_items)),
                    common,
                ]
            )
        )
        for row, (start, stop) in enumerate(zip(bounds[:-1], bounds[1:], strict=True))
    ]
    index = padded(candidates)
    at = np.where(index == PAD, 0, index)
    return Parts(
        index,
        np.take_along_axis(own, at, axis=1),
        np.take_along_axis(following, at, axis=1),
        habits.popular[at],
    )
