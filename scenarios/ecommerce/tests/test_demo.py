from __future__ import annotations

from importlib.resources import files

import pandas as pd
import pytest
from crossrec.ingest.frames import Frames
from crossrec_ecommerce.demo import generate
from crossrec_ecommerce.scenario import SCENARIO


@pytest.fixture(scope="module")
def frames() -> Frames:
    return generate(0)


def test_says_that_it_is_real_and_whose(frames: Frames) -> None:
    assert frames.note.startswith("real: 571 products and 16575 purchases of 846 households")
    assert "84.51°" in frames.note
    assert "CC0" in frames.note


def test_the_source_is_named_beside_the_data() -> None:
    notice = files("crossrec_ecommerce").joinpath("sample", "NOTICE").read_text(encoding="utf-8")
    assert "84.51°" in notice
    assert "CC0 1.0" in notice
    assert "bradleyboehmke/completejourney" in notice


def test_at_most_one_megabyte_is_shipped() -> None:
    folder = files("crossrec_ecommerce").joinpath("sample")
    assert sum(len(file.read_bytes()) for file in folder.iterdir()) < 1_000_000


def test_the_same_for_every_seed(frames: Frames) -> None:
    other = generate(7)
    assert frames.items is not None
    assert frames.events is not None
    pd.testing.assert_frame_equal(other.items, frames.items)
    pd.testing.assert_frame_equal(other.events, frames.events)


def test_counts(frames: Frames) -> None:
    assert frames.items is not None
    assert frames.events is not None
    assert len(frames.items) == 571
    assert len(frames.events) == 16_575
    assert frames.events["user_id"].nunique() == 846
    assert frames.has_clock


def test_every_event_is_on_a_listed_item(frames: Frames) -> None:
    assert frames.items is not None
    assert frames.events is not None
    assert frames.items["item_id"].is_unique
    assert set(frames.events["item_id"]) == set(frames.items["item_id"])


def test_ids_are_strings(frames: Frames) -> None:
    assert frames.items is not None
    assert frames.events is not None
    for column in (frames.items["item_id"], frames.events["item_id"], frames.events["user_id"]):
        assert all(isinstance(value, str) and value for value in column)


def test_dense_enough_to_learn_from(frames: Frames) -> None:
    assert frames.events is not None
    assert frames.events["item_id"].value_counts().min() >= 12
    assert frames.events["user_id"].value_counts().min() >= 10


def test_a_year_in_the_order_of_time(frames: Frames) -> None:
    assert frames.events is not None
    times = pd.to_datetime(frames.events["time"], unit="s")
    assert times.is_monotonic_increasing
    assert times.min().year == 2017
    assert (times.max() - times.min()).days > 300


def test_titles_can_be_read(frames: Frames) -> None:
    assert frames.items is not None
    titles = frames.items.set_index("item_id")["title"]
    assert titles["893868"] == "Mushrooms cnd & glass, 4 oz (Private 69)"
    assert (titles.str.len() > 5).all()
    assert not titles.str.contains(r"\(\s*\)|  |:\S", regex=True).any()


def test_categories_are_paths(frames: Frames) -> None:
    assert frames.items is not None
    paths = frames.items["categories"]
    assert all(len(path) == 1 and path[0] for path in paths)
    assert paths.map(lambda path: " > " in path[0]).mean() > 0.95
    departments = {path[0].split(" > ")[0] for path in paths}
    assert {"Grocery", "Produce", "Meat"} <= departments
    assert not departments & {"Fuel", "Coupon", "Miscellaneous"}


def test_events_are_purchases_with_money(frames: Frames) -> None:
    assert frames.events is not None
    assert set(frames.events["event_type"]) == {"purchase"}
    assert (frames.events["value"] >= 0).all()
    event = SCENARIO.event("purchase")
    assert event is not None
    assert event.value == "money"


def test_people_buy_again(frames: Frames) -> None:
    # Groceries: what the demo is about.
    assert frames.events is not None
    repeated = frames.events.duplicated(["user_id", "item_id"]).mean()
    assert 0.05 < repeated < 0.5
