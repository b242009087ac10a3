"""Numbers of purchases and days as people say them."""

from __future__ import annotations


def times_bought(times: int) -> str:
    """Return ``"bought once"``, ``"bought twice"``, ``"bought 3 times"``."""
    words = {1: "once", 2: "twice"}
    return f"bought {words.get(times, f'{times} times')}"


def days_text(days: float) -> str:
    """Return a number of days, whole ones: ``"1 day"``, ``"12 days"``."""
    whole = max(round(days), 0)
    return "1 day" if whole == 1 else f"{whole} days"


def ago(days: float) -> str:
    """Return ``"today"``, ``"yesterday"``, ``"12 days ago"``."""
    whole = max(round(days), 0)
    return {0: "today", 1: "yesterday"}.get(whole, f"{whole} days ago")
