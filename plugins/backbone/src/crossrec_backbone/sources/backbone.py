"""The candidate generator `backbone`: everything of this room in one source.

A query is answered from the fitted statistics: candidates are proposed, their columns computed and
the parts added up as the adapter says. Nothing is trained for a new event or a new item; an event
stands in the history of the next query, and an item joins by its text.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, replace

import numpy as np
from crossrec.components.candidates import PAD, Candidates
from crossrec.components.evidence import Evidence
from crossrec.components.protocols import SourceReport
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.components.topk import top_k
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.errors import NotFittedError
from crossrec.numeric.ragged import FloatArray, IntArray
from crossrec.numeric.sparse import block_rows
from numpy.typing import NDArray

from crossrec_backbone.adaptation.adapter import Adapter, AdapterConfig, fit_adapter
from crossrec_backbone.adaptation.baselines import plain_scores
from crossrec_backbone.adaptation.gate import MIXTURE
from crossrec_backbone.adaptation.repeats import exclude_history
from crossrec_backbone.adaptation.report import lines
from crossrec_backbone.adaptation.select_encoder import select_encoder
from crossrec_backbone.pretrained.encoder_weights import AdaptedEncoder, with_adapted
from crossrec_backbone.pretrained.library import open_named
from crossrec_backbone.ranking.candidates import propose
from crossrec_backbone.ranking.examples import Groups
from crossrec_backbone.ranking.features import compute, has_evidence
from crossrec_backbone.relations.statistics import BackboneConfig, Statistics
from crossrec_backbone.sources import explain
from crossrec_backbone.sources.closed_forms import check_vectors

log = logging.getLogger("crossrec")

#: Queries whose columns are in memory at once.
_BLOCK = 256


class BackboneSourceConfig(BackboneConfig):
    """Settings of the source `backbone`.

    Attributes
    ----------
    backbone : str
        Name of a pretrained backbone, or the path of its folder; "" runs without pretraining.
    family : str
        Family of domains of this scenario; chooses the head where no events can.
    adapter : AdapterConfig
    """

    backbone: str = ""
    family: str = ""
    adapter: AdapterConfig = AdapterConfig()

    @property
    def encoder(self) -> str:
        """The encoder whose vectors are read."""
        return self.text.encoder

    @property
    def below(self) -> BackboneConfig:
        """The settings of relations and closed forms alone."""
        return BackboneConfig(**{name: getattr(self, name) for name in BackboneConfig.model_fields})


class BackboneSource:
    """Relations, closed forms, the pretrained head and the adapter, as one candidate generator."""

    name = "backbone"

    def __init__(self, config: BackboneSourceConfig | None = None) -> None:
        self.config = config or BackboneSourceConfig()
        self._catalog: Catalog | None = None
        self._statistics: Statistics | None = None
        self._adapter: Adapter | None = None
        self._encoder: AdaptedEncoder | None = None

    def report(self) -> SourceReport:
        """Return what the adapter learnt, and what was left out and why."""
        values = self._fitted[1].report
        return SourceReport(values, tuple(lines(values)))

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        """Relate the items, count the events, and learn how the parts add up here.

        Raises
        ------
        UsageError
            If there is no backbone of the configured name.
        ArtifactError
            If it is damaged or of a newer format.
        ConfigError
            If the dataset has vectors, but none of the configured encoder.
        """
        below = self.config.below
        check_vectors(self.name, dataset, below)
        backbone = open_named(self.config.backbone, run.pretrained)
        dataset, self._encoder, choice = select_encoder(dataset, backbone, below, run)
        adapter = fit_adapter(
            dataset,
            backbone,
            below,
            run,
            family=self.config.family,
            settings=self.config.adapter,
        )
        if choice is not None:
            adapter = replace(adapter, report={**adapter.report, "encoder": asdict(choice)})
        self._statistics = Statistics.fit(dataset, below)
        self._adapter, self._catalog = adapter, dataset.catalog
        log.info("backbone: weights %s", adapter.report["weights"])

    def add_items(self, dataset: Dataset) -> None:
        """Take in the items that `dataset` has behind the fitted ones, without training."""
        statistics, adapter = self._fitted
        if self._encoder is not None:
            text, start = self.config.text, statistics.n_items
            dataset = with_adapted(dataset, self._encoder.encoder(), text, RunOptions(), start)
        self._statistics = statistics.extended(dataset)
        self._adapter, self._catalog = adapter, dataset.catalog

    def generate(self, queries: QueryBatch, k: int) -> Candidates:
        """Return the best ≤ k items; none where there is no history to relate to."""
        statistics, adapter = self._fitted
        queries = exclude_history(queries, adapter.repeats)
        size = _BLOCK
        if adapter.serves != MIXTURE:
            size = max(1, block_rows(statistics.n_items) // 4)
        parts = [self._best(queries.take(rows), k) for rows in queries.blocks(size)]
        return Candidates.stack(parts, self.name) if parts else Candidates.empty(0, self.name)

    def score(self, queries: QueryBatch, index: NDArray[np.int64]) -> FloatArray:
        """Return the score of given items, float32 (n, m); NaN at PAD and without evidence.

        Items outside a query's own candidates are set on the scale of those.
        """
        statistics, adapter = self._fitted
        out = np.full(index.shape, np.nan, dtype=np.float32)
        for rows in queries.blocks(_BLOCK):
            part, wanted = queries.take(rows), index[rows]
            if adapter.serves != MIXTURE:
                dense = self._plain(part)
                found = np.take_along_axis(dense, np.maximum(wanted, 0), axis=1)
                out[rows] = np.where(wanted == PAD, np.nan, found)
                continue
            for i in range(len(part)):
                out[rows[i]] = self._scores_of(part.take(np.array([i])), wanted[i])
        return out

    def explain(self, queries: QueryBatch, index: NDArray[np.int64]) -> list[Evidence | None]:
        """Return the history items that speak for each item, with joint counts or shared words."""
        statistics, adapter = self._fitted
        assert self._catalog is not None
        history = queries.history.row(0)[-self.config.history.limit :]
        if not len(history) or not len(index):
            return [None] * len(index)
        relations, pairs = statistics.text.relations, statistics.text_pairs
        weights = explain.history_weights(history, self.config.history)
        total = explain.text_contributions(
            pairs, relations, statistics.mixture, weights, index, history
        )
        matrix = statistics.behaviour.relations["prior_ease"]
        total += adapter.mixture.kappa * explain.behaviour_contributions(
            matrix, weights, index, history
        )
        counts = explain.joint_counts(statistics.behaviour.joint, index, history)
        phrases = explain.text_phrases(self._catalog, relations, pairs, index, history)
        phrases = explain.behaviour_phrases(counts, phrases)
        return explain.evidence(total, history, index, phrases)

    def state(self) -> State:
        """Return statistics and adapter: arrays, and JSON values with the rankers' text."""
        statistics, adapter = self._fitted
        state = statistics.state()
        values = {"statistics": dict(state.values), "adapter": adapter.values()}
        if self._encoder is None:
            return State(state.arrays, values)
        arrays, told = self._encoder.packed()
        return State({**state.arrays, **arrays}, {**values, "encoder": told})

    def restore(self, state: State, catalog: Catalog) -> None:
        """Take back what `state` returned; arrays may be read-only memory maps."""
        self._statistics = Statistics.restored(State(state.arrays, state.values["statistics"]))
        self._adapter = Adapter.restored(state.values["adapter"])
        self._encoder = AdaptedEncoder.restored(state)
        self._catalog = catalog

    def _best(self, queries: QueryBatch, k: int) -> Candidates:
        """Answer one block of queries."""
        statistics, adapter = self._fitted
        if adapter.serves != MIXTURE:
            return top_k(self._plain(queries), k, queries.exclude, source=self.name)
        index = propose(statistics, queries, kappa=adapter.mixture.kappa)
        scores = self._mixture(queries, index)
        scores[np.isnan(scores)] = -np.inf
        width = min(k, index.shape[1])
        order = np.argsort(-scores, axis=1, kind="stable")[:, :width]
        score = np.take_along_axis(scores, order, axis=1)
        best = np.where(np.isfinite(score), np.take_along_axis(index, order, axis=1), PAD)
        used = int((best != PAD).sum(axis=1).max(initial=0))
        mean, std = _moments(scores)
        return Candidates(best[:, :used], score[:, :used], self.name, mean, std)

    def _mixture(self, queries: QueryBatch, index: IntArray) -> FloatArray:
        """Return the mixture's scores of given candidates; NaN without evidence."""
        statistics, adapter = self._fitted
        columns = compute(statistics, queries, index)
        groups = Groups(index, columns, np.zeros(len(index), dtype=np.int64))
        scores = adapter.scores(groups)
        known = has_evidence(columns) & (queries.history.lengths > 0)[:, None]
        return np.where(known, scores, np.nan).astype(np.float32)

    def _scores_of(self, query: QueryBatch, wanted: IntArray) -> FloatArray:
        """Return the scores of given items for one query.

        The query's own candidates keep the scores that `generate` gives them; others are computed
        beside them, and moved to the same mean and spread.
        """
        statistics, adapter = self._fitted
        candidates = exclude_history(query, adapter.repeats)
        own = propose(statistics, candidates, kappa=adapter.mixture.kappa)
        scores = dict(zip(own[0].tolist(), self._mixture(query, own)[0].tolist(), strict=True))
        others = np.setdiff1d(wanted[wanted != PAD], own[0])
        if len(others):
            both = np.concatenate([own[0][own[0] != PAD], others])[None, :]
            told = self._mixture(query, both)[0]
            told = _rescaled(told, np.array([scores.get(int(item), np.nan) for item in both[0]]))
            for item, value in zip(both[0].tolist(), told.tolist(), strict=True):
                scores.setdefault(item, value)
        scores[PAD] = float("nan")
        return np.array([scores.get(int(item), np.nan) for item in wanted], dtype=np.float32)

    def _plain(self, queries: QueryBatch) -> FloatArray:
        """Return the scores of the plain method that serves, over the whole catalogue."""
        statistics, adapter = self._fitted
        scores = plain_scores(statistics, queries, (adapter.serves,))[adapter.serves]
        scores[queries.history.lengths == 0] = np.nan
        if adapter.serves != "fixed blend":
            scores[scores == 0] = np.nan
        return scores

    @property
    def _fitted(self) -> tuple[Statistics, Adapter]:
        if self._statistics is None or self._adapter is None:
            raise NotFittedError(f"{self.name} is not fitted: call fit or restore first")
        return self._statistics, self._adapter


def _moments(scores: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return mean and spread of the finite scores of each row."""
    finite = np.isfinite(scores)
    count = np.maximum(finite.sum(axis=1), 1)
    clean = np.where(finite, scores, 0.0)
    mean = clean.sum(axis=1) / count
    spread = np.where(finite, clean - mean[:, None], 0.0)
    return mean.astype(np.float32), np.sqrt((spread**2).sum(axis=1) / count).astype(np.float32)


def _rescaled(told: FloatArray, known: FloatArray) -> FloatArray:
    """Move scores so that those also in `known` have the mean and spread that they have there."""
    both = np.isfinite(told) & np.isfinite(known)
    if both.sum() < 2:
        return told
    spread = float(told[both].std())
    factor = float(known[both].std()) / spread if spread > 1e-9 else 1.0
    moved = (told - told[both].mean()) * factor + known[both].mean()
    return np.asarray(moved, dtype=np.float32)
