"""Conformance of policies."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from crossrec.components.feedback import Feedback, Impressions
from crossrec.components.live_items import LiveItems
from crossrec.components.policy_context import PolicyContext
from crossrec.components.query import Query
from crossrec.components.ranked import PolicyChange, Ranked
from crossrec.components.user_state import UserState
from crossrec.scenario import ItemSchema
from crossrec.testing import toy as toys
from crossrec.testing.base import Conformance, through_disk

QUERIES = {
    "user": Query(user_id="u1"),
    "stranger": Query(user_id="nobody"),
    "history": Query(history=("p0", "p1")),
    "nothing": Query(history=()),
    "item": Query(item_ids=("p0",)),
    "one": Query(user_id="u1", k=1),
    "many": Query(user_id="u1", k=1000),
}
EACH = pytest.mark.parametrize("query", list(QUERIES))
_SCHEMA = ItemSchema((), "{title}", creator="maker")


class PolicyTests(Conformance, kit=True):
    """What every policy must do, whatever its rule is."""

    kind: ClassVar[str] = "policies"

    def context(self, query: str = "user", **fields: Any) -> PolicyContext:
        """Return a request on the shop, an hour after its last event, with some fields changed."""
        given = QUERIES[query]
        dataset = toys.shop().dataset
        context = PolicyContext(
            query=given,
            user=UserState(given.user_id),
            surface="for_you",
            items=LiveItems(dataset.catalog, _SCHEMA),
            now=toys.START + 40 * toys.HOUR,
            seed=1,
            k=given.k,
            event_types=("buy", "view"),
            people=dataset.item_people,
        )
        return replace(context, **fields)

    def ranked(self, context: PolicyContext, n: int = 12) -> Ranked:
        """Return a ranked pool of `n` items of the shop, to which something was done before."""
        earlier = PolicyChange(len(context.items) - 1, "dropped", "seen", policy="earlier")
        return Ranked(
            np.arange(n, dtype=np.int64),
            1.0 - np.arange(n) / 100,
            np.ones(n),
            (earlier,),
        )

    def apply(self, ranked: Ranked, context: PolicyContext, policy: Any = None) -> Ranked:
        """Apply and check the contract of the answer."""
        after: Ranked = (policy or self.build()).apply(ranked, context)
        assert isinstance(after, Ranked), f"apply returned {type(after).__name__}, not Ranked"
        index = after.index.tolist()
        assert len(set(index)) == len(index), "an item twice"
        assert all(0 <= item < len(context.items) for item in index), "no item of the catalog"
        assert np.isfinite(after.score).all(), "a score is not a number"
        assert ((after.propensity > 0) & (after.propensity <= 1)).all(), "not in (0, 1]"
        return after

    @EACH
    def test_the_pool_stays_valid(self, query: str) -> None:
        """Whatever the request, items stay distinct and real."""
        context = self.context(query)
        for n in (12, 1, 0):
            self.apply(self.ranked(context, n), context)

    def test_an_empty_catalog_of_attributes(self) -> None:
        """A catalog that lacks what the policy looks at bars nothing and breaks nothing."""
        context = self.context()
        catalog = replace(context.items.catalog, attributes={})
        bare = replace(context, items=LiveItems(catalog, _SCHEMA))
        self.apply(self.ranked(bare), bare)

    @EACH
    def test_every_dropped_item_has_its_reason(self, query: str) -> None:
        """What is gone or new is recorded with an action and a code."""
        context = self.context(query)
        before = self.ranked(context)
        after = self.apply(before, context)
        new = after.changes[len(before.changes) :]
        changed = {change.item for change in new}
        gone = set(before.index.tolist()) - set(after.index.tolist())
        come = set(after.index.tolist()) - set(before.index.tolist())
        assert gone <= changed, f"dropped without a change: {sorted(gone - changed)}"
        assert come <= changed, f"inserted without a change: {sorted(come - changed)}"
        assert all(change.action and change.code.strip() for change in new)

    def test_every_inserted_item_has_its_reason(self) -> None:
        """Into a pool of half of the catalog nothing comes without an action and a code."""
        context = self.context()
        before = self.ranked(context, len(context.items) // 2)
        after = self.apply(before, context)
        new = after.changes[len(before.changes) :]
        come = set(after.index.tolist()) - set(before.index.tolist())
        assert come <= {change.item for change in new}, "inserted without a change"
        assert all(change.action and change.code.strip() for change in new)

    def test_what_is_barred_is_never_put_in(self) -> None:
        """Neither what the user refused nor what a rule of the surface drops comes into a pool."""
        n = len(self.context().items)
        barred, ruled = np.arange(n // 2, n - 2), np.array([n - 2])
        context = self.context(barred=barred, rules=(lambda index, _: np.isin(index, ruled),))
        after = self.apply(self.ranked(context, n // 2), context)
        put_in = set(after.index.tolist()) & {*barred.tolist(), *ruled.tolist()}
        assert not put_in, f"put in, though barred: {sorted(put_in)}"

    @EACH
    def test_bars_is_what_it_drops(self, query: str) -> None:
        """A policy that says which items it drops drops these, and no others."""
        self.able("bars")
        context, policy = self.context(query), self.build()
        before = self.ranked(context)
        after = self.apply(before, context, policy)
        bars = policy.bars(before.index, context)
        assert bars.dtype == bool
        np.testing.assert_array_equal(after.index, before.index[~bars])

    def test_reads_are_names(self) -> None:
        """A policy that obeys fields of users names them, and none twice."""
        self.able("reads")
        names = self.build().reads(self.context().items)
        assert all(isinstance(name, str) and name for name in names)
        assert len(set(names)) == len(names)

    def test_a_reordered_pool_says_so(self) -> None:
        """Where the order of the kept items changes there is at least one recorded change."""
        context = self.context()
        before = self.ranked(context)
        after = self.apply(before, context)
        left = set(after.index.tolist())
        kept = [item for item in before.index.tolist() if item in left]
        moved = [item for item in after.index.tolist() if item in set(kept)] != kept
        assert not moved or len(after.changes) > len(before.changes)

    def test_earlier_changes_stay(self) -> None:
        """What policies before it have done is still there."""
        context = self.context()
        before = self.ranked(context)
        assert self.apply(before, context).changes[: len(before.changes)] == before.changes

    def test_the_given_pool_is_not_touched(self) -> None:
        """Pools are values, and their arrays read-only: a policy returns another one."""
        context = self.context()
        ranked = self.ranked(context)
        self.apply(ranked, context)
        again = self.ranked(context)
        np.testing.assert_array_equal(ranked.index, again.index)
        np.testing.assert_array_equal(ranked.score, again.score)
        assert ranked.changes == again.changes

    def test_the_same_request_gets_the_same_pool(self) -> None:
        """By the same policy and by another one with the same settings; chance comes by `rng`."""
        policy = self.build()
        pools = [
            self.apply(self.ranked(context), context, chosen)
            for context, chosen in (
                (self.context(), policy),
                (self.context(), policy),
                (self.context(), None),
            )
        ]
        for pool in pools[1:]:
            np.testing.assert_array_equal(pool.index, pools[0].index)
            np.testing.assert_array_equal(pool.propensity, pools[0].propensity)

    def feedback(self, *, empty: bool = False) -> Feedback:
        """Return a day on the shop: all items shown twice, the first four bought, one refused."""
        catalog = toys.shop().dataset.catalog
        n = 0 if empty else len(catalog)
        shown = _impressions(np.tile(np.arange(n), 2), np.repeat([7, 8], n))
        at = np.arange(5 if n else 0)
        weights = np.where(at < 4, 1.0, -1.0).astype(np.float32)
        times = toys.START + 41 * toys.HOUR + at.astype(np.float64)
        return Feedback(
            catalog, shown, _impressions(at, np.full(len(at), 7)), np.zeros_like(at), weights, times
        )

    def test_what_was_learnt_survives_the_disk(self, tmp_path: Path) -> None:
        """A policy that learns answers alike after a round trip through an artifact."""
        self.able("learn")
        for step, learns in enumerate((False, True)):
            policy = self.build()
            if learns:
                policy.learn(self.feedback())
            restored = self.build()
            state = through_disk(policy.state(), tmp_path / str(step))
            restored.restore(state, toys.shop().dataset.catalog)
            for query in QUERIES:
                context, again = self.context(query), self.context(query)
                _same_pool(
                    self.apply(self.ranked(context), context, policy),
                    self.apply(self.ranked(again), again, restored),
                )
            restored.learn(self.feedback())

    def test_learning_leaves_the_serving_policy_alone(self) -> None:
        """`learn` on a shallow copy leaves the original as it is; no feedback changes nothing."""
        self.able("learn")
        fresh = self.build()
        before = self.apply(self.ranked(self.context()), self.context(), fresh)
        learnt = copy(fresh)
        learnt.learn(self.feedback())
        _same_pool(self.apply(self.ranked(self.context()), self.context(), fresh), before)
        before = self.apply(self.ranked(self.context()), self.context(), learnt)
        quiet = copy(learnt)
        quiet.learn(self.feedback(empty=True))
        _same_pool(self.apply(self.ranked(self.context()), self.context(), quiet), before)


def _impressions(items: NDArray[np.int64], requests: NDArray[np.int64]) -> Impressions:
    n = len(items)
    times = toys.START + 40 * toys.HOUR + requests.astype(np.float64)
    return Impressions(items, requests, np.arange(n, dtype=np.int64), np.full(n, 0.5), times)


def _same_pool(left: Ranked, right: Ranked) -> None:
    np.testing.assert_array_equal(left.index, right.index)
    np.testing.assert_array_equal(left.propensity, right.propensity)
    np.testing.assert_allclose(left.score, right.score, rtol=1e-6)
