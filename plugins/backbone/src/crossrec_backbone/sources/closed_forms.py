"""The closed forms of events as candidate generators: each serves and explains without training.

`prior-ease` reads events through the text graph; `text-behaviour` adds the text consensus on the
raw scale.
"""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from crossrec.components.candidates import PAD, Candidates
from crossrec.components.cost import Cost, DatasetSize
from crossrec.components.evidence import Evidence
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.state import State, pack_sparse, unpack_sparse
from crossrec.components.threads import threads_of
from crossrec.components.topk import top_k
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.event_change import EventChange
from crossrec.errors import NotFittedError, RefitNeededError
from crossrec.numeric.ragged import FloatArray, IntArray
from crossrec.numeric.sparse import block_rows, wider
from numpy.typing import NDArray
from pydantic import Field

from crossrec_backbone.adaptation.behaviour_weight import choose_kappa
from crossrec_backbone.relations.pairs import TextPairs
from crossrec_backbone.relations.scores import (
    behaviour_scores,
    consensus_weights,
    text_scores,
    weighted_history,
)
from crossrec_backbone.relations.statistics import BackboneConfig, TextSide, check_vectors
from crossrec_backbone.relations.text import TextRelations
from crossrec_backbone.relations.text_graph import text_graph
from crossrec_backbone.sources import explain
from crossrec_backbone.sources.costs import closed_form_cost
from crossrec_backbone.sources.solved import JointEvents, Solved, solved

log = logging.getLogger("crossrec")


class ClosedFormConfig(BackboneConfig):
    """Settings of the closed-form sources.

    Attributes
    ----------
    choose_kappa : bool
        `text-behaviour` only: choose the weight of behaviour by cross-validation; otherwise
        ``consensus.kappa`` is used.
    update_pairs : int
        Where at most so many pairs of items share a history (each pair in both directions), their
        sums are kept, 16 bytes each, and new events are learnt without a fit. Of more none is kept,
        and new events wait for the next fit.
    """

    choose_kappa: bool = True
    update_pairs: int = Field(4_000_000, ge=0)

    @property
    def encoder(self) -> str:
        """The encoder whose vectors are read."""
        return self.text.encoder


