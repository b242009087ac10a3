"""The kit passes a simulated demo and finds what a demo can lack."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from crossrec.ingest.frames import Frames
from crossrec.plugins.registration import Registration
from crossrec.scenario import EventType, ItemField, ItemSchema, Scenario, Surface
from crossrec.simulation import Habits, SimulatedCatalog, walk
from crossrec.testing import DemoDataTests

N_USERS, N_ITEMS, DAYS, START = 300, 360, 20, 1_767_571_200.0
SCENARIO = Scenario(
    name="toy",
    summary="a small scenario",
    events=(
        EventType("watch", value="portion"),
        EventType("hide", polarity=-1, strength=-1.0),
    ),
    items=ItemSchema(
        (ItemField("title"), ItemField("categories"), ItemField("by")), "{title}", creator="by"
    ),
    surfaces=(Surface("home"),),
    pipeline="toy:pipeline.toml",
    default_event="watch",
    main_surface="home",
)


@cache
def generate(seed: int) -> Frames:
    """Return 360 items of 12 topics and 36 makers, and what 300 simulated users do with them."""
    rng = np.random.default_rng(seed)
    topics, makers = np.arange(N_ITEMS) // 30, np.arange(N_ITEMS) // 10
    catalog = SimulatedCatalog(topics, makers, rng.lognormal(0, 0.8, N_ITEMS))
    habits = Habits(events=(10, 60))
    walks = walk(catalog, habits, rng, n_users=N_USERS, start=START, days=DAYS)
    hidden = (walks.liking < 0.3) & (rng.random(len(walks.liking)) < 0.3)
    events = pd.DataFrame(
        {
            "user_id": [f"u{user}" for user in walks.users],
            "item_id": [f"i{item}" for item in walks.items],
            "event_type": np.where(hidden, "hide", "watch"),
            "time": walks.times,
            "value": np.where(hidden, np.nan, np.round(walks.liking, 2)),
        }
    )
    items = pd.DataFrame(
        {
            "item_id": [f"i{item}" for item in range(N_ITEMS)],
            "title": [f"Title {item}" for item in range(N_ITEMS)],
            "categories": [[f"topic {topic}"] for topic in topics],
            "by": [f"maker {maker}" for maker in makers],
        }
    )
    note = f"generated: {N_ITEMS} titles, seed {seed}"
    return Frames(items=items, events=events, has_clock=True, note=note)


def kit_for(demo: Callable[[int], Frames]) -> DemoDataTests:
    scenario = replace(SCENARIO, demo=demo)
    answers = {
        "registered": Registration("scenarios", "toy", lambda: scenario, summary="toy"),
        "n_users": N_USERS,
        "start": START,
        "days": DAYS,
        "event_types": {"watch", "hide"},
        "dislike": "hide",
    }
    kit: DemoDataTests = type("T", (DemoDataTests,), answers)()
    return kit


def items(**columns: Any) -> Callable[[int], Frames]:
    """Return the demo with other columns of items; a callable makes one of the frame."""
    return _changed("items", columns)


def events(**columns: Any) -> Callable[[int], Frames]:
    """Return the demo with other columns of events."""
    return _changed("events", columns)


def _changed(table: str, columns: dict[str, Any]) -> Callable[[int], Frames]:
    def demo(seed: int) -> Frames:
        frames = generate(seed)
        return replace(frames, **{table: getattr(frames, table).assign(**columns)})

    return demo


def some(**parts: Any) -> Callable[[int], Frames]:
    return lambda seed: replace(generate(seed), **{k: v(seed) for k, v in parts.items()})


def shuffled(frame: pd.DataFrame) -> Any:
    return np.random.default_rng(5).permutation(frame["item_id"])


def within_users(frame: pd.DataFrame) -> Any:
    """Return the items of each user in another order."""
    mixed = frame.sample(frac=1.0, random_state=5).sort_values("user_id", kind="stable")
    order = frame.sort_values("user_id", kind="stable").index
    return pd.Series(mixed["item_id"].to_numpy(), index=order)


FAULTS: dict[str, tuple[Callable[[int], Frames], str]] = {
    "no word that it is generated": (
        some(note=lambda seed: "real data, seed 0"),
        "test_the_note_says_that_it_is_generated",
    ),
    "no word of the seed": (
        some(note=lambda seed: f"generated: {N_ITEMS} titles"),
        "test_the_note_says_that_it_is_generated",
    ),
    "one data set for every seed": (lambda seed: generate(0), "test_one_seed_one_data_set"),
    "few items": (some(items=lambda seed: generate(seed).items[:200]), "test_size"),
    "a user too few": (
        some(events=lambda seed: generate(seed).events.query("user_id != 'u7'")),
        "test_size",
    ),
    "few events": (some(events=lambda seed: generate(seed).events[:4000]), "test_size"),
    "an unknown item": (events(item_id="nowhere"), "test_every_event_is_on_a_listed_item"),
    "an item twice": (items(item_id="i1"), "test_every_event_is_on_a_listed_item"),
    "a title twice": (items(title="Title"), "test_titles_are_distinct_and_readable"),
    "a title that cannot be read": (
        items(title=lambda frame: "t_" + frame["item_id"]),
        "test_titles_are_distinct_and_readable",
    ),
    "an unknown column": (items(colour="red"), "test_fields_are_those_of_the_schema"),
    "no creator": (items(by=""), "test_fields_are_those_of_the_schema"),
    "two categories": (
        items(categories=[["a", "b"]] * N_ITEMS),
        "test_fields_are_those_of_the_schema",
    ),
    "one type of event": (events(event_type="watch"), "test_several_types_of_events"),
    "a value where none belongs": (events(value=0.5), "test_values_fit_their_types"),
    "a negative value": (
        events(value=lambda frame: -1 - frame["value"]),
        "test_values_fit_their_types",
    ),
    "before the start": (events(time=lambda frame: frame["time"] - DAYS * 86_400), "test_times"),
    "after the end": (events(time=lambda frame: frame["time"] + DAYS * 86_400), "test_times"),
    "parts of seconds": (events(time=lambda frame: frame["time"] + 0.5), "test_times"),
    "no clock": (some(has_clock=lambda seed: False), "test_times"),
    "newest first": (
        some(events=lambda seed: generate(seed).events[::-1]),
        "test_oldest_first_within_a_user",
    ),
    "a user with one event": (
        events(user_id=lambda frame: ["alone", *frame["user_id"][1:]]),
        "test_every_user_has_a_history",
    ),
    "no taste": (events(item_id=shuffled), "test_users_have_taste"),
    "no order": (events(item_id=within_users), "test_sequences_have_order"),
    "all items equally popular": (
        events(item_id=lambda frame: [f"i{at % N_ITEMS}" for at in range(len(frame))]),
        "test_some_items_are_popular",
    ),
    "dislike by chance": (
        events(event_type=lambda f: np.where(np.arange(len(f)) % 9, "watch", "hide")),
        "test_dislike_falls_on_what_is_not_liked",
    ),
}


@pytest.mark.parametrize("test", [name for name in dir(DemoDataTests) if name.startswith("test_")])
def test_a_right_demo_passes(test: str) -> None:
    getattr(kit_for(generate), test)()


def test_every_test_of_the_kit_has_a_fault() -> None:
    tests = {name for name in dir(DemoDataTests) if name.startswith("test_")}
    assert {test for _, test in FAULTS.values()} == tests


@pytest.mark.parametrize("name", list(FAULTS))
def test_a_faulty_demo_is_found(name: str) -> None:
    demo, test = FAULTS[name]
    with pytest.raises(AssertionError):
        getattr(kit_for(demo), test)()


def test_a_scenario_without_a_demo_is_found() -> None:
    with pytest.raises(AssertionError, match="toy has no demo data"):
        kit_for(None).frames()  # type: ignore[arg-type]
