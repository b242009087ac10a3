"""Why a source proposes an item: what each history item contributes, in words that can be checked.

All sources explain in the same way: the joint count where there is one, else what the texts have in
common.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
from crossrec.components.evidence import Evidence
from crossrec.data.catalog import Catalog
from crossrec.numeric.ragged import FloatArray, IntArray
from numpy.typing import NDArray

from crossrec_backbone.relations.pairs import TextPairs
from crossrec_backbone.relations.terms import words
from crossrec_backbone.relations.text import TextRelations

#: History items and shared words named for one candidate.
_HISTORY, _WORDS = 5, 3
#: From this similarity of the title n-grams on, two items are variants of one another.
_FAMILY = 0.6
#: Below this similarity of the words, two texts share those that most texts have.
_RELATED = 0.1

#: (item, history items that contribute to it, strongest first), both as places: the phrase for the
#: first of them, and those for which it holds too.
Phrasing = Callable[[int, Sequence[int]], tuple[str, Sequence[int]]]


@dataclass(frozen=True, eq=False)
class RelatedTexts:
    """How the texts of a history relate to some items, looked up once for an explanation.

    Attributes
    ----------
    names : tuple of str
    between : float32 array, shape (relations, len(history), len(items))
    among : float32 array, shape (relations, len(history), len(history))
    """

    names: tuple[str, ...]
    between: FloatArray
    among: FloatArray

    @classmethod
    def of(cls, pairs: TextPairs, items: IntArray, history: IntArray) -> RelatedTexts:
        """Look up every relation at once."""
        block = pairs.pairs(np.concatenate([items, history]), history)
        return cls(pairs.names, block[:, :, : len(items)], block[:, :, len(items) :])

    def contributions(
        self,
        relations: TextRelations,
        mixture: Mapping[str, tuple[float, float]],
        weights: FloatArray,
    ) -> FloatArray:
        """Return what each history item adds to the consensus of each item.

        Returns
        -------
        float32 array, shape (len(history), len(items))
            Columns sum to T.
        """
        total = np.zeros(self.between.shape[1:], dtype=np.float32)
        for name, among, between in zip(self.names, self.among, self.between, strict=True):
            a, b = mixture.get(name, (0.0, 0.0))
            if a or b:
                length = np.sqrt(max(float(weights @ among @ weights), 1e-12))
                total += (a / (relations.spread[name] * length)) * weights[:, None] * between
                total[-1] += (b / relations.spread[name]) * between[-1]
        return total

    @property
    def similar(self) -> dict[str, FloatArray]:
        """The similarity of each history item and each item, by relation."""
        return dict(zip(self.names, self.between, strict=True))


def behaviour_contributions(
    matrix: Any, weights: FloatArray, items: IntArray, history: IntArray
) -> FloatArray:
    """Return what each history item adds to S of each item, (len(history), len(items))."""
    rows = np.asarray(matrix[history].toarray(), dtype=np.float32)
    return weights[:, None] * rows[:, items]


def joint_counts(joint: Any, items: IntArray, history: IntArray) -> FloatArray:
    """Return in how many histories each history item and each item are found together."""
    return np.asarray(joint[history].toarray(), dtype=np.float32)[:, items]


def evidence(
    contributions: FloatArray, history: IntArray, phrasing: Phrasing
) -> list[Evidence | None]:
    """Name the history items that contribute most to each item, and what they have in common.

    Parameters
    ----------
    contributions : float32 array, shape (len(history), n items)
    history : int64 array
        May have repeats: their contributions are added up.
    """
    distinct, first, sums = _added_up(contributions, history)
    named, places = distinct.tolist(), first.tolist()
    at = {place: i for i, place in enumerate(places)}
    counts = (sums > 0).sum(axis=0).tolist()
    orders = np.argsort(-sums, axis=0, kind="stable").T.tolist()
    out: list[Evidence | None] = []
    for item, (order, count) in enumerate(zip(orders, counts, strict=True)):
        if not count:
            out.append(None)
            continue
        phrase, alike = phrasing(item, [places[i] for i in order[:count]])
        chosen = [at[place] for place in alike[:_HISTORY]]
        strengths = sums[chosen, item].tolist()
        out.append(Evidence(phrase, tuple(named[i] for i in chosen), tuple(strengths)))
    return out


def _added_up(
    contributions: FloatArray, history: IntArray
) -> tuple[IntArray, IntArray, NDArray[np.float64]]:
    """Return the distinct history items, ascending, their first places and summed contributions."""
    if (history[1:] > history[:-1]).all():
        return history, np.arange(len(history)), contributions.astype(np.float64)
    distinct, first, back = np.unique(history, return_index=True, return_inverse=True)
    sums = np.zeros((len(distinct), contributions.shape[1]), dtype=np.float64)
    np.add.at(sums, back, contributions)
    return distinct, first, sums


@dataclass(frozen=True, eq=False)
class TextPhrases:
    """What the texts of items and of history items have in common.

    Attributes
    ----------
    items, history : int64 arrays
    similar : mapping of relation to float32 array, shape (len(history), len(items))
    """

    catalog: Catalog
    relations: TextRelations
    items: IntArray
    history: IntArray
    similar: Mapping[str, FloatArray]

    def __call__(self, item: int, places: Sequence[int]) -> tuple[str, Sequence[int]]:
        """Return the phrase for an item and the first history item, and for which else it holds."""
        family = self._family[item]
        if family[places[0]]:
            return "same family as", [place for place in places if family[place]]
        common = self._shared(item, places[0])
        if common:
            having = (place for place in places if self._has(place, common))
            return f"shares “{' '.join(common)}” with", list(islice(having, _HISTORY))
        creators = self.catalog.creators
        creator = creators[self.items[item]]
        if creator and creator == creators[self.history[places[0]]]:
            alike = [place for place in places if creators[self.history[place]] == creator]
            return f"from {creator}, like", alike
        return "similar text to", places

    def _shared(self, item: int, place: int) -> list[str]:
        """Return the rarest words that two texts share, in the order of the item's text."""
        if not self._by_words[item][place]:
            return []
        own = self._own[item]
        theirs = words(self.catalog.texts[self.history[place]])
        common = {word for word in own if len(word) > 1}.intersection(theirs)
        if len(common) > _WORDS:
            rarest = sorted(common, key=lambda word: (-self._idf[word], word))
            common = set(rarest[:_WORDS])
        return sorted(common, key=own.index)

    @cached_property
    def _family(self) -> list[list[bool]]:
        """For each item and history item: whether they are variants of one another."""
        family: list[list[bool]] = (self._of("title_grams") >= _FAMILY).T.tolist()
        return family

    @cached_property
    def _by_words(self) -> list[list[bool]]:
        """For each item and history item: whether their words are similar, and not their vectors
        more, in units of their spread.
        """
        spread, similar = self.relations.spread, self._of("text_words")
        by_words = similar / spread.get("text_words", 1.0)
        by_vectors = self._of("text_dense") / spread.get("text_dense", 1.0)
        chosen: list[list[bool]] = ((by_words >= by_vectors) & (similar >= _RELATED)).T.tolist()
        return chosen

    def _of(self, relation: str) -> FloatArray:
        """Return the similarities under a relation; zeros without it."""
        if relation in self.similar:
            return self.similar[relation]
        return np.zeros((len(self.history), len(self.items)), dtype=np.float32)

    @cached_property
    def _own(self) -> list[list[str]]:
        """The words of each item, in order."""
        return [words(self.catalog.texts[item]) for item in self.items.tolist()]

    def _has(self, place: int, common: Sequence[str]) -> bool:
        """Whether the text of a history item has these words: most do not, even as parts."""
        text = self.catalog.texts[self.history[place]].lower()
        return all(word in text for word in common) and set(words(text)).issuperset(common)

    @cached_property
    def _idf(self) -> dict[str, float]:
        """The rarity of the items' words."""
        own = list(set().union(*self._own))
        rarity = self.relations.lexicons["text_words"].rarity(own)
        return dict(zip(own, rarity.tolist(), strict=True))


@dataclass(frozen=True, eq=False)
class JointPhrases:
    """The true joint count where there is one; the phrase of the texts elsewhere.

    Attributes
    ----------
    counts : float32 array, shape (len(history), len(items))
    """

    counts: FloatArray
    otherwise: Phrasing

    def __call__(self, item: int, places: Sequence[int]) -> tuple[str, Sequence[int]]:
        """Return the phrase for an item and the first history item, and for which else it holds."""
        counts = self.counts[:, item]
        count = int(counts[places[0]])
        same = [place for place in places if counts[place] == count]
        if not count:
            return self.otherwise(item, same)
        return "together once with" if count == 1 else f"together {count} times with", same
