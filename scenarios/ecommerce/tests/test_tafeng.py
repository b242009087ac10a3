"""The importer of Ta Feng: baskets in their order, each a session."""

from __future__ import annotations

from pathlib import Path

import pytest
from crossrec.errors import DataError
from crossrec.ingest import ingest_frames
from crossrec.workspace import Workspace
from crossrec_ecommerce.importers import tafeng
from crossrec_ecommerce.scenario import SCENARIO

#: The second basket of user 7 stands first.
ROWS = "user,basket,items\n7,2,5\n7,1,9 5\n8,1,9\n8,10,4 3\n8,2,9 4\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "history.csv").write_text(ROWS, encoding="utf-8")
    (tmp_path / "future.csv").write_text("user,items\n7,1\n", encoding="utf-8")
    return tmp_path


def test_each_item_of_a_basket_is_a_purchase(folder: Path) -> None:
    frames = tafeng.read(folder)
    assert frames.events is not None
    assert not frames.has_clock
    assert frames.note == "Ta Feng: 8 purchases in 5 baskets of 2 users, order only"
    own = frames.events[frames.events["user_id"] == "8"]
    assert own["item_id"].tolist() == ["9", "9", "4", "4", "3"], "10 comes after 2"
    assert own["session_id"].tolist() == ["1", "2", "2", "10", "10"]
    assert set(frames.events["event_type"]) == {"purchase"}


def test_the_future_is_not_read(folder: Path) -> None:
    events = tafeng.read(folder).events
    assert events is not None
    assert "1" not in events["item_id"].tolist()


def test_ingested_a_basket_stands_at_one_position(folder: Path, tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "ws")
    ingest_frames(workspace, SCENARIO, tafeng.read(folder))
    dataset = workspace.dataset(SCENARIO)
    assert not dataset.has_clock
    user = dataset.users.index("7")
    own = dataset.events.take(dataset.events.users == user)
    assert [dataset.catalog.items.id(item) for item in own.items.tolist()] == ["9", "5", "5"]
    assert len(set(own.times.tolist())) == 2
    workspace.close()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("user,basket\n1,1\n", "no column 'items'"),
        ("user,basket,items\n1,1,2\n1,last,2\n", "line 3 has no basket number, but 'last'"),
    ],
)
def test_what_is_no_such_file_is_refused(tmp_path: Path, text: str, error: str) -> None:
    (tmp_path / "history.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=error):
        tafeng.read(tmp_path)
