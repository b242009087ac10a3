"""Lists in cells: what Python, JSON and databases write comes back, and nothing runs."""

import json

import pytest
from crossrec.ingest.lists import UnreadableListError, listed, names
from hypothesis import given
from hypothesis import strategies as st

parts = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=8
).filter(lambda text: text.strip() == text)


@given(st.lists(parts, min_size=1, max_size=5))
def test_lists_of_python_and_json_come_back(texts):
    assert listed(json.dumps(texts)) == texts
    assert listed(json.dumps(texts, ensure_ascii=False)) == texts
    assert listed(repr(texts)) == texts
    assert listed(repr([{"id": 1, "name": text} for text in texts])) == texts
    assert listed(json.dumps([{"name": text, "id": 1} for text in texts])) == texts


@pytest.mark.parametrize(
    "text", ["[]", "{}", "(no genres listed)", "(none)", "[None]", "[[]]", "-", ";", "|"]
)
def test_empty_lists_are_nothing(text):
    assert listed(text) is None


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"name": "a"}, ["a"]),
        ([{"title": "a"}, {"id": 7}], ["a", 7]),
        ([["a", ["b"]], "c"], ["a", "b", "c"]),
        ([1, 2.5, None, float("nan"), ""], [1, 2.5]),
        ([{"colour": "red"}], None),
    ],
)
def test_objects_become_their_names(value, found):
    assert names(value) == found


@pytest.mark.parametrize("text", ["['a", "a']", "[a", "()", "(a)", "{a: b"])
def test_texts_that_only_begin_or_end_like_lists_stay(text):
    assert listed(text) == text


@pytest.mark.parametrize("text", ["['a', b()]", "['a' + 'b', open('x')]", "[{'a': }]", "['a']]"])
def test_code_is_never_run(text):
    with pytest.raises(UnreadableListError):
        listed(text)


def test_very_long_and_very_deep_lists_cost_their_cell_only():
    for text in ("['a'" + ", 'a'" * 50_000 + "]", "[" * 5_000 + "'a'" + "]" * 5_000):
        with pytest.raises(UnreadableListError):
            listed(text)
