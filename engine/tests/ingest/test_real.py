"""Research data as it lies on the disk, against the counts that its READMEs give."""

import os
from pathlib import Path

import pytest
from crossrec.ingest import ingest_files

pytestmark = pytest.mark.real


@pytest.fixture
def sets():
    beside = Path(__file__).resolve().parents[4] / "shared" / "datasets"
    folder = Path(os.environ.get("CROSSREC_DATASETS", beside))
    if not folder.is_dir():
        pytest.skip("the research data sets are absent")
    return folder


def test_online_retail_as_it_is(shop, workspace, sets):
    path = sets / "uci-online-retail" / "online_retail.csv.gz"
    report = ingest_files(workspace, shop, events=path)
    table = report.table("events")
    back = "negative value, and no event takes back 'view'"
    assert {cause: tally.count for cause, tally in table.bad.items()} == {
        "missing user": 135_080,
        back: 8_905,
    }
    assert table.bad[back].lines[0] == 143
    assert (table.rows, table.n_bad) == (541_909, 143_985)
    assert table.bad["missing user"].lines[0] == 624
    assert table.columns == {
        "user": "CustomerID", "item": "StockCode", "time": "InvoiceDate", "value": "Quantity",
        "value 2": "UnitPrice",
    }  # fmt: skip
    assert report.totals["users"] == 4_339  # 33 have only brought something back
    assert report.totals["events"] == table.good
    times = workspace.dataset(shop).events.times
    assert (times.min(), times.max()) == (1_291_191_960.0, 1_323_435_000.0)


def test_movielens_as_it_is(shop, workspace, sets):
    folder = sets / "movielens-small-timestamps" / "ml-latest-small"
    report = ingest_files(
        workspace, shop, items=folder / "movies.csv.gz", events=folder / "ratings.csv.gz"
    )
    assert report.n_bad == 0
    assert report.totals == {
        "users": 671, "items": 9_125, "known_items": 9_125, "events": 100_004
    }  # fmt: skip
    assert "no event column: every event is 'rating'" in report.table("events").notes
    dataset = workspace.dataset(shop)
    toy_story = dataset.catalog.items.index("1")
    assert dataset.catalog.titles[toy_story] == "Toy Story (1995)"
    assert "Animation" in dataset.catalog.categories[toy_story]
    assert dataset.events.weights.min() == -3.0
    assert dataset.events.weights.max() == 3.0


def test_recbole_files_are_understood_without_an_importer(shop, workspace, sets):
    folder = sets / "movielens-small-timestamps" / "ml-100k"
    events = next(folder.glob("*.inter*"))
    items = next(folder.glob("*.item*"))
    users = next(folder.glob("*.user*"))
    report = ingest_files(workspace, shop, items=items, events=events, users=users)
    assert report.n_bad == 0
    assert report.totals["users"] == 943
    assert report.totals["events"] == 100_000
    again = ingest_files(workspace, shop, items=items, events=events, users=users)
    assert [table.new for table in again.tables] == [0, 0, 0]
