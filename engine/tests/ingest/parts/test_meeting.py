"""Events whose items are not in the item table: shown, and what the ids differ in."""

import pytest
from crossrec.ingest.meeting import Meeting, difference


@pytest.mark.parametrize(
    ("unknown", "known", "what"),
    [
        (["a1", "a2"], ["A1", "A2"], "capital letters"),
        (["7", "12"], ["0007", "0012"], "zeros at the front"),
        (["7.0", "12.0"], ["7", "12"], "a fraction .0 at the end"),
        (["'7'", "'8'"], ["7", "8"], "quotes around them"),
        (["ab-1", "ab-2"], ["AB 1", "AB 2"], "signs between letters"),
        (["shop:7", "shop:8"], ["7", "8"], "what stands before the last / : or -"),
    ],
)
def test_the_difference_is_named(unknown, known, what):
    assert difference(unknown, known) == f" (they differ in {what})"
    assert difference(known, unknown) == f" (they differ in {what})"


def test_ids_that_have_nothing_in_common_have_no_named_difference():
    assert difference(["x", "y"], ["a", "b"]) == ""
    assert difference(["a", "y", "z"], ["A", "b"]) == ""


def test_more_than_half_of_the_events_have_to_miss():
    meeting = Meeting()
    meeting.add(10, 5, ["x"])
    assert meeting.warning(["a"]) == ""
    meeting.add(1, 1, ["y"])
    assert "6 of 11 events" in meeting.warning(["a"])
    assert "such as 'x', where it has ids such as 'a'" in meeting.warning(["a"])


def test_without_an_item_table_nothing_is_missed():
    meeting = Meeting()
    meeting.add(10, 10, ["x"])
    assert meeting.warning([]) == ""


def test_only_some_of_very_many_unknown_ids_are_kept():
    meeting = Meeting()
    for start in range(0, 10_000, 500):
        meeting.add(500, 500, map(str, range(start, start + 500)))
    assert len(meeting._unknown) == 1_000
    assert "10,000 of 10,000" in meeting.warning(["a"])
