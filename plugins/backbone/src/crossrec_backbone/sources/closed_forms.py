"""The closed forms as candidate generators: each serves alone, says why, and needs no training.

`text-consensus` needs item texts only, `prior-ease` adds events in closed form, `text-behaviour` is
their sum on the raw scale.
"""

from __future__ import annotations

import logging
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from crossrec.components.candidates import PAD, Candidates
from crossrec.components.evidence import Evidence
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.state import State, pack_sparse, unpack_sparse
from crossrec.components.topk import top_k
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.errors import ConfigError, NotFittedError
from crossrec.numeric.ragged import FloatArray
from crossrec.numeric.sparse import block_rows, wider
from numpy.typing import NDArray

from crossrec_backbone.adaptation.behaviour_weight import choose_kappa
from crossrec_backbone.relations.prior_ease import co_occurrence, fit_prior_ease
from crossrec_backbone.relations.scores import behaviour_scores, consensus_weights, text_scores
from crossrec_backbone.relations.statistics import BackboneConfig, TextSide
from crossrec_backbone.relations.text import TextRelations
from crossrec_backbone.relations.text_graph import text_graph
from crossrec_backbone.relations.text_pairs import TextPairs
from crossrec_backbone.sources import explain

log = logging.getLogger("crossrec")


class SourceConfig(BackboneConfig):
    """Settings of the closed-form sources.

    Attributes
    ----------
    choose_kappa : bool
        `text-behaviour` only: choose the weight of behaviour by cross-validation; otherwise
        ``consensus.kappa`` stands.
    """

    choose_kappa: bool = True

    @property
    def encoder(self) -> str:
        """The encoder whose vectors are read."""
        return self.text.encoder


class _ClosedForm:
    """What the three sources share: blocks of dense scores, state, explanations."""

    name = ""
    _uses_text = True
    _uses_events = True

    def __init__(self, config: SourceConfig | None = None) -> None:
        self.config = config or SourceConfig()
        self._catalog: Catalog | None = None
        self._relations: TextRelations | None = None
        self._pairs: TextPairs | None = None
        self._weights: Any = None
        self._joint: Any = None
        self._counts = np.zeros(0, dtype=np.float32)
        self.kappa = self.config.consensus.kappa

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        """Relate the items and, where the source reads events, solve for their weights.

        Raises
        ------
        ConfigError
            If the dataset has vectors, but none of the configured encoder.
        """
        check_vectors(self.name, dataset, self.config)
        self.kappa = self.config.consensus.kappa
        if self._uses_events:
            text = TextSide.fit(dataset, self.config)
            self._set(dataset.catalog, text.relations)
            self._weights, self._joint, self._counts = solved(dataset, text, self.config)
            if self._uses_text and self.config.choose_kappa:
                choice = choose_kappa(dataset.sequences, text, self.config, run)
                self.kappa = choice.kappa
                log.info(
                    "%s: weight of behaviour %g by %d users", self.name, choice.kappa, choice.users
                )
        else:
            self._set(dataset.catalog, TextSide.relations_of(dataset, self.config))

    def add_items(self, dataset: Dataset) -> None:
        """Relate the items that `dataset` has behind the fitted ones, without a solve.

        What has no event is tied to the others by the text graph alone, and to the less the more
        events these have: ``λ / (events + λ)`` of it is left, the Jacobi step of prior-EASE.
        """
        before = self._told_relations.n_items
        relations = self._told_relations.extended(dataset.catalog, dataset.vectors)
        if self._uses_events:
            rows, _ = text_graph(relations, self.config.graph, before)
            self._weights = joined_by_text(self._weights, rows, self._counts, self.config.prior.reg)
            self._joint = wider(self._joint, relations.n_items)
            added = np.zeros(relations.n_items - before, dtype=np.float32)
            self._counts = np.concatenate([self._counts, added])
        self._set(dataset.catalog, relations)

    def generate(self, queries: QueryBatch, k: int) -> Candidates:
        """Return the best ≤ k items; none where the history tells nothing."""
        parts = [
            top_k(self._scores(queries.take(rows)), k, queries.take(rows).exclude, source=self.name)
            for rows in queries.blocks(block_rows(self._told_relations.n_items))
        ]
        if not parts:
            return Candidates.empty(len(queries), self.name)
        return Candidates.stack(parts, self.name)

    def score(self, queries: QueryBatch, index: NDArray[np.int64]) -> FloatArray:
        """Return the score of given items, float32 (n, m); NaN at PAD and without evidence."""
        out = np.full(index.shape, np.nan, dtype=np.float32)
        for rows in queries.blocks(block_rows(self._told_relations.n_items)):
            scores = self._scores(queries.take(rows))
            wanted = index[rows]
            picked = np.take_along_axis(scores, np.maximum(wanted, 0), axis=1)
            out[rows] = np.where(wanted == PAD, np.nan, picked)
        return out

    def explain(self, queries: QueryBatch, index: NDArray[np.int64]) -> list[Evidence | None]:
        """Return the history items that speak for each item, with joint counts or shared words."""
        relations, catalog = self._told_relations, self._known_catalog
        limit = self.config.history.limit
        history = queries.history.row(0)[-limit:]
        if not len(history) or not len(index):
            return [None] * len(index)
        weights = explain.history_weights(history, self.config.history)
        total = np.zeros((len(history), len(index)), dtype=np.float32)
        pairs = self._text_pairs
        if self._uses_text:
            mixture = consensus_weights(relations, self.config.consensus)
            total += explain.text_contributions(pairs, relations, mixture, weights, index, history)
        phrases = explain.text_phrases(catalog, relations, pairs, index, history)
        if self._uses_events:
            scale = self.kappa if self._uses_text else 1.0
            total += scale * explain.behaviour_contributions(self._weights, weights, index, history)
            counts = explain.joint_counts(self._joint, index, history)
            phrases = explain.behaviour_phrases(counts, phrases)
        return explain.evidence(total, history, index, phrases)

    def state(self) -> State:
        """Return the relations and the item-item weights."""
        told = self._told_relations.state()
        arrays: dict[str, NDArray[Any]] = dict(told.arrays)
        if self._uses_events:
            arrays |= pack_sparse("weights", self._weights)
            arrays |= pack_sparse("joint", self._joint)
            arrays["counts"] = self._counts
        return State(arrays, {"relations": dict(told.values), "kappa": self.kappa})

    def restore(self, state: State, catalog: Catalog) -> None:
        """Take back what `state` returned; arrays may be read-only memory maps."""
        relations = TextRelations.restored(State(state.arrays, state.values["relations"]))
        self._set(catalog, relations)
        self.kappa = float(state.values["kappa"])
        if self._uses_events:
            self._weights = unpack_sparse("weights", state.arrays)
            self._joint = unpack_sparse("joint", state.arrays)
            self._counts = state.arrays.get("counts", np.zeros(len(catalog), dtype=np.float32))

    def _scores(self, queries: QueryBatch) -> FloatArray:
        """Return dense scores, NaN where there is no evidence."""
        relations, config = self._told_relations, self.config
        scores = np.zeros((len(queries), relations.n_items), dtype=np.float32)
        if self._uses_text:
            scores += text_scores(relations, queries, config.consensus, config.history)
        if self._uses_events:
            behaved = behaviour_scores(self._weights, queries, config.history)
            scores += (self.kappa if self._uses_text else 1.0) * behaved
        if not self._uses_text:
            scores[scores <= 0] = np.nan  # a negative weight alone proposes nothing
        scores[scores == 0] = np.nan
        return scores

    def _set(self, catalog: Catalog, relations: TextRelations) -> None:
        self._catalog, self._relations = catalog, relations
        self._pairs = None

    @property
    def _text_pairs(self) -> TextPairs:
        if self._pairs is None:
            self._pairs = TextPairs(self._told_relations)
        return self._pairs

    @property
    def _told_relations(self) -> TextRelations:
        if self._relations is None:
            raise NotFittedError(f"{self.name} is not fitted: call fit or restore first")
        return self._relations

    @property
    def _known_catalog(self) -> Catalog:
        if self._catalog is None:
            raise NotFittedError(f"{self.name} is not fitted: call fit or restore first")
        return self._catalog


