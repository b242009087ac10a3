"""The policy `calibration`: a list with the shares that the history has."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from crossrec.components.item_columns import codes_of, values_of
from crossrec.components.policy_context import PolicyContext
from crossrec.components.ranked import Ranked
from crossrec.components.settings import Settings
from crossrec.numeric.ragged import Ragged, offsets
from numpy.typing import NDArray
from pydantic import Field

from crossrec_policies.columns.moves import completed, put_forward

FloatArray = NDArray[np.float64]


class CalibrationConfig(Settings):
    """Settings of `calibration`.

    Attributes
    ----------
    of : {"field", "popularity"}
        Whether the shares are those of a field's values, or of items known to 0, 1 to 9, 10 to 99 …
        people (counted at the fit or the last refresh): whoever likes the rare gets the rare.
    field : str
        The field; "" for the categories. Of several values of an item each has an equal part.
    weight : float
        λ: 0 keeps the order of the scores, 1 looks at the shares alone.
    head : int
        The best so many of the pool are chosen from.
    groups : int
        At most so many values are looked at, those with the largest shares.
    smoothing : float
        α: what the list gets of the history's own shares, so that no share is 0.
    """

    of: Literal["field", "popularity"] = "field"
    field: str = ""
    weight: Annotated[float, Field(ge=0, le=1)] = 0.5
    head: Annotated[int, Field(ge=2, le=2000)] = 60
    groups: Annotated[int, Field(ge=1, le=200)] = 20
    smoothing: Annotated[float, Field(gt=0, lt=1)] = 0.01


class Calibration:
    """Calibrated recommendations (Steck, 2018) for the first k places.

    Each place goes to the item with the largest ``(1 - λ) · score - λ · KL(p ‖ q)``, where p are
    the shares in the history, by the weights of its positive events, and q those of the list.
    Without a history, or without the field, nothing moves.
    """

    def __init__(self, config: CalibrationConfig | None = None) -> None:
        self.config = config or CalibrationConfig()

    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        """Return the pool with the first k places chosen anew."""
        config = self.config
        history = context.user.history
        items = context.items.catalog.items.indexes(history.item_ids)
        liked = (items >= 0) & (history.weights > 0)
        size = min(config.head, len(ranked))
        name, both = self._groups(np.concatenate([items[liked], ranked.index[:size]]), context)
        n = int(np.count_nonzero(liked))
        if not n or not size or not len(both.values) or not config.weight:
            return ranked
        shares = shares_of(both)
        target = history.weights[liked].astype(np.float64) @ shares[:n]
        largest = np.argsort(-target, kind="stable")[: config.groups]
        largest = largest[target[largest] > 0]
        if not len(largest):
            return ranked
        target = target[largest] / target[largest].sum()
        front = calibrated(
            ranked.score[:size],
            shares[n:, largest],
            target,
            config.weight,
            config.smoothing,
            min(context.k, size),
        )
        order = completed(front, len(ranked))
        return put_forward(ranked, order, "like_the_history", context.k, lambda at: {"field": name})

    def _groups(self, index: NDArray[np.int64], context: PolicyContext) -> tuple[str, Ragged]:
        """Return what the shares are of, and the groups of each item."""
        if self.config.of == "popularity":
            if context.people is None:
                return "popularity", Ragged.empty(len(index))
            people = np.log10(1.0 + context.people[index]).astype(np.int64)
            return "popularity", Ragged(offsets(np.ones(len(index), dtype=np.int64)), people)
        field = self.config.field or context.items.schema.categories
        name, entities = values_of(context.items, field) if field else ("", None)
        return name, codes_of(entities, index)


def shares_of(groups: Ragged) -> FloatArray:
    """Return how much of an item is of each group that occurs, float64 (n, groups)."""
    values, column = np.unique(groups.values, return_inverse=True)
    shares = np.zeros((len(groups), len(values)))
    shares[groups.row_of, column] = 1.0
    scaled: FloatArray = shares / np.maximum(groups.lengths, 1)[:, None]
    return scaled


def calibrated(
    score: FloatArray,
    shares: FloatArray,
    target: FloatArray,
    weight: float,
    smoothing: float,
    n: int,
) -> NDArray[np.int64]:
    """Return the places of the `n` chosen items, int64 (n,); ties go to the better one.

    Parameters
    ----------
    score : float64 array, shape (m,)
    shares : float64 array, shape (m, groups)
        Of each item.
    target : float64 array, shape (groups,)
        Above 0, of sum 1.
    """
    value = (1.0 - weight) * score
    total = np.zeros(len(target))
    floor = smoothing * target
    chosen = np.empty(n, dtype=np.int64)
    for step in range(n):
        mixed = (1.0 - smoothing) / (step + 1) * (total + shares) + floor
        # KL(p ‖ q) less the part that is the same for all: the logarithms of p.
        fit = np.log(mixed) @ target
        best = int(np.argmax(value + weight * fit))
        chosen[step] = best
        value[best] = -np.inf
        total += shares[best]
    return chosen
