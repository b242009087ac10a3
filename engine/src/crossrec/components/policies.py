"""Policies that hold in every scenario."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from crossrec.components.live_items import LiveItems
from crossrec.components.policy_context import PolicyContext
from crossrec.components.ranked import PolicyChange, Ranked
from crossrec.data.catalog import as_text

_QUANTITY = re.compile(r"([-+]?\d+(?:[.,]\d+)?)\s*[^\W\d_]*\.?")
_YES = frozenset({"1", "1.0", "true", "yes", "y", "t", "on"})
_NO = frozenset({"0", "0.0", "false", "no", "n", "f", "off"})
#: Letters of the usual ways to say that there is none left, in the languages of most catalogs.
_OUT = frozenset(
    {
        "outofstock", "oos", "soldout", "unavailable", "notavailable", "notinstock", "nostock",
        "discontinued", "isdiscontinued", "endoflife", "eol", "none", "notforsale", "sold", "empty",
        "markassold", "inactive", "disabled", "archived", "deleted", "draft", "retired", "delisted",
        "removed", "unpublished",
        "nolongeravailable", "notavailableanymore", "outofprint", "noneleft", "stockout",
        "temporarilyoutofstock", "temporarilyunavailable", "temporarilysoldout",
        "currentlyoutofstock", "currentlyunavailable", "currentlysoldout",
        "ausverkauft", "nichtverfügbar", "nichtlieferbar", "nichtauflager", "vergriffen",
        "rupturedestock", "rupture", "épuisé", "epuise", "indisponible",
        "agotado", "nodisponible", "sinexistencias", "esaurito", "nondisponibile",
        "uitverkocht", "nietopvoorraad", "esgotado", "indisponível", "slutsåld", "udsolgt",
        "brak", "niedostępny", "缺货", "售罄", "在庫切れ", "売り切れ", "품절", "нетвналичии",
    }
)  # fmt: skip

#: Why an item cannot be had, in the order in which a cause is given.
Cause = Literal["withdrawn", "hidden", "expired", "not_yet_available", "out_of_stock"]


class Availability:
    """Drops items that cannot be had: withdrawn, hidden, expired, not yet there, or out of stock.

    It reads the newest `is_hidden` (flag), `expires_at` and `available_at` (seconds since 1970, or
    a date in ISO 8601, UTC unless it says otherwise), `availability` (the usual words, schema.org's
    among them) and `available_quantity`. What is missing, empty or cannot be read bars nothing.
    """

    def bars(self, index: NDArray[np.int64], context: PolicyContext) -> NDArray[np.bool_]:
        """Return which items cannot be had at ``context.now``, bool (n,)."""
        barred = np.zeros(len(index), dtype=bool)
        for _, bars, _ in causes(context.items, context.now, index):
            barred |= bars
        return barred

    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        """Return the pool without items that cannot be had at ``context.now``."""
        index = ranked.index
        barred = np.zeros(len(index), dtype=bool)
        changes: list[PolicyChange] = []
        for code, bars, values in causes(context.items, context.now, index):
            places = np.flatnonzero(bars & ~barred)
            times = values[places].tolist() if len(values) else [None] * len(places)
            for item, moment in zip(index[places].tolist(), times, strict=True):
                detail = {} if moment is None else {"at": moment}
                changes.append(PolicyChange(item, "dropped", code, detail))
            barred |= bars
        return ranked.take(~barred, *changes) if changes else ranked


def causes(
    items: LiveItems, now: float, index: NDArray[np.int64]
) -> list[tuple[Cause, NDArray[np.bool_], NDArray[np.float64]]]:
    """Return each cause with the items that it bars, and the time behind it where there is one.

    A cause of which no item of the catalog says anything is left out.

    Parameters
    ----------
    now : float
        Seconds since 1970.
    index : int64 array, shape (n,)
        The items to look at.
    """
    none = np.zeros(0)
    found: list[tuple[Cause, NDArray[np.bool_], NDArray[np.float64]]] = []
    if items.has("withdrawn"):
        found.append(("withdrawn", items.numbers("withdrawn", flag)[index] == 1, none))
    if items.has("is_hidden"):
        found.append(("hidden", items.numbers("is_hidden", flag)[index] == 1, none))
    if items.has("expires_at"):
        expires = items.numbers("expires_at", seconds)[index]
        found.append(("expired", expires <= now, expires))
    if items.has("available_at"):
        begins = items.numbers("available_at", seconds)[index]
        found.append(("not_yet_available", begins > now, begins))
    if items.has("availability") or items.has("available_quantity"):
        out = items.numbers("availability", out_of_stock)[index] == 1
        out |= items.numbers("available_quantity", out_of_stock)[index] == 1
        left = items.numbers("available_quantity", quantity)[index]
        found.append(("out_of_stock", out | (left <= 0), none))
    return found


def flag(value: Any) -> float:
    """Return a flag as 1 or 0; NaN where there is none."""
    text = as_text(value).lower()
    return 1.0 if text in _YES else 0.0 if text else float("nan")


def number(value: Any) -> float:
    """Return a number; NaN where there is none or it cannot be read."""
    text = as_text(value)
    try:
        return float(text)
    except ValueError:
        return float("nan")


def quantity(value: Any) -> float:
    """Return a number that a unit may follow, as in ``"0 pcs"``; NaN where there is none."""
    found = _QUANTITY.fullmatch(as_text(value))
    return number(found[1].replace(",", ".")) if found else number(value)


def out_of_stock(value: Any) -> float:
    """Return 1 where a text says that there is none left, else 0; NaN where there is none."""
    text = as_text(value).lower()
    if not text:
        return float("nan")
    if text in _NO or number(text) <= 0:
        return 1.0
    last = text.rstrip("/").rpartition("/")[2] if "://" in text else text
    return float(re.sub(r"[\W_]+", "", last) in _OUT)


def seconds(value: Any) -> float:
    """Return a time as seconds since 1970; NaN where there is none or it cannot be read."""
    text = as_text(value)
    plain = number(text)
    if not np.isnan(plain):
        return plain if abs(plain) < float("inf") else float("nan")
    try:
        moment = datetime.fromisoformat(re.sub(r"(?i)\s*(UTC|GMT|Z)$", "+00:00", text))
    except ValueError:
        return float("nan")
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
