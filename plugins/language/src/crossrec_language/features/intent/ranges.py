"""Numbers in a wish: “under 20 euro”, “between 1990 and 1999”, “at least 3 minutes”, “cheaper”."""

from __future__ import annotations

import re
from dataclasses import dataclass

from crossrec_language.features.intent.vocabulary import CatalogWords
from crossrec_language.features.intent.wish import Part, named

_UNITS = {
    "price": r"€|\$|£|euros?|eur|dollars?|usd|pounds?|gbp|bucks",
    "minutes": r"minutes?|minuten|mins?|minutos?",
    "hours": r"hours?|hrs?|stunden?|horas?|heures?",
    "seconds": r"seconds?|secs?|sekunden?",
    "bpm": r"bpm",
    "rating": r"stars?|sterne",
}
_SECONDS = {"minutes": 60.0, "hours": 3600.0, "seconds": 1.0}
_UNIT = "|".join(_UNITS.values())
_NUMBER = r"(?:[€$£]\s*)?\d+(?:[.,]\d+)*"
_AMOUNT = rf"({_NUMBER})\s*({_UNIT})?(?![\w])"
#: Words → operator, the longer first.
_BOUNDS: tuple[tuple[str, str], ...] = (
    ("<=", r"no more than|not more than|nothing over|nothing above|nichts über"
     r"|not over|not above"
     r"|at most|up to|maximum of|maximum|max"
           r"|höchstens|maximal|bis zu|bis|hasta|jusqu'à|<="),
    (">=", r"no less than|not less than|nothing under|nothing below|nichts unter"
     r"|not under"
     r"|at least|minimum of|minimum|min|mindestens|since"
           r"|seit|ab|starting at|>="),
    ("<", r"under|below|less than|cheaper than|shorter than|older than|before|unter|weniger als"
          r"|billiger als|kürzer als|vor|menos de|moins de|<"),
    (">", r"over|above|more than|longer than|newer than|after|über|mehr als|länger als|nach"
          r"|más de|plus de|>"),
)  # fmt: skip
_ONE = [
    (operator, re.compile(rf"({words})\s*{_AMOUNT}", re.IGNORECASE)) for operator, words in _BOUNDS
]
_TWO = re.compile(
    rf"(?:between|zwischen|entre|from)\s+{_AMOUNT}\s*(?:and|und|y|et|to|bis|-|–)\s*{_AMOUNT}"
    rf"|{_AMOUNT}\s*(?:-|–|to|bis)\s*({_NUMBER})\s*({_UNIT})(?![\w])",
    re.IGNORECASE,
)
_DECADE = re.compile(
    r"(?:(?:from|in|of|aus den|der)\s+)?(?:the\s+)?(?:early\s+|late\s+)?"
    r"'?(\d{2})?(\d0)(?:'?s|er)\b",
    re.IGNORECASE,
)
#: Comparisons with what the history has on average: role, operator, words.
_RELATIVE = (
    ("price", "<", r"cheaper|less expensive|günstiger|billiger|más barato|moins cher"),
    ("price", ">", r"more expensive|pricier|teurer|más caro|plus cher"),
    ("duration", "<", r"shorter|kürzer|más corto|plus court"),
    ("duration", ">", r"longer|länger|más largo|plus long"),
    ("year", ">", r"newer|more recent|neuer|más nuevo|plus récent"),
    ("year", "<", r"older|älter|más antiguo|plus ancien"),
    ("bpm", "<", r"slower|langsamer"),
    ("bpm", ">", r"faster|schneller"),
)
_COMPARED = [
    (role, operator, re.compile(rf"(?:something\s+|etwas\s+)?(?:{words})\b(?!\s+(?:than|als)\s+\d)",
                                re.IGNORECASE))
    for role, operator, words in _RELATIVE
]  # fmt: skip


@dataclass(frozen=True)
class Found:
    """A part that starts at a place of a text, where it ends, or what is wrong with it."""

    end: int
    part: Part | None
    note: str = ""


