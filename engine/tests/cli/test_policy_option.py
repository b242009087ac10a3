"""``--policy NAME.KEY=VALUE``: values as in a pipeline file, errors that say how to write it."""

from __future__ import annotations

from typing import Any

import pytest
from crossrec.cli.recommend import changed_policies
from crossrec.errors import UsageError


@pytest.mark.parametrize(
    ("option", "found"),
    [
        ("cap.most=1", {"cap": {"most": 1}}),
        ("cap.share=0.25", {"cap": {"share": 0.25}}),
        ("cap.strict=true", {"cap": {"strict": True}}),
        ("cap.field=brand", {"cap": {"field": "brand"}}),
        ('cap.field="a = b"', {"cap": {"field": "a = b"}}),
        ("cap.slots=[1, 4]", {"cap": {"slots": [1, 4]}}),
        ("cap #2.most=3", {"cap #2": {"most": 3}}),
        ("plugin:cap.most=3", {"plugin:cap": {"most": 3}}),
        ("cap=off", {"cap": None}),
        (" cap = off ", {"cap": None}),
    ],
)
def test_values_are_read_as_in_a_pipeline_file(option: str, found: dict[str, Any]) -> None:
    assert changed_policies((option,)) == found


def test_several_options_add_up_and_the_last_one_counts() -> None:
    options = ("a.x=1", "b=off", "a.y=two", "a.x=3")
    assert changed_policies(options) == {"a": {"x": 3, "y": "two"}, "b": None}
    assert changed_policies(("a=off", "a.x=1")) == {"a": {"x": 1}}
    assert changed_policies(("a.x=1", "a=off")) == {"a": None}
    assert changed_policies(()) == {}


@pytest.mark.parametrize("option", ["", "a", "a.x", "a=on", "a=1", "=1", ".x=1", "a.=1"])
def test_what_cannot_be_understood_is_named(option: str) -> None:
    with pytest.raises(UsageError, match=r"write NAME\.KEY=VALUE, or NAME=off") as raised:
        changed_policies((option,))
    assert repr(option) in str(raised.value)
