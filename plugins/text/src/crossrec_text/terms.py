"""Sparse rows of term weights, read without the overhead of a sparse matrix for each query."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec_text.asked import Ints

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


def terms_of(matrix: Any, items: Ints) -> tuple[NDArray[Any], NDArray[Any], Ints]:
    """Return the stored terms and weights of the chosen rows of a CSR matrix, and their lengths."""
    starts = matrix.indptr[items]
    lengths = (matrix.indptr[items + 1] - starts).astype(np.int64)
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    at = np.arange(total) + np.repeat(starts - (ends - lengths), lengths)
    return matrix.indices[at], matrix.data[at], lengths
