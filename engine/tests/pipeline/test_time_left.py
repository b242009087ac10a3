"""The time that is left, by a clock that is set by hand."""

import pytest
from crossrec.pipeline.time_left import TimeLeft


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def following(clock, stages):
    left = TimeLeft(clock)
    shown = []
    report = left.through(lambda *progress: shown.append(progress))
    left.follow(stages)
    return left, report, shown


def test_nothing_is_known_without_a_plan(clock):
    assert TimeLeft(clock).seconds() is None


def test_at_first_it_is_the_plan(clock):
    left, _, _ = following(clock, {"a": 10.0, "b": 20.0})
    assert left.seconds() == 30.0


def test_what_has_run_of_a_stage_is_taken_off(clock):
    left, report, _ = following(clock, {"a": 10.0, "b": 20.0})
    report("a", 0, 2)
    clock.now += 4
    assert left.seconds() == 26.0


def test_a_stage_that_takes_longer_leaves_the_others(clock):
    left, report, _ = following(clock, {"a": 10.0, "b": 20.0})
    report("a", 0, 2)
    clock.now += 50
    assert left.seconds() == 20.0


def test_done_stages_correct_the_others(clock):
    left, report, _ = following(clock, {"a": 10.0, "b": 20.0, "c": 30.0})
    report("a", 0, 3)
    clock.now += 20  # twice as long as estimated
    report("b", 1, 3)
    assert left.seconds() == 2 * (20.0 + 30.0)
    clock.now += 10
    report("c", 2, 3)  # both together as estimated
    assert left.seconds() == 30.0


def test_a_single_slow_stage_does_not_frighten(clock):
    left, report, _ = following(clock, {"a": 1.0, "b": 1.0})
    report("a", 0, 2)
    clock.now += 1000
    report("b", 1, 2)
    assert left.seconds() == 10.0


def test_tiny_stages_correct_nothing(clock):
    left, report, _ = following(clock, {"a": 0.01, "b": 20.0})
    report("a", 0, 2)
    clock.now += 3
    report("b", 1, 2)
    assert left.seconds() == 20.0


def test_messages_of_a_source_belong_to_the_running_stage_and_all_are_passed_on(clock):
    left, report, shown = following(clock, {"a": 10.0, "b": 20.0})
    report("a", 0, 2)
    report("als", 3, 15)
    clock.now += 1
    assert left.seconds() == 29.0
    assert shown == [("a", 0, 2), ("als", 3, 15)]


def test_at_the_end_nothing_is_left(clock):
    left, report, _ = following(clock, {"a": 10.0})
    report("a", 0, 1)
    clock.now += 11
    assert left.seconds() == 0.0
