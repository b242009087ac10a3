"""Events without times: what came in one session stands at one position."""

from __future__ import annotations

import pandas as pd
import pytest
from crossrec.errors import UsageError
from crossrec.ingest.frames import Frames
from crossrec.ingest.options import IngestOptions
from crossrec.ingest.run import ingest_files, ingest_frames
from crossrec.ingest.sessions import SessionPositions
from crossrec.store.rows import Coded
from hypothesis import given
from hypothesis import strategies as st

ROWS = [("u1", "a", "s1"), ("u1", "b", "s1"), ("u2", "a", "s1"), ("u1", "c", "s2")]


def frame(rows=ROWS, **columns):
    return pd.DataFrame(rows, columns=["user_id", "item_id", "session_id"]).assign(**columns)


def positions(stored, workspace, shop):
    return [(user, item, time) for user, item, _, time, _ in stored(workspace, shop)]


def test_a_session_of_a_user_stands_at_one_position(workspace, shop, stored):
    report = ingest_frames(workspace, shop, Frames(events=frame()))
    assert positions(stored, workspace, shop) == [
        ("u1", "a", 1.0), ("u1", "b", 1.0), ("u2", "a", 3.0), ("u1", "c", 4.0)
    ]  # fmt: skip
    assert "events of one session count as one moment" in report.tables[0].notes
    assert report.tables[0].columns["session"] == "session_id"
    assert workspace.dataset(shop).has_clock is False


def test_a_session_that_two_chunks_share_is_one(workspace, shop, stored):
    rows = [("u1", f"i{at}", f"s{at // 5}") for at in range(20)]
    options = IngestOptions(chunk_rows=3)
    ingest_frames(workspace, shop, Frames(events=frame(rows)), options=options)
    found = [time for _, _, time in positions(stored, workspace, shop)]
    assert found == [1.0] * 5 + [6.0] * 5 + [11.0] * 5 + [16.0] * 5


def test_a_file_that_has_grown_goes_on_behind(workspace, shop, stored):
    ingest_frames(workspace, shop, Frames(events=frame()))
    more = [*ROWS, ("u1", "d", "s3"), ("u1", "e", "s3")]
    report = ingest_frames(workspace, shop, Frames(events=frame(more)))
    assert report.tables[0].new == 2
    late = positions(stored, workspace, shop)[4:]
    assert [item for _, item, _ in late] == ["d", "e"]
    assert late[0][2] == late[1][2] > 4.0


def test_rows_without_a_session_stand_alone(workspace, shop, stored):
    rows = [("u1", "a", ""), ("u1", "b", ""), ("u1", "c", "s1"), ("u1", "d", "s1")]
    ingest_frames(workspace, shop, Frames(events=frame(rows)))
    assert [time for _, _, time in positions(stored, workspace, shop)] == [1.0, 2.0, 3.0, 3.0]


def test_bad_rows_move_nothing(workspace, shop, stored):
    rows = [("", "a", "s0"), *ROWS, ("u1", "", "s2"), ("u1", "e", "s2")]
    report = ingest_frames(workspace, shop, Frames(events=frame(rows)))
    assert report.n_bad == 2
    assert [time for _, _, time in positions(stored, workspace, shop)] == [1.0, 1.0, 3.0, 4.0, 4.0]


def test_times_go_before_sessions(workspace, shop, stored):
    timed = frame(time=[10.0, 20.0, 30.0, 40.0])
    report = ingest_frames(workspace, shop, Frames(events=timed, has_clock=True))
    assert [time for _, _, time in positions(stored, workspace, shop)] == [10.0, 20.0, 30.0, 40.0]
    assert "session" not in report.tables[0].columns


def test_a_session_that_is_mapped_beside_times_is_refused(workspace, shop, write):
    path = write("events.csv", "user_id,item_id,time,visit", "u1,a,10,s1", "u1,b,20,s1")
    mapped = {"session_id": "visit"}
    with pytest.raises(UsageError, match="--no-clock"):
        ingest_files(workspace, shop, events=path, options=IngestOptions(columns=mapped))
    options = IngestOptions(columns=mapped, has_clock=False)
    ingest_files(workspace, shop, events=path, options=options)
    assert set(workspace.store().events(shop).times.tolist()) == {1.0}


def test_a_session_alone_is_still_the_user(workspace, shop, write):
    path = write("events.csv", "session_id,item_id", "s1,a", "s1,b")
    report = ingest_files(workspace, shop, events=path)
    assert report.tables[0].columns == {"user": "session_id", "item": "item_id"}
    assert workspace.store().events(shop).times.tolist() == [1.0, 2.0]


@given(
    rows=st.lists(st.tuples(st.sampled_from("uv"), st.sampled_from(["", "a", "b", "c"]))),
    cuts=st.lists(st.integers(0, 30), max_size=4),
)
def test_chunks_change_nothing(rows, cuts):
    def found(bounds):
        numbers, parts = SessionPositions(), []
        for start, stop in zip(bounds[:-1], bounds[1:]):
            part = rows[start:stop]
            users, sessions = (Coded.of([row[at] for row in part]) for at in (0, 1))
            parts += numbers.of(users, sessions).tolist()
        return parts

    whole = found([0, len(rows)])
    bounds = sorted({0, len(rows), *(cut for cut in cuts if cut <= len(rows))})
    assert found(bounds) == whole
    first: dict[tuple[str, str], int] = {}
    for at, (row, position) in enumerate(zip(rows, whole, strict=True), start=1):
        assert position == (first.setdefault(row, at) if row[1] else at)
