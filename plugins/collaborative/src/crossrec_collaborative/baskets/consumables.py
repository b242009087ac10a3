"""What the fields of items say of how long they last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from crossrec.components.policies import flag, number
from crossrec.data.catalog import Catalog
from numpy.typing import NDArray

from crossrec_collaborative.baskets.lines import FloatArray
from crossrec_collaborative.baskets.replenishment import Intervals

_CONSUMABLE, _DAYS = "is_consumable", "repurchase_days"


@dataclass(frozen=True, eq=False)
class Declared:
    """What a catalog declares, arrays of shape (n_items,).

    Attributes
    ----------
    consumable, durable : bool arrays
        Whether it says that an item is used up, or that it is not; a number of days says the first.
    days : float64 array
        Usual days until it is bought again; NaN where it does not say.
    """

    consumable: NDArray[np.bool_]
    durable: NDArray[np.bool_]
    days: FloatArray

    def applied_to(self, learnt: Intervals) -> Intervals:
        """Return the intervals with the declared ones in place of those that were learnt."""
        given = np.isfinite(self.days)
        days = np.where(given, self.days, 1.0)
        return replace(learnt, log_mean=np.where(given, np.log(days), learnt.log_mean))


def declared_of(catalog: Catalog) -> Declared:
    """Read the fields of a catalog; what is missing or cannot be read says nothing."""
    says, days = _column(catalog, _CONSUMABLE, flag), _column(catalog, _DAYS, number)
    days[~(days > 0)] = np.nan
    durable = says == 0
    return Declared(((says == 1) | np.isfinite(days)) & ~durable, durable, days)


def _column(catalog: Catalog, name: str, parse: Callable[[Any], float]) -> FloatArray:
    values = catalog.attributes.get(name)
    if values is None:
        return np.full(len(catalog), np.nan)
    return np.array([parse(value) for value in values], dtype=np.float64)
