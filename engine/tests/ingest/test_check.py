"""A dry run, names of events, and mappings that are kept with their sources."""

import json

import pytest
from crossrec.errors import DataError, UsageError, WorkspaceError
from crossrec.ingest import IngestOptions, ingest_files
from crossrec.ingest.mapping import parse_events
from crossrec.ingest.settled import Settled, SettledSources

EVENTS = ("kunde,artikel,art,datum", "u1,i1,Kauf,01.02.2024", "u2,i9,Klick,15.02.2024")
SAID = IngestOptions(
    columns={"user_id": "kunde", "item_id": "artikel", "event_type": "art", "time": "datum"},
    events={"Kauf": "purchase", "Klick": "view"},
)


def test_a_check_shows_everything_and_writes_nothing(shop, tmp_path, write):
    options = IngestOptions(check=True)
    report = ingest_files(
        tmp_path / "ws",
        shop,
        items=write("i.csv", "id,title,price", "i1,One,3.5", "i2,Two,", "i3,Three,x", "i4,Four,1"),
        events=write("e.csv", "user,item,event,time,value", "u1,i1,view,2024-01-31,",
                     "u1,i9,rating,2024-02-01,4", ",i1,view,2024-02-01,"),
        options=options,
    )  # fmt: skip
    assert not (tmp_path / "ws").exists()
    assert report.checked
    assert not report.stored
    events = report.table("events")
    assert events.columns["user"] == "user"
    assert events.types == {"view": 1, "rating": 1}
    assert events.preview == [
        {"user": "u1", "item": "i1", "event": "view", "time": "2024-01-31T00:00:00Z"},
        {
            "user": "u1",
            "item": "i9",
            "event": "rating",
            "time": "2024-02-01T00:00:00Z",
            "value": 4.0,
        },
    ]
    assert events.bad["missing user"].lines == [4]
    assert events.notices["item is not in the item table; kept"].lines == [3]
    assert report.table("items").preview == [
        {"item": "i1", "title": "One", "price": 3.5},
        {"item": "i2", "title": "Two"},
        {"item": "i3", "title": "Three", "price": "x"},
    ]
    lines = report.lines()
    assert "  events: 1 view, 1 rating" in lines
    assert "  row 1: user='u1', item='i1', event='view', time='2024-01-31T00:00:00Z'" in lines
    assert lines[-1] == "checked only: nothing was stored"
    assert json.loads(json.dumps(report.to_dict()))["checked"]


def test_a_check_of_a_workspace_knows_its_items_and_leaves_it_as_it_was(shop, workspace, write):
    ingest_files(workspace, shop, items=write("i.csv", "id,title", "A1,One"))
    report = ingest_files(
        workspace,
        shop,
        events=write("e.csv", "user,item", "u1,a1", "u2,a1"),
        options=IngestOptions(check=True),
    )
    (warning,) = report.table("events").warnings
    assert "they differ in capital letters" in warning
    assert workspace.store().counts("shop").events == 0
    assert list(workspace.rejected.glob("**/*.csv")) == []


def test_names_of_events_are_mapped(shop, workspace, write, stored):
    ingest_files(workspace, shop, events=write("e.csv", *EVENTS), options=SAID)
    assert [(row[0], row[2]) for row in stored(workspace, shop)] == [
        ("u1", "purchase"), ("u2", "view")
    ]  # fmt: skip


def test_unknown_names_of_events_are_rejected_with_what_to_say(shop, workspace, write):
    report = ingest_files(workspace, shop, events=write("e.csv", "user,item,event", "u,i,Kauf"))
    (line,) = [line for line in report.lines() if "unknown event type 'Kauf'" in line]
    assert line.endswith("say what it is with --event-map NAME=EVENT")


def test_a_report_of_very_many_unknown_names_stays_short(shop, workspace, write):
    rows = [f"u,i,kind{n}" for n in range(500)]
    report = ingest_files(workspace, shop, events=write("e.csv", "user,item,event", *rows))
    assert len(report.lines()) < 40
    assert "  bad: 480 other causes: 480" in report.lines()
    assert len(report.to_dict()["tables"][0]["bad"]) == 500


def test_a_report_of_very_many_columns_stays_short(shop, workspace, write):
    names = ",".join(f"c{n}" for n in range(5_000))
    report = ingest_files(workspace, shop, items=write("i.csv", f"id,{names}", "a" + ",x" * 5_000))
    assert max(map(len, report.lines())) < 1_000
    assert any(line.endswith("and 4,961 more") for line in report.lines())
    assert len(workspace.store().items("shop")[1]["a"]) == 5_000


