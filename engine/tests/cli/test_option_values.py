"""Values of options, as the command line reads them."""

import json

import pytest
from crossrec.cli.recommend import listed_ids, named_entity
from crossrec.errors import UsageError
from hypothesis import given
from hypothesis import strategies as st


def test_an_entity_is_a_name_and_a_value():
    assert named_entity(None) is None
    assert named_entity("genre = hard bop") == ("genre", "hard bop")
    assert named_entity("artist=a=b") == ("artist", "a=b")


@pytest.mark.parametrize("text", ["jazz", "=jazz", "genre=", " = ", ""])
def test_what_is_no_entity_is_refused_with_an_example(text):
    with pytest.raises(UsageError, match="NAME=VALUE, such as genre=jazz"):
        named_entity(text)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        (None, []),
        ("", []),
        (" , ,", []),
        ("a", ["a"]),
        ("a, b ,c", ["a", "b", "c"]),
        ("a b", ["a b"]),
        ('["a,b", "c"]', ["a,b", "c"]),
        ("[1, 2]", ["1", "2"]),
        ("[]", []),
        ('["😀", ""]', ["😀", ""]),
    ],
)
def test_lists_of_ids(text, ids):
    assert listed_ids(text) == ids


@pytest.mark.parametrize(
    "text", ["[", "[a]", "[true]", "[1.5]", "[[]]", '["a"] x', '[{"a": 1}]', "[null]"]
)
def test_lists_that_are_none(text):
    with pytest.raises(UsageError, match="JSON list of ids"):
        listed_ids(text)


@given(st.lists(st.text(max_size=6), max_size=5))
def test_any_ids_can_be_given_as_json(ids):
    assert listed_ids(json.dumps(ids)) == ids
