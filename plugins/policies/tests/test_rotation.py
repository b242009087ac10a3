"""`rotation`: what was shown lately gives way, and comes back in time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from crossrec.components.ranked import Ranked
from crossrec.components.wording import in_english
from crossrec.testing.policy_requests import in_short, pool_of, request_on
from crossrec_policies.weights.rotation import Rotation, RotationConfig
from hypothesis import given
from hypothesis import strategies as st

ROWS = [{"title": f"t{at}"} for at in range(4)]


def rotated(shown: dict[str, tuple[int, float]], **settings: Any) -> Ranked:
    policy = Rotation(RotationConfig(**settings))
    return policy.apply(pool_of(4, [1.0, 0.9, 0.8, 0.7]), request_on(ROWS, shown=shown))


def test_what_was_shown_just_now_gives_way() -> None:
    after = rotated({"i0": (1, 0.0), "i1": (3, 3600.0)}, rotation_rate=0.5)
    assert after.index.tolist() == [2, 3, 1, 0]
    np.testing.assert_allclose(after.score, [0.8, 0.7, 0.9 * 0.75, 0.5])
    assert in_short(after.changes) == [
        (0, "demoted", "shown_lately"),
        (1, "demoted", "shown_lately"),
    ]
    assert after.changes[1].values == {"factor": 0.75, "minutes": 60}
    assert in_english("shown_lately", after.changes[1].values) == (
        "shown 60 minutes ago: 0.75 of its weight is left"
    )


def test_after_the_time_it_has_its_weight_back() -> None:
    assert rotated({"i0": (9, 7200.0)}).index.tolist() == [0, 1, 2, 3]
    assert rotated({"i0": (9, 7200.0)}).changes == ()
    assert rotated({"i0": (1, 60.0)}, rotation_time=59).changes == ()


def test_without_a_decision_log_or_a_rate_nothing_happens() -> None:
    assert rotated({}).changes == ()
    assert rotated({"i0": (1, 0.0)}, rotation_rate=0).changes == ()
    assert rotated({"gone": (1, 0.0)}).changes == ()


def test_what_was_shown_in_the_future_was_shown_now() -> None:
    after = rotated({"i0": (1, -500.0)}, rotation_rate=1)
    assert after.index.tolist() == [1, 2, 3, 0]
    assert after.score[-1] == 0


@pytest.mark.parametrize("wrong", [{"rotation_rate": 1.1}, {"rotation_time": 0}])
def test_settings_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        RotationConfig(**wrong)


@given(st.floats(0, 1), st.floats(0, 10_000), st.floats(0, 10_000))
def test_the_later_shown_the_less_is_left(rate: float, early: float, late: float) -> None:
    early, late = max(early, late), min(early, late)
    after = rotated({"i0": (1, early), "i1": (1, late)}, rotation_rate=rate)
    left = dict(zip(after.index.tolist(), after.score.tolist(), strict=True))
    assert left[0] / 1.0 >= left[1] / 0.9 - 1e-9
    assert left[2] == 0.8
    assert left[1] >= 0.9 * (1 - rate) - 1e-9
