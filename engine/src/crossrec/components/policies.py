"""Policies that hold in every scenario."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from crossrec.components.protocols import PolicyContext
from crossrec.components.slate import Change, Slate
from crossrec.data.catalog import Catalog, as_text

_YES = frozenset({"1", "1.0", "true", "yes", "y", "t"})
_OUT = "OUT_OF_STOCK"


class Availability:
    """Drops items that cannot be had: hidden, expired, not yet there, or out of stock.

    It reads the catalog's attributes `is_hidden` (flag), `expires_at` and `available_at` (seconds
    since 1970, or a date in ISO 8601, UTC unless it says otherwise) and `availability`. What is
    missing, empty or cannot be read holds nothing back.
    """

    name = "availability"

    def apply(self, slate: Slate, context: PolicyContext) -> Slate:
        """Return the slate without items that cannot be had at ``context.now``."""
        whys = [unavailable(context.catalog, item.index, context.now) for item in slate.items]
        if not any(whys):
            return slate
        kept = tuple(item for item, why in zip(slate.items, whys, strict=True) if not why)
        changes = (
            Change(self.name, item.item_id, "dropped", why)
            for item, why in zip(slate.items, whys, strict=True)
            if why
        )
        return slate.with_items(kept, *changes)


def unavailable(catalog: Catalog, index: int, now: float) -> str:
    """Return why an item cannot be had at a time (seconds since 1970); empty where it can."""
    for attribute, check in _CHECKS:
        column = catalog.attributes.get(attribute)
        if column is not None:
            why = check(column[index], now)
            if why:
                return why
    return ""


def _hidden(value: Any, now: float) -> str:
    return "hidden" if as_text(value).lower() in _YES else ""


def _expired(value: Any, now: float) -> str:
    at = seconds(value)
    return f"expired at {_shown(at)}" if at is not None and at <= now else ""


def _not_yet(value: Any, now: float) -> str:
    at = seconds(value)
    return f"not available before {_shown(at)}" if at is not None and at > now else ""


def _out_of_stock(value: Any, now: float) -> str:
    named = as_text(value).upper().replace(" ", "_").replace("-", "_")
    return "out of stock" if named == _OUT else ""


_CHECKS: tuple[tuple[str, Callable[[Any, float], str]], ...] = (
    ("is_hidden", _hidden),
    ("expires_at", _expired),
    ("available_at", _not_yet),
    ("availability", _out_of_stock),
)


def seconds(value: Any) -> float | None:
    """Return a time as seconds since 1970; None where there is none or it cannot be read."""
    text = as_text(value)
    try:
        number = float(text)
    except ValueError:
        return _iso_seconds(text)
    return number if abs(number) < float("inf") else None


def _iso_seconds(text: str) -> float | None:
    """Return a date in ISO 8601 as seconds since 1970."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _shown(at: float) -> str:
    """Return a time for people; far beyond the calendar it stays a number."""
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return f"{at:.0f} s"
