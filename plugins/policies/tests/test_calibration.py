"""`calibration`: shares of the history in the list, by the definition of Steck (2018)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from crossrec.components.ranked import Ranked
from crossrec.components.wording import in_english
from crossrec.numeric.ragged import Ragged
from crossrec.testing.policy_requests import PastEvent, pool_of, request_on
from crossrec_policies.lists.calibration import (
    Calibration,
    CalibrationConfig,
    calibrated,
    shares_of,
)
from hypothesis import given
from hypothesis import strategies as st

#: Twenty items of romance, twenty of action, and what the user has watched.
ROWS = [{"categories": [name]} for name in ("romance", "action") for _ in range(20)]
WATCHED: tuple[PastEvent, ...] = tuple(
    (f"i{at}", "watch", 1.0) for at in (0, 1, 2, 3, 4, 5, 6, 20, 21, 22)
)


def listed(events: tuple[PastEvent, ...] = WATCHED, k: int = 10, **settings: Any) -> Ranked:
    pool = pool_of([*range(7, 20), *range(23, 40)])
    context = request_on(ROWS, events=events, negative=("dislike",), k=k)
    return Calibration(CalibrationConfig(**settings)).apply(pool, context)


def of_action(ranked: Ranked, k: int = 10) -> int:
    return int((ranked.index[:k] >= 20).sum())


def test_seven_to_three_in_the_history_seven_to_three_in_the_list() -> None:
    after = listed(weight=0.99)
    assert of_action(after) == 3
    assert of_action(listed(weight=0)) == 0
    assert sorted(after.index.tolist()) == [*range(7, 20), *range(23, 40)]
    codes = {change.code for change in after.changes}
    assert codes == {"like_the_history"}
    assert {change.item for change in after.changes} == {23, 24, 25}, "the best of action"
    words = in_english("like_the_history", after.changes[0].values)
    assert words.endswith("closer to the history's shares of categories")


def test_weights_of_events_count_and_refusals_do_not() -> None:
    disliked = (*WATCHED[:7], *((f"i{at}", "dislike", 1.0) for at in (20, 21, 22)))
    assert of_action(listed(disliked, weight=0.99)) == 0


def test_without_a_history_or_the_field_nothing_moves() -> None:
    assert listed(()).changes == ()
    assert listed((("gone", "watch", 1.0),)).changes == ()
    assert listed(field="mood").changes == ()
    empty = Calibration().apply(pool_of(0), request_on(ROWS, events=WATCHED))
    assert len(empty) == 0


def test_by_popularity_whoever_likes_the_rare_gets_the_rare() -> None:
    people = np.array([500] * 10 + [3] * 10)
    rare = tuple((f"i{at}", "watch", 1.0) for at in (18, 19))
    policy = Calibration(CalibrationConfig(of="popularity", weight=0.9))
    context = request_on([{"title": "x"}] * 20, events=rare, people=people, k=4)
    after = policy.apply(pool_of(18), context)
    assert after.index[:4].tolist() == [10, 11, 12, 13]
    assert after.changes[0].values["field"] == "popularity"
    unknown = request_on([{"title": "x"}] * 20, events=rare, k=4)
    assert policy.apply(pool_of(18), unknown).changes == ()


def test_an_item_of_several_groups_has_a_part_in_each() -> None:
    shares = shares_of(Ragged.from_rows([[4, 7], [4], [], [9, 4, 7]]))
    expected = [[1 / 2, 1 / 2, 0], [1, 0, 0], [0, 0, 0], [1 / 3, 1 / 3, 1 / 3]]
    np.testing.assert_allclose(shares, expected)


@pytest.mark.parametrize("wrong", [{"weight": 2}, {"smoothing": 0}, {"of": "age"}, {"groups": 0}])
def test_settings_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        CalibrationConfig(**wrong)


@given(st.integers(1, 8), st.integers(1, 4), st.floats(0, 1), st.integers(0, 99))
def test_by_its_definition(m: int, groups: int, weight: float, seed: int) -> None:
    """Each step has the largest (1 - λ) Σ score - λ KL(p ‖ q) that one more item can give."""
    rng = np.random.default_rng(seed)
    score = np.sort(rng.random(m))[::-1]
    shares = rng.dirichlet(np.ones(groups), m)
    target = rng.dirichlet(np.ones(groups))
    target = np.maximum(target, 1e-6) / np.maximum(target, 1e-6).sum()
    chosen = calibrated(score, shares, target, weight, 0.01, m).tolist()
    assert sorted(chosen) == list(range(m))
    for step in range(m):

        def objective(at: int, before: list[int] = chosen[:step]) -> float:
            part = [*before, at]
            q = 0.99 * shares[part].mean(axis=0) + 0.01 * target
            divergence = float((target * np.log(target / q)).sum())
            return float((1 - weight) * score[part].sum() - weight * divergence)

        best = max(objective(at) for at in range(m) if at not in chosen[:step])
        assert objective(chosen[step]) >= best - 1e-9
