"""The kit passes right policies and finds faulty ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from crossrec.components.policies import Availability, number
from crossrec.components.policy_context import PolicyContext
from crossrec.components.ranked import PolicyChange, Ranked
from crossrec.plugins.registration import Registration
from crossrec.testing import PolicyTests


class DropsDear:
    """Drops what costs more than 40."""

    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        prices = context.items.numbers("price", number)[ranked.index]
        dear = prices > 40
        values = [{"price": price} for price in prices[dear].tolist()]
        return ranked.without(dear, "too_dear", values)

    def reads(self, items: Any) -> tuple[str, ...]:
        return ("price_limit",)


class Explores:
    """Puts one item by chance into the first place, and says with which chance."""

    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        n = len(ranked)
        if not n:
            return ranked
        at = int(context.rng.integers(n))
        order = np.concatenate([[at], np.delete(np.arange(n), at)])
        propensity = ranked.propensity.copy()
        propensity[at] = 1 / n
        moved = PolicyChange(int(ranked.index[at]), "moved", "explored", {"of": n})
        return replace(ranked, propensity=propensity).take(order, moved)


def registered(factory: Any, *capabilities: str) -> Registration:
    able = frozenset(capabilities)
    return Registration("policies", "mine", factory, capabilities=able, summary="a policy")


class TestDropsDear(PolicyTests):
    registered = registered(DropsDear, "reads")

    def test_what_it_is_for(self) -> None:
        context = self.context()
        before = self.ranked(context)
        after = self.apply(before, context)
        new = after.changes[len(before.changes) :]
        assert [(c.item, c.code, dict(c.values)) for c in new] == [
            (2, "too_dear", {"price": 89.0}),
            (6, "too_dear", {"price": 45.0}),
        ]
        assert after.index.tolist() == [0, 1, 3, 4, 5, 7, 8, 9, 10, 11]


class TestExplores(PolicyTests):
    registered = registered(Explores)


class TestAvailability(PolicyTests):
    registered = registered(Availability, "bars")


def kit_for(policy: type[Any]) -> PolicyTests:
    able = [one for one in ("bars", "reads") if hasattr(policy, one)]
    return type("T", (PolicyTests,), {"registered": registered(policy, *able)})()


class ReadsTwice(DropsDear):
    def reads(self, items: Any) -> tuple[str, ...]:
        return ("price_limit", "price_limit")


class RecordsNoDrop(DropsDear):
    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        return replace(super().apply(ranked, context), changes=ranked.changes)


class GivesNoCode(DropsDear):
    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        after = super().apply(ranked, context)
        return replace(after, changes=tuple(replace(c, code="") for c in after.changes))


class RecordsNoInsertion(DropsDear):
    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        """Insert the first item that is not in the pool."""
        new = np.setdiff1d(np.arange(len(context.items)), ranked.index)[:1]
        return Ranked(
            np.concatenate([new, ranked.index]),
            np.concatenate([new * 0 + 1.0, ranked.score]),
            np.concatenate([new * 0 + 1.0, ranked.propensity]),
            ranked.changes,
        )


class PutsInAnything(RecordsNoInsertion):
    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        """Insert items that may not be eligible."""
        after = super().apply(ranked, context)
        new = np.setdiff1d(after.index, ranked.index).tolist()
        changes = tuple(PolicyChange(item, "inserted", "paid") for item in new)
        return replace(after, changes=(*ranked.changes, *changes))


class PutsInWhatRulesDrop(PutsInAnything):
    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        """Insert what the user has not refused, also where it is out of stock."""
        known = np.concatenate([ranked.index, context.barred])
        new = np.setdiff1d(np.arange(len(context.items)), known)
        pool = Ranked.of(new, np.ones(len(new)))
        changes = tuple(PolicyChange(item, "inserted", "paid") for item in new.tolist())
        return replace(pool, changes=(*ranked.changes, *changes))


class BarsOthers(DropsDear):
    def bars(self, index: np.ndarray, context: PolicyContext) -> np.ndarray:
        """Say something else than what is dropped."""
        return np.zeros(len(index), dtype=bool)


class Repeats(DropsDear):
    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        return ranked.take(np.zeros(3 if len(ranked) else 0, dtype=np.int64))


class MakesUpItems(DropsDear):
    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        return replace(ranked, index=ranked.index + len(context.items))


class NeedsItems(DropsDear):
    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        assert ranked.score[0] >= 0
        return ranked


class NeedsAUser(DropsDear):
    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        assert context.query.user_id is not None
        assert context.query.user_id.startswith("u")
        return ranked


class NeedsAttributes(DropsDear):
    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        context.items.catalog.attributes["price"]
        return super().apply(ranked, context)


class StartsAnew(DropsDear):
    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        return Ranked.of(ranked.index, ranked.score)


class LosesChanges(DropsDear):
    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        after = super().apply(ranked, context)
        return replace(after, changes=after.changes[len(ranked.changes) :])


class Shuffles(DropsDear):
    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        """Shuffle by chance of its own instead of the request's."""
        order = np.random.default_rng().permutation(len(ranked))
        return ranked.take(order, PolicyChange(0, "moved", "variety"))


