"""`rights`: who may see what, and that what nobody says bars nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from crossrec.components.wording import in_english
from crossrec.testing.policy_requests import PastEvent, pool_of, request_on
from crossrec_policies.limits.maturity import AGES, age_of
from crossrec_policies.limits.rights import Rights, RightsConfig
from hypothesis import given
from hypothesis import strategies as st


def causes(
    rows: list[dict[str, Any]],
    profile: dict[str, Any] | None = None,
    given_now: dict[str, Any] | None = None,
    events: tuple[PastEvent, ...] = (),
    **settings: Any,
) -> dict[int, str]:
    """Return why each item is dropped, in words."""
    query = {"context": given_now or {}}
    context = request_on(rows, profile=profile, query=query, events=events)
    policy = Rights(RightsConfig(**settings))
    pool = pool_of(len(rows))
    after = policy.apply(pool, context)
    found = {change.item: in_english(change.code, change.values) for change in after.changes}
    assert sorted({*found, *after.index.tolist()}) == list(range(len(rows)))
    np.testing.assert_array_equal(policy.bars(pool.index, context), np.isin(pool.index, [*found]))
    return found


FILMS: list[dict[str, Any]] = [
    {"title": "everywhere"},
    {"title": "here", "country_rights": ["DE", "AT"]},
    {"title": "there", "country_rights": "US|CA"},
]


def test_rights_by_country_of_the_profile_or_of_the_moment() -> None:
    assert causes(FILMS) == {}
    assert causes(FILMS, {"country": "de"}) == {2: "no rights in de"}
    assert causes(FILMS, {"country": "DE"}, {"country": "CA"}) == {1: "no rights in CA"}
    assert causes(FILMS, {"country": "FR"}) == dict.fromkeys((1, 2), "no rights in FR")
    assert causes(FILMS, {"country": ""}) == {}


@pytest.mark.parametrize(
    ("rating", "age"),
    [
        ("G", 0), ("PG", 8), ("pg-13", 13), ("R", 17), ("NC-17", 18), ("TV-MA", 17), ("TV-Y7", 7),
        ("FSK 16", 16), ("16+", 16), ("12A", 12), ("PEGI 7", 7), (12, 12), (12.0, 12), ("18", 18),
        ("FSK-12", 12), ("U", 0),
    ],
)  # fmt: skip
def test_ratings_as_ages(rating: Any, age: int) -> None:
    assert age_of(rating) == age


@pytest.mark.parametrize("rating", ["", None, "not rated", "NR", "a lot", float("nan"), 2024])
def test_no_rating_is_no_age(rating: Any) -> None:
    assert np.isnan(age_of(rating))


@given(st.one_of(st.text(max_size=8), st.integers(), st.floats(), st.none()))
def test_any_value_is_an_age_or_none(value: Any) -> None:
    age = age_of(value)
    assert np.isnan(age) or 0 <= age <= 99
    assert set(AGES.values()) <= set(range(19))


def test_above_the_limit_of_the_profile() -> None:
    rows: list[dict[str, Any]] = [
        {"content_classification": "PG-13"},
        {"content_classification": "R"},
        {"content_classification": 12},
        {"title": "says nothing"},
        {"is_adult": "yes", "content_classification": "PG"},
    ]
    assert causes(rows) == {}
    assert causes(rows, {"maturity_limit": "PG-13"}) == {
        1: "age rating 17, above the limit of 13",
        4: "age rating 18, above the limit of 13",
    }
    assert set(causes(rows, {"maturity_limit": 12})) == {0, 1, 4}
    assert causes(rows, {"maturity_limit": "any"}) == {}
    strict = causes(rows, {"maturity_limit": 18}, strict=True)
    assert strict == {3: "age rating unknown, above the limit of 18"}


def test_a_profile_of_children_sees_what_is_for_children() -> None:
    rows: list[dict[str, Any]] = [{"is_kids": True}, {"is_kids": "no"}, {"title": "says nothing"}]
    assert causes(rows) == causes(rows, {"is_kids": 0}) == {}
    assert causes(rows, {"is_kids": 1}) == {1: "not for children"}
    assert set(causes(rows, {}, {"is_kids": True}, strict=True)) == {1, 2}


def test_explicit_where_the_profile_does_not_allow_it() -> None:
    rows: list[dict[str, Any]] = [{"explicit": True}, {"explicit": 0}, {"title": "says nothing"}]
    assert causes(rows) == causes(rows, {"explicit_allowed": "yes"}) == {}
    assert set(causes(rows, {"explicit_allowed": False})) == {0}


def test_plans() -> None:
    rows: list[dict[str, Any]] = [
        {"subscription_needed": "premium"},
        {"subscription_needed": ["Basic", "premium"]},
        {"subscription_needed": "free"},
        {"subscription_needed": True},
        {"title": "says nothing"},
    ]
    assert causes(rows) == {}, "of whom nothing is known nothing is kept"
    assert causes(rows, {"subscription_model": "basic"}) == {0: "needs a subscription: premium"}
    assert causes(rows, {"subscription_model": "premium|sport"}) == {}
    assert set(causes(rows, {"subscription_model": "none"})) == {0, 1, 3}


POSTS: list[dict[str, Any]] = [
    {"creator": "Ann", "visibility": "public"},
    {"creator": "Ann", "visibility": "followers"},
    {"creator": "Bo", "visibility": "followers"},
    {"creator": "Bo", "visibility": "private"},
    {"creator": "Cy"},
]


def test_posts_for_followers() -> None:
    assert set(causes(POSTS)) == {1, 2, 3}
    follows = (("i0", "follow_author", 3.0),)
    assert causes(POSTS, events=follows) == {
        2: "not public: followers",
        3: "not public: private",
    }
    ended = (*follows, ("i1", "unfollow_author", 1.0))
    assert set(causes(POSTS, events=ended)) == {1, 2, 3}
    again = (*ended, ("i0", "follow_author", 0.5), ("i2", "view", 0.1))
    assert set(causes(POSTS, events=again)) == {2, 3}


def test_the_first_cause_is_given() -> None:
    row = {"country_rights": "US", "explicit": 1, "content_classification": "R"}
    profile = {"country": "DE", "explicit_allowed": 0, "maturity_limit": 6}
    assert causes([row], profile) == {0: "no rights in DE"}


def test_fields_of_other_names() -> None:
    rows = [{"regions": "EU"}]
    named = causes(rows, {"market": "US"}, countries="regions", country="market")
    assert named == {0: "no rights in US"}


@given(
    st.lists(st.lists(st.sampled_from(["DE", "US", "FR"]), max_size=3), max_size=12),
    st.sampled_from(["DE", "us", "JP", ""]),
)
def test_an_item_is_shown_where_it_may_be(rights: list[list[str]], country: str) -> None:
    found = causes([{"country_rights": own} for own in rights], {"country": country})
    barred = {at for at, own in enumerate(rights) if country and own and country.upper() not in own}
    assert set(found) == barred


def test_what_a_person_made_is_left_out_where_that_is_wanted() -> None:
    rows = [{"creator": "Ann"}, {"creator": "Ben"}, {}]
    for user_id, own, left in (("ann", True, [1, 2]), ("ann", False, [0, 1, 2]),
                               ("cem", True, [0, 1, 2]), (None, True, [0, 1, 2])):  # fmt: skip
        context = request_on(rows, query={"user_id": user_id})
        policy = Rights(RightsConfig(own=own))
        after = policy.apply(pool_of(3), context)
        assert after.index.tolist() == left
        assert policy.bars(np.arange(3), context).sum() == 3 - len(left)
        if len(left) == 2:
            assert in_english(after.changes[0].code, after.changes[0].values) == "their own"


@pytest.mark.parametrize(
    ("row", "keys"),
    [
        ({"title": "nothing said"}, ()),
        ({"country_rights": "DE"}, ("country",)),
        ({"content_classification": "R"}, ("maturity_limit",)),
        ({"is_adult": True}, ("maturity_limit",)),
        ({"explicit": False, "is_kids": True}, ("explicit_allowed", "is_kids")),
        ({"subscription_needed": "plus"}, ("subscription_model",)),
        ({"visibility": "followers"}, ()),
    ],
)
def test_it_names_what_it_reads_of_users(row: dict[str, Any], keys: tuple[str, ...]) -> None:
    """Only what decides about some item of this catalog."""
    assert Rights().reads(request_on([row, {"title": "another"}]).items) == keys
    own = Rights(RightsConfig(country="land"))
    found = own.reads(request_on([row]).items)
    assert found == tuple("land" if key == "country" else key for key in keys)
