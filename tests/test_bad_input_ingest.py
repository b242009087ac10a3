"""Bad input to `crossrec ingest`: one clear line, the right exit code, and nothing lost."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from crossrec.cli import main
from crossrec.workspace import Workspace

pytest.importorskip("crossrec_ecommerce")

GOOD = "user,item,event,time,value\nu1,i1,view,1000,\nu2,i2,purchase,1010,9.5\n"


@pytest.fixture
def crossrec(tmp_path, monkeypatch):
    """Run the command in a folder of its own; files are given by name and content."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CROSSREC_WORKSPACE", raising=False)

    def run(*arguments, **files):
        for name, content in files.items():
            data = content if isinstance(content, bytes) else content.encode()
            Path(name.replace("__", ".")).write_bytes(data)
        return CliRunner().invoke(main, ["ingest", "ecommerce", *arguments])

    return run


def the_line(result, code=1):
    """Return the one line of an error."""
    assert result.exit_code == code, result.output
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.output
    return result.stderr


def held(path=".crossrec"):
    workspace = Workspace.open(path)
    try:
        return workspace.store().counts("ecommerce").events
    finally:
        workspace.close()


def test_good_files_are_stored_and_reported(crossrec):
    result = crossrec("--events", "e.csv", e__csv=GOOD)
    assert result.exit_code == 0, result.output
    assert "columns: user=user, item=item, event=event, time=time, value=value" in result.output
    assert "rows: 2 read, 2 good (2 new, 0 already there), 0 bad" in result.output
    assert "ecommerce now holds 2 users, 2 items, 2 events" in result.output
    assert "\x1b[" not in result.output
    assert held() == 2


def test_the_report_as_json(crossrec):
    bad = GOOD + "u3,,view,1000,\n"
    result = crossrec("--events", "e.csv", "--json", "-w", "ws", e__csv=bad)
    report = json.loads(result.stdout)
    assert report["totals"]["events"] == 2
    assert report["tables"][0]["bad"] == {"missing item": {"count": 1, "lines": [4]}}
    assert Path(report["tables"][0]["rejected"]).is_file()


def test_the_workspace_may_come_from_the_environment(crossrec, monkeypatch):
    monkeypatch.setenv("CROSSREC_WORKSPACE", "other")
    assert crossrec("--events", "e.csv", e__csv=GOOD).exit_code == 0
    assert held("other") == 2


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (None, ["there is no file e.csv"]),
        ("", ["e.csv is empty"]),
        ("\n\n", ["e.csv is empty"]),
        ("user,item,time\n", ["e.csv has a header and no rows"]),
        (GOOD.replace("u2", "Ü2").encode("latin-1"), ["not utf-8", "line 3", "--encoding latin-1"]),
        (GOOD.replace(",", "#"), ["only one column was found", "--delimiter"]),
        (GOOD.replace("user", "who"), ["no column for the user", "who, item", "--map user=COLUMN"]),
        (b"PK\x03\x04\x00\x00\x00", ["damaged zip file"]),
        (b"a\x00b,c\n1,2\n", ["not a text file"]),
        (gzip.compress(GOOD.encode(), mtime=0)[:-9], ["damaged gzip"]),
    ],
)
def test_files_that_cannot_be_read(crossrec, content, parts):
    files = {} if content is None else {"e__csv": content}
    line = the_line(crossrec("--events", "e.csv", **files))
    for part in parts:
        assert part in line
    assert not Path(".crossrec").exists()


@pytest.mark.parametrize(
    ("arguments", "content"),
    [
        (["--encoding", "latin-1"], GOOD.replace("u2", "Ü2").encode("latin-1")),
        (["--delimiter", "#"], GOOD.replace(",", "#")),
        (["--delimiter", "tab"], GOOD.replace(",", "\t")),
        (["--map", "user=who"], GOOD.replace("user", "who")),
        (["--time-format", "%Y"], GOOD.replace("1000", "1999").replace("1010", "2001")),
        (["--no-clock"], GOOD.replace("1000", "soon")),
    ],
)
def test_what_the_line_advises_helps(crossrec, arguments, content):
    result = crossrec("--events", "e.csv", *arguments, e__csv=content)
    assert result.exit_code == 0, result.output
    assert held() == 2


