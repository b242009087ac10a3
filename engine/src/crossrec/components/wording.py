"""Reason codes in English. Whoever speaks another language words the codes and numbers anew."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_ENGLISH = {
    "withdrawn": "no longer offered",
    "hidden": "hidden",
    "expired": "expired at {at}",
    "not_yet_available": "not available before {at}",
    "out_of_stock": "out of stock",
    "consumed_before": "known from before: {factor} of its weight is left",
}


def in_english(code: str, values: Mapping[str, Any]) -> str:
    """Return a reason code as a short English phrase; an unknown code as it is."""
    phrase = _ENGLISH.get(code)
    if phrase is None:
        return code.replace("_", " ")
    shown = {name: _shown(value) if name == "at" else value for name, value in values.items()}
    try:
        return phrase.format(**shown)
    except KeyError:
        return code.replace("_", " ")


def _shown(at: float) -> str:
    """Return a time for people; far beyond the calendar it stays a number."""
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return f"{at:.0f} s"