def range_at(text: str, at: int, words: CatalogWords) -> Found | None:
    """Return the range that is written at a place of a text; None where there is none."""
    two = _TWO.match(text, at)
    if two is not None:
        a, unit_a, b, unit_b, c, unit_c, d, unit_d = two.groups()
        low, high, unit = (a, b, unit_b or unit_a) if a else (c, d, unit_d or unit_c)
        return _between(two, low, high, unit, words)
    decade = _DECADE.match(text, at)
    if decade is not None:
        century = decade[1] or ("20" if int(decade[2]) < 30 else "19")
        start = int(f"{century}{decade[2]}")
        return _between(decade, str(start), str(start + 9), "", words)
    for operator, pattern in _ONE:
        one = pattern.match(text, at)
        if one is not None:
            return _bound(one, operator, words)
    for role, operator, pattern in _COMPARED:
        compared = pattern.match(text, at)
        if compared is not None:
            return _relative(compared, role, operator, words)
    return None


def _between(
    found: re.Match[str], low: str, high: str, unit: str | None, words: CatalogWords
) -> Found:
    a, b = sorted((number(low), number(high)))
    role, factor = _role(high if high[0] in "€$£" else low, unit, b, "", words)
    field = words.roles.get(role)
    if field is None:
        return _unknown(found, role)
    if role == "time":
        condition = f"{named(field)} >= '{a:.0f}-01-01' AND {named(field)} < '{b + 1:.0f}-01-01'"
    else:
        condition = f"{named(field)} BETWEEN {a * factor:.15g} AND {b * factor:.15g}"
    return Found(found.end(), Part("range", found[0].strip(), condition))


def _bound(found: re.Match[str], operator: str, words: CatalogWords) -> Found:
    value = number(found[2])
    role, factor = _role(found[2], found[3], value, found[1], words)
    field = words.roles.get(role)
    if field is None:
        return _unknown(found, role)
    if role == "time":
        # “After 1990” begins with 1991, “before 1990” ends with 1989.
        year = value + (operator in (">", "<="))
        sign = "<" if operator in ("<", "<=") else ">="
        condition = f"{named(field)} {sign} '{year:.0f}-01-01'"
    else:
        condition = f"{named(field)} {operator} {value * factor:.15g}"
    return Found(found.end(), Part("range", found[0].strip(), condition))


def _relative(found: re.Match[str], role: str, operator: str, words: CatalogWords) -> Found:
    if role == "year" and role not in words.roles:
        role = "time"
    field = words.roles.get(role)
    if field is None:
        return _unknown(found, role)
    own = named(field)
    condition = f"history.length = 0 OR {own} {operator} history.{own}"
    return Found(found.end(), Part("range", found[0].strip(), condition))


def _unknown(found: re.Match[str], role: str) -> Found:
    what = role or "number of this kind"
    note = f"“{found[0].strip()}” cannot be checked: no item here has a {what}"
    return Found(found.end(), None, note)


def _role(
    amount: str, unit: str | None, value: float, words_before: str, words: CatalogWords
) -> tuple[str, float]:
    """Return what a number stands for, and what it is multiplied by in the field."""
    unit = (unit or "").casefold()
    if amount[0] in "€$£" or re.fullmatch(_UNITS["price"], unit):
        return "price", 1.0
    for name, seconds in _SECONDS.items():
        if re.fullmatch(_UNITS[name], unit):
            scale = words.scale("duration") if "duration" in words.roles else 1.0
            return "duration", seconds * scale
    for name in ("bpm", "rating"):
        if re.fullmatch(_UNITS[name], unit):
            return name, 1.0
    cheap = words_before.casefold().startswith(("cheap", "billig"))
    if not cheap and value == int(value) and 1800 <= value <= 2100:
        return ("year" if "year" in words.roles else "time"), 1.0
    return "price", 1.0


def number(text: str) -> float:
    """Return a number as people write it: ``1,000``, ``19.99`` and ``19,99``."""
    digits = text.lstrip("€$£ ")
    if re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", digits):
        return float(re.sub(r"[.,]", "", digits))
    head, separator, tail = digits.replace(",", ".").rpartition(".")
    return float(head.replace(".", "") + separator + tail)
