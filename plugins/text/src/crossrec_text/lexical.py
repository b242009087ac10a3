"""Lexical similarity: TF-IDF of words, and of character n-grams, over items that share them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec_text.asked import Asked, Doubles, Floats

#: Runs of word characters of any alphabet; single letters and digits count (sizes, model numbers).
WORD = r"(?u)\b\w+\b"


def word_terms(texts: Sequence[str]) -> tuple[Any, tuple[str, ...]]:
    """Return TF-IDF of words as scipy CSR (n_items, n_words) with rows of norm 1, and the words."""
    return _tfidf(texts, token_pattern=WORD)


def ngram_terms(titles: Sequence[str]) -> Any:
    """Return TF-IDF of character 3- to 5-grams within words, scipy CSR with rows of norm 1.

    They match what words miss: inflections, model numbers, joined and misspelt words.
    """
    return _tfidf(titles, analyzer="char_wb", ngram_range=(3, 5), max_features=60_000)[0]


def _tfidf(texts: Sequence[str], **options: Any) -> tuple[Any, tuple[str, ...]]:
    """Fit on the texts that are not empty; the others get empty rows."""
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import TfidfVectorizer

    filled = [at for at, text in enumerate(texts) if text.strip()]
    vectorizer = TfidfVectorizer(sublinear_tf=True, dtype=np.float32, **options)
    try:
        found = vectorizer.fit_transform([texts[at] for at in filled])
    except ValueError:  # not one term in all texts
        return csr_matrix((len(texts), 0), dtype=np.float32), ()
    found.sort_indices()
    lengths = np.zeros(len(texts), dtype=np.int64)
    lengths[filled] = np.diff(found.indptr)
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(found.indptr.dtype)
    matrix = csr_matrix((found.data, found.indices, indptr), (len(texts), found.shape[1]))
    return matrix, tuple(str(name) for name in vectorizer.get_feature_names_out())


@dataclass(frozen=True, eq=False)
class Words:
    """Words of the full text.

    Attributes
    ----------
    rows : scipy CSR, float32 (n_items, n_words)
    names : tuple of str, length n_words
    """

    rows: Any
    names: tuple[str, ...]

    def similarity(self, asked: Asked, weights: Any, own_weights: Doubles) -> Floats:
        """Return the similarity of all items to CSR `weights` (n, n_items), float32 (n, n_items).

        One pass over the matrix for the whole block, which beats posting lists here: common words
        stand in most texts, so that the lists together are about as long as the matrix.
        """
        profiles = (weights @ self.rows).T.toarray()
        found: Floats = np.ascontiguousarray((self.rows @ profiles).T)
        own = asked.own
        if len(own):
            chosen = self.rows[own.items]
            norms = np.asarray(chosen.multiply(chosen).sum(axis=1), dtype=np.float64).ravel()
            found[own.rows, own.items] -= (own_weights * norms).astype(np.float32)
        return found

    def between(self, items: Any, others: Any) -> Floats:
        """Return the similarity of each of `items` to each of `others`, float32 (m, h)."""
        between: Floats = (self.rows[items] @ self.rows[others].T).toarray()
        return between

    def shared(self, item: int, other: int) -> list[str]:
        """Return the words that two items share, those that make them most similar first."""
        both = self.rows[[item]].multiply(self.rows[[other]]).tocsr()
        order = np.argsort(-both.data, kind="stable")
        return [self.names[at] for at in both.indices[order]]


@dataclass(frozen=True, eq=False)
class Ngrams:
    """Character n-grams of the title, with posting lists.

    Attributes
    ----------
    rows : scipy CSR, float32 (n_items, n_grams)
    postings : scipy CSR, float32 (n_grams, n_items)
    limit : int
        Only so many n-grams of a profile, the heaviest, are looked up.
    """

    rows: Any
    postings: Any
    limit: int

    @classmethod
    def build(cls, rows: Any, limit: int) -> Ngrams:
        """Turn the rows into posting lists."""
        return cls(rows, rows.T.tocsr(), limit)

    def profiles(self, weights: Any) -> Any:
        """Return the heaviest n-grams of CSR `weights` (n, n_items), CSR (n, n_grams)."""
        return strongest(weights @ self.rows, self.limit)

    def similarity(self, asked: Asked, profiles: Any, own_weights: Doubles) -> Floats:
        """Return the similarity of all items to `profiles`, float32 (n, n_items)."""
        found: Floats = (profiles @ self.postings).toarray()
        own = asked.own
        if len(own):
            chosen = self.rows[own.items]
            looked_up = pattern(profiles)[own.rows]
            squares = chosen.multiply(chosen).multiply(looked_up).sum(axis=1)
            norms = np.asarray(squares, dtype=np.float64).ravel()
            found[own.rows, own.items] -= (own_weights * norms).astype(np.float32)
        return found

    def between(self, items: Any, others: Any, profile: Any) -> Floats:
        """Return the similarity of each of `items` to each of `others`, float32 (m, h).

        Counts only the n-grams of `profile` (CSR, one row).
        """
        chosen = self.rows[others].multiply(pattern(profile)).tocsr()
        between: Floats = (self.rows[items] @ chosen.T).toarray()
        return between


def strongest(matrix: Any, limit: int) -> Any:
    """Keep the `limit` largest values of each row of a CSR matrix; of equals the first columns."""
    from scipy.sparse import csr_matrix

    lengths = np.diff(matrix.indptr)
    if not len(lengths) or lengths.max() <= limit:
        return matrix
    matrix.sort_indices()
    rows = np.repeat(np.arange(len(lengths)), lengths)
    order = np.lexsort((-matrix.data, rows))
    place = np.arange(len(order)) - np.repeat(matrix.indptr[:-1], lengths)
    kept: NDArray[np.int64] = np.sort(order[place < limit])
    indptr = np.concatenate([[0], np.cumsum(np.minimum(lengths, limit))])
    return csr_matrix((matrix.data[kept], matrix.indices[kept], indptr), matrix.shape)


def pattern(matrix: Any) -> Any:
    """Return the CSR matrix with a 1 at each of its stored values."""
    from scipy.sparse import csr_matrix

    ones = np.ones(len(matrix.data), dtype=np.float32)
    return csr_matrix((ones, matrix.indices, matrix.indptr), matrix.shape)