class TextConsensusSource(_ClosedForm):
    """What reads like the history, by every text relation in turn; needs no event at all."""

    name = "text-consensus"
    _uses_events = False


class PriorEaseSource(_ClosedForm):
    """Item-item weights that start as the text graph and end as EASE."""

    name = "prior-ease"
    _uses_text = False


class TextBehaviourSource(_ClosedForm):
    """Text consensus plus prior-EASE: texts where events are few, events where they are many."""

    name = "text-behaviour"


def check_vectors(name: str, dataset: Dataset, config: BackboneConfig) -> None:
    """Refuse vectors of another encoder; say that words stand alone where there are none."""
    encoder = config.text.encoder
    if encoder in dataset.vectors or not encoder:
        return
    if dataset.vectors:
        known = ", ".join(dataset.vectors)
        raise ConfigError(
            f"{name}: no vectors of encoder {encoder!r}; set text.encoder to one of: {known}"
        )
    log.warning("%s: no vectors of encoder %r, so only words are compared", name, encoder)


def joined_by_text(weights: Any, rows: Any, counts: FloatArray, reg: float) -> Any:
    """Return item-item weights with items behind that have no events.

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


def solved(dataset: Dataset, text: TextSide, config: BackboneConfig) -> tuple[Any, Any, FloatArray]:
    """Return prior-EASE's weights, the joint counts behind them, and each item's histories.

    Kept for as long as the dataset lives: sources that are fitted side by side share one solve.
    """
    key = (config.prior, config.graph, config.text)
    with _LOCK:
        known = _SOLVED.setdefault(dataset, {})
        if key not in known:
            prior = fit_prior_ease(dataset.sequences, text.graph, config.prior)
            joint = co_occurrence(dataset.sequences, dataset.n_items)
            counts = joint.diagonal().astype(np.float32)
            joint.setdiag(0.0)
            joint.eliminate_zeros()
            known[key] = (prior.weights, joint.multiply(prior.weights != 0).tocsr(), counts)
        return known[key]


_LOCK = Lock()
_SOLVED: WeakKeyDictionary[Dataset, dict[Any, tuple[Any, Any, FloatArray]]] = WeakKeyDictionary()
