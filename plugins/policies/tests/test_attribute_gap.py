"""`attribute_gap`: known lists, and what holds for any."""

from __future__ import annotations

from typing import Any

import pytest
from crossrec.components.ranked import Ranked
from crossrec.components.wording import in_english
from crossrec.testing.policy_requests import in_short, pool_of, request_on
from crossrec_policies.limits.attribute_gap import AttributeGap, AttributeGapConfig
from hypothesis import given
from hypothesis import strategies as st


def artists(letters: str) -> list[dict[str, Any]]:
    return [{} if letter == "-" else {"creator": letter} for letter in letters]


def spaced(letters: str, gap: int, k: int = 10, **query: Any) -> Ranked:
    context = request_on(artists(letters), k=k, query=query)
    return AttributeGap(AttributeGapConfig(gap=gap)).apply(pool_of(len(letters)), context)


def order(letters: str, gap: int, **query: Any) -> str:
    return "".join(letters[item] for item in spaced(letters, gap, **query).index)


def test_other_items_stand_between_two_of_one_artist() -> None:
    assert order("aabbcc", 1) == "ababcc"
    assert order("aabbcc", 2) == "abcabc"
    assert order("aaabcd", 3) == "abcdaa"
    assert order("abcd", 3) == "abcd"


def test_the_best_of_what_fits_goes_first_and_equal_ones_keep_their_order() -> None:
    after = spaced("aabbcc", 2)
    assert after.index.tolist() == [0, 2, 4, 1, 3, 5]
    assert in_short(after.changes) == [(1, "moved", "too_close"), (3, "moved", "too_close")]
    assert after.changes[0].values == {"field": "creator", "value": "a", "from": 2, "to": 4}
    assert in_english("too_close", after.changes[0].values) == (
        "too close to another of the same creator: a"
    )


def test_where_nothing_else_is_left_the_list_stays_whole() -> None:
    assert order("aaaa", 2) == "aaaa"
    assert spaced("aaaa", 2).changes == ()


def test_items_without_a_value_are_never_too_close() -> None:
    assert order("a-a--", 2) == "a--a-"
    pool = pool_of(3)
    assert AttributeGap().apply(pool, request_on([{"title": "x"}] * 3)) is pool


def test_the_running_session_stands_before_the_list() -> None:
    assert order("abcab", 2, session=("i3",)) == "bcaba"
    assert order("abcab", 2, session=("i4", "i3")) == "cbaab"
    assert order("abcab", 2, session=("nobody", "i3")) == "bcaba"


def test_items_of_several_values_are_kept_apart_in_each() -> None:
    rows = [{"genres": "x|y"}, {"genres": "y|z"}, {"genres": "Z"}, {"genres": "w"}]
    policy = AttributeGap(AttributeGapConfig(field="genres", gap=1))
    assert policy.apply(pool_of(4), request_on(rows)).index.tolist() == [0, 2, 3, 1]


def test_far_behind_the_list_the_order_stays() -> None:
    after = spaced("ab" * 100, 5, k=1)
    assert after.index[23:].tolist() == list(range(23, 200))


def test_a_gap_is_a_whole_number_above_zero() -> None:
    with pytest.raises(ValueError, match="gap"):
        AttributeGapConfig(gap=0)


def reference(letters: str, gap: int) -> str:
    """Return the order by its definition: at each place the best that fits, else the best."""
    left, out = list(letters), ""
    while left:
        near = out[-gap:]
        at = next((at for at, one in enumerate(left) if one == "-" or one not in near), 0)
        out += left.pop(at)
    return out


@given(st.text(alphabet="abc-", max_size=30), st.integers(1, 4))
def test_as_by_its_definition(letters: str, gap: int) -> None:
    """Kept in queues by value it's quicker, and the same."""
    after = spaced(letters, gap)
    assert "".join(letters[item] for item in after.index) == reference(letters, gap)
    assert sorted(after.index.tolist()) == list(range(len(letters)))
    moved = after.index.tolist() != list(range(len(letters)))
    assert bool(after.changes) == moved
