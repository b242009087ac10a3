"""`popularity_debias`: factors by hand, and what it reads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from crossrec.components.ranked import Ranked
from crossrec.components.wording import in_english
from crossrec.testing.policy_requests import in_short, pool_of, request_on
from crossrec_policies.weights.popularity_debias import PopularityDebias, PopularityDebiasConfig
from hypothesis import given
from hypothesis import strategies as st


def debiased(people: list[int] | None, scores: list[float], **settings: Any) -> Ranked:
    rows = [{"title": "x"}] * len(scores)
    known = None if people is None else np.array(people, dtype=np.int64)
    policy = PopularityDebias(PopularityDebiasConfig(**settings))
    return policy.apply(pool_of(len(rows), scores), request_on(rows, people=known))


def test_ten_times_as_many_people_a_tenth_of_the_weight() -> None:
    after = debiased([99, 9, 0], [1.0, 0.9, 0.8], power=1, floor=0)
    assert after.index.tolist() == [2, 1, 0]
    np.testing.assert_allclose(after.score, [0.8, 0.09, 0.01])
    assert in_short(after.changes) == [(0, "demoted", "well_known"), (1, "demoted", "well_known")]
    assert after.changes[0].values == {"factor": 0.01, "people": 99}
    assert in_english("well_known", after.changes[0].values) == (
        "known to 99 people already: 0.01 of its weight is left"
    )


def test_a_half_power_and_a_floor() -> None:
    np.testing.assert_allclose(debiased([99, 0], [1, 1], power=0.5, floor=0).score, [1, 0.1])
    np.testing.assert_allclose(debiased([99, 0], [1, 1], power=2, floor=0.3).score, [1, 0.3])


def test_only_the_pool_is_compared() -> None:
    """The least known item of the pool keeps its weight, however many know it."""
    assert debiased([500, 500], [1, 0.5]).changes == ()
    assert debiased([99, 999], [1.0, 1.0], power=1, floor=0).score.tolist() == [1.0, 0.1]


def test_where_nothing_is_known_of_people_nothing_happens() -> None:
    assert debiased(None, [1.0, 0.5]).changes == ()
    assert debiased([5, 1], [1.0, 0.9], power=0).index.tolist() == [0, 1]
    assert len(debiased([], [])) == 0


@pytest.mark.parametrize("wrong", [{"power": -1}, {"power": 3}, {"floor": 2}])
def test_settings_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        PopularityDebiasConfig(**wrong)


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=20), st.floats(0, 2))
def test_with_equal_scores_the_less_known_stand_first(people: list[int], power: float) -> None:
    after = debiased(people, [1.0] * len(people), power=power, floor=0)
    factors = [((1 + min(people)) / (1 + people[at])) ** power for at in after.index.tolist()]
    assert factors == sorted(factors, reverse=True)
    assert sorted(after.index.tolist()) == list(range(len(people)))
