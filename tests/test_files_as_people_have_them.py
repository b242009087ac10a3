"""Files as public sets and shops have them, through the command line and the real scenarios.

Each is small and made up in the manner of a public report: what it is like stands with the test.
"""

import json
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from crossrec import Engine
from crossrec.cli import main
from crossrec.workspace import Workspace

for package in ("crossrec_ecommerce", "crossrec_music", "crossrec_video"):
    pytest.importorskip(package)


PIPELINE = (
    'encoder = ""',
    'ranker = "best"',
    "item_sources = []",
    'sources = [{name = "popularity"}]',
)


@pytest.fixture
def crossrec(tmp_path, monkeypatch):
    """Run a command in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CROSSREC_WORKSPACE", "ws")

    def run(*arguments, code=0):
        done = CliRunner().invoke(main, [str(argument) for argument in arguments])
        assert done.exit_code == code, done.output
        assert "Traceback" not in done.output
        return done.output

    return run


def written(name, *lines):
    Path(name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return name


class Stored:
    """What the workspace holds of a scenario."""

    def __init__(self, scenario):
        with Engine.open("ws") as engine:
            store = engine.workspace.store()
            known = engine.registry.scenario(scenario)
            dataset = engine.workspace.dataset(known)
            self.users = sorted(dataset.users.ids)
            self.items = sorted(dataset.catalog.items.ids)
            self.fields = store.items(scenario)[1]
            found = store.list_events(scenario, limit=1_000)
            self.events = sorted(found, key=lambda event: event.number)
            self.categories = dict(
                zip(dataset.catalog.items.ids, dataset.catalog.categories, strict=True)
            )
            self.weights: dict[str, float] = {}
            for item, weight in zip(dataset.events.items, dataset.events.weights, strict=True):
                self.weights[dataset.catalog.items.id(int(item))] = float(weight)


@pytest.fixture
def fitted(crossrec):
    """Fit popularity alone and open the workspace."""

    def fitted(scenario):
        written("popular.toml", *PIPELINE)
        crossrec("fit", scenario, "--pipeline", "popular.toml")
        return Engine.open("ws")

    return fitted


@pytest.fixture
def popular(fitted):
    """Return the items of a list for somebody unknown."""

    def popular(scenario):
        with fitted(scenario) as engine:
            return list(engine.recommend(scenario, user_id="nobody").item_ids)

    return popular


def test_ids_written_as_fractions_meet_those_of_the_item_table(crossrec):
    """UCI Online Retail: a column of customers with gaps becomes 17850.0 in pandas."""
    written("i.csv", "item_id,title", *(f"{n},Thing {n}" for n in range(20, 24)))
    written("u.csv", "user_id,country", *(f"{n},UK" for n in (17850, 17851)))
    rows = [f"{17850 + n % 2}.0,{20 + n % 4}.0,purchase,{1700000000 + n}" for n in range(8)]
    written("e.csv", "user_id,item_id,event,timestamp", *rows)
    output = crossrec(
        "ingest", "ecommerce", "--items", "i.csv", "--users", "u.csv", "--events", "e.csv"
    )
    assert "end in .0 and were read as whole numbers" in output
    stored = Stored("ecommerce")
    assert stored.items == ["20", "21", "22", "23"]
    assert stored.users == ["17850", "17851"]


def test_spaces_behind_commas_are_no_part_of_ids(crossrec, fitted):
    """Spreadsheets saved by hand."""
    written("i.csv", "item_id,title", *(f"{n},Thing {n}" for n in range(10, 13)))
    written(
        "e.csv",
        "user_id, item_id, event, timestamp",
        *(f"1, {n}, purchase, 17000000{n}" for n in (10, 11)),
    )
    crossrec("ingest", "ecommerce", "--items", "i.csv", "--events", "e.csv")
    assert Stored("ecommerce").items == ["10", "11", "12"]
    with fitted("ecommerce") as engine:
        for exclude in (["12"], [12], [12.0], [" 12 "]):
            assert engine.recommend("ecommerce", user_id="new", exclude=exclude, k=5).item_ids
            assert (
                "12"
                not in engine.recommend("ecommerce", user_id="new", exclude=exclude, k=5).item_ids
            )
        known = engine.recommend("ecommerce", user_id=1)
        assert not {"10", "11"} & set(known.item_ids)


def test_objects_of_event_streams_give_their_ids(crossrec):
    """Segment and Snowplow: user = {"id": …}."""
    rows = [
        {"user": {"id": f"u{n % 3}"}, "item": f"i{n}", "timestamp": 1700000000 + n}
        for n in range(6)
    ]
    written("e.jsonl", *map(json.dumps, rows))
    assert "user=user.id" in crossrec("ingest", "ecommerce", "--events", "e.jsonl")
    assert Stored("ecommerce").users == ["u0", "u1", "u2"]


def test_markers_of_databases_are_nobody(crossrec):
    """MySQL: NULL is written as \\N."""
    rows = [f"{['u1', chr(92) + 'N'][n % 2]},i{n},purchase,2024-01-0{n + 1}" for n in range(6)]
    written("e.csv", "user_id,item_id,event,time", *rows)
    assert "bad: missing user: 3 (lines 3, 5, 7)" in crossrec(
        "ingest", "ecommerce", "--events", "e.csv"
    )
    assert Stored("ecommerce").users == ["u1"]


def test_lone_quotes_of_titles_keep_all_rows(crossrec):
    """Million-song lists: titles begin with a quote and nothing closes it."""
    titles = [f"song {n}" for n in range(30)]
    titles[4], titles[21] = '"Heroes', '"Awake'
    written(
        "i.tsv", "item_id\ttitle\tgenre", *(f"a{n}\t{title}\tpop" for n, title in enumerate(titles))
    )
    crossrec("ingest", "music", "--items", "i.tsv")
    stored = Stored("music")
    assert len(stored.items) == 30
    assert stored.fields["a4"]["title"] == '"Heroes'
    assert stored.fields["a5"]["title"] == "song 5"


def test_times_of_warehouses(crossrec):
    """BigQuery: UTC behind the time, and fractions only where they are not zero."""
    rows = [f"2019-10-01 00:00:{n:02d}{'.5' * (n % 10 == 0)} UTC,view,{n},500" for n in range(40)]
    written("e.csv", "event_time,event_type,product_id,user_id", *rows)
    crossrec("ingest", "ecommerce", "--events", "e.csv")
    times = [event.time for event in Stored("ecommerce").events]
    assert times[:2] == [1569888000.5, 1569888001.0]
    assert len(times) == 40
    format = "%Y-%m-%d %H:%M:%S UTC"
    again = crossrec("ingest", "ecommerce", "--events", "e.csv", "--time-format", format)
    assert "40 good (0 new, 40 already there), 0 bad" in again


def test_days_of_spreadsheets(crossrec):
    """Excel: days since 1899-12-30."""
    written("e.csv", "user_id,item_id,event,date", "u,a,purchase,44000.0", "u,b,purchase,44896.5")
    crossrec("ingest", "ecommerce", "--events", "e.csv")
    assert [event.time for event in Stored("ecommerce").events] == [1592438400.0, 1669896000.0]


def test_ratings_of_ten(crossrec):
    """Book-Crossing: 1 to 10, and 0 where there is none."""
    rows = [f"u{n},{item},{value}" for n in range(3) for item, value in
            (("loved", 9), ("poor", 2), ("middling", 5), ("implicit", 0))]  # fmt: skip
    written("e.csv", "user_id,item_id,rating", *rows)
    output = crossrec("ingest", "ecommerce", "--events", "e.csv")
    assert "ratings from 1 to 10, read as 1 to 5" in output
    assert "rating outside of 1 to 10: 3 (lines 5, 9, 13), such as '0'" in output
    weights = Stored("ecommerce").weights
    assert weights["loved"] == pytest.approx(3 * (2 * 8 / 9 - 1))
    assert weights["middling"] == pytest.approx(3 * (2 * 4 / 9 - 1))
    assert weights["poor"] < weights["middling"] < weights["loved"]
    assert "implicit" not in weights


def test_numbers_of_plays_are_no_seconds(crossrec, popular):
    """Last.fm 360K: user, artist, plays."""
    rows = [f"r{n},R,30" for n in range(5)] + [f"s{n},S,34" for n in range(9)]
    written("e.csv", "user,artist_id,plays", *rows)
    crossrec("ingest", "music", "--events", "e.csv")
    assert {event.event_type for event in Stored("music").events} == {"play_count"}
    assert popular("music")[0] == "S"


def test_negative_quantities_are_returns(crossrec, popular):
    """UCI Online Retail: what comes back has a negative quantity."""
    rows = [f"A,{sign}6,12/{n + 1}/2010 8:26,{n}" for n in range(12) for sign in ("", "-")]
    rows += [f"B,6,12/{n + 1}/2010 9:26,{n}" for n in range(8)]
    written("e.csv", "StockCode,Quantity,InvoiceDate,CustomerID", *rows)
    output = crossrec("ingest", "ecommerce", "--events", "e.csv")
    assert "negative, read as 'refund' of 'purchase': 12" in output
    assert popular("ecommerce")[0] == "B"


def test_european_prices(crossrec):
    """Spreadsheets of half of Europe."""
    written("i.csv", "item_id;title;price", "i1;Lamp;3,99", "i2;Sofa;1.299,00", "i3;Pen;0,50")
    assert "numbers have a decimal comma" in crossrec("ingest", "ecommerce", "--items", "i.csv")
    fields = Stored("ecommerce").fields
    assert [fields[id_]["price"] for id_ in ("i1", "i2", "i3")] == [3.99, 1299, 0.5]


def test_lists_of_genres(crossrec):
    """TMDB and MovieLens: lists of Python, of objects, of bars, and none."""
    cells = [
        "\"['Action', 'Comedy']\"",
        "\"[{'id': 28, 'name': 'Action'}, {'id': 35, 'name': 'Comedy'}]\"",
        '"[""Action"", ""Comedy""]"',
        "Action|Comedy",
        "(no genres listed)",
    ]
    written(
        "i.csv", "movie_id,title,genres", *(f"m{n},T{n},{cell}" for n, cell in enumerate(cells))
    )
    crossrec("ingest", "video", "--items", "i.csv")
    categories = Stored("video").categories
    assert [categories[f"m{n}"] for n in range(5)] == [("Action", "Comedy")] * 4 + [()]


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("stock", "0"),
        ("stock", "0 pcs"),
        ("stock", "sold out"),
        ("in_stock", "False"),
        ("available", "no"),
        ("availability", "https://schema.org/OutOfStock"),
        ("availability", "OutOfStock"),
        ("stock_status", "outofstock"),
        ("product_status", "archived"),
        ("discontinued", "1"),
        ("expires_at", "2020-01-01 00:00:00 UTC"),
        ("expires_at", "01.01.2020"),
        ("is_hidden", "yes"),
    ],
)
def test_what_cannot_be_had_is_not_offered(crossrec, popular, column, cell):
    """Feeds of Google Merchant, WooCommerce, Shopify and others."""
    written("i.csv", f"item_id,title,{column}", "i1,Here,", f"i2,Gone,{cell}")
    written(
        "e.csv", "user_id,item_id,event,timestamp", "u,i1,view,1700000000", "u,i2,view,1700000001"
    )
    crossrec("ingest", "ecommerce", "--items", "i.csv", "--events", "e.csv")
    assert popular("ecommerce") == ["i1"]


def test_a_zip_of_one_table_and_a_line_for_excel(crossrec):
    """Kaggle's downloads, and what Excel writes for itself."""
    text = "user_id;item_id\nu1;i1\nu2;i2\n"
    with zipfile.ZipFile("e.csv.zip", "w") as archive:
        archive.writestr("e.csv", "sep=;\n" + text)
    output = crossrec("ingest", "ecommerce", "--events", "e.csv.zip")
    assert "delimiter: semicolon (as sep=; in the first line says)" in output
    assert Stored("ecommerce").users == ["u1", "u2"]


