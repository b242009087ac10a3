"""``crossrec ingest --complete items``: what is missing from a full feed is no longer offered."""

import json

import pytest


@pytest.fixture
def shop(workshop, tmp_path):
    """Ingest a table of items into one workspace."""

    def call(*ids, given=("--complete", "items"), kind="--items"):
        table = tmp_path / "items.csv"
        table.write_text("item_id,title\n" + "".join(f"{one},thing\n" for one in ids))
        return workshop("ingest", "tools", kind, table, *given, "-w", tmp_path / "ws")

    done = call("a", "b", "c")
    assert done.exit_code == 0, done.output
    call.gone = lambda: [
        one["item_id"]
        for one in json.loads(
            workshop(
                "items", "list", "tools", "--withdrawn", "--json", "-w", tmp_path / "ws"
            ).stdout
        )
    ]
    return call


def complaint(done, code):
    assert done.exit_code == code, done.output
    (line,) = done.stderr.splitlines()
    return line


def test_it_says_what_is_no_longer_offered(shop):
    done = shop("a", "b")
    assert done.exit_code == 0, done.output
    assert "full feed of 2 items: 1 no longer offered, 0 offered again" in done.stdout.splitlines()
    assert shop.gone() == ["c"]
    done = shop("a", "b", "c", given=("--complete", "items", "--json"))
    assert json.loads(done.stdout)["feed"] == {"items": 3, "withdrawn": 0, "returned": 1}
    assert shop.gone() == []


def test_a_broken_export_is_refused_in_one_line(shop):
    for ids, part in (
        ((), "has a header and no rows"),
        (("a", ""), "1 of 2 rows of the full feed are bad"),
        (("x",), "would withdraw 3 of 3 offered items, so nothing was stored"),
        (("a",), "allow it with --most-withdrawn 0.67"),
    ):
        done = shop(*ids)
        assert part in complaint(done, 1)
        assert done.stdout == ""
        assert shop.gone() == []
    done = shop("a", given=("--complete", "items", "--most-withdrawn", "0.67"))
    assert done.exit_code == 0, done.output
    assert shop.gone() == ["b", "c"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("--complete", "users"), "'users' is not 'items'"),
        (("--complete", "items", "--most-withdrawn", "2"), "2.0 is not in the range"),
    ],
)
def test_wrong_calls_are_one_line(shop, given, message):
    assert message in complaint(shop("a", given=given), 2)


def test_events_alone_are_no_full_feed(shop):
    line = complaint(shop("a", kind="--events"), 2)
    assert "--complete items says that --items FILE is a full feed" in line
