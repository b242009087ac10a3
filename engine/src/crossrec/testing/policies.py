"""Conformance of policies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import pytest

from crossrec.components.protocols import PolicyContext
from crossrec.components.query import Query
from crossrec.components.slate import Change, Degraded, Slate, SlateItem
from crossrec.testing import toy as toys
from crossrec.testing.base import Conformance

QUERIES = {
    "user": Query(user_id="u1"),
    "unknown user": Query(user_id="nobody"),
    "history": Query(history=("p0", "p1")),
    "nothing": Query(history=()),
    "item": Query(item_ids=("p0",)),
    "one": Query(user_id="u1", k=1),
    "many": Query(user_id="u1", k=1000),
}
EACH = pytest.mark.parametrize("query", list(QUERIES))


class PolicyTests(Conformance, kit=True):
    """What every policy must do, whatever its rule."""

    kind: ClassVar[str] = "policies"

    def context(self, query: str = "user") -> PolicyContext:
        """Return a request to the shop, after its last event."""
        toy = toys.shop()
        now = toys.START + 40 * toys.HOUR
        return PolicyContext(QUERIES[query], toy.dataset.catalog, now)

    def slate(self, context: PolicyContext, n: int = 12) -> Slate:
        """Return a ranked slate of `n` items of the shop."""
        catalog = context.catalog
        items = tuple(
            SlateItem(i, catalog.items.id(i), 1.0 - i / 100, catalog.titles[i]) for i in range(n)
        )
        return Slate(
            items,
            request_id="r1",
            scenario="toy",
            surface="for_you",
            path="stored history",
            degraded=(Degraded("als", "MemoryError"),),
            changes=(Change("earlier", "p9", "drop", "seen"),),
            notes=("a note",),
        )

    def apply(self, slate: Slate, context: PolicyContext, policy: Any = None) -> Slate:
        """Apply the policy and check the contract of the slate."""
        after: Slate = (policy or self.build()).apply(slate, context)
        assert isinstance(after, Slate), f"apply returned {type(after).__name__}"
        ids = after.item_ids
        assert len(set(ids)) == len(ids), "an item is in the slate twice"
        for item in after.items:
            own = context.catalog.items.id(item.index)
            assert own == item.item_id, f"index {item.index} is {own}, not {item.item_id}"
            assert item.score == item.score, f"the score of {item.item_id} is not a number"
        return after

    @EACH
    def test_the_slate_stays_valid(self, query: str) -> None:
        """For any request, items stay distinct and exist."""
        context = self.context(query)
        for n in (12, 1, 0):
            self.apply(self.slate(context, n), context)

    def test_a_catalog_without_attributes(self) -> None:
        """A catalog that lacks the attributes that the policy reads raises nothing."""
        context = self.context()
        bare = replace(context, catalog=replace(context.catalog, attributes={}))
        self.apply(self.slate(bare), bare)

    @EACH
    def test_every_dropped_item_has_its_reason(self, query: str) -> None:
        """Dropped and inserted items are recorded with policy, action and reason."""
        context = self.context(query)
        before = self.slate(context)
        after = self.apply(before, context)
        new = after.changes[len(before.changes) :]
        changed = {change.item_id for change in new}
        dropped = set(before.item_ids) - set(after.item_ids)
        inserted = set(after.item_ids) - set(before.item_ids)
        assert dropped <= changed, f"dropped, not recorded: {sorted(dropped - changed)}"
        assert inserted <= changed, f"inserted, not recorded: {sorted(inserted - changed)}"
        assert all(c.policy and c.action and c.why.strip() for c in new)

    def test_a_new_order_is_recorded(self) -> None:
        """Where the order of the kept items changes, at least one change is recorded."""
        context = self.context()
        before = self.slate(context)
        after = self.apply(before, context)
        kept = [id_ for id_ in before.item_ids if id_ in set(after.item_ids)]
        moved = [id_ for id_ in after.item_ids if id_ in set(kept)] != kept
        assert not moved or len(after.changes) > len(before.changes)

    def test_earlier_records_are_kept(self) -> None:
        """Earlier changes, notes and failures are kept, and so is the request."""
        context = self.context()
        before = self.slate(context)
        after = self.apply(before, context)
        assert after.changes[: len(before.changes)] == before.changes
        for name in ("request_id", "scenario", "surface", "path", "degraded"):
            assert getattr(after, name) == getattr(before, name), f"{name} was changed"
        assert set(before.notes) <= set(after.notes)

    def test_the_given_slate_is_not_modified(self) -> None:
        """Slates are values: a policy returns a new one."""
        context = self.context()
        slate = self.slate(context)
        self.apply(slate, context)
        assert slate == self.slate(context)

    def test_the_same_request_gets_the_same_slate(self) -> None:
        """The same policy, and another with the same settings, give the same slate."""
        context = self.context()
        policy = self.build()
        slates = [self.apply(self.slate(context), context, policy) for _ in range(2)]
        slates.append(self.apply(self.slate(context), context))
        assert slates[0] == slates[1] == slates[2]
