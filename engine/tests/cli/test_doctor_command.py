"""``crossrec doctor``: what serves, what was left out, and why."""

import json
import shutil

import pytest
from crossrec.workspace import Workspace


@pytest.fixture(scope="module")
def clinic(workshop, workshop_tables, make_workshop, tmp_path_factory):
    """A workspace with one fitted scenario and one that is only ingested."""
    workshop.use(make_workshop(tools=workshop_tables, toys=workshop_tables))
    folder = tmp_path_factory.mktemp("clinic")
    frames = workshop_tables(0)
    frames.items.to_csv(folder / "items.csv", index=False)
    frames.events.to_csv(folder / "events.csv", index=False)
    own = folder / "own.toml"
    own.write_text('sources = [{name = "together"}, {name = "dear"}]\n')

    def call(command, *more, where=folder / "ws"):
        return workshop(command, *more, "-w", where)

    for name in ("tools", "toys"):
        done = call(
            "ingest", name, "--items", folder / "items.csv", "--events", folder / "events.csv"
        )
        assert done.exit_code == 0, done.output
    done = call("fit", "tools", "--pipeline", own)
    assert done.exit_code == 0, done.output
    call.folder = folder
    yield call
    workshop.use(make_workshop(tools=workshop_tables))


@pytest.fixture
def copied(clinic, tmp_path):
    """A workspace of its own to spoil."""
    shutil.copytree(clinic.folder / "ws", tmp_path / "ws")
    return tmp_path / "ws"


def test_it_shows_what_serves_and_what_was_left_out(clinic):
    done = clinic("doctor")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0] == "tools: fitted on 200 events of 40 users and 12 items"
    assert lines[1] == "  sources: together"
    assert lines[2].startswith("  ranker: rrf (only 40 validation queries")
    assert lines[3] == "  left out by the fit: dear: MemoryError: needs 99 GB"
    assert lines[4:8] == [
        "  surface bench (main): needs a user or a history; has together, ranked by rrf; "
        "falls back to most_popular, then to known items; k 10",
        "  surface bench lacks dear: MemoryError: needs 99 GB",
        "  surface alike: needs an item; has together, ranked by rrf; falls back to most_popular, "
        "then to known items; k 10",
        "  surface alike lacks dear: MemoryError: needs 99 GB",
    ]
    assert lines[-2] == ("toys: 12 items and 200 events, not fitted yet: run `crossrec fit toys`")
    assert lines[-1] == "all well"


def test_json_has_the_same(clinic):
    report = json.loads(clinic("doctor", "--json").stdout)
    assert report["ok"] is True
    assert report["plugins"] == []
    tools, toys = report["scenarios"]
    assert (tools["scenario"], tools["fitted"], tools["ok"]) == ("tools", True, True)
    assert (tools["users"], tools["items"], tools["events"]) == (40, 12, 200)
    assert tools["stored"]["events"] == 200
    assert tools["sources"] == ["together"]
    assert tools["failed"] == {"dear": "MemoryError: needs 99 GB"}
    assert (tools["reports"], tools["new_items"], tools["unavailable"]) == ({}, {}, {})
    assert (toys["fitted"], toys["ok"], toys["error"]) == (False, True, "")
    bench, alike = tools["surfaces"]
    assert (bench["name"], bench["main"], alike["main"]) == ("bench", True, False)
    assert bench["missing"] == {"dear": "MemoryError: needs 99 GB"}
    assert bench["why"].startswith("only 40 validation queries")
    assert alike["why"] == "no events of this surface to choose by"
    assert (tools["not_available"], tools["deleted"]) == ({}, 0)


def test_it_counts_what_came_after_the_fit(clinic, copied):
    more = copied.parent / "more.csv"
    more.write_text("user_id,item_id,event_type,time\nu1,t1,use,1750000000\n")
    done = clinic("ingest", "tools", "--events", more, where=copied)
    assert done.exit_code == 0, done.output
    done = clinic("doctor", where=copied)
    assert done.stdout.splitlines()[0].endswith("and 12 items, 1 events since")


def written(clinic, copied, *rows):
    """Ingest items as JSON lines."""
    table = copied.parent / "items.jsonl"
    table.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = clinic("ingest", "tools", "--items", table, where=copied)
    assert done.exit_code == 0, done.output


