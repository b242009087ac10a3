"""The plain methods that the backbone has to beat: content, EASE, their blend, counts."""

from __future__ import annotations

from typing import Any

import numpy as np
from crossrec.components.ndcg import target_gains
from crossrec.components.query import QueryBatch
from crossrec.numeric.ragged import FloatArray, IntArray
from crossrec.numeric.sparse import block_rows
from crossrec.numeric.standard import standardised
from numpy.typing import NDArray

from crossrec_backbone.relations.scores import behaviour_scores, decayed_history
from crossrec_backbone.relations.statistics import Statistics

PLAIN = ("content", "EASE", "fixed blend", "prior-EASE", "co-occurrence", "popularity")
#: Weight of content in the fixed blend of standardised scores.
_FIXED = np.float32(2.0)
#: Method → the relation whose rows it adds up over the history.
_BY_RELATION = {"EASE": "ease", "prior-EASE": "prior_ease", "co-occurrence": "co_occurrence"}
#: What content is compared by: the first of these that the catalogue has.
_CONTENT = ("text_dense", "title_dense", "text_words", "title_words")


def plain_scores(
    statistics: Statistics, queries: QueryBatch, methods: tuple[str, ...] = PLAIN
) -> dict[str, FloatArray]:
    """Return the scores of the whole catalogue under each method, float32 (n, n_items).

    Dense: call it in blocks. A method for which the catalogue has no data is left out. Under the
    fixed blend what a query excludes has the score 0.
    """
    relations, config = statistics.behaviour.relations, statistics.config
    decayed = decayed_history(queries, statistics.n_items, config.history)
    out: dict[str, FloatArray] = {}
    blend = "fixed blend" in methods
    wanted = {*methods, "EASE", "content"} if blend else set(methods)
    for method, relation in _BY_RELATION.items():
        if method in wanted and relation in relations:
            matrix = relations[relation]
            out[method] = behaviour_scores(matrix, queries, config.history, decayed)
    content = _content(statistics, decayed) if "content" in wanted else None
    if content is not None:
        out["content"] = content
    if blend and "EASE" in out and content is not None:
        candidates = np.ones(content.shape, dtype=bool)
        candidates[queries.exclude.row_of, queries.exclude.values] = False
        scaled = [standardised(scores, candidates) for scores in (out["EASE"], content)]
        out["fixed blend"] = scaled[0] + _FIXED * scaled[1]
    if "popularity" in methods and statistics.behaviour.n_events:
        popular = np.broadcast_to(statistics.behaviour.popularity, decayed.shape)
        out["popularity"] = popular.astype(np.float32)
    return {method: out[method] for method in methods if method in out}


def plain_gains(
    statistics: Statistics, queries: QueryBatch, targets: IntArray
) -> dict[str, NDArray[np.float64]]:
    """Return ndcg@10 of every query over the whole catalogue, for each plain method."""
    gains: dict[str, NDArray[np.float64]] = {}
    for rows in queries.blocks(max(1, block_rows(statistics.n_items) // 8)):
        part = queries.take(rows)
        for method, scores in plain_scores(statistics, part).items():
            own = gains.setdefault(method, np.zeros(len(queries)))
            own[rows] = target_gains(scores, targets[rows], part.exclude)
    return gains


def _content(statistics: Statistics, decayed: Any) -> FloatArray | None:
    """Return the dense text similarity to the decayed history; over words without vectors."""
    relations = statistics.text.relations
    name = next((name for name in _CONTENT if name in relations.spread), None)
    if name is None:
        return None
    factor = relations.factor(name)
    product = (decayed @ factor) @ factor.T
    scores = product if name in relations.dense else product.toarray()
    return np.asarray(scores, dtype=np.float32)
