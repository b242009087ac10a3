"""The candidate generator that all bodies share."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from crossrec.components.candidates import PAD, Candidates
from crossrec.components.cost import Cost, DatasetSize
from crossrec.components.protocols import SourceReport
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.components.topk import top_k
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.errors import NotFittedError
from crossrec.numeric.ragged import FloatArray, IntArray, Ragged
from crossrec.numeric.sparse import block_rows

from crossrec_neural.settings import NeuralSettings
from crossrec_neural.sources.costs import training_cost
from crossrec_neural.sources.fitted import Fitted
from crossrec_neural.sources.fitting import events_digest, retrained, trained

#: Numbers that the vectors of scored candidates may take at once: 64 MiB.
_CELLS = 1 << 24


class NeuralSource:
    """Candidates of a trained model: a history is read, items are compared with what it becomes.

    New users are histories, new items their text and tags. Where people of the fitted dataset do
    not come back to items, those of the history are no candidates. Without a history there are
    none.
    """

    name: ClassVar[str]
    settings: ClassVar[type[NeuralSettings]]

    def __init__(self, config: NeuralSettings | None = None) -> None:
        self.config = config or self.settings()
        self._fitted: Fitted | None = None

    def estimate(self, size: DatasetSize, run: RunOptions) -> Cost:
        """Return what a fit costs, and the answers to ``size.queries`` queries."""
        return training_cost(size, self.config, run)

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        """Train on the interactions; deterministic for a seed on one thread.

        Raises
        ------
        ConfigError
            If the dataset has vectors, but none of the configured encoder.
        UsageError
            If there is no such device.
        CapacityError
            If memory is not enough.
        CrossrecError
            If training diverges.
        """
        self._fitted = trained(self.name, dataset, self.config, run).fitted

    def refit(self, dataset: Dataset, run: RunOptions) -> None:
        """Train on all events for as many epochs as validation chose; nothing is held out.

        Where nothing could be trained at the fit nothing was chosen: then this is one.

        Raises
        ------
        ConfigError, UsageError, CapacityError, CrossrecError
            As `fit` does.
        """
        before = self._trained
        if before.events == events_digest(dataset):
            return
        if not before.epochs and not before.start:
            self.fit(dataset, run)
        else:
            self._fitted = self._again(before, dataset, run)

    def _again(self, before: Fitted, dataset: Dataset, run: RunOptions) -> Fitted:
        """Return a model that was trained as `before` was, on other events."""
        return retrained(self.name, before, dataset, run)

    def generate(self, queries: QueryBatch, k: int) -> Candidates:
        """Return the best ≤ k items with evidence, for queries with a history."""
        fitted = self._trained
        parts = []
        for rows in queries.blocks(block_rows(len(fitted.known))) or [np.zeros(0, np.int64)]:
            block = queries if len(rows) == len(queries) else queries.take(rows)
            exclude = self._excluded(block).within(len(fitted.known))
            parts.append(top_k(fitted.all_scores(block), k, exclude))
        return Candidates.stack(parts, self.name)

    def score(self, queries: QueryBatch, index: IntArray) -> FloatArray:
        """Return the scores of given items, float32 (n, m); NaN where there is no evidence."""
        fitted = self._trained
        inside = (index != PAD) & (index < len(fitted.known))
        scores = np.full(index.shape, np.nan, dtype=np.float32)
        size = max(1, _CELLS // max(index.shape[1] * fitted.table.shape[1], 1))
        for rows in queries.blocks(size):
            block = queries if len(rows) == len(queries) else queries.take(rows)
            scores[rows] = fitted.some_scores(block, np.where(inside[rows], index[rows], 0))
        barred = np.zeros(index.shape, dtype=bool)
        if not fitted.comes_back:
            barred = queries.history.contains(index)
        scores[~inside | barred] = np.nan
        return scores

    def add_items(self, dataset: Dataset) -> None:
        """Take in new items by text and tags; nothing is trained.

        Raises
        ------
        DataError
            If their vectors have another width than those of the fit.
        """
        settings = self._trained.model.settings
        encoder = settings.encoder if settings.inputs.text else ""
        self._fitted = self._trained.grown(dataset, encoder)

    def report(self) -> SourceReport:
        """Return how training went: epochs, losses, validation ndcg@10."""
        fitted = self._trained
        epochs = [
            {"loss": round(one.loss, 4), "ndcg": one.ndcg, "seconds": round(one.seconds, 2)}
            for one in fitted.epochs
        ]
        line = "nothing to train on"
        if fitted.epochs:
            line = f"{len(epochs)} epochs, that of epoch {fitted.best + 1} serves"
            if fitted.best < 0:
                line = f"{len(epochs)} epochs, none better than no training"
            elif (best := fitted.epochs[fitted.best]).ndcg is not None:
                line += f": ndcg@10 {best.ndcg:.4f} on held-out events"
        if fitted.refitted:
            line += "; then trained on all events for as many"
        values = {"epochs": epochs, "best": fitted.best + 1, "refitted": fitted.refitted}
        return SourceReport(values, (line,))

    def state(self) -> State:
        """Return what was learnt."""
        return self._trained.state()

    def restore(self, state: State, catalog: Catalog) -> None:
        """Take back what `state` returned."""
        self._fitted = Fitted.restored(state, self.settings)

    def _excluded(self, queries: QueryBatch) -> Ragged:
        """Return what may not be answered: also the history, where people don't come back to it."""
        if self._trained.comes_back or queries.exclude is queries.history:
            return queries.exclude
        rows = [
            np.union1d(queries.exclude.row(at), queries.history.row(at))
            for at in range(len(queries))
        ]
        return Ragged.from_rows(rows)

    @property
    def _trained(self) -> Fitted:
        if self._fitted is None:
            raise NotFittedError(
                f"source {self.name!r} is not fitted: run `crossrec fit` or call fit() first"
            )
        return self._fitted
