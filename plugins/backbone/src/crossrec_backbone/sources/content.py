"""The source `content`: what reads like the history. It works without a single event."""

from __future__ import annotations

from collections.abc import Mapping
from weakref import WeakKeyDictionary

import numpy as np
from crossrec.components.candidates import PAD, Candidates
from crossrec.components.cost import Cost, DatasetSize
from crossrec.components.evidence import Evidence
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.settings import Settings
from crossrec.components.state import State
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.event_change import EventChange
from crossrec.errors import NotFittedError
from crossrec.numeric.ragged import FloatArray, IntArray
from pydantic import Field

from crossrec_backbone.ranking.search import Scan, TextIndex
from crossrec_backbone.relations.config import (
    CONSENSUS,
    HistoryConfig,
    RelationWeights,
    TextConfig,
)
from crossrec_backbone.relations.scores import consensus_weights
from crossrec_backbone.relations.statistics import check_vectors, text_relations
from crossrec_backbone.relations.text import TextRelations
from crossrec_backbone.sources import explain
from crossrec_backbone.sources.costs import content_cost

#: Numbers of one float32 array of a block of queries: 16 MiB.
_CELLS = 4_194_304

#: From so many items on a batch is answered query by query: each reads only what it needs.
_LARGE = 50_000

#: Vectors of titles are left out: on the validation items of Scientific, UCI Online Retail and
#: Last.fm (LLaRA) they move ndcg@10 by -.0001, -.0011 and +.0004, for two thirds more time.
_WEIGHTS: RelationWeights = {
    name: pair for name, pair in CONSENSUS.items() if name != "title_dense"
}


class ContentConfig(Settings):
    """Settings of the source `content`.

    Attributes
    ----------
    text : TextConfig
        ``text.encoder`` names the vectors that are read; "" for words alone.
    history : HistoryConfig
    weights : mapping of relation to (float, float)
        Of each text relation: for the decayed history, and for its last item.
    postings : int
        How many entries of the lists "term → items" may be read for one query and lexical relation;
        those of the heaviest terms come first. It bounds the time of a query, whatever the size of
        the catalogue.
    """

    text: TextConfig = TextConfig()
    history: HistoryConfig = HistoryConfig()
    weights: RelationWeights = Field(default=_WEIGHTS)
    postings: int = Field(30_000, ge=1)

    @property
    def encoder(self) -> str:
        """The encoder whose vectors are read."""
        return self.text.encoder


