"""What a history has more of than the catalogue: categories, creators, words of titles."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from crossrec.components.live_items import LiveItems
from crossrec.data.catalog import as_list, as_text

from crossrec_language.features.explain.statements import last_part
from crossrec_language.features.explain.words import english
from crossrec_language.features.intent.vocabulary import folded_words

#: Latest items of a history that are read, and how much of each kind is named.
_LATEST, _CATEGORIES, _CREATORS, _WORDS = 200, 4, 3, 6
_SHORT = 4

_COUNTS: WeakKeyDictionary[LiveItems, dict[str, Counter[str]]] = WeakKeyDictionary()


@dataclass(frozen=True)
class TasteFacts:
    """What stands out in a history.

    Attributes
    ----------
    categories, creators, words : tuple of str
        The strongest first. Of words and creators each is in two items of the history at least.
    items : int
        How many items were read.
    """

    categories: tuple[str, ...]
    creators: tuple[str, ...]
    words: tuple[str, ...]
    items: int

    @property
    def all_words(self) -> frozenset[str]:
        """All folded words in them."""
        named = (*self.categories, *self.creators, *self.words)
        return frozenset(word for one in named for word in folded_words(one))


def taste_facts(items: LiveItems, history: Sequence[int]) -> TasteFacts:
    """Return what stands out in a history, oldest first.

    A value counts by ``n · ln(share in the history / share in the catalogue)``, its part of the
    divergence between the two: a category that every item has says nothing about a person, nor does
    one that occurs by chance alone.
    """
    own = list(dict.fromkeys(history[-_LATEST:]))
    readers = _readers(items)
    counts = {name: Counter(_values(read, own)) for name, read in readers.items()}
    whole = _catalogue_counts(items, readers)

    def best(name: str, most: int, least: int) -> tuple[str, ...]:
        return _standing_out(counts[name], whole[name], len(own), len(items), most, least)

    least = 1 if len(own) < _SHORT else 2
    categories = best("categories", _CATEGORIES, least)
    taken = {word for one in categories for word in folded_words(one)}
    words = [one for one in best("words", 3 * _WORDS, 2) if one not in taken]
    return TasteFacts(categories, best("creators", _CREATORS, 2), tuple(words[:_WORDS]), len(own))


def _readers(items: LiveItems) -> Mapping[str, Callable[[int], Iterable[str]]]:
    """Return what reads the distinct values of one item, by kind."""
    schema = items.schema

    def categories(item: int) -> Iterable[str]:
        values = as_list(items.value(schema.categories, item)) if schema.categories else ()
        return dict.fromkeys(filter(None, map(last_part, values)))

    def creators(item: int) -> Iterable[str]:
        name = as_text(items.value(schema.creator, item)) if schema.creator else ""
        return (name,) if name else ()

    def words(item: int) -> Iterable[str]:
        title = as_text(items.value(schema.title, item))
        own = {one for name in creators(item) for one in folded_words(name)}
        found = dict.fromkeys(folded_words(title))
        return [word for word in found if len(word) > 3 and word not in own | english("no_aspect")]

    return {"categories": categories, "creators": creators, "words": words}


def _values(read: Callable[[int], Iterable[str]], items: Iterable[int]) -> Iterable[str]:
    return (value for item in items for value in read(item))


def _catalogue_counts(
    items: LiveItems, readers: Mapping[str, Callable[[int], Iterable[str]]]
) -> dict[str, Counter[str]]:
    """Return in how many items of the catalogue each value occurs, counted once."""
    known = _COUNTS.get(items)
    if known is None:
        known = {name: Counter(_values(read, range(len(items)))) for name, read in readers.items()}
        _COUNTS[items] = known
    return known


def _standing_out(
    own: Counter[str], whole: Counter[str], n: int, n_all: int, most: int, least: int
) -> tuple[str, ...]:
    scores = {
        value: count * math.log((count / n) / (max(whole[value], count) / max(n_all, n)))
        for value, count in own.items()
        if count >= least
    }
    standing = [value for value, score in scores.items() if score > 0]
    return tuple(sorted(standing, key=lambda value: (-scores[value], value))[:most])
