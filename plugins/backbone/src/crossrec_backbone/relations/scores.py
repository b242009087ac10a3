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

from typing import Any

import numpy as np
from crossrec.components.query import QueryBatch
from crossrec.numeric.ragged import FloatArray

from crossrec_backbone.relations.config import ConsensusConfig, HistoryConfig
from crossrec_backbone.relations.text import TextRelations


def consensus_weights(
    relations: TextRelations, config: ConsensusConfig
) -> dict[str, tuple[float, float]]:
    """Return (decayed, last) of the relations that are there, scaled to the configured total."""
    total = sum(a + b for a, b in config.weights.values())
    present = {name: pair for name, pair in config.weights.items() if name in relations.spread}
    found = sum(a + b for a, b in present.values())
    scale = total / found if found else 0.0
    return {name: (a * scale, b * scale) for name, (a, b) in present.items()}


def decay_weights(length: int, config: HistoryConfig) -> FloatArray:
    """Return ``decay ** age`` of the last `length` items, oldest first, float32."""
    ages = np.arange(length - 1, -1, -1, dtype=np.float32)
    return np.power(np.float32(config.decay), ages)


def decayed_history(queries: QueryBatch, n_items: int, config: HistoryConfig) -> Any:
    """Return queries × items as scipy CSR: decayed sums, 1 for the last item; not averaged."""
    from scipy.sparse import diags

    mean = queries.profile(n_items, decay=config.decay, limit=config.limit)
    lengths = np.minimum(queries.history.lengths, config.limit)
    sums = np.concatenate([[0.0], np.cumsum(decay_weights(config.limit, config)[::-1])])
    return (diags(sums[lengths].astype(np.float32)) @ mean).tocsr()


def text_scores(
    relations: TextRelations, queries: QueryBatch, config: ConsensusConfig, history: HistoryConfig
) -> FloatArray:
    """Return T of the whole catalogue, float32 (n_queries, n_items); 0 where nothing is told."""
    from scipy.sparse import csr_matrix

    n = relations.n_items
    decayed = decayed_history(queries, n, history)
    last = queries.last_items()
    filled = np.flatnonzero(last >= 0)
    ones = np.ones(len(filled), dtype=np.float32)
    latest = csr_matrix((ones, (filled, last[filled])), shape=(len(queries), n))
    out = np.zeros((len(queries), n), dtype=np.float32)
    for name, (a, b) in consensus_weights(relations, config).items():
        factor, spread = relations.factor(name), relations.spread[name]
        query = _scaled(decayed @ factor, a / spread)
        if b:
            query = query + latest @ factor * (b / spread)
        product = query @ factor.T
        out += product if name in relations.dense else product.toarray()
    return out


def behaviour_scores(
    weights: Any, queries: QueryBatch, history: HistoryConfig, decayed: Any | None = None
) -> FloatArray:
    """Return S of the whole catalogue, float32 (n_queries, n_items)."""
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
