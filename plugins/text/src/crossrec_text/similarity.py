"""How similar the items of a catalog are to a history, by vectors, words and title n-grams."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from crossrec.components.query import QueryBatch
from numpy.typing import NDArray

from crossrec_text.asked import Asked, Floats, Ints, ask
from crossrec_text.dense import DenseSpace
from crossrec_text.lexical import TermIndex, TermProfile
from crossrec_text.moments import Scale, Sums, scales
from crossrec_text.scanning import Scan


class Five(NamedTuple):
    """One value for each of the five comparisons, as float64 (n, 1) where it differs by query."""

    vectors: NDArray[np.float64]
    words: NDArray[np.float64]
    ngrams: NDArray[np.float64]
    last_vectors: NDArray[np.float64]
    last_words: NDArray[np.float64]


#: Weights of the standard scores; they sum to 1. Vectors, words and title n-grams count alike, and
#: the last item alone counts half of what the whole history does.
DECAYED, LAST = 0.25, 0.125
_WEIGHTS = np.array([DECAYED, LAST, DECAYED, DECAYED, LAST])


@dataclass(frozen=True, eq=False)
class Parts:
    """What a block of queries is compared by, with the scale of each comparison.

    Attributes
    ----------
    vectors, last_vectors : float32 arrays, shape (n, dim)
        Profiles of the decayed history and of the last item.
    words, ngrams, last_words : list of TermProfile, length n
    slopes : Five
        Weight over standard deviation of each comparison.
    """

    vectors: Floats
    last_vectors: Floats
    words: list[TermProfile]
    ngrams: list[TermProfile]
    last_words: list[TermProfile]
    slopes: Five


@dataclass(frozen=True, eq=False)
class Compared:
    """Queries, what they are compared by, and the scores that come of it."""

    asked: Asked
    parts: Parts
    scan: Scan


@dataclass(frozen=True, eq=False)
class TextSimilarity:
    """Everything known of a catalog's texts.

    Attributes
    ----------
    described : bool array, shape (n_items,)
        Whether the item has text; others neither get nor give a score.
    """

    described: NDArray[np.bool_]
    dense: DenseSpace
    words: TermIndex
    ngrams: TermIndex
    decay: float
    limit: int
    #: What single queries were compared by, for as long as they live: an explanation follows.
    _compared: WeakKeyDictionary[QueryBatch, Compared] = field(
        default_factory=WeakKeyDictionary, repr=False
    )

    def compare(self, queries: QueryBatch) -> Compared:
        """Compare the histories with the catalog; the answer to a single query is kept with it.

        A score is NaN for items without text, and in rows whose history holds no item with text.
        Needs memory for several float32 arrays of (n, n_items): ask in blocks.
        """
        known = self._compared.get(queries)
        if known is None:
            known = self._new(ask(queries, self.described, self.decay, self.limit))
            if len(queries) == 1:
                self._compared[queries] = known
        return known

    def _new(self, asked: Asked) -> Compared:
        """Compare, all but the axes of the vectors that say least.

        The sum of standard scores is linear in the vectors, so one scan over them does for both
        profiles.
        """
        vectors, last_vectors = self.dense.profiles(asked.decayed), self.dense.profiles(asked.last)
        words, last_words = self.words.profiles(asked.decayed), self.words.profiles(asked.last)
        ngrams = self.ngrams.profiles(asked.decayed)
        similar = (
            self.words.similarity(asked, words, asked.own_decayed),
            self.ngrams.similarity(asked, ngrams, asked.own_decayed),
            self.words.similarity(asked, last_words, asked.own_last),
        )
        sums = self.dense.sums(asked, vectors, last_vectors)
        slopes, constant = _weighted(scales(asked, sums.and_of(Sums.of(asked, similar))))
        both = vectors * slopes.vectors + last_vectors * slopes.last_vectors
        profiles: Floats = both.astype(np.float32)
        lead = self.dense.lead
        coarse: Floats = profiles[:, :lead] @ self.dense.columns[:lead]
        of_terms = (slopes.words, slopes.ngrams, slopes.last_words)
        for slope, one in zip(of_terms, similar, strict=True):
            one *= slope.astype(np.float32)
            coarse += one
        coarse -= constant.astype(np.float32)
        if len(asked.own):
            self._leave_out_own(coarse, asked, slopes)
        coarse[:, self._blank] = np.nan
        coarse[~asked.answerable] = np.nan
        parts = Parts(vectors, last_vectors, words, ngrams, last_words, slopes)
        return Compared(asked, parts, Scan(self.dense, profiles, coarse))

    @cached_property
    def _blank(self) -> Ints:
        """The items without text."""
        return np.flatnonzero(~self.described)

    def shares(self, queries: QueryBatch, items: Ints) -> tuple[Ints, Floats, Floats]:
        """Split the scores of `items` among the history of a single query.

        Returns
        -------
        history : int64 array, shape (h,)
            The distinct items of the history that have text.
        dense, lexical : float32 arrays, shape (m, h)
            What each of them adds to each item's score by vectors, and by words and n-grams. Both
            together and a constant of the query make the score.
        """
        compared = self.compare(queries)
        asked, parts = compared.asked, compared.parts
        history = asked.decayed.rows.values
        if not len(history):
            empty = np.zeros((len(items), 0), dtype=np.float32)
            return history, empty, empty
        slope = Five(*(one[0] for one in parts.slopes))
        weight = asked.decayed.values
        last = (history == asked.last.rows.values[0]).astype(np.float32)
        by_vectors = self.dense.take(items) @ self.dense.take(history).T
        dense = by_vectors * (weight * slope.vectors + last * slope.last_vectors)
        lexical = self.words.between(items, history, parts.words[0]) * (weight * slope.words)
        lexical += self.ngrams.between(items, history, parts.ngrams[0]) * (weight * slope.ngrams)
        of_last = self.words.between(items, asked.last.rows.values, parts.last_words[0])
        lexical += of_last * (last * slope.last_words)
        other = items[:, None] != history[None, :]
        return history, (dense * other).astype(np.float32), (lexical * other).astype(np.float32)

    def _leave_out_own(self, scores: Floats, asked: Asked, slopes: Five) -> None:
        """Take what each history item has from itself out of its score, for the vectors."""
        own = asked.own
        by_decayed = slopes.vectors[own.rows, 0] * asked.own_decayed
        by_last = slopes.last_vectors[own.rows, 0] * asked.own_last
        from_itself = (by_decayed + by_last) * self.dense.norms(own.items)
        scores[own.rows, own.items] -= from_itself.astype(np.float32)


def _weighted(scale: Scale) -> tuple[Five, NDArray[np.float64]]:
    """Return weight over standard deviation of each comparison, and what their means take away.

    The comparisons of `scale` are in the order of `_WEIGHTS`.
    """
    slopes = _WEIGHTS[:, None] * scale.slope
    vectors, last_vectors, words, ngrams, last_words = slopes[:, :, None]
    constant = (slopes * scale.mean).sum(axis=0)[:, None]
    return Five(vectors, words, ngrams, last_vectors, last_words), constant
