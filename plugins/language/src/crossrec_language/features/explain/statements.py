"""True statements about an item and a user: what they rest on, and in which order they are made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from crossrec.components.live_items import LiveItems
from crossrec.data.catalog import as_list, as_text

from crossrec_language.features.explain.review_phrases import Phrase

Kind = Literal["model", "history", "reviews", "item"]
#: What a statement must rest on to be made: reviews that say the same.
LEAST_REVIEWS = 2
#: Statements of each kind, in this order.
_MOST: Mapping[Kind, int] = {"model": 2, "history": 2, "reviews": 3, "item": 2}


@dataclass(frozen=True)
class Statement:
    """One true sentence.

    Attributes
    ----------
    kind : str
        ``model`` (evidence of a source), ``history`` (what the item shares with it), ``reviews``,
        ``item`` (a field of it).
    text : str
    support : int
        How many items, reviews or people it rests on.
    source : mapping
        Where it can be looked up: the source, the field and the value, or the noun.
    """

    kind: Kind
    text: str
    support: int
    source: Mapping[str, Any] = field(default_factory=dict)


def ranked(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """Return the statements to be made: by kind, and within a kind by what they rest on.

    Popularity of a statement within its item beats models that generate text, at the level of
    statements (arXiv 2512.24366 and its follow-up).
    """
    chosen: list[Statement] = []
    given = list(statements_by_text(statements).values())
    for kind, most in _MOST.items():
        own = [one for one in given if one.kind == kind]
        chosen += sorted(own, key=lambda one: -one.support)[:most]
    return tuple(chosen)


def statements_by_text(statements: Iterable[Statement]) -> dict[str, Statement]:
    """Return the first statement of each text."""
    found: dict[str, Statement] = {}
    for one in statements:
        found.setdefault(one.text, one)
    return found


def from_reviews(phrases: Sequence[Phrase]) -> list[Statement]:
    """Return what at least `LEAST_REVIEWS` reviews praise or find fault with."""
    return [
        Statement(
            "reviews",
            f"{one.reviews} of {one.of} reviews {'praise' if one.good else 'find fault with'} the "
            f"{one.noun}",
            one.reviews,
            {"noun": one.noun, "good": one.good, "as_written": one.as_written},
        )
        for one in phrases
        if one.reviews >= LEAST_REVIEWS
    ]


def from_item(items: LiveItems, item: int) -> list[Statement]:
    """Return what the catalogue says of an item: its creator and its categories."""
    schema, found = items.schema, []
    creator = as_text(items.value(schema.creator, item)) if schema.creator else ""
    if creator:
        source = {"field": schema.creator, "value": creator}
        found.append(Statement("item", f"from {creator}", 2, source))
    for name in as_list(items.value(schema.categories, item))[:3]:
        source = {"field": schema.categories, "value": name}
        found.append(Statement("item", f"filed under {last_part(name)}", 1, source))
    return found


def from_history(items: LiveItems, item: int, history: Sequence[int]) -> list[Statement]:
    """Return what an item shares with a history, and how its price compares."""
    schema, found = items.schema, []
    known = list(dict.fromkeys(one for one in history if one != item))
    for name, wording in ((schema.creator, "from"), (schema.categories, "filed under")):
        for value in as_list(items.value(name, item)) if name else ():
            n = sum(value in as_list(items.value(name, one)) for one in known)
            if n:
                many = "1 item" if n == 1 else f"{n} items"
                text = f"{wording} {last_part(value)}, as {many} of your history"
                found.append(Statement("history", text, n, {"field": name, "value": value}))
    price = _number(items, "price", item)
    usual = sorted(p for one in known if (p := _number(items, "price", one)) is not None)
    if price is not None and len(usual) >= 3 and price < usual[len(usual) // 2]:
        middle = usual[len(usual) // 2]
        text = f"costs {price:g}, less than the usual {middle:g} of your history"
        found.append(Statement("history", text, 1, {"field": "price", "value": price}))
    return found


def _number(items: LiveItems, name: str, item: int) -> float | None:
    value = items.value(name, item) if items.has(name) else None
    try:
        return float(value) if value not in (None, "") else None
    except (TypeError, ValueError):
        return None


def last_part(name: str) -> str:
    """Return the last part of a path ``A > B``."""
    return name.rpartition(">")[2].strip()
