"""What words can mean in one catalogue: names of categories and creators, fields with numbers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from weakref import WeakKeyDictionary

from crossrec.components.live_items import LiveItems

#: Fields of names that no wish is about.
_TECHNICAL = frozenset(
    {"country_rights", "subscription_needed", "visibility", "item_type", "currency_code"}
    | {"availability", "condition", "key", "language", "sizes", "content_classification"}
)
#: What a unit or a word may stand for → the fields that hold it, the first that is there.
_ROLES: Mapping[str, tuple[str, ...]] = {
    "price": ("price", "unit_price", "list_price"),
    "duration": ("duration_s", "duration_ms", "duration", "runtime"),
    "year": ("production_year", "year", "release_year"),
    "time": ("release_date", "published_at", "available_at", "created_at"),
    "bpm": ("bpm", "tempo"),
    "rating": ("rating_average", "average_rating"),
}
#: Units of a field in one second; durations without a suffix are in minutes.
_SCALES = {"duration_s": 1.0, "duration_ms": 1000.0}
#: Words that name nothing by themselves, whatever a catalogue calls its categories.
_COMMON = frozenset(
    "a an and any are as at be by for from good great i in is it like me more my new nice no not "  # noqa: SIM905
    "of on one only or other some something than that the this to up want with you your all "
    "best".split()
)
_MOST_NAMES = 50_000
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


@dataclass(frozen=True)
class Name:
    """What a phrase names: a field, and the values of it that are meant, as they are written."""

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class CatalogWords:
    """The words of one catalogue.

    Attributes
    ----------
    names : mapping of folded phrase to Name
    longest : int
        Words of the longest phrase.
    creator : str
        The field of creators; "" where there is none.
    title : str
    roles : mapping of role to field
    titles : frozenset of str
        Folded words that occur in titles.
    """

    names: Mapping[str, Name]
    longest: int
    creator: str
    title: str
    roles: Mapping[str, str]
    titles: frozenset[str]

    def scale(self, role: str) -> float:
        """Return what one second is in the field of durations; 1 for other roles."""
        return _SCALES.get(self.roles[role], 1.0 / 60.0) if role == "duration" else 1.0


_KNOWN: WeakKeyDictionary[LiveItems, CatalogWords] = WeakKeyDictionary()


def catalog_words(items: LiveItems) -> CatalogWords:
    """Return the words of a catalogue, collected once for each state of it."""
    known = _KNOWN.get(items)
    if known is None:
        known = _collected(items)
        _KNOWN[items] = known
    return known


def _collected(items: LiveItems) -> CatalogWords:
    schema = items.schema
    named = [field.name for field in schema.fields if field.kind == "category"]
    first = [name for name in (schema.categories, schema.creator) if name]
    found: dict[str, Name] = {}
    for name in dict.fromkeys((*first, *named)):
        if name in _TECHNICAL or not items.has(name):
            continue
        values = items.lists(name).names
        if len(values) <= _MOST_NAMES:
            for phrase, own in _phrases(values).items():
                found.setdefault(phrase, Name(name, tuple(own)))
    roles = {}
    for role, fields in _ROLES.items():
        there = [name for name in fields if _is_filled(items, name)]
        if there:
            roles[role] = there[0]
    titles = frozenset(word for title in items.catalog.titles for word in folded_words(title))
    longest = max((phrase.count(" ") + 1 for phrase in found), default=0)
    return CatalogWords(found, longest, schema.creator, schema.title, roles, titles)


def _is_filled(items: LiveItems, name: str) -> bool:
    """Whether any item has a value of a field."""
    return items.has(name) and any(value not in (None, "") for value in items.values(name))


def _phrases(values: Iterable[str]) -> dict[str, list[str]]:
    """Return what names each value: itself whole, and the last part of a path ``A > B``."""
    found: dict[str, list[str]] = {}
    for value in values:
        for part in dict.fromkeys((value, value.rpartition(">")[2])):
            phrase = " ".join(folded_words(part))
            if len(phrase) > 2 and phrase not in _COMMON and not phrase.isdigit():
                found.setdefault(phrase, []).append(value)
    return found


def folded_words(text: str) -> list[str]:
    """Return the words of a text, lower case, without accents and the ending of a plural."""
    return [folded(word) for word in _WORD.findall(text)]


@lru_cache(maxsize=1 << 16)
def folded(word: str) -> str:
    """Return a word as it is compared."""
    plain = unicodedata.normalize("NFKD", word.casefold().replace("’", "'"))
    plain = "".join(one for one in plain if not unicodedata.combining(one))
    plain = plain.removesuffix("'s")
    if len(plain) > 3 and plain.endswith("s") and plain[-2] != "s":
        plain = plain[:-1]
    return f"{plain[:-2]}y" if len(plain) > 3 and plain.endswith("ie") else plain
