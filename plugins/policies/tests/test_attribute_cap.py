"""`attribute_cap`: known lists, and what holds for any."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from crossrec.components.ranked import Ranked
from crossrec.components.wording import in_english
from crossrec.testing.policy_requests import in_short, pool_of, request_on
from crossrec_policies.limits.attribute_cap import AttributeCap, AttributeCapConfig
from hypothesis import given
from hypothesis import strategies as st


def brands(letters: str) -> list[dict[str, Any]]:
    return [{} if letter == "-" else {"creator": letter} for letter in letters]


def capped(rows: list[dict[str, Any]], k: int = 10, **settings: Any) -> Ranked:
    policy = AttributeCap(AttributeCapConfig(**settings))
    return policy.apply(pool_of(len(rows)), request_on(rows, k=k))


def test_what_is_too_much_moves_behind_all_others_in_its_order() -> None:
    after = capped(brands("aaabacb"), most=2)
    assert after.index.tolist() == [0, 1, 3, 5, 6, 2, 4]
    assert in_short(after.changes) == [
        (2, "moved", "too_many_alike"),
        (4, "moved", "too_many_alike"),
    ]
    assert after.changes[0].values == {"field": "creator", "most": 2, "value": "a"}
    words = in_english(after.changes[0].code, after.changes[0].values)
    assert words == "more than 2 of the same creator: a"


def test_dropped_where_the_file_says_so() -> None:
    after = capped(brands("aaab"), most=1, mode="drop")
    assert after.index.tolist() == [0, 3]
    assert in_short(after.changes) == [
        (1, "dropped", "too_many_alike"),
        (2, "dropped", "too_many_alike"),
    ]


def test_upper_and_lower_case_are_the_same_and_no_value_is_no_limit() -> None:
    assert capped(brands("aA-"), most=1).index.tolist() == [0, 2, 1]
    pool = pool_of(4)
    assert AttributeCap().apply(pool, request_on(brands("----"))) is pool
    assert AttributeCap().apply(pool, request_on([{"title": "x"}] * 4)) is pool


def test_within_the_first_places_only() -> None:
    """Of the first three one a value; behind them everything as it stood."""
    after = capped(brands("aabbacd"), most=1, within=3)
    assert after.index.tolist() == [0, 2, 5, 1, 3, 4, 6]
    assert capped(brands("abcaaa"), most=1, within=3).changes == ()


def test_an_item_of_several_values_counts_for_each_and_needs_room_for_all() -> None:
    rows = [
        {"genres": ["drama", "crime"]},
        {"genres": ["Crime", "crime"]},
        {"genres": ["drama"]},
        {"genres": ["comedy"]},
        {"genres": ["comedy", "crime"]},
    ]
    after = capped(rows, field="genres", most=1)
    assert after.index.tolist() == [0, 3, 1, 2, 4]
    assert after.changes[-1].values["value"] == "comedy, crime"


def test_the_best_are_kept_whatever_stands_behind() -> None:
    """A list of ten from two hundred of one brand and one other: the other comes second."""
    after = capped([*brands("a" * 200), *brands("b")], most=1)
    assert after.index[:2].tolist() == [0, 200]
    assert len(after) == 201
    assert len(after.changes) <= 50, "no change for what nobody will see"


def test_in_a_list_longer_than_the_pool_all_items_stay() -> None:
    assert sorted(capped(brands("aab"), k=1000, most=1).index.tolist()) == [0, 1, 2]


def test_settings_are_checked() -> None:
    for wrong in ({"most": 0}, {"within": -1}, {"mode": "hide"}, {"colour": "red"}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            AttributeCapConfig(**wrong)


VALUES = st.lists(st.lists(st.sampled_from("abcd"), max_size=3), max_size=40)


@given(VALUES, st.integers(1, 3), st.integers(0, 8), st.integers(1, 12))
def test_the_cap_holds_as_long_as_the_pool_has_others(
    values: list[list[str]], most: int, within: int, k: int
) -> None:
    rows = [{"genres": row} for row in values]
    after = capped(rows, k=k, field="genres", most=most, within=within)
    assert sorted(after.index.tolist()) == list(range(len(rows)))
    seen: Counter[str] = Counter()
    for place, item in enumerate(after.index.tolist()):
        if place == (within or k):
            break
        own = set(values[item])
        if any(seen[value] == most for value in own):
            # Then everything behind it is too much as well.
            left = after.index[place:].tolist()
            assert all(any(seen[v] >= most for v in values[other]) for other in left)
            break
        seen.update(own)


@given(VALUES, st.integers(1, 3), st.data())
def test_it_holds_whatever_is_dropped_afterwards(
    values: list[list[str]], most: int, data: st.DataObject
) -> None:
    rows = [{"genres": row} for row in values]
    after = capped(rows, field="genres", most=most, mode="drop")
    index = after.index.tolist()
    keep = data.draw(st.lists(st.booleans(), min_size=len(index), max_size=len(index)))
    left = [item for item, kept in zip(index, keep, strict=True) if kept]
    counts = Counter(value for item in left for value in set(values[item]))
    assert max(counts.values(), default=0) <= most
    assert {c.item for c in after.changes} == set(range(len(rows))) - set(index)
    assert (np.diff(after.index) > 0).all(), "the order of the rest stays"
