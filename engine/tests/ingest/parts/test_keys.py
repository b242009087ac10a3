import numpy as np
import pytest
from crossrec.ingest.keys import KeyMaker
from crossrec.ingest.validation import EventDraft
from crossrec.store.rows import Coded
from hypothesis import given
from hypothesis import strategies as st


def draft(rows, *, clock=True, ids=None):
    """Build events from tuples of user, item, type, time and value."""
    users, items, types, times, values = zip(*rows, strict=True)
    return EventDraft(
        users=Coded.of(users),
        items=Coded.of(items),
        types=Coded.of(types),
        times=np.array(times, dtype=np.float64) if clock else None,
        values=np.array(values, dtype=np.float64),
        event_ids=None if ids is None else Coded.of(ids),
    )


A = ("u1", "i1", "view", 100.0, np.nan)
B = ("u2", "i2", "buy", 200.0, 3.0)


def test_keys_stay_what_they_are_for_ever():
    # A store holds them: a change here makes every earlier ingestion look new.
    assert KeyMaker().keys(draft([A, B, A])).tolist() == GOLDEN
    assert KeyMaker().keys(draft([A, B, A], clock=False)).tolist() == GOLDEN_WITHOUT_CLOCK
    assert KeyMaker().keys(draft([A], ids=["e1"])).tolist() == GOLDEN_ID


@pytest.mark.parametrize("column", range(5))
def test_every_column_counts(column):
    other = tuple(B[i] if i == column else A[i] for i in range(5))
    assert len(set(KeyMaker().keys(draft([A, other])).tolist())) == 2


def test_the_order_of_columns_counts():
    swapped = ("i1", "u1", "view", 100.0, np.nan)
    assert len(set(KeyMaker().keys(draft([A, swapped])).tolist())) == 2


def test_repeats_within_a_source_stay_apart_and_are_the_same_the_next_time():
    keys = KeyMaker().keys(draft([A, A, B, A])).tolist()
    assert len(set(keys)) == 4
    assert KeyMaker().keys(draft([A, A, B, A])).tolist() == keys


def test_overlapping_exports_share_the_keys_of_their_common_rows():
    first = KeyMaker().keys(draft([A, B])).tolist()
    second = KeyMaker().keys(draft([B, A, A])).tolist()
    assert second[0] == first[1]
    assert second[1] == first[0]
    assert second[2] not in first


rows = st.lists(
    st.tuples(
        st.sampled_from("uvw"),
        st.sampled_from("ij"),
        st.just("view"),
        st.sampled_from([1.0, 2.0]),
        st.sampled_from([np.nan, 0.0, 1.0]),
    ),
    min_size=1,
    max_size=60,
)


@given(rows, st.integers(1, 9))
def test_the_size_of_chunks_changes_no_key(events, size):
    whole = KeyMaker().keys(draft(events)).tolist()
    maker = KeyMaker()
    chunks = [events[i : i + size] for i in range(0, len(events), size)]
    pieces = [key for chunk in chunks for key in maker.keys(draft(chunk)).tolist()]
    assert pieces == whole
    assert len(set(whole)) == len(whole)


@given(rows)
def test_a_source_that_grows_keeps_the_keys_of_its_old_rows(events):
    short = KeyMaker().keys(draft(events[: len(events) // 2 or 1], clock=False)).tolist()
    long = KeyMaker().keys(draft(events, clock=False)).tolist()
    assert long[: len(short)] == short


def test_without_a_clock_the_time_does_not_count():
    later = (*A[:3], 999.0, A[4])
    maker = KeyMaker()
    assert maker.keys(draft([A], clock=False)) == KeyMaker().keys(draft([later], clock=False))


def test_an_event_id_is_the_key_by_itself():
    keys = KeyMaker().keys(draft([A, B, A, A], ids=["e1", "e1", "e2", ""])).tolist()
    assert keys[0] == keys[1]
    assert keys[2] != keys[0]
    assert keys[3] == KeyMaker().keys(draft([A])).tolist()[0]


def test_rows_without_an_event_id_are_counted_among_themselves():
    keys = KeyMaker().keys(draft([A, A, A], ids=["", "e", ""])).tolist()
    assert keys[::2] == KeyMaker().keys(draft([A, A])).tolist()


def test_zero_has_no_sign_and_a_missing_value_is_none():
    plus, minus = (("u", "i", "view", 1.0, value) for value in (0.0, -0.0))
    keys = [KeyMaker().keys(draft([row])).tolist() for row in (plus, minus, (*plus[:4], np.nan))]
    assert keys[0] == keys[1] != keys[2]


def test_many_different_events_have_different_keys():
    n = 200_000
    numbers = np.arange(n)
    events = EventDraft(
        users=Coded(numbers % 500, [f"u{i}" for i in range(500)]),
        items=Coded(numbers // 500, [f"i{i}" for i in range(n // 500)]),
        types=Coded(np.zeros(n, np.int64), ["view"]),
        times=np.zeros(n),
        values=np.full(n, np.nan),
        event_ids=None,
    )
    keys = KeyMaker().keys(events)
    assert len(np.unique(keys)) == n
    bits = (keys.view(np.uint64)[:, None] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)
    assert np.abs(bits.mean(axis=0) - 0.5).max() < 0.01


GOLDEN = [-3415278329938661152, 7617384861670257902, 3563912648672922313]
GOLDEN_WITHOUT_CLOCK = [-5342090026023705746, 1939662411963374607, -4585784359889111876]
GOLDEN_ID = [499073245712094358]
