"""The kit passes right policies and finds faulty ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from crossrec.components.policies import Availability
from crossrec.components.protocols import PolicyContext
from crossrec.components.slate import Change, Slate, SlateItem
from crossrec.plugins.registration import Registration
from crossrec.testing import PolicyTests


class DropsDear:
    """Drops what costs more than 40."""

    def apply(self, slate: Slate, context: PolicyContext) -> Slate:
        prices = context.catalog.attributes.get("price")
        dear = {item.item_id for item in slate.items if prices and (prices[item.index] or 0) > 40}
        kept = tuple(item for item in slate.items if item.item_id not in dear)
        changes = (Change("dear", id_, "drop", "more than 40") for id_ in sorted(dear))
        return slate.with_items(kept, *changes)


def registered(factory: Any) -> Registration:
    return Registration("policies", "mine", factory, summary="a policy")


class TestDropsDear(PolicyTests):
    registered = registered(DropsDear)

    def test_what_it_is_for(self) -> None:
        context = self.context()
        after = self.apply(self.slate(context), context)
        assert [c.item_id for c in after.changes[1:]] == ["p2", "p6"]
        assert len(after.items) == 10


class TestAvailability(PolicyTests):
    registered = registered(Availability)


def kit_for(policy: type[Any]) -> PolicyTests:
    return type("T", (PolicyTests,), {"registered": registered(policy)})()


class DropsInSilence(DropsDear):
    def apply(self, slate: Slate, context: PolicyContext) -> Slate:
        return replace(super().apply(slate, context), changes=slate.changes)


class GivesNoWhy(DropsDear):
    def apply(self, slate: Slate, context: PolicyContext) -> Slate:
        after = super().apply(slate, context)
        return replace(after, changes=tuple(replace(c, why="") for c in after.changes))


class InsertsInSilence(DropsDear):
    def apply(self, slate: Slate, context: PolicyContext) -> Slate:
        first = slate.items[1:]
        return slate.with_items((SlateItem(3, "p3", 9.0), *(i for i in first if i.index != 3)))


class Repeats(DropsDear):
    def apply(self, slate: Slate, context: PolicyContext) -> Slate:
        return slate.with_items(slate.items[:1] * 3)


class MakesUpItems(DropsDear):
    def apply(self, slate: Slate, context: PolicyContext) -> Slate:
        return slate.with_items((SlateItem(0, "nonsense", 1.0),))


class NeedsItems(DropsDear):
    def apply(self, slate: Slate, context: PolicyContext) -> Slate:
        return slate.with_items((slate.items[0], *slate.items[1:]))


class NeedsAttributes(DropsDear):
    def apply(self, slate: Slate, context: PolicyContext) -> Slate:
        context.catalog.attributes["price"]
        return super().apply(slate, context)


class StartsAnew(DropsDear):
    def apply(self, slate: Slate, context: PolicyContext) -> Slate:
        return Slate(slate.items)


class LosesChanges(DropsDear):
    def apply(self, slate: Slate, context: PolicyContext) -> Slate:
        after = super().apply(slate, context)
        return replace(after, changes=after.changes[len(slate.changes) :])


class Shuffles(DropsDear):
    def apply(self, slate: Slate, context: PolicyContext) -> Slate:
        order = np.random.default_rng().permutation(len(slate.items))
        items = tuple(slate.items[i] for i in order)
        return slate.with_items(items, Change("shuffle", "", "move", "for variety"))


class TurnsInSilence(DropsDear):
    def apply(self, slate: Slate, context: PolicyContext) -> Slate:
        return slate.with_items(slate.items[::-1])


class ReturnsItems(DropsDear):
    def apply(self, slate: Slate, context: PolicyContext) -> Any:
        return slate.items


FAULTS: list[tuple[type[Any], str, tuple[str, ...]]] = [
    (DropsInSilence, "test_every_dropped_item_has_its_reason", ("user",)),
    (GivesNoWhy, "test_every_dropped_item_has_its_reason", ("user",)),
    (InsertsInSilence, "test_every_dropped_item_has_its_reason", ("user",)),
    (Repeats, "test_the_slate_stays_valid", ("user",)),
    (MakesUpItems, "test_the_slate_stays_valid", ("user",)),
    (NeedsItems, "test_the_slate_stays_valid", ("nothing",)),
    (ReturnsItems, "test_the_slate_stays_valid", ("item",)),
    (NeedsAttributes, "test_a_catalog_without_attributes", ()),
    (StartsAnew, "test_earlier_records_are_kept", ()),
    (LosesChanges, "test_earlier_records_are_kept", ()),
    (Shuffles, "test_the_same_request_gets_the_same_slate", ()),
    (TurnsInSilence, "test_a_new_order_is_recorded", ()),
]


@pytest.mark.parametrize(
    ("policy", "test", "arguments"), FAULTS, ids=[f"{p.__name__}-{t}" for p, t, _ in FAULTS]
)
def test_a_faulty_policy_is_found(policy: type[Any], test: str, arguments: tuple[str, ...]) -> None:
    getattr(kit_for(DropsDear), test)(*arguments)
    with pytest.raises((AssertionError, IndexError, KeyError)):
        getattr(kit_for(policy), test)(*arguments)
