"""The decision log: what was written is read, once, by any thread; what is forgotten is gone."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest
from crossrec.pipeline.decision_writer import DecisionWriter
from crossrec.store.decisions import Decision, Feedback, ShownItem, SqliteDecisionLog


def decision(request: str, time: float = 1.0, user: str | None = "u1", *items: str) -> Decision:
    shown = tuple(ShownItem(item, 1.0 - at / 10, 1.0, "ease") for at, item in enumerate(items))
    return Decision(request, time, "shop", "home", user, "v1", "p1", "stored history", 2.5, shown)


@pytest.fixture
def log(tmp_path):
    log = SqliteDecisionLog(tmp_path / "decisions.db")
    yield log
    log.close()


def test_what_was_written_is_read(log) -> None:
    one = decision("r1", 1.0, "u1", "a", "b")
    log.write([one, decision("r2", 2.0, None, "c")])
    assert log.decision("r1") == one
    assert log.decision("unheard of") is None
    assert [found.request_id for found in log.latest("shop", 5)] == ["r2", "r1"]
    assert [found.request_id for found in log.latest("shop", 5, user_id="u1")] == ["r1"]
    assert log.latest("another", 5) == []


def test_a_request_is_kept_once(log) -> None:
    log.write([decision("r1", 1.0, "u1", "a")])
    log.write([decision("r1", 9.0, "u2", "b")])
    assert log.decision("r1") == decision("r1", 1.0, "u1", "a")


def test_impressions_are_counted(log) -> None:
    log.write([decision("r1", 1.0, "u1", "a", "b"), decision("r2", 5.0, "u1", "a")])
    log.write([decision("r3", 9.0, "u2", "a")])
    assert log.impressions("shop", "u1") == {"a": (2, 5.0), "b": (1, 1.0)}
    assert log.impressions("shop", "nobody") == {}


def test_the_same_feedback_counts_once(log) -> None:
    log.write([decision("r1", 1.0, "u1", "a")])
    click = Feedback("r1", "a", "click", None, 2.0)
    assert log.add_feedback([click, click]) == 1
    assert log.add_feedback([click, click._replace(event_type="buy", value=3.0)]) == 1
    assert [one.event_type for one in log.feedback_on("r1")] == ["click", "buy"]


def test_a_forgotten_user_is_in_no_file(log, tmp_path) -> None:
    log.write([decision(f"r{n}", n, "secret-person", "a") for n in range(50)])
    log.write([decision("other", 1.0, "u2", "a")])
    log.add_feedback([Feedback("r1", "a", "click", None, 2.0)])
    assert log.forget("secret-person") == 50
    assert log.feedback_on("r1") == []
    assert log.decision("other") is not None
    log.close()
    for path in Path(tmp_path).iterdir():
        assert b"secret-person" not in path.read_bytes(), path.name


def test_old_decisions_are_pruned(log) -> None:
    log.write([decision("r1", 1.0, "u1", "a"), decision("r2", 9.0, "u1", "a")])
    assert log.prune(before=5.0) == 1
    assert log.decision("r1") is None
    assert log.decision("r2") is not None


def test_many_threads_write_behind_the_answer(log) -> None:
    writer = DecisionWriter(log)

    def answer(thread: int) -> None:
        for n in range(50):
            writer.add(decision(f"{thread}-{n}", float(n), "u1", "a"))

    threads = [threading.Thread(target=answer, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.flush()
    assert len(log.latest("shop", 1000)) == 400
    writer.close()
    writer.add(decision("late", 1.0, "u1", "a"))
    assert log.decision("late") is None
    assert writer.dropped == 0


def test_a_log_that_fails_costs_no_answer(log, caplog) -> None:
    class Full(SqliteDecisionLog):
        def write(self, decisions) -> None:
            raise OSError("disk full")

    writer = DecisionWriter(Full(log.path))
    writer.add(decision("r1"))
    writer.flush()
    assert writer.dropped == 1
    assert "1 decisions could not be written" in caplog.text
    writer.close()


def test_a_sample_is_kept(log) -> None:
    writer = DecisionWriter(log, sample=0.25)
    for n in range(400):
        writer.add(decision(f"r{n}"))
    writer.flush()
    assert 50 < len(log.latest("shop", 1000)) < 150
    writer.close()


def test_old_decisions_are_pruned_with_the_first_batch_and_then_once_an_hour(log) -> None:
    writer = DecisionWriter(log, keep_days=1)
    now = time.time()
    log.write([decision("old", now - 2 * 86_400), decision("young", now - 0.5 * 86_400)])
    writer.add(decision("new", now))
    writer.flush()
    assert {one.request_id for one in log.latest("shop", 9)} == {"new", "young"}
    log.write([decision("old", now - 2 * 86_400)])
    writer.add(decision("newer", now))
    writer.flush()
    assert log.decision("old") is not None, "the hour is not over"
    writer.close()


def test_a_failing_prune_loses_no_decision(log, caplog, monkeypatch) -> None:
    def full(**_):
        raise OSError("disk full")

    monkeypatch.setattr(log, "prune", full)
    writer = DecisionWriter(log, keep_days=1)
    writer.add(decision("r1"))
    writer.close()
    assert log.decision("r1") is not None
    assert writer.dropped == 0
    assert "old decisions could not be deleted" in caplog.text


def test_reading_makes_no_file(log) -> None:
    assert log.decision("r1") is None
    assert log.latest("shop", 5) == log.feedback_on("r1") == []
    assert log.impressions("shop", "u1") == {}
    assert log.forget("u1") == log.prune(5.0) == log.add_feedback([]) == 0
    assert not log.path.exists()


def test_a_process_that_was_forked_writes_through_a_connection_of_its_own(log) -> None:
    log.write([decision("before")])
    writer = DecisionWriter(log)
    writer.add(decision("parent"))
    writer.flush()
    lock = writer._changed
    lock.acquire()  # as a thread might, at the moment of the fork
    child = os.fork()
    if not child:
        writer.add(decision("child"))
        writer.flush()
        os._exit(0 if writer.dropped == 0 else 1)
    lock.release()
    assert os.waitpid(child, 0)[1] == 0
    writer.add(decision("after"))
    writer.close()
    names = {one.request_id for one in log.latest("shop", 9)}
    assert names == {"before", "parent", "child", "after"}


def test_what_came_since_is_read_once_in_the_order_of_writing(log) -> None:
    log.write([decision("r1", 9.0, "u1", "a", "b"), decision("r2", 1.0, None, "c")])
    first = log.impressions_since("shop", 0)
    assert [(one.decision, one.item_id, one.position) for one in first] == [
        (1, "a", 0),
        (1, "b", 1),
        (2, "c", 0),
    ]
    assert first[0].surface == "home"
    assert log.impressions_since("another", 0) == []
    log.write([decision("r3", 0.5, "u1", "d")])  # written behind, with an earlier time
    assert [one.item_id for one in log.impressions_since("shop", 2)] == ["d"]
    assert log.impressions_since("shop", 3) == []


def test_feedback_since_carries_the_impression_it_is_about(log) -> None:
    log.write([decision("r1", 1.0, "u1", "a", "b")])
    log.add_feedback([Feedback("r1", "b", "click", None, 2.0)])
    log.add_feedback([Feedback("r1", "never shown", "click", None, 2.0)])
    log.add_feedback([Feedback("r1", "b", "buy", 3.0, 4.0), Feedback("r9", "b", "buy", 1.0, 4.0)])
    found = log.feedback_since("shop", 0)
    assert [(one.event_type, one.value, one.shown.position) for one in found] == [
        ("click", None, 1),
        ("buy", 3.0, 1),
    ]
    assert log.feedback_since("shop", found[0].number) == found[1:]


def test_numbers_are_never_given_twice(log) -> None:
    """What was deleted leaves a gap: else what comes next would pass for known."""
    log.write([decision("r1", 1.0, "u1", "a"), decision("r2", 2.0, "u2", "b")])
    log.add_feedback([Feedback("r2", "b", "click", None, 3.0)])
    last = log.feedback_since("shop", 0)[-1].number
    log.forget("u2")
    log.write([decision("r3", 3.0, "u3", "c")])
    log.add_feedback([Feedback("r3", "c", "click", None, 4.0)])
    assert [one.item_id for one in log.impressions_since("shop", 2)] == ["c"]
    assert [one.shown.item_id for one in log.feedback_since("shop", last)] == ["c"]
