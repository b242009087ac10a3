"""The conformance kit runs over the scenario; its rules have known answers on its demo data."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import pytest
from crossrec import Engine, Slate
from crossrec.testing import ScenarioTests, SurfaceTests
from crossrec_news.demo import DAYS, generate

_DAY = 86_400.0


class TestNews(ScenarioTests):
    component = "news"


class TestNewsSurfaces(SurfaceTests):
    component = "news"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Return an engine that was fitted on the demo data."""
    frames = generate()
    engine = Engine.create(tmp_path_factory.mktemp("news") / "ws")
    engine.ingest("news", items=frames.items, events=frames.events)
    engine.fit("news")
    yield engine
    engine.workspace.close()


@pytest.fixture(scope="module")
def items() -> pd.DataFrame:
    """Return the articles by their ids."""
    found = generate().items
    assert found is not None
    return found.set_index("item_id")


@pytest.fixture(scope="module")
def events() -> pd.DataFrame:
    """Return what readers did."""
    found = generate().events
    assert found is not None
    return found


def now(events: pd.DataFrame) -> float:
    return float(events["time"].max()) + 60.0


def ask(engine: Engine, surface: str, events: pd.DataFrame, **request: object) -> Slate:
    slate: Slate = engine.recommend("news", surface=surface, now=now(events), **request)  # type: ignore[arg-type]
    assert not slate.degraded
    return slate


def test_the_main_surface_is_fresh_and_varied(
    engine: Engine, items: pd.DataFrame, events: pd.DataFrame
) -> None:
    user = str(events["user_id"].value_counts().index[0])
    slate = ask(engine, "for_you", events, user_id=user)
    shown = items.loc[list(slate.item_ids)]
    assert len(shown) == 10
    assert shown["author"].value_counts().max() <= 2
    assert shown["created_at"].median() > items["created_at"].median()
    assert not set(slate.item_ids) & set(events.loc[events["user_id"] == user, "item_id"])


def test_the_paywall_holds_for_those_without_a_plan(
    engine: Engine, items: pd.DataFrame, events: pd.DataFrame
) -> None:
    paid = set(items.index[items["subscription_needed"] == "plus"])
    user = str(events["user_id"].value_counts().index[0])
    free = {"subscription_model": "free"}
    closed = ask(engine, "for_you", events, user_id=user, k=100, context=free)
    assert len(closed.items) > 10
    assert not paid & set(closed.item_ids)
    plan = {"subscription_model": "plus"}
    assert paid & set(ask(engine, "for_you", events, user_id=user, k=100, context=plan).item_ids)


def test_one_goes_on_reading_about_the_same(engine: Engine, events: pd.DataFrame) -> None:
    item = str(events["item_id"].value_counts().index[0])
    slate = ask(engine, "read_next", events, item_ids=[item])
    assert len(slate.items) == 5
    assert item not in slate.item_ids


def test_the_latest_are_of_today(engine: Engine, items: pd.DataFrame, events: pd.DataFrame) -> None:
    slate = ask(engine, "latest", events, user_id="u1")
    newest = items["created_at"].max()
    assert slate.items
    assert (items.loc[list(slate.item_ids), "created_at"] >= newest - _DAY).all()


def test_followed_authors_in_reverse_time(
    engine: Engine, items: pd.DataFrame, events: pd.DataFrame
) -> None:
    follows = events[events["event_type"] == "follow_author"]
    user = str(follows["user_id"].iloc[0])
    authors = set(items.loc[follows.loc[follows["user_id"] == user, "item_id"], "author"])
    shown = items.loc[list(ask(engine, "authors_you_follow", events, user_id=user).item_ids)]
    assert len(shown)
    assert set(shown["author"]) <= authors
    assert shown["created_at"].is_monotonic_decreasing


def test_most_read_counts_people_of_two_days(engine: Engine, events: pd.DataFrame) -> None:
    slate = ask(engine, "most_read", events)
    late = events[events["time"] >= events["time"].max() - 2 * _DAY]
    people = late[late["event_type"] == "read"].groupby("item_id")["user_id"].nunique()
    counts = people.loc[list(slate.item_ids)]
    assert counts.is_monotonic_decreasing
    assert counts.iloc[0] == people.max()


def test_the_demo_is_of_three_weeks(events: pd.DataFrame, items: pd.DataFrame) -> None:
    assert events["time"].max() - events["time"].min() <= DAYS * _DAY
    assert (items["subscription_needed"] == "plus").mean() == pytest.approx(0.2)