@pytest.mark.parametrize("option", ["Kauf", "=purchase", "Kauf="])
def test_event_maps_have_two_sides(shop, option):
    with pytest.raises(UsageError, match="should read NAME=EVENT, such as Kauf=purchase"):
        parse_events([option], shop)


def test_event_maps_name_known_events(shop):
    assert parse_events(["Kauf=purchase", "a=b=click"], shop) == {"Kauf": "purchase", "a=b": "view"}
    with pytest.raises(UsageError, match="no event type 'purchas'; did you mean 'purchase'"):
        parse_events(["Kauf=purchas"], shop)


def test_what_was_settled_is_kept_and_shown_for_the_next_file_of_the_source(
    shop, workspace, write, stored
):
    ingest_files(workspace, shop, events=write("mai.csv", *EVENTS), options=SAID)
    report = ingest_files(
        workspace, shop, events=write("juni.csv", EVENTS[0], "u3,i1,Kauf,03.02.2024")
    )
    note = report.table("events").notes[0]
    assert note.startswith("as before: --map user_id=kunde, --map item_id=artikel")
    assert "--event-map Kauf=purchase" in note
    assert [row[0] for row in stored(workspace, shop)] == ["u1", "u2", "u3"]
    with pytest.raises(DataError, match="no column for the user"):
        ingest_files(workspace, shop, events=write("other.csv", "kunde,artikel", "u,i"))


def test_what_is_said_now_goes_before_what_was_settled(shop, workspace, write, stored):
    ingest_files(workspace, shop, events=write("a.csv", *EVENTS), options=SAID)
    now = IngestOptions(events={"Kauf": "view"})
    ingest_files(
        workspace, shop, events=write("b.csv", EVENTS[0], "u4,i1,Kauf,2.2.2024"), options=now
    )
    assert stored(workspace, shop)[-1][2] == "view"
    settled = SettledSources(workspace.path, "shop").of("events", EVENTS[0].split(","))
    assert settled.events == {"Kauf": "view", "Klick": "view"}
    assert SettledSources(workspace.path, "bazaar").of("events", EVENTS[0].split(",")) == Settled()


def test_a_check_and_a_refused_ingestion_settle_nothing(shop, workspace, write):
    path = write("e.csv", *EVENTS, ",,,")
    ingest_files(
        workspace, shop, events=path, options=IngestOptions(**{**vars(SAID), "check": True})
    )
    with pytest.raises(DataError):
        ingest_files(
            workspace, shop, events=path, options=IngestOptions(**{**vars(SAID), "strict": True})
        )
    assert not (workspace.path / "mappings.json").exists()


def test_formats_and_scales_are_kept_too(tmp_path):
    sources = SettledSources(tmp_path, "shop")
    said = Settled(time_format="%d.%m.%Y", value_scale=(0.0, 10.0))
    sources.keep("events", ["b", "a"], said)
    assert SettledSources(tmp_path, "shop").of("events", ["a", "b"]) == said
    assert said.as_options() == "--time-format '%d.%m.%Y', --value-scale 0:10"
    assert SettledSources(tmp_path, "shop").of("items", ["a", "b"]) == Settled()


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_damaged_file_of_mappings_is_named(tmp_path, text):
    (tmp_path / "mappings.json").write_text(text)
    with pytest.raises(WorkspaceError, match=r"mappings\.json.*remove it"):
        SettledSources(tmp_path, "shop")


def test_an_emptied_cell_of_a_full_feed_clears_what_was_stored(shop, workspace, write):
    full = IngestOptions(complete="items")
    ingest_files(
        workspace, shop, items=write("a.csv", "id,title,price", "a,One,3", "b,Two,4"), options=full
    )
    ingest_files(
        workspace,
        shop,
        items=write("b.csv", "id,title,price", "a,One,", "b,,4", "c,,"),
        options=full,
    )
    assert workspace.store().items("shop")[1] == {
        "a": {"title": "One"}, "b": {"price": 4}, "c": {}
    }  # fmt: skip


def test_an_empty_cell_of_another_file_clears_nothing(shop, workspace, write):
    ingest_files(workspace, shop, items=write("a.csv", "id,title,price", "a,One,3"))
    ingest_files(workspace, shop, items=write("b.csv", "id,title,price", "a,Two,"))
    assert workspace.store().items("shop")[1] == {"a": {"title": "Two", "price": 3}}
