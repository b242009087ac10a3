"""Latent semantic vectors: TF-IDF of words, reduced by truncated SVD. Needs no transformer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from crossrec.components.cost import Cost, DatasetSize
from crossrec.components.run import RunOptions
from crossrec.data.catalog import Catalog
from numpy.typing import NDArray

from crossrec_text.costs import tfidf_svd_cost
from crossrec_text.settings import TfidfSvdConfig

#: Runs of word characters of any alphabet; single letters and digits count (sizes, model numbers).
_WORD = r"(?u)\b\w+\b"


class TfidfSvdEncoder:
    """Encoder by latent semantic analysis (Deerwester et al. 1990).

    It knows only the catalog's own texts, and takes seconds where a transformer takes minutes. The
    vectors of two catalogs, or of a catalog that grew, are not comparable.
    """

    def __init__(self, config: TfidfSvdConfig | None = None) -> None:
        self.config = config or TfidfSvdConfig()

    def estimate(self, size: DatasetSize, run: RunOptions) -> Cost:
        """Return what encoding the texts costs."""
        return tfidf_svd_cost(size, self.config)

    def encode(self, catalog: Catalog, run: RunOptions) -> NDArray[np.float32]:
        """Return float32 (n_items, dim), rows of length 1; zero rows for items without words.

        `dim` is `embedding_size`, or the number of items or of words where that is smaller.
        """
        from sklearn.decomposition import TruncatedSVD

        terms = word_rows(catalog.texts)
        size = min(self.config.embedding_size, *terms.shape)
        if size == 0:
            return np.zeros((len(catalog), 0), dtype=np.float32)
        if size == min(terms.shape):
            vectors = _exact(terms)
        else:
            svd = TruncatedSVD(size, random_state=run.seed)
            vectors = svd.fit_transform(terms)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 1e-6)
        return np.ascontiguousarray(unit, dtype=np.float32)


def word_rows(texts: Sequence[str]) -> Any:
    """Return TF-IDF of words as scipy CSR, float32 (n_items, n_words), rows of length 1 or 0."""
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(sublinear_tf=True, dtype=np.float32, token_pattern=_WORD)
    try:
        vectorizer.fit([text for text in texts if text.strip()])
    except ValueError:  # not one word in all texts
        return csr_matrix((len(texts), 0), dtype=np.float32)
    return vectorizer.transform(texts)


def _exact(terms: Any) -> NDArray[np.float32]:
    """Return the full SVD's left vectors times singular values, for few items or few words.

    Which is the matrix itself but for a rotation, so that cosines stay as they are.
    """
    n_items, n_words = terms.shape
    if n_words <= n_items:
        return np.asarray(terms.toarray(), dtype=np.float32)
    values, left = np.linalg.eigh((terms @ terms.T).toarray().astype(np.float64))
    vectors = left * np.sqrt(np.maximum(values, 0.0))
    return np.ascontiguousarray(vectors[:, ::-1], dtype=np.float32)
