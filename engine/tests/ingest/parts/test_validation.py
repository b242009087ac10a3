import numpy as np
import pandas as pd
import pytest
from crossrec.ingest.mapping import guess_columns
from crossrec.ingest.validation import EventValidator, RecordValidator, unknown_event

NOW = 1_700_000_000.0
DAY = 86_400


def check(shop, rows, header="user,item,event,time,value", **options):
    """Return the good events, the causes by row, and the notes."""
    names = header.split(",")
    frame = pd.DataFrame(rows, columns=names, dtype=object)
    columns = guess_columns(names, "events", shop, {}, source="events")
    validator = EventValidator(shop, columns, now=NOW, **options)
    draft, verdict = validator.check(frame)
    causes = {row: cause for cause, found in verdict.faults for row in found.tolist()}
    return draft, causes, validator.notes()


GOOD = ["u1", "i1", "view", "1000", "2.5"]


def test_a_good_row_passes_whole(shop):
    draft, causes, notes = check(shop, [GOOD])
    assert causes == {}
    assert draft.users.strings() == ["u1"]
    assert draft.items.strings() == ["i1"]
    assert draft.types.strings() == ["view"]
    assert draft.times.tolist() == [1000.0]
    assert draft.values.tolist() == [2.5]
    assert draft.event_ids is None
    assert notes[0] == "time: unix seconds"
    assert "all times lie on 1970-01-01" in notes[1]


@pytest.mark.parametrize(
    ("column", "cell", "cause"),
    [
        (0, "", "missing user"),
        (0, "x" * 10_000, "user id longer than 1,024 characters"),
        (1, " ", "missing item"),
        (1, "x" * 1_025, "item id longer than 1,024 characters"),
        (1, "\ud800", "item id is not valid text"),
        (2, "viev", "unknown event type 'viev' (nearest: view)"),
        (2, "", "missing event type"),
        (3, "", "missing time"),
        (3, "soon", "unparsable time"),
        (3, " NULL ", "missing time"),
        (0, "\\N", "missing user"),
        (1, "NaN", "missing item"),
        (3, "-1", "negative time"),
        (3, str(NOW + 2 * DAY), "future time"),
        (4, "inf", "value is not a number"),
        (4, "much", "value is not a number"),
    ],
)
def test_one_bad_cell_rejects_its_row_and_no_other(shop, column, cell, cause):
    bad = [*GOOD]
    bad[column] = cell
    draft, causes, _ = check(shop, [GOOD, bad, GOOD, GOOD])
    assert causes == {1: cause}
    assert len(draft.users) == len(draft.times) == len(draft.values) == 3


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        (0, "a b/c\"d'e"),
        (1, "🎧" * 1_024),
        (2, "CLICK"),
        (2, "order placed"),
        (3, str(NOW + DAY / 2)),
        (3, "0"),
        (4, ""),
        (4, "-3"),
        (4, "1e3"),
    ],
)
def test_unusual_cells_that_are_fine(shop, column, cell):
    fine = [*GOOD]
    fine[column] = cell
    assert check(shop, [fine, GOOD, GOOD])[1] == {}


def test_aliases_become_the_name_of_the_event(shop):
    draft, _, _ = check(shop, [[*GOOD[:2], name, *GOOD[3:]] for name in ("Buy", "click", "view")])
    assert draft.types.strings() == ["purchase", "view", "view"]


def test_the_first_fault_of_a_row_counts(shop):
    assert check(shop, [["", "", "x", "y", "z"]])[1] == {0: "missing user"}


def test_all_rows_bad_leaves_empty_columns(shop):
    draft, causes, _ = check(shop, [["", *GOOD[1:]]] * 3)
    assert len(causes) == 3
    assert len(draft.users) == len(draft.times) == 0


def test_an_empty_value_is_none_and_no_fault(shop):
    assert np.isnan(check(shop, [[*GOOD[:4], ""]])[0].values[0])


def test_without_a_time_column_the_order_counts_and_is_noted(shop):
    draft, _, notes = check(shop, [["u", "i"]], "user,item")
    assert draft.times is None
    assert "the order of the rows counts, oldest first" in notes[0]
    assert notes[1] == "no event column: every event is 'view'"


def test_times_can_be_left_out_by_choice(shop):
    draft, causes, _ = check(shop, [[*GOOD[:3], "soon", "1"]], has_clock=False)
    assert draft.times is None
    assert causes == {}


