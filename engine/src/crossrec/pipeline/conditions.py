"""Filters and boosts of a request: the surface's own, and those that came with the query."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from crossrec.components.live_items import LiveItems
from crossrec.components.query import Query
from crossrec.components.ranked import PolicyChange, Ranked
from crossrec.errors import ConfigError, UsageError
from crossrec.expressions import Expression, Scope, parse_expression
from crossrec.expressions.values import FALSE, TRUE
from crossrec.pipeline.resolved import ResolvedSurface

#: How the changes by a boost are named, as if it were a policy.
BOOST = "boost"


@dataclass(frozen=True, eq=False)
class Filtered:
    """What the filters of a request leave out.

    Attributes
    ----------
    items : int64 array
        Ascending.
    not_met, unknown : int
        Items for which a filter is false, and those for which it cannot be known.
    """

    items: NDArray[np.int64]
    not_met: int = 0
    unknown: int = 0


NOTHING = Filtered(np.zeros(0, dtype=np.int64))


def filtered_items(surface: ResolvedSurface, query: Query, scope: Scope) -> Filtered:
    """Return the items that the filters of a surface and of a query leave out.

    Raises
    ------
    UsageError
        If a filter names what no item has, or is no condition.
    """
    filters = _expressions(scope.items, surface.filter, query.filter)
    if not filters:
        return NOTHING
    state = np.minimum.reduce([one.true(scope) for one in filters])
    left = np.flatnonzero(state != TRUE)
    not_met = int(np.count_nonzero(state == FALSE))
    return Filtered(left, not_met, len(left) - not_met)


def boosted(ranked: Ranked, surface: ResolvedSurface, query: Query, scope: Scope) -> Ranked:
    """Return the pool in the order of its boosted scores; what a boost does to an item is recorded.

    Raises
    ------
    UsageError
        If a boost names what no item has, or is no number.
    """
    boosts = _expressions(scope.items, surface.boost, query.boost)
    if not boosts or not len(ranked):
        return ranked
    own = replace(scope, index=ranked.index)
    factors = np.multiply.reduce([one.factor(own) for one in boosts])
    score = ranked.score * factors
    changes = (
        PolicyChange(
            int(ranked.index[at]),
            "demoted" if factors[at] < 1 else "moved",
            "boosted",
            {"factor": round(float(factors[at]), 4)},
            BOOST,
        )
        for at in np.flatnonzero(factors != 1).tolist()
    )
    return replace(ranked, score=score).take(np.argsort(-score, kind="stable"), *changes)


def check_conditions(surfaces: Iterable[ResolvedSurface], items: LiveItems) -> None:
    """Refuse conditions of surfaces that read what no item of the catalog has.

    Raises
    ------
    ConfigError
        Names the surface and the field.
    """
    for surface in surfaces:
        for key, text in (("filter", surface.filter), ("boost", surface.boost)):
            try:
                if text:
                    parse_expression(text).check(items)
            except UsageError as error:
                raise ConfigError(f"surface {surface.name!r}, {key}: {error}") from None


def _expressions(items: LiveItems, *texts: str) -> list[Expression]:
    """Return the expressions that there are, each checked against the catalog."""
    found = [parse_expression(text) for text in texts if text]
    for one in found:
        one.check(items)
    return found
