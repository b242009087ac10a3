import numpy as np
from crossrec.store.rows import Coded, EventRows
from hypothesis import given
from hypothesis import strategies as st

strings = st.lists(st.text(max_size=4), max_size=30)


@given(strings)
def test_coding_and_decoding_gives_the_strings_back(texts):
    coded = Coded.of(texts)
    assert coded.strings() == texts
    assert len(set(coded.values)) == len(coded.values)
    assert len(coded) == len(texts)


@given(strings.filter(bool), st.data())
def test_taking_rows_takes_their_strings_and_forgets_the_others(texts, data):
    rows = np.array(
        data.draw(st.lists(st.integers(0, len(texts) - 1), max_size=20)), dtype=np.int64
    )
    taken = Coded.of(texts).take(rows)
    assert taken.strings() == [texts[row] for row in rows]
    assert list(taken.values) == list(dict.fromkeys(taken.strings()))


def test_taking_by_mask_keeps_the_order_of_first_rows():
    taken = Coded.of(["b", "a", "b", "c"]).take(np.array([False, True, True, True]))
    assert list(taken.values) == ["a", "b", "c"]


def test_event_rows_are_taken_in_all_columns():
    rows = EventRows(
        users=Coded.of(["u", "v", "u"]),
        items=Coded.of(["i", "j", "k"]),
        types=Coded.of(["view", "view", "buy"]),
        times=np.array([1.0, 2.0, 3.0]),
        values=np.array([np.nan, 5.0, 7.0]),
        keys=np.array([10, 20, 30]),
    )
    taken = rows.take(np.array([2, 0]))
    assert len(taken) == 2
    assert taken.users.strings() == ["u", "u"]
    assert taken.items.strings() == ["k", "i"]
    assert taken.types.strings() == ["buy", "view"]
    assert taken.times.tolist() == [3.0, 1.0]
    assert taken.values[0] == 7.0
    assert np.isnan(taken.values[1])
    assert taken.keys.tolist() == [30, 10]


def test_rows_without_a_clock_stay_without():
    empty = np.zeros(1)
    rows = EventRows(Coded.of(["u"]), Coded.of(["i"]), Coded.of(["x"]), None, empty, np.array([1]))
    assert rows.take(np.array([0])).times is None
