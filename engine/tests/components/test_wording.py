"""Reason codes in English."""

from __future__ import annotations

import pytest
from crossrec.components.wording import in_english


@pytest.mark.parametrize(
    ("code", "values", "text"),
    [
        ("withdrawn", {}, "no longer offered"),
        ("hidden", {}, "hidden"),
        ("expired", {"at": 1_700_000_000.0}, "expired at 2023-11-14 22:13 UTC"),
        ("not_yet_available", {"at": 0.0}, "not available before 1970-01-01 00:00 UTC"),
        ("out_of_stock", {}, "out of stock"),
        ("consumed_before", {"factor": 0.75}, "known from before: 0.75 of its weight is left"),
        ("expired", {"at": 1e18}, "expired at 1000000000000000000 s"),
        ("expired", {"at": -1e300}, f"expired at {-1e300:.0f} s"),
        ("expired", {}, "expired"),
        ("hidden", {"more": "is ignored"}, "hidden"),
        ("paid_for", {"by": "me"}, "paid for"),
        ("", {}, ""),
    ],
)
def test_a_code_with_its_numbers(code, values, text) -> None:
    assert in_english(code, values) == text
