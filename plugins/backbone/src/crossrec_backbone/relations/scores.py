"""Text consensus, prior-EASE's scores, and their raw-scale sum.

Consensus T of a candidate c, over relations r with spread σ_r (see `TextRelations.spread`)::

    T(c) = Σ_r a_r · cos(q_r, c) / σ_r + b_r · cos(last, c) / σ_r

where q_r is the recency-decayed sum of the history under r. Relations are set on one scale by what
a similarity is worth in this catalogue, without a pass over it for each query: T is one dot product
per relation. Dividing by the length of q_r does for the decayed part what a z-score over all
candidates does, within the noise of validation.

The sum is ``A = T + κ · S`` with ``S(c) = Σ_h decay^age(h) · B[h, c]``. S is not standardised, so
behaviour weighs in as evidence grows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from crossrec.components.history import WeightedHistory, weigh
from crossrec.components.query import QueryBatch
from crossrec.numeric.ragged import FloatArray

from crossrec_backbone.relations.config import ConsensusConfig, HistoryConfig, TextRelation
from crossrec_backbone.relations.text import TextRelations


def consensus_weights(
    relations: TextRelations, weights: Mapping[TextRelation, tuple[float, float]]
) -> dict[str, tuple[float, float]]:
    """Return (decayed, last) of the relations of a catalogue, scaled to the configured total."""
    total = sum(a + b for a, b in weights.values())
    present = {name: pair for name, pair in weights.items() if name in relations.spread}
    found = sum(a + b for a, b in present.values())
    scale = total / found if found else 0.0
    return {name: (a * scale, b * scale) for name, (a, b) in present.items()}


def weighted_history(queries: QueryBatch, n_items: int, config: HistoryConfig) -> WeightedHistory:
    """Weigh each history by ``decay ** age``, not averaged: 1 for the last item."""
    return weigh(queries, n_items, decay=config.decay, limit=config.limit, average=False)


def decayed_history(queries: QueryBatch, n_items: int, config: HistoryConfig) -> Any:
    """Return queries × items as scipy CSR: the sums of `weighted_history`."""
    return weighted_history(queries, n_items, config).matrix


def text_scores(
    relations: TextRelations, queries: QueryBatch, config: ConsensusConfig, history: HistoryConfig
) -> FloatArray:
    """Return T of the whole catalogue, float32 (n_queries, n_items); 0 without any similarity."""
    from scipy.sparse import csr_matrix

    n = relations.n_items
    sums = decayed_history(queries, n, history)
    last = queries.last_items()
    filled = np.flatnonzero(last >= 0)
    ones = np.ones(len(filled), dtype=np.float32)
    latest = csr_matrix((ones, (filled, last[filled])), shape=(len(queries), n))
    out = np.zeros((len(queries), n), dtype=np.float32)
    for name, (a, b) in consensus_weights(relations, config.weights).items():
        factor, spread = relations.factor(name), relations.spread[name]
        query = _scaled(sums @ factor, a / spread)
        if b:
            query = query + latest @ factor * (b / spread)
        product = query @ factor.T
        out += product if name in relations.dense else product.toarray()
    return out


def behaviour_scores(
    weights: Any, queries: QueryBatch, history: HistoryConfig, decayed: Any | None = None
) -> FloatArray:
    """Return S of the whole catalogue, float32 (n_queries, n_items).

    `decayed` is `decayed_history` of the queries where it is known already.
    """
    if decayed is None:
        decayed = decayed_history(queries, weights.shape[0], history)
    return np.asarray((decayed @ weights).toarray(), dtype=np.float32)


def _scaled(query: Any, length: float) -> Any:
    """Scale the rows of a dense or sparse matrix to `length`; zero rows stay zero."""
    from scipy.sparse import diags, issparse

    if issparse(query):
        norm = np.sqrt(np.asarray(query.multiply(query).sum(axis=1)).ravel())
        factor = np.where(norm > 1e-9, length / np.maximum(norm, 1e-9), 0.0)
        return (diags(factor.astype(np.float32)) @ query).tocsr()
    norm = np.linalg.norm(query, axis=1, keepdims=True)
    return query * np.where(norm > 1e-9, length / np.maximum(norm, 1e-9), 0.0).astype(np.float32)