class DrawsPropensities(DropsDear):
    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        chance = np.random.default_rng().uniform(0.1, 0.9, len(ranked))
        return replace(ranked, propensity=chance)


class RecordsNoMove(DropsDear):
    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        return ranked.take(np.arange(len(ranked))[::-1])


class ReturnsItems(DropsDear):
    def apply(self, ranked: Ranked, context: PolicyContext) -> Any:
        return ranked.index


class ScoresNothing(DropsDear):
    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        return replace(ranked, score=np.full(len(ranked), np.nan))


class IsImpossible(DropsDear):
    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        return replace(ranked, propensity=np.zeros(len(ranked)))


class WritesIntoThePool(DropsDear):
    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        ranked.score[:] = 0.5
        return ranked


class WritesAroundThePool(DropsDear):
    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        """Write into what lies under the read-only view."""
        base: Any = ranked.index.base
        base[:] = base[::-1].copy()
        return ranked


FAULTS: list[tuple[type[Any], str, tuple[str, ...]]] = [
    (RecordsNoDrop, "test_every_dropped_item_has_its_reason", ("user",)),
    (GivesNoCode, "test_every_dropped_item_has_its_reason", ("user",)),
    (RecordsNoInsertion, "test_every_inserted_item_has_its_reason", ()),
    (PutsInAnything, "test_what_is_barred_is_never_put_in", ()),
    (PutsInWhatRulesDrop, "test_what_is_barred_is_never_put_in", ()),
    (BarsOthers, "test_bars_is_what_it_drops", ("user",)),
    (Repeats, "test_the_pool_stays_valid", ("user",)),
    (MakesUpItems, "test_the_pool_stays_valid", ("user",)),
    (NeedsItems, "test_the_pool_stays_valid", ("nothing",)),
    (NeedsAUser, "test_the_pool_stays_valid", ("history",)),
    (NeedsAUser, "test_the_pool_stays_valid", ("stranger",)),
    (ReturnsItems, "test_the_pool_stays_valid", ("item",)),
    (ScoresNothing, "test_the_pool_stays_valid", ("many",)),
    (IsImpossible, "test_the_pool_stays_valid", ("one",)),
    (NeedsAttributes, "test_an_empty_catalog_of_attributes", ()),
    (StartsAnew, "test_earlier_changes_stay", ()),
    (LosesChanges, "test_earlier_changes_stay", ()),
    (Shuffles, "test_the_same_request_gets_the_same_pool", ()),
    (DrawsPropensities, "test_the_same_request_gets_the_same_pool", ()),
    (RecordsNoMove, "test_a_reordered_pool_says_so", ()),
    (WritesIntoThePool, "test_the_given_pool_is_not_touched", ()),
    (WritesAroundThePool, "test_the_given_pool_is_not_touched", ()),
    (ReadsTwice, "test_reads_are_names", ()),
]


@pytest.mark.parametrize(
    ("policy", "test", "arguments"),
    FAULTS,
    ids=[f"{p.__name__}-{t}-{''.join(a)}" for p, t, a in FAULTS],
)
def test_a_faulty_policy_is_found(policy: type[Any], test: str, arguments: tuple[str, ...]) -> None:
    getattr(kit_for(DropsDear), test)(*arguments)
    with pytest.raises((AssertionError, IndexError, KeyError, ValueError)):
        getattr(kit_for(policy), test)(*arguments)


def test_every_test_of_the_kit_finds_a_fault() -> None:
    """Those of policies that learn are in test_kit_learning_policies.py."""
    learning = {
        "test_what_was_learnt_survives_the_disk",
        "test_learning_leaves_the_serving_policy_alone",
    }
    there = {name for name in vars(PolicyTests) if name.startswith("test_")}
    assert there - learning == {test for _, test, _ in FAULTS}