def test_a_time_format_is_followed(shop):
    draft, _, _ = check(shop, [[*GOOD[:3], "02.01.1970", "1"]], time_format="%d.%m.%Y")
    assert draft.times.tolist() == [DAY]


def test_ratings_without_an_event_column_are_ratings(shop):
    draft, _, notes = check(shop, [["u", "i", "4.5"]], "user,item,stars")
    assert draft.types.strings() == ["rating"]
    assert "no event column: every event is 'rating'" in notes
    draft, _, _ = check(shop, [["u", "i", "4"]], "user,item,quantity")
    assert draft.types.strings() == ["view"]


def test_event_ids_may_be_missing_and_may_not_be_endless(shop):
    rows = [["u", "i", "e1"], ["u", "i", ""], ["u", "i", "x" * 2_000]]
    draft, causes, _ = check(shop, rows, "user,item,event_id")
    assert draft.event_ids.strings() == ["e1", ""]
    assert causes == {2: "event id longer than 1,024 characters"}


def test_a_column_that_a_later_chunk_lacks_is_empty(shop):
    columns = guess_columns(["user", "item", "value"], "events", shop, {}, source="events")
    validator = EventValidator(shop, columns, now=NOW)
    draft, verdict = validator.check(pd.DataFrame({"user": ["u"], "item": ["i"]}))
    assert verdict.good.all()
    assert np.isnan(draft.values[0])


def test_numbers_of_frames_are_taken_as_they_are(shop):
    frame = pd.DataFrame({"user": [1, 2], "item": [3.0, np.nan], "time": [10, 20], "value": [1, 2]})
    columns = guess_columns(list(frame.columns), "events", shop, {}, source="events")
    draft, verdict = EventValidator(shop, columns, now=NOW).check(frame)
    assert verdict.good.tolist() == [True, False]
    assert draft.users.strings() == ["1"]
    assert draft.items.strings() == ["3"]


def test_unknown_events_name_the_nearest_and_long_ones_are_cut(shop):
    assert unknown_event("purchse", shop) == "unknown event type 'purchse' (nearest: purchase)"
    assert unknown_event("1", shop) == "unknown event type '1' (known: view, purchase, rating)"
    assert len(unknown_event("z" * 5_000, shop)) < 100


def records(shop, frame, name="item_id", kind="items", validator=None):
    columns = guess_columns(list(frame.columns), kind, shop, {}, source=kind)
    validator = validator or RecordValidator(shop, columns, name)
    draft, verdict = validator.check(frame)
    return draft, verdict, validator


def test_items_become_records_of_what_they_have(shop):
    frame = pd.DataFrame(
        {"sku": ["1", "2"], "name": ["One", ""], "price": ["2.50", ""], "tags": ['["a"]', ""]},
        dtype=object,
    )
    draft, verdict, _ = records(shop, frame)
    assert draft.records == {"1": {"title": "One", "price": 2.5, "tags": ["a"]}, "2": {}}
    assert verdict.good.all()


def test_of_repeated_ids_the_later_fields_win_over_all_chunks(shop):
    frame = pd.DataFrame({"id": ["a", "b", "a"], "title": ["old", "B", "new"]}, dtype=object)
    draft, _, validator = records(shop, frame)
    assert draft.records["a"] == {"title": "new"}
    assert draft.repeated.tolist() == [2]
    draft, _, _ = records(shop, frame[1:2], validator=validator)
    assert draft.repeated.tolist() == [0]


def test_items_without_a_usable_id_are_rejected(shop):
    frame = pd.DataFrame({"id": ["", "x" * 10_000, "ok"], "title": ["a", "b", "c"]}, dtype=object)
    draft, verdict, _ = records(shop, frame)
    assert list(draft.records) == ["ok"]
    assert [cause for cause, _ in verdict.faults] == [
        "missing item",
        "item id longer than 1,024 characters",
    ]


def test_fields_that_turn_up_late_are_kept(shop):
    columns = guess_columns(["id"], "items", shop, {}, source="items")
    frame = pd.DataFrame({"id": ["a"], "late": ["x"], "rejected_line": ["4"]}, dtype=object)
    assert RecordValidator(shop, columns, "item_id").check(frame)[0].records == {"a": {"late": "x"}}


def test_users_keep_their_attributes(shop):
    frame = pd.DataFrame({"user_id": ["u"], "price": ["low"]}, dtype=object)
    draft, _, validator = records(shop, frame, "user_id", "users")
    assert draft.records == {"u": {"price": "low"}}
    assert validator.notes() == []
