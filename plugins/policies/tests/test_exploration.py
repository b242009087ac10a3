"""`exploration`: who is drawn, where, and that the written chance is the frequency."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from crossrec.components.policy_context import PolicyContext
from crossrec.components.ranked import Ranked
from crossrec.components.wording import in_english
from crossrec.testing.policy_requests import DAY, NOW, pool_of, request_on
from crossrec_policies.slots.exploration import Exploration, ExplorationConfig
from hypothesis import given, settings
from hypothesis import strategies as st


def rows(n: int, new: set[int]) -> list[dict[str, Any]]:
    return [{"created_at": NOW - DAY * (1 if at in new else 400)} for at in range(n)]


def explored(
    n: int, new: set[int], pool: list[int], seed: int = 1, k: int = 10, **given_settings: Any
) -> Ranked:
    context = request_on(rows(n, new), k=k, seed=seed)
    return Exploration(ExplorationConfig(**given_settings)).apply(pool_of(pool), context)


def test_a_new_item_of_the_catalogue_stands_in_the_slot() -> None:
    after = explored(30, {25}, list(range(20)))
    assert after.index.tolist() == [*range(9), 25, *range(9, 20)]
    assert after.propensity.tolist() == [1.0] * 21, "one candidate comes for sure"
    (change,) = after.changes
    assert (change.item, change.action, change.code) == (25, "inserted", "explored")
    assert in_english("explored", change.values) == (
        "explored: chance 1.0, to learn about new items"
    )


def test_a_new_item_from_further_behind_in_the_pool_moves_there() -> None:
    after = explored(30, {15}, list(range(20)), share=0.3)
    assert after.index[:4].tolist() == [0, 1, 2, 15]
    assert after.changes[0].action == "moved"
    assert len(after) == 20


def test_what_the_ranker_shows_itself_is_not_drawn() -> None:
    assert explored(30, {0, 8}, list(range(20))).changes == ()
    assert explored(30, {9}, list(range(20))).index[9] == 9


def test_new_is_young_or_little_known() -> None:
    people = np.array([50, 50, 50, 2, 50, 9])
    context = request_on([{"title": "x"}] * 6, k=2, people=people)
    policy = Exploration(ExplorationConfig(slots=(2,)))
    assert policy.apply(pool_of(3), context).index[:2].tolist() == [0, 3]
    nobody = Exploration(ExplorationConfig(slots=(2,), people=-1))
    assert nobody.apply(pool_of(3), context).changes == ()


def test_what_is_announced_is_not_new_yet() -> None:
    context = request_on([{"created_at": NOW}, {"created_at": NOW + 9}], k=1)
    policy = Exploration(ExplorationConfig(slots=(1,)))
    assert policy.apply(pool_of([1]), context).index.tolist() == [0, 1]


def test_what_the_user_knows_is_not_explored() -> None:
    events = (("i25", "view", 1.0), ("gone", "view", 0.5))
    for seed in range(8):
        context = request_on(rows(30, {25, 26}), events=events, seed=seed)
        assert Exploration().apply(pool_of(20), context).index[9] == 26


def test_only_so_many_candidates_the_newest() -> None:
    ages = [{"created_at": NOW - DAY * age} for age in (400, 3, 1, 2)]
    policy = Exploration(ExplorationConfig(slots=(2,), candidates=1))
    for seed in range(5):
        after = policy.apply(pool_of([0]), request_on(ages, k=2, seed=seed))
        assert after.index.tolist() == [0, 2]


def test_nothing_that_is_barred_or_that_a_rule_drops_is_drawn() -> None:
    def out_of_stock(index: Any, context: PolicyContext) -> Any:
        return index == 26

    for seed in range(20):
        context = request_on(
            rows(30, {25, 26, 27}), seed=seed, barred=np.array([25]), rules=(out_of_stock,)
        )
        after = Exploration().apply(pool_of(20), context)
        assert after.index[9] == 27
        assert after.propensity[9] == 1.0


def test_no_slot_no_change() -> None:
    pool = pool_of(5)
    assert Exploration().apply(pool, request_on(rows(30, {20}), k=5)) is pool
    for wrong in ({"share": 2}, {"slots": (0,)}, {"days": -1}, {"candidates": 0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            ExplorationConfig(**wrong)


@settings(deadline=None, max_examples=12, derandomize=True)
@given(
    new=st.sets(st.integers(0, 29), max_size=6),
    share=st.sampled_from([0.2, 0.4, 1.0]),
    n=st.integers(0, 12),
)
def test_the_written_chance_is_how_often_it_happens(new: set[int], share: float, n: int) -> None:
    """Over 1,500 requests; four standard errors and a half of room."""
    k, trials = 5, 1500
    policy = Exploration(ExplorationConfig(share=share))
    catalogue = request_on(rows(30, new), k=k)
    seen: Counter[tuple[int, int]] = Counter()
    written: dict[tuple[int, int], float] = {}
    for seed in range(trials):
        object.__setattr__(catalogue, "seed", seed)
        catalogue.__dict__.pop("rng", None)
        after = policy.apply(pool_of(n), catalogue)
        for place in range(min(k, len(after))):
            cell = (place, int(after.index[place]))
            seen[cell] += 1
            chance = written.setdefault(cell, float(after.propensity[place]))
            assert chance == after.propensity[place], "the same item at the same place"
    for cell, times in seen.items():
        p = written[cell]
        room = 4.5 * np.sqrt(max(p * (1 - p), 1e-12) / trials) + 1e-9
        assert abs(times / trials - p) <= room, cell
