"""How similar the items of a catalog are to a history, by vectors, words and title n-grams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from crossrec.components.query import QueryBatch
from numpy.typing import NDArray

from crossrec_text.asked import Asked, Floats, Ints, ask
from crossrec_text.dense import DenseSpace
from crossrec_text.lexical import Ngrams, Words
from crossrec_text.moments import Scale, scale_of

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
    decayed_vectors, last_vectors : float32 arrays, shape (n, dim)
    ngrams : scipy CSR, shape (n, n_grams)
        The n-grams that are looked up.
    scales : tuple of Scale
        Of vectors, words and n-grams to the decayed history, then of vectors and words to the
        last item.
    lexical : tuple of float32 array, shape (n, n_items)
        Similarity by words and n-grams to the decayed history, and by words to the last item.
    """

    decayed_vectors: Floats
    last_vectors: Floats
    ngrams: Any
    scales: tuple[Scale, Scale, Scale, Scale, Scale]
    lexical: tuple[Floats, Floats, Floats]


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
    words: Words
    ngrams: Ngrams
    decay: float
    limit: int

    @property
    def width(self) -> int:
        """Numbers that one query of a block needs room for."""
        return max(len(self.described), int(self.words.rows.shape[1]), 1)

    def ask(self, queries: QueryBatch) -> Asked:
        """Reduce queries to the items that have text."""
        return ask(queries, self.described, self.decay, self.limit)

    def parts(self, asked: Asked) -> Parts:
        """Compare the histories with the catalog, all but the scan over the vectors."""
        decayed = self.dense.profiles(asked.decayed)
        last = self.dense.profiles(asked.last)
        ngrams = self.ngrams.profiles(asked.decayed)
        by_words = self.words.similarity(asked, asked.decayed, asked.own_decayed)
        by_ngrams = self.ngrams.similarity(asked, ngrams, asked.own_decayed)
        last_by_words = self.words.similarity(asked, asked.last, asked.own_last)
        scales = (
            self.dense.scale(asked, decayed, asked.own_decayed),
            scale_of(asked, by_words),
            scale_of(asked, by_ngrams),
            self.dense.scale(asked, last, asked.own_last),
            scale_of(asked, last_by_words),
        )
        return Parts(decayed, last, ngrams, scales, (by_words, by_ngrams, last_by_words))

    def scores(self, queries: QueryBatch) -> Floats:
        """Return the score of every item, float32 (n, n_items).

        NaN for items without text, and in rows whose history holds no item with text. The sum of
        five standard scores is linear in the vectors, so one scan over them does for both profiles.
        Needs memory for several float32 arrays of this shape: ask in blocks.
        """
        asked = self.ask(queries)
        parts = self.parts(asked)
        slopes = [one.slope[:, None] for one in parts.scales]
        weights = (DECAYED, DECAYED, DECAYED, LAST, LAST)
        steps = [(w * s).astype(np.float32) for w, s in zip(weights, slopes, strict=True)]
        combined = parts.decayed_vectors * steps[0] + parts.last_vectors * steps[3]
        scores: Floats = combined @ self.dense.columns
        for step, similarity in zip((steps[1], steps[2], steps[4]), parts.lexical, strict=True):
            scores += step * similarity
        scores -= self._constant(parts, weights)
        if len(asked.own):
            self._leave_out_own(scores, asked, steps)
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
        asked = self.ask(queries)
        history = asked.decayed.indices.astype(np.int64)
        if not len(history):
            empty = np.zeros((len(items), 0), dtype=np.float32)
            return history, empty, empty
        parts = self.parts(asked)
        slope = [float(one.slope[0]) for one in parts.scales]
        decayed = DECAYED * asked.decayed.data
        last = LAST * np.isin(history, asked.last.indices)
        other = items[:, None] != history[None, :]
        by_vectors = self.dense.take(items) @ self.dense.take(history).T
        dense = by_vectors * (decayed * slope[0] + last * slope[3]) * other
        by_words = self.words.between(items, history)
        by_ngrams = self.ngrams.between(items, history, parts.ngrams)
        lexical = by_words * (decayed * slope[1] + last * slope[4]) + by_ngrams * decayed * slope[2]
        return history, dense.astype(np.float32), (lexical * other).astype(np.float32)

    @staticmethod
    def _constant(parts: Parts, weights: tuple[float, ...]) -> Floats:
        """What is subtracted from every score of a query, float32 (n, 1)."""
        means = [w * one.slope * one.mean for w, one in zip(weights, parts.scales, strict=True)]
        constant: Floats = np.sum(means, axis=0)[:, None].astype(np.float32)
        return constant

    def _leave_out_own(self, scores: Floats, asked: Asked, steps: list[Floats]) -> None:
        """Take what each history item has from itself out of its score, for the vectors."""
        own = asked.own
        norms = self.dense.norms(own.items)
        by_decayed = steps[0][own.rows, 0] * asked.own_decayed
        by_last = steps[3][own.rows, 0] * asked.own_last
        scores[own.rows, own.items] -= ((by_decayed + by_last) * norms).astype(np.float32)