def test_the_advice_on_a_file_without_a_header_loses_no_row(crossrec):
    """MovieLens 100K: u.data."""
    written(
        "u.data",
        *(f"{196 + n % 3}\t{242 + n % 4}\t{n % 5 + 1}\t{881250949 + n}" for n in range(12)),
    )
    output = crossrec("ingest", "video", "--events", "u.data", code=1)
    assert "has no header" in output
    assert "--header user,item,value,time" in output
    crossrec("ingest", "video", "--events", "u.data", "--header", "user,item,value,time")
    assert len(Stored("video").events) == 12


def test_a_check_writes_nothing_and_what_is_settled_is_kept(crossrec):
    """A shop's own names, twice."""
    lines = (
        "kunde;artikel;art;zeit",
        "u1;i1;Kauf;01.02.2024 10:00",
        "u2;i1;Ansicht;28.02.2024 11:00",
    )
    written("mai.csv", *lines)
    said = [
        "--map",
        "user=kunde",
        "--map",
        "item=artikel",
        "--map",
        "event=art",
        "--map",
        "time=zeit",
    ]
    said += ["--event-map", "Kauf=purchase", "--event-map", "Ansicht=view"]
    output = crossrec("ingest", "ecommerce", "--events", "mai.csv", *said, "--check")
    assert "events: 1 purchase, 1 view" in output
    assert "row 1: user='u1', item='i1', event='purchase', time='2024-02-01T10:00:00Z'" in output
    assert "checked only: nothing was stored" in output
    assert not Path("ws").exists()
    crossrec("ingest", "ecommerce", "--events", "mai.csv", *said)
    written("juni.csv", lines[0], "u3;i1;Kauf;03.06.2024 12:00")
    assert "as before: --map user_id=kunde" in crossrec(
        "ingest", "ecommerce", "--events", "juni.csv"
    )
    assert [event.event_type for event in Stored("ecommerce").events] == [
        *("purchase", "view", "purchase")
    ]
    crossrec("ingest", "ecommerce", "--events", "juni.csv", "--event-map", "Kauf=kaufen", code=2)


def test_without_anything_settled_no_mappings_are_kept(crossrec):
    written("e.csv", "user,item", "u,i")
    crossrec("ingest", "ecommerce", "--events", "e.csv")
    workspace = Workspace.open("ws")
    assert not (workspace.path / "mappings.json").exists()
    workspace.close()
