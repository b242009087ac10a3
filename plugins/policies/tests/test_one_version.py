"""`one_version`: of variants and recordings the best alone."""

from __future__ import annotations

from typing import Any

import pytest
from crossrec.components.wording import in_english
from crossrec.testing.policy_requests import in_short, pool_of, request_on
from crossrec_policies.limits.one_version import OneVersion, OneVersionConfig
from hypothesis import given
from hypothesis import strategies as st

SHIRTS = [
    {"title": "shirt, red", "primary_product_id": "shirt"},
    {"title": "trousers"},
    {"title": "shirt, blue", "primary_product_id": "SHIRT"},
    {"title": "socks"},
    {"title": "shirt, green", "primary_product_id": "shirt"},
]


def test_the_best_variant_stays_and_the_others_say_of_what() -> None:
    after = OneVersion().apply(pool_of([2, 1, 0, 3, 4]), request_on(SHIRTS))
    assert after.index.tolist() == [2, 1, 3]
    assert in_short(after.changes) == [
        (0, "dropped", "other_version"),
        (4, "dropped", "other_version"),
    ]
    assert after.changes[0].values == {"field": "primary_product_id", "of": "i2"}
    assert in_english("other_version", after.changes[0].values) == "another version of i2"


def test_variants_of_what_the_list_is_about_are_taken_out() -> None:
    about = request_on(SHIRTS, query={"item_ids": ("i0", "not there")})
    assert OneVersion().apply(pool_of([1, 2, 3, 4]), about).index.tolist() == [1, 3]
    keeps = OneVersion(OneVersionConfig(of_given=False))
    assert keeps.apply(pool_of([1, 2, 3, 4]), about).index.tolist() == [1, 2, 3]


def test_what_the_list_is_about_is_no_version_of_itself() -> None:
    about = request_on(SHIRTS, query={"item_ids": ("i0",)})
    after = OneVersion().apply(pool_of([0, 1]), about)
    assert after.index.tolist() == [0, 1]
    assert after.changes == ()


def test_several_keys_one_after_the_other() -> None:
    rows: list[dict[str, Any]] = [{"isrc": "A", "work": "w"}, {"isrc": "B", "work": "w"}]
    rows += [{"isrc": "B"}, {"isrc": "C"}]
    policy = OneVersion(OneVersionConfig(fields=("work", "isrc")))
    after = policy.apply(pool_of(4), request_on(rows))
    assert after.index.tolist() == [0, 2, 3], "what was dropped is the version of nothing"


def test_without_the_fields_nothing_happens() -> None:
    pool = pool_of(2)
    assert OneVersion().apply(pool, request_on([{"title": "a"}, {"title": "a"}])) is pool
    with pytest.raises(ValueError, match="fields"):
        OneVersionConfig(fields=())


@given(st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=20), st.data())
def test_one_item_of_each_key_the_first(keys: list[str], data: st.DataObject) -> None:
    rows = [{"isrc": key} for key in keys]
    order = data.draw(st.permutations(range(len(keys))))
    after = OneVersion().apply(pool_of(list(order)), request_on(rows)).index.tolist()
    first: dict[str, int] = {}
    expected = [i for i in order if not keys[i] or first.setdefault(keys[i], i) == i]
    assert after == expected
