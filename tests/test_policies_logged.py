"""Policies and the decision log: chances that are written down, impressions that are read back."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from crossrec import Engine

N = 30
PIPELINE = """
encoder = ""
ranker = "rrf"
policies = [
    "availability",
    { name = "fatigue", settings = { impressions = 2, factor = 0.01 } },
    { name = "promotion", settings = { items = ["i29"], slots = [2], label = "advertisement" } },
    { name = "exploration", settings = { slots = [4], people = 0, days = 0 } },
]

[[sources]]
name = "popularity"
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop in which the last five items have no event, and the first ones most."""
    folder = tmp_path_factory.mktemp("logged")
    (folder / "p.toml").write_text(PIPELINE, encoding="utf-8")
    rng = np.random.default_rng(0)
    items = pd.DataFrame(
        [{"item_id": f"i{at}", "title": f"thing {at}", "brand": f"b{at % 6}"} for at in range(N)]
    )
    weights = 1.0 / (1 + np.arange(N - 5))
    chosen = rng.choice(N - 5, 900, p=weights / weights.sum())
    events = pd.DataFrame(
        {
            "user_id": [f"u{at}" for at in rng.integers(0, 60, 900)],
            "item_id": [f"i{at}" for at in chosen],
            "event_type": "view",
            "time": 1_700_000_000 + np.arange(900),
        }
    )
    engine = Engine.create(folder / "ws")
    engine.ingest("ecommerce", items=items, events=events)
    engine.fit("ecommerce", pipeline_file=folder / "p.toml")
    return folder / "ws"


def listed(engine: Engine, user: str, **more: Any) -> Any:
    slate = engine.recommend("ecommerce", user, k=6, **more)
    assert not slate.degraded
    assert len(slate.items) == 6
    return slate


def test_the_chance_of_what_was_explored_is_written_down(workspace: Path) -> None:
    with Engine.open(workspace, log=True) as engine:
        slates = [listed(engine, f"new{at}") for at in range(40)]
        engine.flush()
        drawn: Counter[str] = Counter()
        for slate in slates:
            fourth = slate.items[3]
            drawn[fourth.item_id] += 1
            assert fourth.propensity == pytest.approx(1 / 4)
            assert [one.propensity for one in slate.items if one is not fourth] == [1.0] * 5
            (decision,) = [
                one
                for one in engine.decisions("ecommerce", 100)
                if one.request_id == slate.request_id
            ]
            assert [shown.propensity for shown in decision.items] == [
                one.propensity for one in slate.items
            ]
    assert set(drawn) == {"i25", "i26", "i27", "i28"}, "the fifth new one is promoted already"
    assert max(drawn.values()) < 25, "each has the same chance"


def test_promoted_items_are_labelled_in_the_answer(workspace: Path) -> None:
    engine = Engine.open(workspace)
    slate = listed(engine, "somebody", policies={"exploration": None})
    assert slate.item_ids[1] == "i29"
    (change,) = [one for one in slate.changes if one.policy == "promotion"]
    assert (change.action, change.why) in [
        ("moved", "promoted: advertisement"),
        ("inserted", "promoted: advertisement"),
    ]
    german = listed(engine, "somebody", policies={"exploration": None}, language="de")
    assert "beworben: advertisement" in {one.why for one in german.changes}


def test_what_is_shown_in_vain_gives_way_and_an_answer_brings_it_back(workspace: Path) -> None:
    alone = {"exploration": None, "promotion": None}
    with Engine.open(workspace, log=True) as engine:
        first = listed(engine, "tired", policies=alone)
        assert listed(engine, "tired", policies=alone).item_ids == first.item_ids
        engine.flush()
        third = listed(engine, "tired", policies=alone)
        assert not set(third.item_ids) & set(first.item_ids), "each was shown twice in vain"
        codes = {(one.item_id, one.code) for one in third.changes}
        assert (first.item_ids[0], "shown_often") in codes
        engine.feedback(first.request_id, first.item_ids[0], "view")
        back = listed(engine, "tired", policies=alone)
    assert first.item_ids[0] in back.item_ids
    assert not set(back.item_ids[1:]) & set(first.item_ids[1:])


def test_less_of_a_brand_is_out_for_a_while(workspace: Path) -> None:
    alone = {"exploration": None, "promotion": None}
    with Engine.open(workspace, log=True) as engine:
        first = listed(engine, "choosy", policies=alone)
        best = int(first.item_ids[0][1:])
        engine.append_event("ecommerce", "choosy", f"i{best}", "not_interested")
        after = listed(engine, "choosy", policies=alone)
    brands = {int(item[1:]) % 6 for item in after.item_ids}
    assert best % 6 not in brands
    assert "less_wanted" in {one.code for one in after.changes}


def test_an_unlogged_engine_shows_nothing_in_vain(workspace: Path) -> None:
    engine = Engine.open(workspace)
    alone = {"exploration": None, "promotion": None}
    lists = {listed(engine, "quiet", policies=alone).item_ids for _ in range(5)}
    assert len(lists) == 1
