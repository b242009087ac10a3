"""All policies in any order, on any data: what must never happen does not."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from crossrec.components.policies import Availability
from crossrec.components.policy_context import PolicyContext
from crossrec.components.ranked import Ranked
from crossrec.pipeline.policy_guard import apply_policies
from crossrec.pipeline.time_limit import supervised
from crossrec.plugins.registration import Registration
from crossrec.testing.policy_requests import DAY, NOW, PastEvent, pool_of, request_on
from crossrec_policies import plugin
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

N = 24
#: Policy → settings under which it has much to do.
SETTINGS: dict[str, dict[str, Any]] = {
    "attribute_cap": {"most": 1},
    "attribute_gap": {"gap": 2},
    "one_version": {},
    "rights": {},
    "recency_decay": {"half_life_days": 30},
    "fatigue": {"impressions": 2},
    "rotation": {"rotation_rate": 1},
    "popularity_debias": {"power": 1},
    "series_continuation": {},
    "exploration": {"share": 0.4, "people": 3},
    "promotion": {"field": "campaign", "values": ("x",), "slots": (1, 3)},
    "mmr": {"relevance": 0.3},
    "dpp": {"theta": 0.3},
    "calibration": {"weight": 0.7},
    "known_share": {},
    "step_limit": {},
}


def built() -> dict[str, Any]:
    found: dict[str, Any] = {"availability": Availability()}

    def register(name: str, factory: Any, **rest: Any) -> None:
        found[name] = Registration("policies", name, factory, **rest).build(SETTINGS[name])

    plugin.register_policies(register)
    return found


POLICIES = built()

ROW = st.fixed_dictionaries(
    {
        "creator": st.sampled_from(["a", "b", "c", ""]),
        "categories": st.lists(st.sampled_from(["g", "h", "i"]), max_size=2),
        "created_at": st.one_of(st.none(), st.floats(0, 400).map(lambda age: NOW - DAY * age)),
        "availability": st.sampled_from(["in stock", "sold out", ""]),
        "country_rights": st.sampled_from(["DE", "US", ""]),
        "content_classification": st.sampled_from(["G", "R", ""]),
        "explicit": st.sampled_from([True, False, None]),
        "visibility": st.sampled_from(["public", "private", ""]),
        "isrc": st.sampled_from(["v", "w", ""]),
        "series_id": st.sampled_from(["s", "t", ""]),
        "episode_number": st.one_of(st.none(), st.integers(1, 5)),
        "campaign": st.sampled_from(["x", ""]),
    }
)


@st.composite
def requests(draw: st.DrawFn, names: tuple[str, ...]) -> tuple[PolicyContext, Ranked]:
    """Return a request on any catalogue by any user, and any pool."""
    rows = draw(st.lists(ROW, min_size=N, max_size=N))
    ids = st.integers(0, N - 1).map(lambda at: f"i{at}")
    kinds = st.sampled_from(["watch", "not_interested", "follow_author"])
    events: list[PastEvent] = draw(st.lists(st.tuples(ids, kinds, st.floats(0, 200)), max_size=6))
    shown = draw(st.dictionaries(ids, st.tuples(st.integers(1, 9), st.floats(0, 9e5)), max_size=5))
    barred = sorted(draw(st.sets(st.integers(0, N - 1), max_size=5)))
    profile = {"country": "DE", "maturity_limit": "PG", "explicit_allowed": "no"}
    rules = tuple(POLICIES[name].bars for name in names if hasattr(POLICIES[name], "bars"))
    context = request_on(
        rows,
        events=sorted(events, key=lambda event: -event[2]),
        negative=("not_interested",),
        profile=draw(st.sampled_from([profile, {}])),
        shown=shown,
        k=draw(st.integers(1, 12)),
        seed=draw(st.integers(0, 9)),
        people=np.array(draw(st.lists(st.integers(0, 9), min_size=N, max_size=N))),
        barred=np.array(barred, dtype=np.int64),
        rules=rules,
    )
    free = [at for at in range(N) if at not in barred]
    pool = draw(st.permutations(free))[: draw(st.integers(0, len(free)))]
    return context, pool_of(list(pool))


def answered(names: tuple[str, ...], context: PolicyContext, pool: Ranked) -> Ranked:
    """Apply the policies as a request does; none of them may be left out."""
    policies = {name: POLICIES[name] for name in names}
    after, failed = supervised(
        lambda: apply_policies(policies, pool, context, context.barred, limit=30.0)
    )
    assert not failed, failed
    return after


@settings(deadline=None, max_examples=50, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_whatever_stands_in_the_file_in_whatever_order(data: st.DataObject) -> None:
    """No item twice, none that is barred, none that a rule of the surface drops."""
    order = data.draw(st.permutations(sorted(POLICIES)))
    names = tuple(order[: data.draw(st.integers(1, len(order)))])
    context, pool = data.draw(requests(names))
    after = answered(names, context, pool)
    index = after.index.tolist()
    assert len(set(index)) == len(index)
    assert not set(index) & set(context.barred.tolist())
    for name in ("availability", "rights"):
        if name in names:
            assert not POLICIES[name].bars(after.index, context).any(), name
    moved = {change.item for change in after.changes}
    assert set(pool.index.tolist()) ^ set(index) <= moved
    again = answered(names, context, pool)
    assert again.index.tolist() == index, "the same request, the same list"


@settings(deadline=None, max_examples=50, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_in_the_order_of_the_page_caps_hold(data: st.DataObject) -> None:
    """What drops, what weighs, what chooses, then the cap: one item a creator in front."""
    names = (
        "availability", "rights", "one_version", "recency_decay", "fatigue", "rotation",
        "popularity_debias", "mmr", "attribute_cap",
    )  # fmt: skip
    context, pool = data.draw(requests(names))
    after = answered(names, context, pool)
    creators = [context.items.catalog.creators[item] for item in after.index.tolist()]
    there = [name for name in creators if name]
    first = creators[: len(set(there)) + creators.count("")]
    counts = Counter(name for name in first if name)
    assert max(counts.values(), default=0) <= 1


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_a_blocked_creator_never_comes_back(name: str) -> None:
    """What a ban removes from the pool no policy puts in again."""
    rows = [
        {"creator": "blocked" if at % 2 else "fine", "campaign": "x", "created_at": NOW,
         "series_id": "s", "episode_number": at}
        for at in range(N)
    ]  # fmt: skip
    banned = np.arange(1, N, 2)
    context = request_on(
        rows, events=(("i0", "watch", 1.0),), barred=banned, people=np.zeros(N, dtype=np.int64)
    )
    after = answered((name,), context, pool_of(list(range(0, N, 4))))
    assert not set(after.index.tolist()) & set(banned.tolist())
