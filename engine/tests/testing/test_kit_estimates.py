"""The kit passes honest estimates and finds each of the faults in others."""

from __future__ import annotations

import pytest
from crossrec.components.cost import Cost, DatasetSize
from crossrec.components.run import RunOptions
from crossrec.plugins.registration import Registration
from crossrec.testing import CandidateGeneratorTests
from crossrec.testing.estimates import MORE
from crossrec.testing.toy import checkerboard
from crossrec.testing.toy_sources import Popular


class Honest(Popular):
    """Seconds by events and queries, memory by items."""

    def estimate(self, size: DatasetSize, run: RunOptions) -> Cost:
        return Cost(0.1 + 1e-6 * (size.events + size.queries), 8 * size.items)


class Free(Honest):
    def estimate(self, size: DatasetSize, run: RunOptions) -> Cost:
        return Cost(0.0, 0)


class Endless(Honest):
    def estimate(self, size: DatasetSize, run: RunOptions) -> Cost:
        return Cost(float("inf"), 0)


class Falls(Honest):
    def estimate(self, size: DatasetSize, run: RunOptions) -> Cost:
        return Cost(1.0 + 1e3 / (1 + size.events), 10)


class Shrinks(Honest):
    def estimate(self, size: DatasetSize, run: RunOptions) -> Cost:
        return Cost(1.0, 10**9 // (1 + size.items))


class Dear(Honest):
    def estimate(self, size: DatasetSize, run: RunOptions) -> Cost:
        return Cost(3600.0, 10)


class Fits(Honest):
    def estimate(self, size: DatasetSize, run: RunOptions) -> Cost:
        self.fit(checkerboard().dataset, run)
        return Cost(1.0, 10)


def kit_for(factory: type) -> CandidateGeneratorTests:
    """Return the kit's class for a source that declares its estimate."""
    able = frozenset({"explain", "estimate"})
    registration = Registration("candidate_generators", "one", factory, None, able, "one")
    return type("TestOne", (CandidateGeneratorTests,), {"registered": registration})()


def run_all(kit: CandidateGeneratorTests) -> None:
    kit.test_an_estimate_is_a_cost("standard")
    for what in MORE:
        kit.test_more_does_not_cost_less(what, "quick")
    kit.test_nothing_costs_little()
    kit.test_an_estimate_fits_nothing()


def test_an_honest_estimate_passes() -> None:
    run_all(kit_for(Honest))


@pytest.mark.parametrize("factory", [Free, Endless, Falls, Shrinks, Dear, Fits])
def test_each_fault_is_found(factory: type) -> None:
    with pytest.raises(AssertionError):
        run_all(kit_for(factory))


def test_a_source_without_an_estimate_is_skipped() -> None:
    registration = Registration("candidate_generators", "one", Popular, None, frozenset(), "one")
    kit = type("TestOne", (CandidateGeneratorTests,), {"registered": registration})()
    with pytest.raises(pytest.skip.Exception):
        kit.test_an_estimate_is_a_cost("standard")
