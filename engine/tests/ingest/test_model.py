"""Ingestion against a second, plain implementation: one row at a time, with Python's csv module."""

import csv
import io
import math
from collections import Counter

import pytest
from crossrec.ingest import IngestOptions, ingest_files
from crossrec.workspace import Workspace
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

NOW = 10_000.0
HEADER = ["user", "item", "event", "time", "value"]
EVENTS = {"view": "view", "click": "view", "purchase": "purchase", "rating": "rating"}
NOTHING = {"", "NA", "null", "nan"}
STRENGTH = {"view": 1.0, "purchase": 5.0, "rating": 3.0}

users = st.sampled_from(["u1", "007", "NA", "null", "a b", 'q"q', "x,y", "", "  ", "é🎧"])
items = st.sampled_from(["i1", "17850.0", "nan", "two\nlines", "i/2", "", "y" * 1_025])
events = st.sampled_from(["view", "click", "purchase", "rating", "wiew", ""])
times = st.sampled_from(["1", "20.5", "9000", "-3", "soon", "", "99999999", "nan"])
values = st.sampled_from(["", "1", "5", "2.5", "much", "inf", "nan"])
# Mostly good rows: a fault in every row would leave nothing to compare.
good = st.tuples(
    st.sampled_from(["u1", "u2", "007", 'q"q', "x,y"]),
    st.sampled_from(["i1", "i2", "17850.0", "two\nlines"]),
    st.sampled_from(list(EVENTS)),
    st.sampled_from(["1", "20.5", "9000"]),
    st.sampled_from(["", "1", "5"]),
)
any_row = st.tuples(users, items, events, times, values)
plain = st.tuples(st.sampled_from(["u1", ""]), st.just("i1"), events, times, values)
tables = st.one_of(
    st.lists(st.one_of(good, good, good, any_row, st.just(())), min_size=1, max_size=25),
    # Without quotes and blank lines, records are counted and not searched for.
    st.lists(plain, min_size=1, max_size=15),
)


def written(rows, *, quote_all, ending):
    """Return the file's text and the line each row begins in; an empty row is a blank line."""
    file = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
    writer = csv.writer(file, lineterminator=ending, quoting=quoting)
    writer.writerow(HEADER)
    starts = []
    for row in rows:
        starts.append(file.getvalue().count("\n") + 1)
        if row:
            writer.writerow(row)
        else:
            file.write(ending)
    return file.getvalue(), starts


def number(text):
    try:
        return float(text)
    except ValueError:
        return math.nan


def fault(row):
    """Return what is wrong with a row, by the rules as the documentation states them."""
    user, item, event, time, value = row
    if user.strip() in NOTHING:
        return "missing user"
    if item.strip() in NOTHING:
        return "missing item"
    if len(item) > 1_024:
        return "item id longer than 1,024 characters"
    if not event:
        return "missing event type"
    if event not in EVENTS:
        return f"unknown event type {event!r} (nearest: view)"
    if time in NOTHING:
        return "missing time"
    if not math.isfinite(number(time)):
        return "unparsable time"
    if number(time) < 0:
        return "negative time"
    if number(time) > NOW + 86_400:
        return "future time"
    if value not in NOTHING and not math.isfinite(number(value)):
        return "value is not a number"
    return ""


def weight(event, value):
    factor = 1.0
    if event == "rating" and value:
        factor = max(-1.0, min(1.0, (float(value) - 3) / 2))
    return STRENGTH[event] * factor


def expected(rows, starts):
    """Return the stored events in order, and the lines of the faults by cause."""
    stored, faults = [], {}
    for row, start in zip(rows, starts, strict=True):
        if not row:
            continue
        cause = fault(row)
        if cause:
            faults.setdefault(cause, []).append(start)
        else:
            user, item, event, time, value = row
            item = "17850" if item == "17850.0" else item
            value = "" if value in NOTHING else value
            kind = EVENTS[event]
            stored.append((user, item, kind, float(time), weight(kind, value)))
    return stored, faults


# Times are decided on the first chunk: the first row settles that they are numbers.
FIRST = ("u1", "i1", "view", "1", "")


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rows=tables,
    size=st.sampled_from([1, 2, 7, 1_000]),
    quote_all=st.booleans(),
    ending=st.sampled_from(["\n", "\r\n"]),
)
def test_both_agree_on_every_row(shop, stored, tmp_path_factory, rows, size, quote_all, ending):
    rows = [FIRST, *rows]
    folder = tmp_path_factory.mktemp("model")
    text, starts = written(rows, quote_all=quote_all, ending=ending)
    (folder / "e.csv").write_bytes(text.encode("utf-8"))
    options = IngestOptions(chunk_rows=size, now=lambda: NOW)
    report = ingest_files(folder / "ws", shop, events=folder / "e.csv", options=options)
    events, faults = expected(rows, starts)

    workspace = Workspace.open(folder / "ws")
    assert [row[:4] for row in stored(workspace, shop)] == [row[:4] for row in events]
    assert [row[4] for row in stored(workspace, shop)] == pytest.approx([row[4] for row in events])
    workspace.close()

    table = report.table("events")
    assert table.rows == len(events) + sum(map(len, faults.values()))
    assert {cause: tally.count for cause, tally in table.bad.items()} == {
        cause: len(lines) for cause, lines in faults.items()
    }
    assert {cause: tally.lines for cause, tally in table.bad.items()} == {
        cause: lines[:5] for cause, lines in faults.items()
    }
    assert rejected(table) == Counter(
        (start, fault(row), *row)
        for row, start in zip(rows, starts, strict=True)
        if row and fault(row)
    )


def rejected(table):
    """Return the rows of the file of rejected rows: line, cause and the cells as written."""
    if table.rejected is None:
        return Counter()
    with table.rejected.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return Counter((int(row[0]), *row[1:]) for row in rows)
