"""The entity of a request, as the command line reads it."""

import pytest
from crossrec.cli.recommend import named_entity
from crossrec.errors import UsageError


def test_an_entity_is_a_name_and_a_value():
    assert named_entity(None) is None
    assert named_entity("genre = hard bop") == ("genre", "hard bop")
    assert named_entity("artist=a=b") == ("artist", "a=b")


@pytest.mark.parametrize("text", ["jazz", "=jazz", "genre=", " = ", ""])
def test_what_is_no_entity_is_refused_with_an_example(text):
    with pytest.raises(UsageError, match="NAME=VALUE, such as genre=jazz"):
        named_entity(text)
