"""Conformance of components that say beforehand what they cost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import pytest

from crossrec.components.cost import Cost, DatasetSize
from crossrec.components.run import Effort
from crossrec.testing.base import RUN, Conformance

#: A small shop.
SMALL = DatasetSize(
    users=1_000,
    items=500,
    events=6_500,
    interactions=6_000,
    active_items=450,
    pairs=60_000,
    texts=480,
    characters=50_000,
    queries=900,
)
#: The same with more of one thing each.
MORE = {
    "events": replace(SMALL, events=260_000, interactions=240_000, pairs=9_000_000),
    "items": replace(SMALL, items=50_000, active_items=45_000, texts=48_000, characters=5_000_000),
    "users": replace(SMALL, users=100_000),
    "queries": replace(SMALL, queries=4_000),
}
EFFORTS = pytest.mark.parametrize("effort", get_args(Effort))


class EstimateTests(Conformance, kit=True):
    """What holds for the capability ``estimate``; skipped without it."""

    @EFFORTS
    def test_an_estimate_is_a_cost(self, effort: Effort) -> None:
        """Seconds above 0 and bytes from 0 on, both finite."""
        self.able("estimate")
        cost = self._cost(SMALL, effort)
        assert isinstance(cost, Cost)
        assert cost.is_sound
        assert cost.total > 0
        assert isinstance(cost.memory, int)

    @EFFORTS
    @pytest.mark.parametrize("what", MORE)
    def test_more_does_not_cost_less(self, what: str, effort: Effort) -> None:
        """Neither seconds nor memory fall where there is more of anything."""
        self.able("estimate")
        small, more = self._cost(SMALL, effort), self._cost(MORE[what], effort)
        assert more.total >= small.total * (1 - 1e-9), f"more {what}, less time"
        assert more.memory >= small.memory, f"more {what}, less memory"

    def test_nothing_costs_little(self) -> None:
        """An estimate for no data at all raises nothing and is under a few seconds."""
        self.able("estimate")
        cost = self._cost(DatasetSize(), "standard")
        assert cost.is_sound
        assert cost.total < 60

    def test_an_estimate_fits_nothing(self) -> None:
        """It neither fits nor encodes: it is wanted before any work."""
        self.able("estimate")
        component = self.build()

        def work(*arguments: Any) -> None:
            raise AssertionError("an estimate has to come without a fit")

        for name in ("fit", "encode"):
            if hasattr(component, name):
                setattr(component, name, work)
        component.estimate(MORE["items"], RUN)

    def _cost(self, size: DatasetSize, effort: Effort) -> Cost:
        cost: Cost = self.build().estimate(size, replace(RUN, effort=effort))
        return cost