@pytest.mark.parametrize(
    ("row", "cause"),
    [
        (",i1,view,1000,", "missing user"),
        ("u1,,view,1000,", "missing item"),
        ("u1,i1,view,tomorrow,", "unparsable time"),
        ("u1,i1,view,,", "missing time"),
        ("u1,i1,view,-1000,", "negative time"),
        ("u1,i1,view,99999999999,", "future time"),
        ("u1,i1,view,1000,inf", "value is not a number"),
        ("NULL,i1,view,1000,1", "missing user"),
        ("u1,i1,vieww,1000,", "unknown event type 'vieww' (nearest: view)"),
        (f"u1,{'i' * 10_000},view,1000,", "item id longer than 1,024 characters"),
        (f"{'u' * 10_000},i1,view,1000,", "user id longer than 1,024 characters"),
        ("u1,i1,view,1000,1,2,3", "more than 5 cells"),
        ('u1,"i1,view', "quote that never closes"),
    ],
)
def test_bad_rows_are_said_kept_beside_and_do_not_stop_the_others(crossrec, row, cause):
    content = GOOD + row + "\nu9,i9,view,1020,\n"
    result = crossrec("--events", "e.csv", e__csv=content)
    assert result.exit_code == 0, result.output
    assert f"bad: {cause}: 1 (line 4)" in result.output
    assert held() == 3
    rejected = Path(".crossrec/rejected/ecommerce/e.csv.rejected.csv").read_text()
    assert cause in rejected
    strict = crossrec("--events", "e.csv", "--strict", "-w", "strict")
    assert cause in the_line(strict)
    assert "nothing was stored" in strict.stderr
    assert f"bad: {cause}: 1 (line 4)" in strict.stdout
    assert held("strict") == 0


@pytest.mark.parametrize("id_", ["a b", "a/b/../c", "it's", '"say ""hi"""', "🎧", "x" * 1_024])
def test_unusual_ids_are_fine(crossrec, id_):
    content = f"user,item\n{id_},{id_}\n"
    assert crossrec("--events", "e.csv", e__csv=content).exit_code == 0
    assert held() == 1


def test_an_event_for_an_unknown_item_is_kept_and_counted(crossrec):
    result = crossrec(
        "--events", "e.csv", "--items", "i.csv", e__csv=GOOD, i__csv="id,title\ni1,A\n"
    )
    assert "notice: item is not in the item table; kept: 1 (line 3)" in result.output
    assert held() == 2


def test_duplicate_items_are_counted_and_the_last_wins(crossrec):
    result = crossrec("--items", "i.csv", i__csv="id,title\na,old\nb,B\na,new\n")
    assert "notice: repeated id, the later fields count: 1 (line 4)" in result.output
    store = Workspace.open(".crossrec").store()
    assert store.items("ecommerce")[1]["a"]["title"] == "new"
    store.close()


def test_a_file_without_one_good_row_is_a_failure_that_says_why(crossrec):
    result = crossrec("--events", "e.csv", e__csv="user,item,time\nu,i,soon\nv,i,later\n")
    assert "no row could be used, mostly for: unparsable time" in the_line(result)
    assert "bad: unparsable time: 2 (lines 2, 3)" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--events", "e.csv", "--map", "usr=who"], ["did you mean 'user'"]),
        (["--events", "e.csv", "--map", "user"], ["NAME=COLUMN"]),
        (["--format", "unisrec"], ["FOLDER"]),
        (["somewhere"], ["--format NAME and FOLDER"]),
        (["--format", "unisrec", ".", "--events", "e.csv"], ["leave --items"]),
        (["--format", "unisrecc", "."], ["unisrec"]),
        (["--evnts", "e.csv"], ["--events"]),
    ],
)
def test_wrong_calls_exit_with_2(crossrec, arguments, parts):
    line = the_line(crossrec(*arguments, e__csv=GOOD), code=2)
    for part in parts:
        assert part in line
    assert not Path(".crossrec").exists()


