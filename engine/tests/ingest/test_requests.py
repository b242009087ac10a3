"""Events that name the answer they came from become feedback on it, once."""

from __future__ import annotations

import pandas as pd
import pytest
from crossrec.errors import UsageError
from crossrec.ingest import IngestOptions, ingest_files
from crossrec.ingest.attribution import NOT_SHOWN, OF_ANOTHER, UNKNOWN, fault_of
from crossrec.ingest.mapping import parse_map
from crossrec.store.decisions import Decision, ShownItem


def decision(request: str, user: str | None, *items: str, scenario: str = "shop") -> Decision:
    shown = tuple(ShownItem(item, 1.0, 1.0, "ease") for item in items)
    return Decision(request, 5.0, scenario, "home", user, "v1", "p1", "stored history", 2.5, shown)


@pytest.fixture
def log(workspace):
    log = workspace.decision_log()
    log.write([decision("r1", "u", "a", "b"), decision("r2", None, "a")])
    return log


LINES = (
    "user_id,item_id,event_type,time,request_id",
    "u,a,view,10,r1",
    "u,c,view,11,r1",
    "v,a,view,12,r1",
    "u,a,purchase,13,gone",
    "u,b,view,14,",
    "v,a,view,15,r2",
)


def test_events_of_a_file_are_attributed_and_all_are_stored(shop, workspace, log, write):
    path = write("events.csv", *LINES)
    for new in (6, 0):
        report = ingest_files(workspace, shop, events=path).table("events")
        assert (report.new, report.n_bad) == (new, 0)
        assert report.columns["request"] == "request_id"
        assert report.notes[-1] == "2 events belong to answers in the decision log"
        notices = {text: tally.lines for text, tally in report.notices.items() if "event" in text}
        assert notices == {
            f"{NOT_SHOWN}; event kept": [3],
            f"{OF_ANOTHER}; event kept": [4],
            f"{UNKNOWN}; event kept": [5],
        }
        assert [tuple(one) for one in log.feedback_on("r1")] == [("r1", "a", "view", None, 10.0)]
        assert [one.time for one in log.feedback_on("r2")] == [15.0]


def test_a_request_does_not_make_an_event_another_one(shop, workspace, log, write):
    ingest_files(workspace, shop, events=write("events.csv", *LINES))
    without = [line.rpartition(",")[0] for line in LINES]
    assert ingest_files(workspace, shop, events=write("e.csv", *without)).table("events").new == 0


def test_events_without_times_take_that_of_the_answer(shop, workspace, log):
    table = pd.DataFrame({"user_id": ["u"], "item_id": ["a"], "value": [3], "request_id": ["r1"]})
    ingest_files(workspace, shop, events=table)
    assert [tuple(one) for one in log.feedback_on("r1")] == [("r1", "a", "view", 3.0, 5.0)]


def test_a_strict_check_that_refuses_attributes_nothing(shop, workspace, log, write):
    path = write("events.csv", *LINES, "u,,view,16,r1")
    with pytest.raises(Exception, match="nothing was stored"):
        ingest_files(workspace, shop, events=path, options=IngestOptions(strict=True))
    assert log.feedback_on("r1") == []


def test_the_column_can_be_named(shop, workspace, log, write):
    path = write("events.csv", "user_id,item_id,time,answer", "u,a,10,r1")
    options = IngestOptions(columns=parse_map(["request=answer"], shop))
    ingest_files(workspace, shop, events=path, options=options)
    assert len(log.feedback_on("r1")) == 1
    with pytest.raises(UsageError, match="did you mean 'request'"):
        parse_map(["requst=answer"], shop)


def test_without_a_log_requests_are_only_noticed(shop, workspace, write):
    report = ingest_files(workspace, shop, events=write("events.csv", *LINES)).table("events")
    assert report.notices[f"{UNKNOWN}; event kept"].count == 5
    assert not list(workspace.path.glob("*decisions*"))


@pytest.mark.parametrize(
    ("found", "user", "item", "fault"),
    [
        (decision("r", "u", "a"), "u", "a", ""),
        (decision("r", None, "a"), "u", "a", ""),
        (decision("r", "u", "a"), None, "a", ""),
        (decision("r", "u", "a"), "v", "a", OF_ANOTHER),
        (decision("r", "u", "a"), "u", "b", NOT_SHOWN),
        (decision("r", "u", "a", scenario="video"), "u", "a", UNKNOWN),
        (None, "u", "a", UNKNOWN),
    ],
)
def test_faults(found, user, item, fault):
    assert fault_of(found, "shop", user, item) == fault
