"""A users table under other systems' column names, from the file to the answer.

Read by its meaning, obeyed by filters and rules, in every scenario.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from crossrec import Engine
from crossrec.cli import main

PIPELINE = """
encoder = ""
[[sources]]
name = "popularity"
"""
N = 24

#: Scenario → event, fields of the item at a place, the users table, what the store then holds.
CASES: dict[str, tuple[str, Any, str, dict[str, dict[str, Any]]]] = {
    "video": (
        "click",
        lambda at: {
            "content_classification": "R" if at % 4 == 0 else "PG",
            "is_kids": at % 6 == 1,
            "genres": "drama" if at % 2 else "crime",
        },
        "profile_id,Max Rating,kids_profile,favorite_genres,plan\n"
        "u0,PG-13,no,drama|crime,plus\n"
        "u1,,yes,drama,free\n",
        {
            "u0": {
                "maturity_limit": "PG-13",
                "is_kids": False,
                "favourite_genres": ["drama", "crime"],
                "subscription_model": "plus",
            },
            "u1": {"is_kids": True, "favourite_genres": "drama", "subscription_model": "free"},
        },
    ),
    "music": (
        "search_play",
        lambda at: {"explicit": at % 3 == 0, "genres": "jazz" if at % 2 else "soul"},
        "user,allow_explicit,country code,genres\nu0,false,DE,jazz\nu1,true,,soul\n",
        {
            "u0": {"explicit_allowed": False, "country": "DE", "favourite_genres": "jazz"},
            "u1": {"explicit_allowed": True, "favourite_genres": "soul"},
        },
    ),
    "ecommerce": (
        "view",
        lambda at: {"adult": at % 5 == 0, "size": "M" if at % 2 else "L"},
        "customer_id,loyalty_tier,user_sizes,signed_up_at\nu0,gold,M|S,2023-11-14T22:13:20Z\n",
        {
            "u0": {
                "membership_status": "gold",
                "size_profile": ["M", "S"],
                "created_at": 1_700_000_000.0,
            }
        },
    ),
    "social": (
        "photo_expand",
        lambda at: {"topics": "chess" if at % 2 else "tea"},
        "user_id,interests,followers,is_verified\nu0,chess|go,1200,yes\n",
        {"u0": {"followed_topics": ["chess", "go"], "followers_count": 1200, "verified": True}},
    ),
}
each = pytest.mark.parametrize("name", list(CASES))


def crossrec(*words: object) -> Result:
    """Run the command line in this process."""
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def fitted(name: str, tmp_path: Path) -> Engine:
    """Return an engine with a users table under foreign names, fitted on what is popular."""
    event, fields, users, _ = CASES[name]
    items = [{"item_id": f"i{at}", "title": f"thing number {at}", **fields(at)} for at in range(N)]
    rows = [
        (f"p{user}", f"i{(user * 7 + step) % N}", event, 1_700_000_000 + 60 * step)
        for user in range(30)
        for step in range(5)
    ]
    columns = ["user_id", "item_id", "event_type", "time"]
    (tmp_path / "users.csv").write_text(users)
    (tmp_path / "own.toml").write_text(PIPELINE)
    engine = Engine.create(tmp_path / "ws")
    engine.ingest(
        name,
        items=pd.DataFrame(items),
        events=pd.DataFrame(rows, columns=columns),
        users=tmp_path / "users.csv",
    )
    engine.fit(name, pipeline_file=tmp_path / "own.toml")
    return engine


def numbers(engine: Engine, name: str, user: str, **request: Any) -> set[int]:
    """Return the numbers of the items that a long list shows."""
    slate = engine.recommend(name, user, k=N, **request)
    assert not slate.degraded
    return {int(item[1:]) for item in slate.item_ids}


@each
def test_columns_are_read_by_their_meaning(name: str, fitted: Engine) -> None:
    stored = fitted.workspace.store().users(name)[1]
    assert {user: dict(stored[user]) for user in CASES[name][3]} == CASES[name][3]


@pytest.mark.parametrize("name", ["video"])
def test_a_profile_has_its_limit(name: str, fitted: Engine) -> None:
    assert not {at for at in numbers(fitted, name, "u0") if at % 4 == 0}
    assert numbers(fitted, name, "u1") == {at for at in range(N) if at % 6 == 1}
    assert numbers(fitted, name, "p1") & {at for at in range(N) if at % 4 == 0}
    own = numbers(fitted, name, "u0", filter="categories IN user.favourite_genres")
    assert own == numbers(fitted, name, "u0")
    dramas = numbers(fitted, name, "u1", filter="categories IN user.favourite_genres")
    assert dramas == {at for at in range(N) if at % 6 == 1}


@pytest.mark.parametrize("name", ["music"])
def test_explicit_tracks_are_for_those_who_allow_them(name: str, fitted: Engine) -> None:
    assert numbers(fitted, name, "u0") == {at for at in range(N) if at % 3}
    assert numbers(fitted, name, "u1") == set(range(N))


@pytest.mark.parametrize("name", ["ecommerce"])
def test_what_is_not_below_18_obeys_the_limit_of_a_request(name: str, fitted: Engine) -> None:
    young = numbers(fitted, name, "u0", context={"maturity_limit": "16"})
    assert young == {at for at in range(N) if at % 5}
    fits = numbers(fitted, name, "u0", filter="sizes IN user.size_profile")
    assert fits == {at for at in range(N) if at % 2}


@pytest.mark.parametrize("name", ["social"])
def test_topics_of_a_person_filter_and_boost(name: str, fitted: Engine) -> None:
    chess = numbers(fitted, name, "u0", filter="categories IN user.followed_topics")
    assert chess == {at for at in range(N) if at % 2}
    boost = "CASE WHEN categories IN user.followed_topics THEN 10 ELSE 1 END"
    plain, boosted = (
        sum(int(item[1:]) % 2 for item in fitted.recommend(name, "u0", k=9, boost=one).item_ids)
        for one in ("", boost)
    )
    assert boosted > plain


@pytest.mark.parametrize("name", ["video", "music"])
def test_doctor_counts_who_says_what_the_rules_read(name: str, fitted: Engine) -> None:
    done = crossrec("doctor", "--json", "-w", fitted.workspace.path)
    (one,) = json.loads(done.stdout)["scenarios"]
    main_surface = next(surface for surface in one["surfaces"] if surface["main"])
    expected = {
        "video": {"maturity_limit": 1, "is_kids": 2},
        "music": {"explicit_allowed": 2},
    }
    assert main_surface["user_fields"] == expected[name]