def test_nothing_to_ingest(crossrec):
    assert "give --items, --events or --users" in the_line(crossrec())


def test_a_mapped_column_that_is_not_there(crossrec):
    result = crossrec("--events", "e.csv", "--map", "user=buyer", e__csv=GOOD)
    assert "no file has a column 'buyer'" in the_line(result)


def test_a_missing_folder_of_a_format(crossrec):
    assert "there is no folder none" in the_line(crossrec("--format", "unisrec", "none"))


def test_a_folder_in_a_public_format(crossrec):
    Path("toy").mkdir()
    Path("toy/toy.inter").write_text(
        "user_id:token\titem_id:token\ttimestamp:float\nu1\t007\t1000\nu1\t\t1010\n"
    )
    Path("toy/toy.item").write_text("item_id:token\ttitle:token_seq\n007\tSeven\n")
    result = crossrec("--format", "recbole", "toy")
    assert result.exit_code == 0, result.output
    assert "bad: missing item: 1 (line 2)" in result.output
    assert held() == 1


def test_an_unknown_scenario_names_the_nearest(crossrec):
    Path("e.csv").write_text(GOOD)
    result = CliRunner().invoke(main, ["ingest", "ecomerce", "--events", "e.csv"])
    assert "ecommerce" in the_line(result, code=2)


def test_a_folder_that_is_no_workspace(crossrec):
    Path("docs").mkdir()
    Path("docs/thesis.tex").write_text("precious")
    line = the_line(crossrec("--events", "e.csv", "-w", "docs", e__csv=GOOD))
    assert "docs is not a crossrec workspace and not empty" in line
    assert [path.name for path in Path("docs").iterdir()] == ["thesis.tex"]


def test_a_file_in_place_of_the_workspace(crossrec):
    assert "is a file" in the_line(crossrec("--events", "e.csv", "-w", "e.csv", e__csv=GOOD))


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs a folder that refuses writes")
def test_a_workspace_where_nobody_can_write(crossrec):
    line = the_line(crossrec("--events", "e.csv", "-w", "/sys/kernel/crossrec", e__csv=GOOD))
    assert "read-only" in line


def test_a_workspace_of_a_newer_crossrec(crossrec):
    Workspace.create("ws")
    Path("ws/workspace.json").write_text('{"format": 99}')
    assert "upgrade crossrec" in the_line(crossrec("--events", "e.csv", "-w", "ws", e__csv=GOOD))


def test_a_damaged_store(crossrec):
    crossrec("--events", "e.csv", e__csv=GOOD)
    for name in ("crossrec.db-wal", "crossrec.db-shm"):
        Path(".crossrec", name).unlink(missing_ok=True)
    Path(".crossrec/crossrec.db").write_bytes(b"no database " * 999)
    assert "damaged or not a SQLite database" in the_line(crossrec("--events", "e.csv"))


def test_a_workspace_in_use_by_another_process(crossrec):
    workspace = Workspace.create(".crossrec")
    Path("e.csv").write_text(GOOD)
    with workspace.writing():
        result = subprocess.run(
            [
                *(sys.executable, "-m", "crossrec", "ingest", "ecommerce"),
                *("--events", "e.csv", "--wait", "0"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert f"in use by another process (pid {os.getpid()})" in result.stderr
    assert held() == 0


def test_times_and_no_times_do_not_mix(crossrec):
    crossrec("--events", "e.csv", e__csv=GOOD)
    line = the_line(crossrec("--events", "f.csv", f__csv="user,item\nu,i\n"))
    assert "--map time=COLUMN" in line
    assert held() == 2


def test_ingesting_twice_changes_nothing(crossrec):
    crossrec("--events", "e.csv", e__csv=GOOD)
    result = crossrec("--events", "e.csv")
    assert "2 good (0 new, 2 already there)" in result.output
    assert held() == 2