def test_it_counts_the_items_that_cannot_be_had_by_their_newest_fields(clinic, copied):
    own = copied.parent / "own.toml"
    own.write_text(
        'policies = ["availability"]\nsources = [{name = "together"}]\n'
        "[surfaces.alike]\npolicies = []\n"
    )
    spellings = ["OutOfStock", "https://schema.org/SoldOut", "sold out", "0", "in stock"]
    rows = [{"item_id": f"t{n}", "availability": one} for n, one in enumerate(spellings)]
    written(clinic, copied, *rows)
    assert clinic("fit", "tools", "--pipeline", own, where=copied).exit_code == 0
    lines = clinic("doctor", where=copied).stdout.splitlines()
    assert "  items that cannot be had: 4 out of stock; 0 of them since the fit" in lines
    written(
        clinic, copied,
        {"item_id": "t0", "availability": "IN_STOCK"},
        {"item_id": "t4", "available_quantity": 0},
        {"item_id": "t5", "is_hidden": "yes"},
        {"item_id": "t6", "expires_at": "2020-01-01"},
        {"item_id": "t7", "is_hidden": True, "available_quantity": 0},
    )  # fmt: skip
    Workspace.open(copied).store().withdraw_items("tools", {f"t{n}" for n in range(11)})
    done = clinic("items", "delete", "tools", "t9", "--yes", where=copied)
    assert done.exit_code == 0, done.output
    lines = clinic("doctor", where=copied).stdout.splitlines()
    assert (
        "  items that cannot be had: 1 withdrawn, 2 hidden, 1 expired, 4 out of stock; "
        "5 of them since the fit"
    ) in lines
    assert "  items deleted since the fit: 1" in lines
    assert (
        "  surface alike offers 8 items that cannot be had: name the policy availability in "
        in ("\n".join(lines))
    )
    assert not [line for line in lines if line.startswith("  surface bench offers")]
    tools = json.loads(clinic("doctor", "--json", where=copied).stdout)["scenarios"][0]
    assert tools["not_available"] == {"withdrawn": 1, "hidden": 2, "expired": 1, "out_of_stock": 4}
    assert (tools["newly_not_available"], tools["deleted"]) == (5, 1)
    offered = clinic("recommend", "tools", "--history", "t0", "-k", "20", "--json", where=copied)
    found = {item["item_id"] for item in json.loads(offered.stdout)["items"]}
    assert found == {"t0", "t8", "t10"}, "doctor and requests agree"


def test_a_damaged_artifact_is_named_and_the_others_are_still_reported(clinic, copied):
    folder = copied / "artifacts" / "tools"
    version = next(path for path in folder.iterdir() if path.is_dir())
    victim = next(version.glob("*.safetensors"))
    victim.write_bytes(victim.read_bytes()[:-1] + b"x")
    done = clinic("doctor", where=copied)
    assert done.exit_code == 1
    assert done.stdout.startswith("tools: cannot serve: ")
    assert "toys: 12 items" in done.stdout
    assert done.stdout.endswith("something cannot serve: see above\n")
    report = json.loads(clinic("doctor", "--json", where=copied).stdout)
    assert (report["ok"], report["scenarios"][0]["ok"]) == (False, False)
    assert "damaged" in report["scenarios"][0]["error"]


def test_a_scenario_whose_package_is_gone_is_named(clinic, copied, workshop, make_workshop):
    registry = make_workshop(toys=lambda seed: None)
    both = make_workshop(tools=lambda seed: None, toys=lambda seed: None)
    workshop.use(registry)
    try:
        done = clinic("doctor", where=copied)
    finally:
        workshop.use(both)
    assert done.exit_code == 1
    assert done.stdout.startswith("tools: cannot serve: ")


def test_a_source_that_cannot_be_restored_is_named(clinic, copied, monkeypatch):
    own = copied.parent / "own.toml"
    own.write_text('sources = [{name = "together"}, {name = "counts"}]\n')
    assert clinic("fit", "tools", "--pipeline", own, where=copied).exit_code == 0
    from crossrec.pipeline.resolved import Component

    build = Component.build

    def without(component):
        if component.label == "counts":
            raise ImportError("no counts today")
        return build(component)

    monkeypatch.setattr(Component, "build", without)
    done = clinic("doctor", where=copied)
    assert done.exit_code == 1
    assert "  unavailable: counts: ImportError: no counts today" in done.stdout.splitlines()


def test_an_empty_workspace_and_none_at_all(clinic, tmp_path):
    Workspace.create(tmp_path / "ws").close()
    done = clinic("doctor", where=tmp_path / "ws")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[0].startswith("nothing is ingested yet")
    done = clinic("doctor", where=tmp_path / "none")
    assert done.exit_code == 1
    assert "there is no workspace" in done.stderr


def test_events_that_miss_the_item_table_are_shown(clinic, tmp_path):
    (tmp_path / "i.csv").write_text("item_id,title\n007,One\n")
    (tmp_path / "e.csv").write_text("user_id,item_id\nu,7\nu,8\n")
    done = clinic("ingest", "toys", "--items", tmp_path / "i.csv", where=tmp_path / "ws")
    assert done.exit_code == 0, done.output
    done = clinic("ingest", "toys", "--events", tmp_path / "e.csv", where=tmp_path / "ws")
    assert done.exit_code == 1
    done = clinic("doctor", where=tmp_path / "ws")
    assert "2 of 3 items are in events only, without a row in the item table" in done.output


def test_it_says_what_rules_read_of_users(workshop, clinic, copied, tmp_path):
    path = tmp_path / "users.csv"
    path.write_text("user_id,country\nu1,DE\nu2,\n")
    assert clinic("ingest", "tools", "--users", path, where=copied).exit_code == 0
    rules = tmp_path / "rules.toml"
    rules.write_text("[surfaces.bench]\nfilter = \"user.country IS NULL OR title <> 'x'\"\n")
    assert clinic("pipeline", "apply", "tools", rules, where=copied).exit_code == 0
    lines = clinic("doctor", where=copied).stdout.splitlines()
    assert "  surface bench reads of users: country (1 of 40 have it)" in lines
    assert not any(line.startswith("  surface alike reads") for line in lines)
    report = json.loads(clinic("doctor", "--json", where=copied).stdout)
    tools = next(one for one in report["scenarios"] if one["scenario"] == "tools")
    assert [one["user_fields"] for one in tools["surfaces"]] == [{"country": 1}, {}]
