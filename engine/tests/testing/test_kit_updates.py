"""The kit passes a source that learns new events and finds each of the faults in that."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.data.event_change import EventChange
from crossrec.errors import RefitNeededError
from crossrec.plugins.registration import Registration
from crossrec.testing import CandidateGeneratorTests
from crossrec.testing.toy_sources import Together


class Learning(Together):
    """How many users have both items: pairs are added and taken away."""

    def update(self, change: EventChange) -> None:
        counts = np.zeros((change.n_items, change.n_items), np.float32)
        known = len(self.learnt())
        counts[:known, :known] = self.learnt()
        for part, sign in ((change.after, 1), (change.before, -1)):
            pairs = Together()
            pairs.fit(part, RunOptions())
            counts += sign * pairs.learnt()
        self.counts = counts

    def forget(self, change: EventChange) -> None:
        self.update(change)


def registered(factory: Any) -> Registration:
    able = frozenset({"score", "explain", "update", "forget"})
    return Registration("candidate_generators", "learning", factory, None, able, "pairs of items")


class TestASourceThatLearns(CandidateGeneratorTests):
    registered = registered(Learning)


class Deaf(Learning):
    """Says that it can, and does nothing."""

    def update(self, change: EventChange) -> None:
        pass


class AddsOnly(Learning):
    """Adds what is there now, and takes nothing away."""

    def update(self, change: EventChange) -> None:
        pairs = Together()
        pairs.fit(change.after, RunOptions())
        self.counts = self.learnt() + pairs.learnt()


class Starts(Learning):
    """Takes the changed users for all there are."""

    def update(self, change: EventChange) -> None:
        self.fit(change.after, RunOptions())


class Careless(Learning):
    """Writes into what the original serves from."""

    def update(self, change: EventChange) -> None:
        before = self.learnt()
        super().update(change)
        if before.flags.writeable:
            before[:] = self.learnt()[: len(before), : len(before)] + 1.0


class Loses(Learning):
    """Does not store all that it needs to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.fresh = False

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        super().fit(dataset, run)
        self.fresh = True

    def update(self, change: EventChange) -> None:
        if self.fresh:
            super().update(change)


class Refuses(Learning):
    """Declares what it never does."""

    def update(self, change: EventChange) -> None:
        raise RefitNeededError("not today")


def kit(factory: Any) -> CandidateGeneratorTests:
    return type("T", (CandidateGeneratorTests,), {"registered": registered(factory)})()


@pytest.mark.parametrize("fault", [Deaf, AddsOnly, Starts, Refuses])
def test_an_update_that_is_no_fit_on_all_events_is_found(fault: Any) -> None:
    with pytest.raises((AssertionError, RefitNeededError)):
        kit(fault).test_an_update_equals_a_fit_on_all_events("shop", clock=True)


@pytest.mark.parametrize("fault", [Deaf, AddsOnly, Starts, Refuses])
def test_a_user_who_is_not_forgotten_is_found(fault: Any, tmp_path: Any) -> None:
    with pytest.raises((AssertionError, RefitNeededError)):
        kit(fault).test_forgetting_equals_a_fit_without_the_user("checkerboard", tmp_path)


def test_writing_into_the_original_is_found() -> None:
    with pytest.raises(AssertionError):
        kit(Careless).test_learning_leaves_the_serving_source_alone("shop")


def test_what_is_not_stored_is_found(tmp_path: Any) -> None:
    with pytest.raises(AssertionError):
        kit(Loses).test_updates_add_up_and_survive_the_disk("shop", tmp_path)


@pytest.mark.parametrize("fault", [Deaf, Starts])
def test_new_items_that_are_not_taken_in_are_found(fault: Any) -> None:
    with pytest.raises((AssertionError, ValueError, IndexError)):
        kit(fault).test_new_items_come_with_their_events("shop")
