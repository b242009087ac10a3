"""SQL's LIKE against its meaning, letter by letter."""

from __future__ import annotations

import time

from crossrec.expressions.like import like_matcher
from hypothesis import given
from hypothesis import strategies as st

letters = st.text("ab.", max_size=8)
patterns = st.text("ab.%_", max_size=6)


def plainly(text: str, pattern: str) -> bool:
    """Decide by trying every length that a % may have."""
    if not pattern:
        return not text
    if pattern[0] == "%":
        return any(plainly(text[n:], pattern[1:]) for n in range(len(text) + 1))
    return bool(text) and pattern[0] in ("_", text[0]) and plainly(text[1:], pattern[1:])


@given(letters, patterns)
def test_it_means_what_sql_means(text, pattern):
    assert like_matcher(pattern)(text) is plainly(text, pattern)


def test_no_pattern_makes_it_go_back():
    matches = like_matcher("%a" * 30 + "%b")
    started = time.perf_counter()
    assert not matches("a" * 5_000)
    assert time.perf_counter() - started < 1.0


def test_case_counts_unless_it_is_said():
    assert not like_matcher("ÄB%")("äbc")
    assert like_matcher("ÄB%", any_case=True)("äbc")
