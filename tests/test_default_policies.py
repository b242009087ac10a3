"""What every scenario's default policies keep out of its lists, from ingestion to the answer."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from crossrec import Engine
from crossrec.pipeline.config_files import load_config
from crossrec.plugins.registry import load_registry

#: The default's policies stay where a file names sources alone.
PIPELINE = """
encoder = "tfidf-svd"
[[sources]]
name = "popularity"
[[sources]]
name = "covisitation"
"""
N = 40

#: Scenario → its event, the fields of the item at a place, the profile of the user ``u0``.
CASES: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "video": (
        "click",
        lambda at: {
            "series_id": f"s{at % 8}" if at % 2 else "",
            "season_number": 1 if at % 2 else None,
            "episode_number": at // 8 + 1 if at % 2 else None,
            "content_classification": "R" if at % 5 == 0 else "PG",
        },
        {"maturity_limit": "PG-13"},
    ),
    "ecommerce": ("view", lambda at: {"primary_product_id": f"p{at // 2}"}, {}),
    "music": (
        "search_play",
        lambda at: {"isrc": f"r{at // 2}", "explicit": at % 7 == 0},
        {"explicit_allowed": "no"},
    ),
    "social": (
        "photo_expand",
        lambda at: {
            "author": f"a{at % 5}",
            "conversation_id": f"c{at // 3}",
            "visibility": "followers" if at % 4 == 0 else "public",
        },
        {},
    ),
}


def frames(name: str) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return items, events of sixty users, and the users."""
    event, fields, profile = CASES[name]
    items = pd.DataFrame(
        [{"item_id": f"i{at}", "title": f"thing number {at}", **fields(at)} for at in range(N)]
    )
    rng = np.random.default_rng(0)
    users = np.repeat(np.arange(60), 6)
    events = pd.DataFrame(
        {
            "user_id": [f"u{user}" for user in users],
            "item_id": [f"i{at}" for at in rng.integers(0, N, len(users))],
            "event_type": event,
            "time": 1_700_000_000 + 60 * rng.permutation(len(users)),
        }
    )
    return items, events, pd.DataFrame([{"user_id": "u0", **profile}])


@pytest.fixture(scope="module", params=CASES)
def answered(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Engine, pd.DataFrame]:
    name = request.param
    folder: Path = tmp_path_factory.mktemp(name)
    (folder / "p.toml").write_text(PIPELINE, encoding="utf-8")
    engine = Engine.create(folder / "ws")
    items, events, users = frames(name)
    engine.ingest(name, items=items, events=events, users=users)
    engine.fit(name, pipeline_file=folder / "p.toml")
    return name, engine, items.set_index("item_id")


@pytest.mark.parametrize("name", CASES)
def test_the_defaults_are_named_and_can_be_built(name: str) -> None:
    registry = load_registry()
    config = load_config(registry.scenario(name))
    names = [policy.name for policy in config.policies]
    assert names[:2] == ["availability", "rights"]
    for policy in config.policies:
        registry.get("policies", policy.name).build(dict(policy.settings))


def shown(engine: Engine, name: str, items: pd.DataFrame, **query: Any) -> pd.DataFrame:
    slate = engine.recommend(name, **query)
    assert not slate.degraded
    assert len(slate.items) == 10 or slate.short_because
    return items.loc[list(slate.item_ids)]


def test_the_lists_of_a_user_keep_the_rules(
    answered: tuple[str, Engine, pd.DataFrame],
) -> None:
    name, engine, items = answered
    rows = shown(engine, name, items, user_id="u0")
    assert len(rows) > 3
    if name == "video":
        assert set(rows["content_classification"]) == {"PG"}
        assert max(Counter(rows["series_id"][rows["series_id"] != ""]).values(), default=0) <= 1
    if name == "ecommerce":
        assert rows["primary_product_id"].is_unique
    if name == "music":
        assert rows["isrc"].is_unique
        assert not rows["explicit"].any()
    if name == "social":
        assert rows["conversation_id"].is_unique
        assert set(rows["visibility"]) == {"public"}


def test_so_do_lists_about_an_item(answered: tuple[str, Engine, pd.DataFrame]) -> None:
    name, engine, items = answered
    rows = shown(engine, name, items, item_ids=("i1",))
    for field in ("primary_product_id", "isrc", "conversation_id"):
        if field in rows:
            assert rows[field].is_unique
    if name in ("ecommerce", "music"):
        assert "i0" not in rows.index, "a version of what the list is about"


def test_a_file_that_names_policies_has_these_alone(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text('policies = ["availability"]\n', encoding="utf-8")
    config = load_config(load_registry().scenario("video"), path)
    assert [policy.name for policy in config.policies] == ["availability"]
