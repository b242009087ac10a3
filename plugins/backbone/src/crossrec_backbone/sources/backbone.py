"""The candidate generator `backbone`: everything of this package in one source.

A query is answered from the fitted statistics: candidates are proposed, their columns computed and
the parts added up with the adapter's weights. Nothing is trained for a new event or a new item; an
event is part of the history of the next query, and an item joins by its text.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np
from crossrec.components.candidates import PAD, Candidates
from crossrec.components.cost import Cost, DatasetSize
from crossrec.components.evidence import Evidence
from crossrec.components.protocols import SourceReport
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.components.threads import threads_of
from crossrec.components.topk import padded, top_k
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.errors import NotFittedError
from crossrec.numeric.ragged import FloatArray, IntArray
from crossrec.numeric.sparse import block_rows

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
from crossrec_backbone.ranking.features import compute, has_evidence, joined
from crossrec_backbone.ranking.shortlist import LARGE_ITEMS, LEAST_ITEMS, Shortlist
from crossrec_backbone.relations.scores import weighted_history
from crossrec_backbone.relations.statistics import BackboneConfig, Statistics, check_vectors
from crossrec_backbone.sources import explain
from crossrec_backbone.sources.costs import backbone_cost
from crossrec_backbone.sources.scored import ScoredCandidates, rescaled

log = logging.getLogger("crossrec")

#: Queries whose columns are in memory at once.
_BLOCK = 256
#: The columns of a batch of so many queries are kept with it: tens of megabytes.
_KEPT = 512


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


@dataclass(frozen=True, eq=False)
class _Fitted:
    """Everything that a query is answered from.

    Attributes
    ----------
    scored : mapping of batch to ScoredCandidates, for as long as the batch lives
        Candidates are generated, and scored together with those of other sources: their columns are
        computed once.
    """

    statistics: Statistics
    adapter: Adapter
    catalog: Catalog
    encoder: AdaptedEncoder | None
    scored: WeakKeyDictionary[QueryBatch, ScoredCandidates] = field(
        default_factory=WeakKeyDictionary
    )

    @cached_property
    def shortlist(self) -> Shortlist:
        """The statistics, laid out for single queries."""
        return Shortlist(self.statistics)

    def laid_out(self) -> _Fitted:
        """Lay out now what single queries read: in a large catalogue longer than they may take."""
        if self.adapter.serves == MIXTURE and self.statistics.n_items >= LEAST_ITEMS:
            self.shortlist.prepare()
        return self


class BackboneSource:
    """Relations, closed forms, the pretrained head and the adapter, as one candidate generator."""

    name = "backbone"

    def __init__(self, config: BackboneSourceConfig | None = None) -> None:
        self.config = config or BackboneSourceConfig()
        self._state: _Fitted | None = None

    def report(self) -> SourceReport:
        """Return what the adapter learnt, and what was left out and why."""
        values = self._fitted.adapter.report
        return SourceReport(values, tuple(lines(values)))

    def estimate(self, size: DatasetSize, run: RunOptions) -> Cost:
        """Return what a fit costs, and the answers to ``size.queries`` queries."""
        config = self.config
        adapter = config.adapter.at(run.effort)
        return backbone_cost(size, config.prior, config.graph, adapter)

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
        check_vectors(self.name, dataset, below.text)
        backbone = open_named(self.config.backbone, run.pretrained)
        dataset, encoder, choice = select_encoder(dataset, backbone, below, run)
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
        statistics = Statistics.fit(dataset, below, threads=threads_of(run))
        self._state = _Fitted(statistics, adapter, dataset.catalog, encoder)
        log.info("backbone: weights %s", adapter.report["weights"])

    def refit(self, dataset: Dataset, run: RunOptions) -> None:
        """Count other events of the same catalogue; the adapter and the encoder stay as chosen.

        Raises
        ------
        ConfigError
            If the dataset has vectors, but none of the configured encoder.
        """
        before, below = self._fitted, self.config.below
        check_vectors(self.name, dataset, below.text)
        if before.encoder is not None:
            dataset = with_adapted(dataset, before.encoder.encoder(), below.text, run)
        statistics = Statistics.fit(dataset, below, threads=threads_of(run))
        self._state = _Fitted(statistics, before.adapter, dataset.catalog, before.encoder)

    def add_items(self, dataset: Dataset) -> None:
        """Take in the items that follow the fitted ones in `dataset`, without training."""
        before = self._fitted
        if before.encoder is not None:
            text, start = self.config.text, before.statistics.n_items
            dataset = with_adapted(dataset, before.encoder.encoder(), text, RunOptions(), start)
        statistics = before.statistics.extended(dataset)
        self._state = _Fitted(
            statistics, before.adapter, dataset.catalog, before.encoder
        ).laid_out()

    def generate(self, queries: QueryBatch, k: int) -> Candidates:
        """Return the best ≤ k items; none where there is no history to relate to."""
        fitted = self._fitted
        if fitted.adapter.serves == MIXTURE:
            return self._scored(queries).best(k, self.name)
        size = max(1, block_rows(fitted.statistics.n_items) // 4)
        open_ = exclude_history(queries, fitted.adapter.repeats)
        blocks = [open_.take(rows) for rows in open_.blocks(size)]
        parts = [top_k(self._plain(block), k, block.exclude) for block in blocks]
        return Candidates.stack(parts, self.name) if parts else Candidates.empty(0, self.name)

    def score(self, queries: QueryBatch, index: IntArray) -> FloatArray:
        """Return the score of given items, float32 (n, m); NaN at PAD and without evidence.

        A query's own candidates keep the scores that `generate` gives them. Items outside them are
        computed together with them, and moved to the same mean and spread.
        """
        out = np.full(index.shape, np.nan, dtype=np.float32)
        serves_mixture = self._fitted.adapter.serves == MIXTURE
        for rows in queries.blocks(_BLOCK):
            if serves_mixture:
                out[rows] = self._score_block(queries, rows, index[rows])
                continue
            dense, wanted = self._plain(queries.take(rows)), index[rows]
            found = np.take_along_axis(dense, np.maximum(wanted, 0), axis=1)
            out[rows] = np.where(wanted == PAD, np.nan, found)
        return out

    def explain(self, queries: QueryBatch, index: IntArray) -> list[Evidence | None]:
        """Return the history items that contribute most, with joint counts or shared words."""
        fitted = self._fitted
        statistics, relations = fitted.statistics, fitted.statistics.text.relations
        weighted = weighted_history(queries, statistics.n_items, self.config.history)
        history, weights = weighted.items.row(0), weighted.of(0)
        if not len(history) or not len(index):
            return [None] * len(index)
        related = explain.RelatedTexts.of(statistics.text_pairs, index, history)
        behaviour = dict(
            zip(
                statistics.behaviour_pairs.names,
                statistics.behaviour_pairs.pairs(index, history),
                strict=True,
            )
        )
        total = related.contributions(relations, statistics.mixture, weights)
        total += fitted.adapter.mixture.kappa * weights[:, None] * behaviour["prior_ease"]
        texts = explain.TextPhrases(fitted.catalog, relations, index, history, related.similar)
        return explain.evidence(total, history, explain.JointPhrases(behaviour["joint"], texts))

    def state(self) -> State:
        """Return statistics and adapter: arrays, and JSON values with the rankers' text."""
        fitted = self._fitted
        state = fitted.statistics.state()
        values = {"statistics": dict(state.values), "adapter": fitted.adapter.values()}
        if fitted.encoder is None:
            return State(state.arrays, values)
        arrays, encoder = fitted.encoder.packed()
        return State({**state.arrays, **arrays}, {**values, "encoder": encoder})

    def restore(self, state: State, catalog: Catalog) -> None:
        """Take back what `state` returned; arrays may be read-only memory maps."""
        self._state = _Fitted(
            Statistics.restored(State(state.arrays, state.values["statistics"])),
            Adapter.restored(state.values["adapter"]),
            catalog,
            AdaptedEncoder.restored(state),
        ).laid_out()

    def _scored(self, queries: QueryBatch) -> ScoredCandidates:
        """Return the candidates and scores of a batch, computed once."""
        fitted = self._fitted
        scored = fitted.scored.get(queries)
        if scored is None:
            scored = fitted.scored[queries] = self._compute(queries)
        return scored

    def _compute(self, queries: QueryBatch) -> ScoredCandidates:
        """Propose candidates and score them, in blocks."""
        statistics, adapter = self._fitted.statistics, self._fitted.adapter
        open_ = exclude_history(queries, adapter.repeats)
        index = self._proposed(open_)
        scores = np.full(index.shape, np.nan, dtype=np.float32)
        kept = []
        for rows in queries.blocks(_BLOCK):
            columns = compute(statistics, queries.take(rows), index[rows])
            scores[rows] = self._mixture(queries.history.lengths[rows], index[rows], columns)
            if len(queries) <= _KEPT:
                kept.append(columns)
        return ScoredCandidates(index, scores, np.concatenate(kept) if kept else None)

    def _proposed(self, open_: QueryBatch) -> IntArray:
        """Return candidates: of a batch in dense passes, of a single query by what it needs.

        In a large catalogue the queries of a batch are single ones.
        """
        fitted = self._fitted
        kappa, n_items = fitted.adapter.mixture.kappa, fitted.statistics.n_items
        if n_items >= LARGE_ITEMS:
            return fitted.shortlist.propose_each(open_, kappa)
        known = weighted_history(open_, n_items, self.config.history).items.values
        if len(open_) == 1 and len(known) and n_items >= LEAST_ITEMS:
            return fitted.shortlist.propose(open_, kappa)
        return propose(fitted.statistics, open_, kappa=kappa)

    def _mixture(self, lengths: IntArray, index: IntArray, columns: FloatArray) -> FloatArray:
        """Return the mixture's scores of given candidates; NaN without evidence.

        `lengths` are those of the histories, (n,).
        """
        groups = Groups(index, columns, np.zeros(len(index), dtype=np.int64))
        scores = self._fitted.adapter.scores(groups)
        known = has_evidence(columns) & (lengths > 0)[:, None]
        return np.where(known, scores, np.nan).astype(np.float32)

    def _score_block(self, queries: QueryBatch, rows: IntArray, wanted: IntArray) -> FloatArray:
        """Return the scores of given items for some of the queries."""
        scored = self._scored(queries)
        index, scores = scored.index[rows], scored.scores[rows]
        places = [_places(own, items) for own, items in zip(index, wanted, strict=True)]
        others = [
            np.unique(items[(place < 0) & (items != PAD)])
            for place, items in zip(places, wanted, strict=True)
        ]
        if any(map(len, others)):
            index, scores = self._beside(queries.take(rows), scored, rows, padded(others))
            places = [_places(both, items) for both, items in zip(index, wanted, strict=True)]
        out = np.full(wanted.shape, np.nan, dtype=np.float32)
        for i, place in enumerate(places):
            known = place >= 0
            out[i, known] = scores[i, place[known]]
        return out

    def _beside(
        self, queries: QueryBatch, scored: ScoredCandidates, rows: IntArray, more: IntArray
    ) -> tuple[IntArray, FloatArray]:
        """Return own candidates and further items, and the scores of both on the own scale."""
        statistics = self._fitted.statistics
        own = scored.index[rows]
        columns = (
            compute(statistics, queries, own) if scored.columns is None else scored.columns[rows]
        )
        both = np.concatenate([own, more], axis=1)
        together = joined(columns, compute(statistics, queries, more))
        scores = self._mixture(queries.history.lengths, both, together)
        known = scored.scores[rows]
        for i in range(len(both)):
            moved = rescaled(scores[i], known[i])
            moved[: own.shape[1]] = known[i]
            scores[i] = moved
        return both, scores

    def _plain(self, queries: QueryBatch) -> FloatArray:
        """Return the scores of the plain method that serves, over the whole catalogue."""
        statistics, adapter = self._fitted.statistics, self._fitted.adapter
        scores = plain_scores(statistics, queries, (adapter.serves,))[adapter.serves]
        scores[queries.history.lengths == 0] = np.nan
        if adapter.serves != "fixed blend":
            scores[scores == 0] = np.nan
        return scores

    @property
    def _fitted(self) -> _Fitted:
        if self._state is None:
            raise NotFittedError(f"{self.name} is not fitted: call fit or restore first")
        return self._state


def _places(index: IntArray, wanted: IntArray) -> IntArray:
    """Return where each wanted item stands among some distinct ones; -1 where it does not."""
    if not len(index):
        return np.full(wanted.shape, -1, dtype=np.int64)
    order = np.argsort(index, kind="stable")
    place = order[np.minimum(np.searchsorted(index, wanted, sorter=order), len(index) - 1)]
    return np.where((index[place] == wanted) & (wanted != PAD), place, -1)
