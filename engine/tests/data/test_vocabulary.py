"""Ids and indexes: given once, never changed."""

import numpy as np
import pytest
from crossrec.data.vocabulary import Vocabulary
from hypothesis import given
from hypothesis import strategies as st

odd = ["", " ", "a b", "ü/ö", "'; DROP TABLE x; --", "😀", "x" * 10_000, "0", "00"]
odd += ["\u00e9", "e\u0301"]  # the same letter, but two ids
ids = st.lists(st.text(max_size=4), max_size=12)


def test_by_hand():
    known = Vocabulary(["b", "a"])
    assert len(known) == 2
    assert known.ids == ["b", "a"]
    assert [known.id(0), known.id(1)] == ["b", "a"]
    assert [known.index("a"), known.index("b"), known.index("c")] == [1, 0, -1]
    assert "a" in known
    assert "c" not in known
    assert 0 not in known


def test_indexes_mark_the_unknown():
    found = Vocabulary(["b", "a"]).indexes(["a", "?", "b", "a"])
    assert found.dtype == np.int64
    assert found.tolist() == [1, -1, 0, 1]
    assert Vocabulary().indexes([]).shape == (0,)
    assert Vocabulary().indexes(["a"]).tolist() == [-1]


@pytest.mark.parametrize("bad", [["a", "a"], ["", "b", ""]])
def test_the_same_id_twice_is_refused(bad):
    with pytest.raises(ValueError, match="same id twice"):
        Vocabulary(bad)


def test_strange_ids_are_ids_like_others():
    known = Vocabulary(odd)
    assert len(known) == len(odd)
    assert known.indexes(odd).tolist() == list(range(len(odd)))
    assert [known.id(i) for i in range(len(odd))] == odd


def test_equality_is_of_ids_in_order():
    assert Vocabulary("ab") == Vocabulary(["a", "b"])
    assert hash(Vocabulary("ab")) == hash(Vocabulary(["a", "b"]))
    assert Vocabulary("ab") != Vocabulary("ba")
    assert Vocabulary("ab") != Vocabulary("abc")
    assert Vocabulary("ab") != ["a", "b"]


@given(ids, ids)
def test_ids_and_indexes_lead_to_each_other(known, others):
    distinct = list(dict.fromkeys(known))
    vocabulary = Vocabulary(distinct)
    for id_ in [*known, *others]:
        at = distinct.index(id_) if id_ in distinct else -1
        assert vocabulary.index(id_) == at
        assert (id_ in vocabulary) == (at >= 0)
    assert vocabulary.indexes(others).tolist() == [vocabulary.index(id_) for id_ in others]