class _ClosedForm:
    """What both sources share: blocks of dense scores, state, explanations."""

    name = ""
    _uses_text = True

    def __init__(self, config: ClosedFormConfig | None = None) -> None:
        self.config = config or ClosedFormConfig()
        self._catalog: Catalog | None = None
        self._relations: TextRelations | None = None
        self._pairs: TextPairs | None = None
        self._weights: Any = None
        self._joint: Any = None
        self._counts = np.zeros(0, dtype=np.float32)
        self._events: JointEvents | None = None
        self.kappa = self.config.consensus.kappa

    def estimate(self, size: DatasetSize, run: RunOptions) -> Cost:
        """Return what a fit costs, and the answers to ``size.queries`` queries."""
        chooses = self._uses_text and self.config.choose_kappa
        return closed_form_cost(
            size,
            self.config.prior,
            self.config.graph,
            chooses_kappa=chooses,
            texts=self._uses_text,
        )

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        """Relate the items and solve for their weights.

        Raises
        ------
        ConfigError
            If the dataset has vectors, but none of the configured encoder.
        """
        check_vectors(self.name, dataset, self.config.text)
        self.kappa = self.config.consensus.kappa
        text = self._solve(dataset, threads_of(run))
        if self._uses_text and self.config.choose_kappa:
            choice = choose_kappa(dataset.sequences, text, self.config, run)
            self.kappa = choice.kappa
            log.info(
                "%s: weight of behaviour %g by %d users", self.name, choice.kappa, choice.users
            )

    def refit(self, dataset: Dataset, run: RunOptions) -> None:
        """Solve on other events of the same catalogue; the weight of behaviour stays as chosen.

        Raises
        ------
        ConfigError
            If the dataset has vectors, but none of the configured encoder.
        """
        check_vectors(self.name, dataset, self.config.text)
        self._solve(dataset, threads_of(run))

    def add_items(self, dataset: Dataset) -> None:
        """Relate the items that follow the fitted ones in `dataset`, without a solve.

        What has no event is tied to the others by the text graph alone, and to the less the more
        events these have: ``λ / (events + λ)`` of it is left, the Jacobi step of prior-EASE.
        """
        before = self._fitted[1].n_items
        relations = self._fitted[1].extended(dataset.catalog, dataset.vectors)
        rows, _ = text_graph(relations, self.config.graph, before)
        self._weights = joined_by_text(self._weights, rows, self._counts, self.config.prior.reg)
        self._joint = wider(self._joint, relations.n_items)
        added = np.zeros(relations.n_items - before, dtype=np.float32)
        self._counts = np.concatenate([self._counts, added])
        if self._events is not None:
            self._events = self._events.with_items(rows)
        self._set(dataset.catalog, relations)

    def update(self, change: EventChange) -> None:
        """Solve for the weights anew, from the sums over histories without and with the change.

        What texts say, and the weight of behaviour against it, stay as they were chosen at the fit.
        Takes as long as one solve of a fit.
        """
        if self._events is None:
            raise RefitNeededError(
                f"{self.name} kept no sums to learn new events from: there were more than "
                f"update_pairs = {self.config.update_pairs:,}; run `crossrec fit`"
            )
        known = self._fitted[1].n_items
        if known < change.n_items:
            raise RefitNeededError(
                f"{self.name} does not know {change.n_items - known} of the items yet: run "
                "`crossrec fit`"
            )
        prior = self.config.prior
        self._take(self._events.changed(change, prior).solve(prior, self.config.update_pairs))

    def forget(self, change: EventChange) -> None:
        """Solve for the weights anew without the users' histories."""
        self.update(change)

    def generate(self, queries: QueryBatch, k: int) -> Candidates:
        """Return the best ≤ k items; none where nothing is related to the history."""
        blocks = [queries.take(rows) for rows in queries.blocks(self._block_rows)]
        if not blocks:
            return Candidates.empty(len(queries), self.name)
        parts = [top_k(self._scores(block), k, block.exclude) for block in blocks]
        return Candidates.stack(parts, self.name)

    def score(self, queries: QueryBatch, index: IntArray) -> FloatArray:
        """Return the score of given items, float32 (n, m); NaN at PAD and without evidence."""
        out = np.full(index.shape, np.nan, dtype=np.float32)
        for rows in queries.blocks(self._block_rows):
            scores, wanted = self._scores(queries.take(rows)), index[rows]
            picked = np.take_along_axis(scores, np.maximum(wanted, 0), axis=1)
            out[rows] = np.where(wanted == PAD, np.nan, picked)
        return out

    def explain(self, queries: QueryBatch, index: IntArray) -> list[Evidence | None]:
        """Return the history items that contribute most, with joint counts or shared words."""
        catalog, relations = self._fitted
        weighted = weighted_history(queries, relations.n_items, self.config.history)
        history, weights = weighted.items.row(0), weighted.of(0)
        if not len(history) or not len(index):
            return [None] * len(index)
        related = explain.RelatedTexts.of(self._text_pairs, index, history)
        total = explain.behaviour_contributions(self._weights, weights, index, history)
        if self._uses_text:
            mixture = consensus_weights(relations, self.config.consensus.weights)
            total = self.kappa * total + related.contributions(relations, mixture, weights)
        counts = explain.joint_counts(self._joint, index, history)
        texts = explain.TextPhrases(catalog, relations, index, history, related.similar)
        return explain.evidence(total, history, explain.JointPhrases(counts, texts))

    def state(self) -> State:
        """Return the relations and the item-item weights."""
        relations = self._fitted[1].state()
        arrays: dict[str, NDArray[Any]] = dict(relations.arrays)
        arrays |= pack_sparse("weights", self._weights)
        arrays |= pack_sparse("joint", self._joint)
        arrays["counts"] = self._counts
        arrays |= self._events.arrays() if self._events is not None else {}
        return State(arrays, {"relations": dict(relations.values), "kappa": self.kappa})

    def restore(self, state: State, catalog: Catalog) -> None:
        """Take back what `state` returned; arrays may be read-only memory maps."""
        self._set(catalog, TextRelations.restored(State(state.arrays, state.values["relations"])))
        self.kappa = float(state.values["kappa"])
        self._weights = unpack_sparse("weights", state.arrays)
        self._joint = unpack_sparse("joint", state.arrays)
        self._counts = state.arrays["counts"]
        self._events = JointEvents.from_arrays(state.arrays)

    def _scores(self, queries: QueryBatch) -> FloatArray:
        """Return dense scores, NaN where there is no evidence."""
        relations, config = self._fitted[1], self.config
        scores = behaviour_scores(self._weights, queries, config.history)
        if self._uses_text:
            scores = self.kappa * scores
            scores += text_scores(relations, queries, config.consensus, config.history)
            scores[scores == 0] = np.nan
        else:
            scores[scores <= 0] = np.nan  # a negative weight alone proposes nothing
        return scores

    def _solve(self, dataset: Dataset, threads: int) -> TextSide:
        """Relate the items and solve for their weights; return what texts say."""
        text = TextSide.fit(dataset, self.config, threads)
        self._set(dataset.catalog, text.relations)
        self._take(solved(dataset, text, self.config, self.config.update_pairs))
        return text

    def _take(self, found: Solved) -> None:
        self._weights, self._joint, self._counts = found.weights, found.joint, found.counts
        self._events = found.events

    def _set(self, catalog: Catalog, relations: TextRelations) -> None:
        self._catalog, self._relations = catalog, relations
        self._pairs = None

    @property
    def _block_rows(self) -> int:
        return block_rows(self._fitted[1].n_items)

    @property
    def _text_pairs(self) -> TextPairs:
        if self._pairs is None:
            self._pairs = TextPairs(self._fitted[1])
        return self._pairs

    @property
    def _fitted(self) -> tuple[Catalog, TextRelations]:
        if self._catalog is None or self._relations is None:
            raise NotFittedError(f"{self.name} is not fitted: call fit or restore first")
        return self._catalog, self._relations


class PriorEaseSource(_ClosedForm):
    """Item-item weights that start as the text graph and end as EASE."""

    name = "prior-ease"
    _uses_text = False


class TextBehaviourSource(_ClosedForm):
    """Text consensus plus prior-EASE: texts where events are few, events where they are many."""

    name = "text-behaviour"


def joined_by_text(weights: Any, rows: Any, counts: FloatArray, reg: float) -> Any:
    """Return item-item weights with further items that have no events.

    Parameters
    ----------
    weights : scipy CSR, shape (n, n)
    rows : scipy CSR, shape (m, m)
        The text graph, of which only the rows of the new items are filled.
    counts : float32 array, shape (n,)
        Histories that hold each of the items before.
    """
    from scipy.sparse import diags

    before, n_items = len(counts), rows.shape[0]
    left = np.zeros(n_items, dtype=np.float32)
    left[:before] = reg / (counts + reg)
    towards = diags(left) @ rows.T
    return (wider(weights, n_items) + rows + towards).tocsr().astype(np.float32)
