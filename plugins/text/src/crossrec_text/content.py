"""The content source: what reads like the history. It works without a single training event."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from crossrec.components.candidates import PAD, Candidates
from crossrec.components.evidence import Evidence
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.state import State, pack_sparse, unpack_sparse
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.errors import ConfigError, NotFittedError
from numpy.typing import NDArray

from crossrec_text.asked import Floats
from crossrec_text.dense import DenseSpace
from crossrec_text.explaining import evidence_for
from crossrec_text.lexical import TermIndex
from crossrec_text.settings import ContentConfig
from crossrec_text.similarity import TextSimilarity
from crossrec_text.terms import ngram_terms, word_terms

log = logging.getLogger("crossrec")

#: Numbers of one float32 array of a block: 16 MiB.
_BLOCK = 4_194_304


class ContentSource:
    """Candidate generator of items whose text is like that of the history.

    Each item is compared with the recency-decayed history and with its last item, by cosine of the
    encoder's vectors (centred over the catalog), by TF-IDF of the words of the full text and by
    TF-IDF of the character n-grams of the title. Every comparison becomes a standard score over
    the items that the query admits, and the score is their weighted sum. Exact product families
    are found by words, kinship in other words by vectors (after STAR, Lee et al. 2024, and the
    lexical matching of Salton & Buckley 1988).
    """

    name = "content"

    def __init__(self, config: ContentConfig | None = None) -> None:
        self.config = config or ContentConfig()
        self._fitted: TextSimilarity | None = None
        self._catalog: Catalog | None = None
        self._names: tuple[str, ...] = ()

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        """Index the texts of ``dataset.catalog`` and its vectors; the events are not looked at.

        Raises
        ------
        ConfigError
            If the dataset has vectors, but not those of the configured encoder.
        """
        described = _described(dataset.catalog)
        vectors = self._vectors(dataset)
        if vectors is None:
            dense = DenseSpace.empty(dataset.n_items)
        else:
            dense = DenseSpace.build(np.where(described[:, None], vectors, 0.0))
        self._index(dataset.catalog, described, dense)

    def add_items(self, dataset: Dataset) -> None:
        """Take in the items that `dataset` has behind the fitted ones.

        All words are indexed anew, which takes about a second for 10,000 items. The vectors of the
        fitted items stay as they are, and the new ones are centred as these were.
        """
        before = len(self._fit.described)
        described = _described(dataset.catalog)
        vectors = dataset.vectors.get(self.config.encoder)
        if vectors is None:
            vectors = np.zeros((dataset.n_items, 0), dtype=np.float32)
        later = np.where(described[before:, None], vectors[before:], np.float32(0.0))
        self._index(dataset.catalog, described, self._fit.dense.extended(later))

    def _index(self, catalog: Catalog, described: NDArray[np.bool_], dense: DenseSpace) -> None:
        """Index the words of the texts and the n-grams of the titles beside the vectors."""
        words, self._names = word_terms(catalog.texts)
        titles = [title if has else "" for title, has in zip(catalog.titles, described)]
        self._fitted = TextSimilarity(
            described=described,
            dense=dense,
            words=TermIndex.build(words, self.config.postings),
            ngrams=TermIndex.build(ngram_terms(titles), self.config.postings),
            decay=self.config.decay,
            limit=self.config.history_limit,
        )
        self._catalog = catalog

    def generate(self, queries: QueryBatch, k: int) -> Candidates:
        """Return the best ≤ k items with text; none where the history has no text."""
        parts = [
            self._fit.compare(block).scan.best(k, block.exclude) for block in self._blocks(queries)
        ]
        return Candidates.stack(parts, self.name)

    def score(self, queries: QueryBatch, index: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the score of given items, float32 (n, m); NaN at PAD and without text."""
        scores = np.full(index.shape, np.nan, dtype=np.float32)
        start = 0
        for block in self._blocks(queries):
            scan = self._fit.compare(block).scan
            for row in range(len(block)):
                known = index[start + row] != PAD
                scores[start + row, known] = scan.at(row, index[start + row, known])
            start += len(block)
        return scores

    def explain(self, queries: QueryBatch, index: NDArray[np.int64]) -> list[Evidence | None]:
        """Return the history items that an item is like, strongest first, for a single query."""
        return evidence_for(self._fit, self._names, self._known_catalog, queries, index)

    def state(self) -> State:
        """Return vectors, sums and term weights."""
        fitted = self._fit
        arrays: dict[str, NDArray[Any]] = {
            "described": fitted.described.astype(np.uint8),
            "dense.columns": fitted.dense.columns,
            "dense.total": fitted.dense.total,
            "dense.gram": fitted.dense.gram,
            **pack_sparse("words", fitted.words.rows),
            **pack_sparse("ngrams", fitted.ngrams.rows),
        }
        if fitted.dense.mean is not None and fitted.dense.axes is not None:
            arrays |= {"dense.mean": fitted.dense.mean, "dense.axes": fitted.dense.axes}
        return State(arrays, {"words": list(self._names)})

    def restore(self, state: State, catalog: Catalog) -> None:
        """Take back what `state` returned; arrays may be read-only memory maps."""
        arrays = state.arrays
        self._fitted = TextSimilarity(
            described=np.asarray(arrays["described"]).astype(bool),
            dense=DenseSpace.restored(
                arrays["dense.columns"],
                arrays["dense.total"],
                arrays["dense.gram"],
                arrays.get("dense.mean"),
                arrays.get("dense.axes"),
            ),
            words=TermIndex.build(unpack_sparse("words", arrays), self.config.postings),
            ngrams=TermIndex.build(unpack_sparse("ngrams", arrays), self.config.postings),
            decay=self.config.decay,
            limit=self.config.history_limit,
        )
        self._names = tuple(state.values["words"])
        self._catalog = catalog

    def _vectors(self, dataset: Dataset) -> Floats | None:
        """Return the encoder's vectors, or None where there are none at all."""
        name = self.config.encoder
        if not name:
            return None
        if name in dataset.vectors:
            return dataset.vectors[name]
        if dataset.vectors:
            known = ", ".join(dataset.vectors)
            raise ConfigError(
                f"content: no vectors of encoder {name!r}; set `encoder` to one of: {known}"
            )
        log.warning("content: no vectors of encoder %r, so only words are compared", name)
        return None

    def _blocks(self, queries: QueryBatch) -> list[QueryBatch]:
        size = max(1, _BLOCK // max(len(self._fit.described), 1))
        if len(queries) <= size:
            return [queries]
        return [queries.take(rows) for rows in queries.blocks(size)]

    @property
    def _fit(self) -> TextSimilarity:
        if self._fitted is None:
            raise NotFittedError("content is not fitted: call fit or restore first")
        return self._fitted

    @property
    def _known_catalog(self) -> Catalog:
        if self._catalog is None:
            raise NotFittedError("content is not fitted: call fit or restore first")
        return self._catalog


def _described(catalog: Catalog) -> NDArray[np.bool_]:
    """Whether each item has text, bool (n_items,)."""
    return np.array([bool(text.strip()) for text in catalog.texts], dtype=bool)
