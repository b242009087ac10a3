"""How similar the items of a catalog are to a history, by vectors, words and title n-grams."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from crossrec.components.query import QueryBatch
from numpy.typing import NDArray

from crossrec_text.asked import Asked, Floats, Ints, ask
from crossrec_text.dense import DenseSpace
from crossrec_text.lexical import TermIndex, TermProfile
from crossrec_text.moments import Scale, scale_of


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

#: Scores are rounded, so that items of equal text tie whatever the order of summation was.
_DECIMALS = 5


@dataclass(frozen=True, eq=False)
class Parts:
    """What a block of queries is compared by, with the scale of each comparison.

    Attributes
    ----------
    vectors, last_vectors : float32 arrays, shape (n, dim)
        Profiles of the decayed history and of the last item.
    words, ngrams, last_words : list of TermProfile, length n
    by_words, by_ngrams, by_last_words : float32 arrays, shape (n, n_items)
        Similarity of all items to these profiles.
    slopes, means : Five
        Weight over standard deviation, and mean, of each comparison.
    """

    vectors: Floats
    last_vectors: Floats
    words: list[TermProfile]
    ngrams: list[TermProfile]
    last_words: list[TermProfile]
    by_words: Floats
    by_ngrams: Floats
    by_last_words: Floats
    slopes: Five
    means: Five


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
    _compared: WeakKeyDictionary[QueryBatch, tuple[Asked, Parts]] = field(
        default_factory=WeakKeyDictionary, repr=False
    )

    def ask(self, queries: QueryBatch) -> Asked:
        """Reduce queries to the items that have text."""
        return ask(queries, self.described, self.decay, self.limit)

    def parts(self, asked: Asked) -> Parts:
        """Compare the histories with the catalog, all but the scan over the vectors."""
        vectors = self.dense.profiles(asked.decayed)
        last_vectors = self.dense.profiles(asked.last)
        words, last_words = self.words.profiles(asked.decayed), self.words.profiles(asked.last)
        ngrams = self.ngrams.profiles(asked.decayed)
        by_words = self.words.similarity(asked, words, asked.own_decayed)
        by_ngrams = self.ngrams.similarity(asked, ngrams, asked.own_decayed)
        by_last_words = self.words.similarity(asked, last_words, asked.own_last)
        decayed, last = self.dense.scales(asked, vectors, last_vectors)
        lexical = [scale_of(asked, one) for one in (by_words, by_ngrams, by_last_words)]
        slopes, means = _weighted((decayed, lexical[0], lexical[1], last, lexical[2]))
        return Parts(
            vectors,
            last_vectors,
            words,
            ngrams,
            last_words,
            by_words,
            by_ngrams,
            by_last_words,
            slopes,
            means,
        )

    def scores(self, queries: QueryBatch) -> Floats:
        """Return the score of every item, float32 (n, n_items).

        NaN for items without text, and in rows whose history holds no item with text. The sum of
        standard scores is linear in the vectors, so one scan over them does for both profiles.
        Needs memory for several float32 arrays of this shape: ask in blocks.
        """
        asked, parts = self._compare(queries)
        slopes = parts.slopes
        combined = parts.vectors * slopes.vectors + parts.last_vectors * slopes.last_vectors
        scores: Floats = combined.astype(np.float32) @ self.dense.columns
        scores += slopes.words.astype(np.float32) * parts.by_words
        scores += slopes.ngrams.astype(np.float32) * parts.by_ngrams
        scores += slopes.last_words.astype(np.float32) * parts.by_last_words
        pairs = zip(slopes, parts.means, strict=True)
        scores -= np.sum([slope * mean for slope, mean in pairs], axis=0).astype(np.float32)
        if len(asked.own):
            self._leave_out_own(scores, asked, slopes)
        np.round(scores, _DECIMALS, out=scores)
        scores[:, ~self.described] = np.nan
        scores[~asked.answerable] = np.nan
        return scores

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
        asked, parts = self._compare(queries)
        history = asked.decayed.rows.values
        if not len(history):
            empty = np.zeros((len(items), 0), dtype=np.float32)
            return history, empty, empty
        slope = Five(*(one[0] for one in parts.slopes))
        weight = asked.decayed.values
        last = np.isin(history, asked.last.rows.values)
        by_vectors = self.dense.take(items) @ self.dense.take(history).T
        dense = by_vectors * (weight * slope.vectors + last * slope.last_vectors)
        lexical = (
            self.words.between(items, history, parts.words[0]) * weight * slope.words
            + self.ngrams.between(items, history, parts.ngrams[0]) * weight * slope.ngrams
            + self.words.between(items, history, parts.last_words[0]) * last * slope.last_words
        )
        other = items[:, None] != history[None, :]
        return history, (dense * other).astype(np.float32), (lexical * other).astype(np.float32)

    def _compare(self, queries: QueryBatch) -> tuple[Asked, Parts]:
        """Reduce the queries and compare them; the answer to a single query is kept with it."""
        known = self._compared.get(queries)
        if known is None:
            asked = self.ask(queries)
            known = asked, self.parts(asked)
            if len(queries) == 1:
                self._compared[queries] = known
        return known

    def _leave_out_own(self, scores: Floats, asked: Asked, slopes: Five) -> None:
        """Take what each history item has from itself out of its score, for the vectors."""
        own = asked.own
        by_decayed = slopes.vectors[own.rows, 0] * asked.own_decayed
        by_last = slopes.last_vectors[own.rows, 0] * asked.own_last
        from_itself = (by_decayed + by_last) * self.dense.norms(own.items)
        scores[own.rows, own.items] -= from_itself.astype(np.float32)


def _weighted(scales: tuple[Scale, Scale, Scale, Scale, Scale]) -> tuple[Five, Five]:
    """Return weight over standard deviation, and mean, of each comparison."""
    weights = (DECAYED, DECAYED, DECAYED, LAST, LAST)
    slopes = [w * one.slope[:, None] for w, one in zip(weights, scales, strict=True)]
    return Five(*slopes), Five(*(one.mean[:, None] for one in scales))
