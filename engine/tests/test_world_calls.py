"""Calls to a generated world: wrong ones are refused in one line, right ones are the same anywhere.

Its tables are ingested by a scenario and a pipeline is fitted on them.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.errors import UsageError
from crossrec.ingest import ingest_frames
from crossrec.ingest.frames import Frames
from crossrec.numeric.ragged import Ragged
from crossrec.scenario import EventType, ItemField, ItemSchema, Scenario, Surface
from crossrec.simulation import Reaction, Setting, Theme, World
from crossrec.testing.toy_sources import Popular, Together
from crossrec.workspace import Workspace

START = 1_767_571_200.0
WATCH = Setting(
    "clips",
    (
        Theme("wild", {"nature": 1.0}, ("Wolf", "Bear"), ("at Dawn", "Asleep")),
        Theme("court", {"crime": 1.0}, ("Judge", "Thief"), ("Returns", "Confesses")),
    ),
    (Reaction("watch", value="liking"), Reaction("like", least=0.7)),
    list_length=5,
)
CLIPS = Scenario(
    name="clips",
    summary="",
    events=(
        EventType("watch", strength=1.0, value="fraction"),
        EventType("like", strength=3.0),
    ),
    items=ItemSchema(
        fields=(
            ItemField("title", "text"),
            ItemField("categories", "category"),
            ItemField("creator", "category"),
        ),
        text_template="{title}. {categories}",
    ),
    surfaces=(Surface("home"),),
    pipeline="",
    default_event="watch",
    main_surface="home",
)


@pytest.fixture(scope="module")
def world() -> World:
    return World.generate([WATCH], n_people=120, n_items=30, seed=5)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"scenario": "clip"}, "no scenario 'clip'; did you mean clips?"),
        ({"scenario": "zzz"}, "no scenario 'zzz'; did you mean clips?"),
        ({"person": 120}, "no person 120: give 0 to 119"),
        ({"person": -1}, "no person -1: give 0 to 119"),
        ({"items": [3, 30]}, "no item 30: give 0 to 29"),
        ({"items": [-1, 3]}, "no item -1: give 0 to 29"),
        ({"items": []}, "the list is empty"),
        ({"now": float("nan")}, "now is nan: give seconds since 1970"),
        ({"now": float("inf")}, "now is inf: give seconds since 1970"),
        ({"last": 30}, "no last item 30: give -1 for none"),
        ({"last": -2}, "no last item -2: give -1 for none"),
    ],
)
def test_a_wrong_call_gets_one_clear_line(
    world: World, changed: dict[str, Any], message: str
) -> None:
    call: dict[str, Any] = {"scenario": "clips", "person": 0, "items": [1, 2], "now": START}
    with pytest.raises(UsageError) as caught:
        world.respond(**(call | changed))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_an_unknown_scenario_is_refused_by_every_call(world: World) -> None:
    with pytest.raises(UsageError, match="did you mean clips"):
        world.live("klips", days=1)
    with pytest.raises(UsageError, match="did you mean clips"):
        world.items("klips")


def test_the_first_and_the_last_of_everything_are_accepted(world: World) -> None:
    done = world.respond("clips", 119, [0, 29], START, last=29)
    assert done.clicked.shape == (1, 2)
    assert (done.attraction > 0).all()


def test_a_list_may_be_of_any_length(world: World) -> None:
    whole = world.respond("clips", 4, np.arange(30), START)
    first = world.respond("clips", 4, np.arange(7), START)
    assert np.array_equal(whole.clicked[:, :7], first.clicked)
    assert np.array_equal(whole.liking[:, :7], first.liking)


def test_same_seed_same_world_in_another_process(world: World) -> None:
    code = """
from test_world_calls import WATCH, digest
from crossrec.simulation import World
print(digest(World.generate([WATCH], n_people=120, n_items=30, seed=5)))
"""
    path = [str(Path(__file__).parent), *sys.path]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\nsys.path[:0] = {path!r}\n{code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == digest(world)
    assert digest(World.generate([WATCH], n_people=120, n_items=30, seed=6)) != digest(world)


def digest(world: World) -> str:
    """Return a sum over all that a world gives out."""
    import hashlib

    log = world.live("clips", days=5)
    tables = (world.items("clips"), log.impressions(), log.events())
    return hashlib.sha256("".join(table.to_csv() for table in tables).encode()).hexdigest()


def frames_of(world: World) -> Frames:
    """Return the tables of a log as a scenario reads them."""
    events = world.live("clips", days=20).events()
    ids = world.items("clips").item_id.to_numpy()
    events = events.assign(
        user_id="u" + events.person.astype(str), item_id=ids[events.item.to_numpy()]
    )
    columns = ["user_id", "item_id", "event_type", "time", "value"]
    return Frames(items=world.items("clips"), events=events[columns], has_clock=True)


def test_a_scenario_ingests_the_log_and_sources_find_the_tastes(
    world: World, tmp_path: Path
) -> None:
    frames = frames_of(world)
    with closing(Workspace.create(tmp_path / "ws")) as workspace:
        report = ingest_frames(workspace, CLIPS, frames)
        assert report.table("events").new == len(frames.events)
        assert not report.table("events").bad
        assert not report.table("items").bad
        dataset = workspace.dataset(CLIPS)
    assert len(dataset.catalog.categories) == 30
    popular, together = Popular(), Together()
    for source in (popular, together):
        source.fit(dataset, RunOptions(seed=0))
    assert popular.learnt().sum() == dataset.item_counts.sum()
    theme = np.array([one[0] == "wild" for one in dataset.catalog.categories])
    history = np.flatnonzero(theme)[:3]
    queries = QueryBatch.from_histories(Ragged.from_rows([history]))
    scores = together.scores(queries)[0] / np.maximum(popular.learnt(), 1)
    others = np.setdiff1d(np.arange(30), history)
    wild, court = others[theme[others]], others[~theme[others]]
    assert scores[wild].mean() > scores[court].mean()


def test_the_same_log_again_changes_nothing(world: World, tmp_path: Path) -> None:
    with closing(Workspace.create(tmp_path / "ws")) as workspace:
        ingest_frames(workspace, CLIPS, frames_of(world))
        again = ingest_frames(workspace, CLIPS, frames_of(world))
    assert again.table("events").new == 0
