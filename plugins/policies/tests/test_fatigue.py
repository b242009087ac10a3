"""`fatigue`: impressions in vain, and what a user wants less of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from crossrec.components.ranked import Ranked
from crossrec.components.wording import in_english
from crossrec.testing.policy_requests import DAY, PastEvent, in_short, pool_of, request_on
from crossrec_policies.weights.fatigue import Fatigue, FatigueConfig
from hypothesis import given
from hypothesis import strategies as st

ROWS = [{"creator": name} for name in ("Ann", "Bo", "Ann", "Cy")]
SCORES = [1.0, 0.9, 0.8, 0.7]


def tired(
    shown: dict[str, tuple[int, float]] | None = None,
    events: tuple[PastEvent, ...] = (),
    **settings: Any,
) -> Ranked:
    context = request_on(ROWS, shown=shown, events=events, negative=("not_interested", "skip"))
    return Fatigue(FatigueConfig(**settings)).apply(pool_of(4, SCORES), context)


def test_each_so_many_impressions_in_vain_cost_half_of_the_weight() -> None:
    after = tired({"i0": (3, 0.0), "i1": (2, 0.0), "i2": (7, 0.0)}, impressions=3)
    assert after.index.tolist() == [1, 3, 0, 2]
    np.testing.assert_allclose(after.score, [0.9, 0.7, 0.5, 0.2])
    assert in_short(after.changes) == [(0, "demoted", "shown_often"), (2, "demoted", "shown_often")]
    assert after.changes[1].values == {"factor": 0.25, "times": 7}
    assert in_english("shown_often", after.changes[1].values) == (
        "shown 7 times without an answer: 0.25 of its weight is left"
    )


def test_it_is_forgotten_by_half_lives() -> None:
    after = tired({"i0": (5, 7 * DAY)})
    np.testing.assert_allclose(after.score, [0.9, 0.8, 0.75, 0.7])
    assert tired({"i0": (5, 1000 * DAY)}).index.tolist() == [0, 1, 2, 3]


def test_what_was_answered_was_not_shown_in_vain() -> None:
    shown = {"i0": (9, 0.0), "i1": (9, 0.0)}
    after = tired(shown, (("i0", "view", 3.0), ("i1", "skip", 3.0)))
    assert [change.item for change in after.changes] == [1], "a skip is no answer"


def test_without_impressions_or_with_none_counted_nothing_happens() -> None:
    assert tired().changes == ()
    assert tired({"i0": (4, 0.0)}).changes == ()
    assert tired({"i0": (400, 0.0)}, impressions=0).changes == ()


def test_what_a_user_wants_less_of_is_out_for_a_while() -> None:
    after = tired(events=(("i0", "not_interested", 2.0),))
    assert after.index.tolist() == [1, 3], "the other item of Ann too"
    assert in_short(after.changes) == [(0, "dropped", "less_wanted"), (2, "dropped", "less_wanted")]
    assert after.changes[0].values == {"value": "ann", "days": 2.0}
    assert in_english("less_wanted", after.changes[0].values) == (
        "less of ann was wanted 2.0 days ago"
    )


def test_then_it_is_discounted_until_it_is_forgotten() -> None:
    def weight(days: float) -> float:
        after = tired(events=(("i0", "not_interested", days),))
        return dict(zip(after.index.tolist(), after.score.tolist(), strict=True))[0]

    assert weight(14) == pytest.approx(0.2)
    assert weight(14 + 70) == pytest.approx(0.6)
    assert weight(154) == pytest.approx(1.0)
    after = tired(events=(("i0", "not_interested", 84.0),))
    first = next(change for change in after.changes if change.item == 0)
    assert first.code == "less_wanted_before"
    assert first.values == {"factor": 0.6, "value": "ann", "days": 84.0}


def test_a_later_answer_ends_it_and_an_earlier_one_does_not() -> None:
    less = ("i0", "not_interested", 2.0)
    assert tired(events=(less, ("i2", "follow_author", 1.0))).changes == ()
    assert len(tired(events=(("i2", "follow_author", 3.0), less))) == 2
    assert len(tired(events=(less, ("i1", "view", 1.0)))) == 2, "of another author"


def test_only_the_named_events_want_less() -> None:
    assert tired(events=(("i0", "skip", 1.0),)).changes == ()
    assert len(tired(events=(("i0", "skip", 1.0),), see_less=("skip",))) == 2
    assert tired(events=(("gone", "not_interested", 1.0),)).changes == ()


def test_of_several_values_the_one_that_was_refused_last_counts() -> None:
    rows = [{"genres": "a"}, {"genres": "b"}, {"genres": "a|b"}, {"genres": "c"}]
    events = (("i0", "not_interested", 50.0), ("i1", "not_interested", 1.0))
    context = request_on(rows, events=events, negative=("not_interested",))
    after = Fatigue(FatigueConfig(field="genres")).apply(pool_of(4, SCORES), context)
    assert after.index.tolist() == [3, 0]
    assert {change.item: change.values["value"] for change in after.changes} == {
        0: "a",
        1: "b",
        2: "b",
    }


@pytest.mark.parametrize(
    "wrong", [{"impressions": -1}, {"factor": 2}, {"half_life_days": 0}, {"out_days": -1}]
)
def test_settings_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        FatigueConfig(**wrong)


@given(
    st.dictionaries(
        st.sampled_from(["i0", "i1", "i2", "i3", "gone"]),
        st.tuples(st.integers(1, 40), st.floats(0, 30 * DAY)),
    ),
    st.lists(
        st.tuples(
            st.sampled_from(["i0", "i1", "i3"]),
            st.sampled_from(["view", "not_interested"]),
            st.floats(0, 200),
        ),
        max_size=5,
    ),
)
def test_weights_only_fall_and_drops_are_explained(
    shown: dict[str, tuple[int, float]], events: list[PastEvent]
) -> None:
    oldest_first = tuple(sorted(events, key=lambda event: -event[2]))
    after = tired(shown, oldest_first)
    for item, score in zip(after.index.tolist(), after.score.tolist(), strict=True):
        assert 0 <= score <= SCORES[item] + 1e-12
    gone = set(range(4)) - set(after.index.tolist())
    assert gone == {change.item for change in after.changes if change.action == "dropped"}
    assert (np.diff(after.score) <= 0).all()
