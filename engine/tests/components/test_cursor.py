"""Cursors say what was shown, and nothing else is taken for one."""

from __future__ import annotations

import base64
import json
import zlib

import pytest
from crossrec.components.cursor import cursor_after, shown_before
from crossrec.errors import UsageError
from hypothesis import given
from hypothesis import strategies as st


@given(st.text(max_size=10), st.lists(st.text(max_size=12), max_size=30))
def test_a_cursor_gives_back_what_was_shown(surface, shown):
    cursor = cursor_after(surface, shown)
    assert cursor.isascii()
    assert shown_before(cursor, surface) == tuple(shown)


def test_no_cursor_is_the_first_page():
    assert shown_before("", "home") == ()


def test_a_cursor_of_another_surface_is_refused():
    with pytest.raises(UsageError, match="of surface 'home', the request of 'shelf'"):
        shown_before(cursor_after("home", ["a"]), "shelf")


def folded(value: object) -> str:
    data = zlib.compress(json.dumps(value).encode())
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "not a cursor",
        "ünlesbar",
        "abcd",
        folded("home"),
        folded(["home"]),
        folded(["home", "a"]),
        folded(["home", [1]]),
        folded([1, ["a"]]),
        folded({"home": ["a"]}),
        cursor_after("home", ["a", "b"])[:-4],
        cursor_after("home", ["a", "b"]) + "AAAA",
        folded(["home", ["a" * (1 << 21)]]),
    ],
)
def test_what_is_no_cursor_is_refused(cursor):
    with pytest.raises(UsageError, match="no cursor"):
        shown_before(cursor, "home")


@given(st.text(alphabet="abcdefABCDEF0123456789-_", max_size=40))
def test_no_text_breaks_it(cursor):
    try:
        shown_before(cursor, "home")
    except UsageError as error:
        assert "cursor" in str(error)  # noqa: PT017 - any other error would be the fault


def test_a_thousand_ids_stay_short():
    assert len(cursor_after("home", [f"item-{at:05d}" for at in range(1000)])) < 4_000
