"""Metrics of a predicted basket, as the literature on next-basket recommendation defines them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Items of a list.
LENGTH = 10
_GAINS = 1.0 / np.log2(np.arange(2, 500))
_IDEAL = np.cumsum(_GAINS)
#: Of these the interval and the difference are given.
JUDGED = ("recall@10", "ndcg@10")


@dataclass(frozen=True, eq=False)
class BasketFigures:
    """The metrics of each user, float64 (n_users,) by name; NaN where one is not defined.

    ``recall@10`` is the share of the basket in the list. ``ndcg@10`` has as its ideal the list with
    min(10, basket) hits, ``ndcg@10, whole basket`` one with the whole basket, as some published
    code has it. ``hit@10`` tells whether any item is found. ``repeat recall@10`` is the recall of
    those items of the basket that the user had bought before, over the users with some, and
    ``explore recall@10`` that of the others.
    """

    values: Mapping[str, NDArray[np.float64]]

    def summary(self, base: BasketFigures | None = None) -> dict[str, Any]:
        """Return means and intervals, and the paired gain over another model's."""
        from crossrec.evaluation.significance import bootstrap_means, interval

        found: dict[str, Any] = {
            "metrics": {name: float(np.nanmean(one)) for name, one in self.values.items()}
        }
        own = np.stack([self.values[name] for name in JUDGED], axis=1)
        found["ci95"] = {
            name: list(interval(samples))
            for name, samples in zip(JUDGED, bootstrap_means(own).T, strict=True)
        }
        if base is not None:
            gains = own - np.stack([base.values[name] for name in JUDGED], axis=1)
            samples = bootstrap_means(gains)
            found["gain"] = {
                name: {"mean": float(gains[:, at].mean()), "ci95": list(interval(samples[:, at]))}
                for at, name in enumerate(JUDGED)
            }
        return found


def figures_of(
    lists: Mapping[str, Sequence[str]],
    baskets: Mapping[str, Sequence[str]],
    known: Mapping[str, Collection[str]],
) -> BasketFigures:
    """Compare lists with baskets.

    Parameters
    ----------
    lists : mapping of user to items, best first
    baskets : mapping of user to the items to find, at least one
    known : mapping of user to the items that they had bought before
    """
    rows = [_of_user(lists.get(user, ()), set(basket), set(known.get(user, ())))
            for user, basket in baskets.items()]  # fmt: skip
    columns = np.array(rows, dtype=np.float64).reshape(len(rows), len(_NAMES)).T
    return BasketFigures(dict(zip(_NAMES, columns, strict=True)))


_NAMES = (
    "recall@10",
    "ndcg@10",
    "ndcg@10, whole basket",
    "hit@10",
    "repeat recall@10",
    "explore recall@10",
)


def _of_user(own: Sequence[str], basket: set[str], known: set[str]) -> tuple[float, ...]:
    """Return the metrics of one user in the order of `_NAMES`."""
    shown = list(own)[:LENGTH]
    hits = np.array([item in basket for item in shown], dtype=bool)
    gained = float(_GAINS[: len(shown)][hits].sum())
    found = {item for item in shown if item in basket}
    repeats, new = basket & known, basket - known

    def share(part: set[str]) -> float:
        return len(found & part) / len(part) if part else float("nan")

    return (
        share(basket),
        gained / float(_IDEAL[min(len(basket), LENGTH) - 1]),
        gained / float(_IDEAL[len(basket) - 1]),
        float(bool(found)),
        share(repeats),
        share(new),
    )