class ContentSource:
    """Candidate generator of items whose text is like that of the history.

    The score is the text consensus: cosines of vectors, TF-IDF of words and of title n-grams with
    the decayed history and with the last item, each in units of its spread over the catalogue.
    Words find exact product families, vectors similar items in other words (after STAR, Lee et al.
    2024, and the lexical matching of Salton & Buckley 1988).
    """

    name = "content"

    def __init__(self, config: ContentConfig | None = None) -> None:
        self.config = config or ContentConfig()
        self._catalog: Catalog | None = None
        self._relations: TextRelations | None = None
        self._index: TextIndex | None = None
        self._scans: WeakKeyDictionary[QueryBatch, Scan] = WeakKeyDictionary()

    def estimate(self, size: DatasetSize, run: RunOptions) -> Cost:
        """Return what a fit costs, and the answers to ``size.queries`` queries."""
        return content_cost(size)

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        """Relate the items of ``dataset.catalog`` by texts and vectors; events are not read.

        Raises
        ------
        ConfigError
            If the dataset has vectors, but none of the configured encoder.
        """
        check_vectors(self.name, dataset, self.config.text)
        relations = text_relations(dataset, self.config.text)
        used = consensus_weights(relations, self.config.weights)
        self._set(dataset.catalog, relations.selected(used))

    def add_items(self, dataset: Dataset) -> None:
        """Relate the items that follow the fitted ones in `dataset`.

        What was learnt of words and vectors is unchanged: words that no fitted item has match
        nothing until the next fit.
        """
        relations = self._fitted[1].extended(dataset.catalog, dataset.vectors)
        self._set(dataset.catalog, relations)

    def update(self, change: EventChange) -> None:
        """Learn nothing: events are not read."""

    def forget(self, change: EventChange) -> None:
        """Change nothing: no user was ever read."""

    def generate(self, queries: QueryBatch, k: int) -> Candidates:
        """Return the best ≤ k items with text; none where the history has no text."""
        parts = [self._scan(block).best(k, block.exclude) for block in self._blocks(queries)]
        return Candidates.stack(parts, self.name)

    def score(self, queries: QueryBatch, index: IntArray) -> FloatArray:
        """Return the score of given items, float32 (n, m); NaN at PAD and without text."""
        scores = np.full(index.shape, np.nan, dtype=np.float32)
        start = 0
        for block in self._blocks(queries):
            scan = self._scan(block)
            for row in range(len(block)):
                known = index[start + row] != PAD
                scores[start + row, known] = scan.at(row, index[start + row, known])
            start += len(block)
        return scores

    def score_text(self, texts: Catalog, vectors: Mapping[str, FloatArray]) -> FloatArray:
        """Return how near all items are to texts, float32 (n_texts, n_items).

        By the same relations as the history; 0 where an item has nothing in common with a text.

        Parameters
        ----------
        vectors : mapping of encoder name to float32 array, shape (n_texts, dim)
            May be empty: then words alone count.
        """
        relations = self._fitted[1]
        rows = relations.rows_of(texts.with_titles(texts.texts), vectors)
        near = np.zeros((len(texts), relations.n_items), dtype=np.float32)
        for name, (a, b) in consensus_weights(relations, self.config.weights).items():
            if name in rows:
                product = rows[name] @ relations.factor(name).T
                dense = np.asarray(product if name in relations.dense else product.toarray())
                near += (a + b) / relations.spread[name] * dense
        return near

    def explain(self, queries: QueryBatch, index: IntArray) -> list[Evidence | None]:
        """Return the history items that an item is like, strongest first, for a single query.

        None for an item without text, for `PAD`, and where nothing in the history is like it.
        """
        catalog, relations, text_index = self._fitted
        found: list[Evidence | None] = [None] * len(index)
        places = np.flatnonzero((index >= 0) & text_index.described[np.maximum(index, 0)])
        if not len(places):
            return found
        items = index[places]
        history, shares, similar = self._scan(queries).shares(items)
        phrasing = explain.TextPhrases(catalog, relations, items, history, similar)
        explained = explain.evidence(shares, history, phrasing)
        for place, evidence in zip(places.tolist(), explained, strict=True):
            found[place] = evidence
        return found

    def vectors(self) -> FloatArray | None:
        """Return the vectors of the texts, centred and partly whitened, float32 (n_items, dim)."""
        return self._fitted[1].dense.get("text_dense")

    def state(self) -> State:
        """Return the relations."""
        return self._fitted[1].state()

    def restore(self, state: State, catalog: Catalog) -> None:
        """Take back what `state` returned; arrays may be read-only memory maps."""
        self._set(catalog, TextRelations.restored(state))

    def _set(self, catalog: Catalog, relations: TextRelations) -> None:
        described = np.array([bool(text.strip()) for text in catalog.texts], dtype=bool)
        weights = consensus_weights(relations, self.config.weights)
        self._catalog, self._relations = catalog, relations
        self._index = TextIndex.build(relations, weights, described, self.config.postings)
        self._scans = WeakKeyDictionary()

    def _scan(self, queries: QueryBatch) -> Scan:
        """Return the scores of a block of queries; those of a single one are kept with it."""
        scan = self._scans.get(queries)
        if scan is None:
            scan = self._fitted[2].scan(queries, self.config.history)
            if len(queries) == 1:
                self._scans[queries] = scan
        return scan

    def _blocks(self, queries: QueryBatch) -> list[QueryBatch]:
        n_items = self._fitted[1].n_items
        size = 1 if n_items >= _LARGE else max(1, _CELLS // max(n_items, 1))
        if len(queries) <= size:
            return [queries]
        return [queries.take(rows) for rows in queries.blocks(size)]

    @property
    def _fitted(self) -> tuple[Catalog, TextRelations, TextIndex]:
        if self._catalog is None or self._relations is None or self._index is None:
            raise NotFittedError(f"{self.name} is not fitted: call fit or restore first")
        return self._catalog, self._relations, self._index
