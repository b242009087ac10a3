"""The kit passes a policy that learns and finds each of the faults in that."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from crossrec.components.feedback import Feedback
from crossrec.components.policy_context import PolicyContext
from crossrec.components.ranked import PolicyChange, Ranked
from crossrec.components.state import State
from crossrec.data.catalog import Catalog
from crossrec.plugins.registration import Registration
from crossrec.testing import PolicyTests


class DropsRefused:
    """Drops items that were refused more often than bought."""

    def __init__(self) -> None:
        self.worth: dict[str, float] = {}

    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        ids = context.items.catalog.items
        refused = np.array(
            [self.worth.get(ids.id(item), 0.0) < 0 for item in ranked.index.tolist()]
        )
        if not refused.any():
            return ranked
        changes = [PolicyChange(int(item), "dropped", "refused") for item in ranked.index[refused]]
        return ranked.take(~refused, *changes)

    def learn(self, feedback: Feedback) -> None:
        ids = feedback.catalog.items
        worth = dict(self.worth)
        for item, weight in zip(feedback.answered.items.tolist(), feedback.weights.tolist()):
            worth[ids.id(item)] = worth.get(ids.id(item), 0.0) + weight
        self.worth = worth

    def state(self) -> State:
        return State(values={"worth": self.worth})

    def restore(self, state: State, catalog: Catalog) -> None:
        self.worth = dict(state.values["worth"])


def registered(factory: Any) -> Registration:
    able = frozenset({"learn"})
    return Registration("policies", "refused", factory, None, able, summary="drops what is refused")


class TestAPolicyThatLearns(PolicyTests):
    registered = registered(DropsRefused)

    def test_what_it_is_for(self) -> None:
        policy = self.build()
        policy.learn(self.feedback())
        context = self.context()
        after = self.apply(self.ranked(context), context, policy)
        assert 4 not in after.index.tolist()
        assert len(after) == 11


class Careless(DropsRefused):
    """Writes into what the original serves from."""

    def learn(self, feedback: Feedback) -> None:
        for item in feedback.answered.items.tolist():
            self.worth[feedback.catalog.items.id(item)] = -1.0


class Loses(DropsRefused):
    """Does not store what it learnt."""

    def state(self) -> State:
        return State(values={"worth": {}})


class NeedsFeedback(DropsRefused):
    """Can be stored only after it has learnt."""

    def state(self) -> State:
        return State(values={"worth": self.worth, "last": list(self.worth)[-1]})


class Restless(DropsRefused):
    """Changes its mind without any feedback."""

    def learn(self, feedback: Feedback) -> None:
        super().learn(feedback)
        self.worth = {"p0": -1.0} if not len(feedback) else self.worth


def kit(factory: Any) -> PolicyTests:
    return type("T", (PolicyTests,), {"registered": registered(factory)})()


@pytest.mark.parametrize("fault", [Careless, Restless])
def test_a_policy_that_changes_what_serves_is_found(fault: Any) -> None:
    kit(DropsRefused).test_learning_leaves_the_serving_policy_alone()
    with pytest.raises(AssertionError):
        kit(fault).test_learning_leaves_the_serving_policy_alone()


@pytest.mark.parametrize("fault", [Loses, NeedsFeedback])
def test_what_does_not_survive_the_disk_is_found(fault: Any, tmp_path: Any) -> None:
    with pytest.raises((AssertionError, IndexError)):
        kit(fault).test_what_was_learnt_survives_the_disk(tmp_path)


def test_a_policy_that_learns_without_saying_so_is_found() -> None:
    registration = Registration("policies", "quiet", DropsRefused, summary="says nothing")
    quiet = type("T", (PolicyTests,), {"registered": registration})()
    with pytest.raises(AssertionError, match="not declared, so never called"):
        quiet.test_capabilities_are_declared_and_there()
