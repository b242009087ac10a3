import numpy as np
import pandas as pd
import pytest
from crossrec.errors import DataError
from crossrec.ingest import IngestOptions, ingest_format, ingest_frames
from crossrec.ingest.frames import Frames


def events(**columns):
    return pd.DataFrame({"user_id": ["u", "u", "v"], "item_id": [1, 2, 1], **columns})


def test_frames_are_validated_and_stored_like_files(shop, workspace, stored):
    items = pd.DataFrame(
        {"item_id": [1, 2], "title": ["One", None], "categories": [["A", "B"], []], "price": [1, 2]}
    )
    frames = Frames(
        items=items,
        events=events(time=[30, -1, 10], event_type=["view", "view", "purchase"]),
        users=pd.DataFrame({"user_id": ["u"], "age": [3]}),
        has_clock=True,
        note="made for a test",
    )
    report = ingest_frames(workspace, shop, frames)
    assert report.lines()[0] == "made for a test"
    assert report.table("events").bad["negative time"].lines == [2]
    assert stored(workspace, shop) == [
        ("u", "1", "view", 30.0, 1.0),
        ("v", "1", "purchase", 10.0, 5.0),
    ]
    catalog = workspace.dataset(shop).catalog
    assert catalog.categories == (("A", "B"), ())
    assert catalog.titles == ("One", "")
    assert workspace.store().users("shop")[1] == {"u": {"age": 3}}
    rejected = report.table("events").rejected
    assert rejected.read_text().splitlines()[1].startswith("2,negative time,u,2,-1")


def test_frames_without_a_clock_are_in_order_whatever_their_time_column(shop, workspace):
    report = ingest_frames(workspace, shop, Frames(events=events(time=[3, 2, 1]), has_clock=False))
    assert report.has_clock is False
    assert workspace.store().user_events(shop, "u").item_ids == ("1", "2")


def test_dates_of_frames(shop, workspace):
    times = pd.to_datetime(["2024-01-02", "2024-01-01", None])
    report = ingest_frames(workspace, shop, Frames(events=events(time=times), has_clock=True))
    assert report.table("events").bad["missing time"].lines == [3]
    assert workspace.store().user_events(shop, "u").item_ids == ("2", "1")


def test_the_same_frames_again_change_nothing(shop, workspace):
    frames = Frames(events=events(time=[1, 2, 3]), has_clock=True)
    options = IngestOptions(chunk_rows=2)
    assert ingest_frames(workspace, shop, frames, options=options).table("events").new == 3
    assert ingest_frames(workspace, shop, frames).table("events").new == 0


def test_the_frames_of_the_caller_are_left_as_they_are(shop, workspace):
    frame = events(time=[1, 2, 3]).set_index(np.array([5, 5, 5]))
    before = frame.copy()
    ingest_frames(workspace, shop, Frames(events=frame, has_clock=True))
    pd.testing.assert_frame_equal(frame, before)


def test_empty_frames(shop, workspace):
    empty = events(time=[1, 2, 3])[:0]
    report = ingest_frames(workspace, shop, Frames(events=empty, has_clock=True))
    assert report.table("events").rows == 0
    with pytest.raises(DataError, match="nothing to ingest"):
        ingest_frames(workspace, shop, Frames())


def test_frames_without_a_needed_column(shop, workspace):
    with pytest.raises(DataError, match="events: no column for the item"):
        ingest_frames(workspace, shop, Frames(events=pd.DataFrame({"user_id": ["u"]})))


def test_a_folder_goes_through_its_importer(shop, workspace, tmp_path):
    def importer(folder):
        return Frames(events=events(), note=f"read {folder.name}")

    (tmp_path / "set").mkdir()
    report = ingest_format(workspace, shop, importer, str(tmp_path / "set"))
    assert report.note == "read set"
    assert report.totals["events"] == 3
    with pytest.raises(DataError, match="there is no folder"):
        ingest_format(workspace, shop, importer, tmp_path / "none")
