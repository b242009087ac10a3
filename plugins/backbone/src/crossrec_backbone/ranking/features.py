"""The columns: what a ranker sees of a candidate. One definition for training, serving, explaining.

No ids and no vectors: only relations between history and candidate, the amount of evidence behind
them, and what the closed forms make of them. So a ranker over these columns means the same on any
catalogue.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from crossrec.components.candidates import PAD
from crossrec.components.query import QueryBatch
from crossrec.numeric.ragged import FloatArray, IntArray
from numpy.typing import NDArray

from crossrec_backbone.relations.behaviour import BEHAVIOUR_RELATIONS
from crossrec_backbone.relations.scores import weighted_history
from crossrec_backbone.relations.statistics import Statistics


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes
    ----------
    name : str
    family : str
        "text", "behaviour", "closed form", "item" or "history".
    needs : str
        What a catalogue must have for it to hold anything: "vectors", "texts", "titles",
        "categories", "creators" or "events".
    description : str
    """

    name: str
    family: str
    needs: str
    description: str


_TEXT = {
    "title_dense": ("vectors", "title vectors"),
    "text_dense": ("vectors", "text vectors"),
    "title_words": ("titles", "words of the title"),
    "text_words": ("texts", "words of the text"),
    "title_grams": ("titles", "character n-grams of the title"),
    "categories": ("categories", "categories"),
    "creator": ("creators", "the creator"),
}
_BEHAVIOUR = {
    "co_occurrence": "co-occurrence cosine",
    "transitions": "directed transitions",
    "ease": "EASE weights",
    "prior_ease": "prior-EASE weights",
    "smoothed": "co-occurrence smoothed over the text graph",
}
_AGGREGATES = {
    "decayed": "with the decayed history",
    "last": "with the last item",
    "nearest": "with the nearest history item",
}
_OTHERS = (
    ("text_consensus", "closed form", "texts", "text consensus"),
    (
        "text_consensus.gap",
        "closed form",
        "texts",
        "its distance to the best candidate of the query",
    ),
    ("text_consensus.rank", "closed form", "texts", "log of its place among the candidates"),
    ("text_behaviour", "closed form", "events", "consensus plus prior-EASE on the raw scale"),
    (
        "text_behaviour.gap",
        "closed form",
        "events",
        "its distance to the best candidate of the query",
    ),
    ("text_behaviour.rank", "closed form", "events", "log of its place among the candidates"),
    ("prior_ease.rank", "closed form", "events", "log of the place by prior-EASE alone"),
    ("joint.sum", "behaviour", "events", "log of joint histories with all history items"),
    ("joint.last", "behaviour", "events", "log of joint histories with the last item"),
    ("popularity", "item", "events", "log of the histories that hold the candidate"),
    ("percentile", "item", "events", "share of the catalogue that is less popular"),
    ("late", "item", "events", "mean relative position in histories"),
    ("hubness", "item", "texts", "how readily the candidate looks like other items"),
    ("history.length", "history", "", "log of the length of the history"),
    ("history.known", "history", "events", "share of the history with events"),
    ("history.evidence", "history", "events", "log of the history's mean popularity"),
    ("history.coherence", "history", "texts", "mean word similarity of the last item to the rest"),
    (
        "history.nearest_to_last",
        "history",
        "vectors",
        "largest vector similarity of the last to the rest",
    ),
)


def _columns() -> tuple[Column, ...]:
    """Build the list of columns, in the order of the matrix."""
    text = [
        Column(f"{name}.{how}", "text", needs, f"similarity by {what} {_AGGREGATES[how]}")
        for name, (needs, what) in _TEXT.items()
        for how in _AGGREGATES
    ]
    behaviour = [
        Column(f"{name}.{how}", "behaviour", "events", f"{what} {_AGGREGATES[how]}")
        for name, what in _BEHAVIOUR.items()
        for how in _AGGREGATES
    ]
    return (*text, *behaviour, *(Column(*other) for other in _OTHERS))


#: Every column, in the order of `compute`'s last axis.
COLUMNS = _columns()
COLUMN_NAMES = tuple(column.name for column in COLUMNS)
_AT = {name: at for at, name in enumerate(COLUMN_NAMES)}

#: An item of which none of these columns has a value is no candidate.
_EVIDENCE = tuple(
    _AT[name]
    for name in (
        "text_consensus",
        "co_occurrence.decayed",
        "transitions.decayed",
        "ease.decayed",
        "prior_ease.decayed",
        "smoothed.decayed",
        "popularity",
    )
)

#: Queries whose relations are looked up together; more gain little and take more memory.
_TOGETHER = 32


def compute(statistics: Statistics, queries: QueryBatch, index: IntArray) -> FloatArray:
    """Compute all columns of given candidates.

    Parameters
    ----------
    index : int64 array, shape (n, m)
        Distinct items of each query, `PAD` allowed.

    Returns
    -------
    float32 array, shape (n, m, len(COLUMNS))
        NaN at `PAD`, in columns of text relations that the catalogue lacks, and in all relations of
        a query without history. Behaviour columns are 0 without events.
    """
    n, m = index.shape
    out = np.full((n, m, len(COLUMNS)), np.nan, dtype=np.float32)
    history = weighted_history(queries, statistics.n_items, statistics.config.history)
    valid = index != PAD
    for start in range(0, n, _TOGETHER):
        rows = range(start, min(start + _TOGETHER, n))
        pairs = [(history.items.row(i), index[i, valid[i]]) for i in rows]
        for i, one in zip(rows, _related(statistics, pairs), strict=True):
            out[i, valid[i]] = _one_query(statistics, one, history.of(i))
    return out


def joined(first: FloatArray, second: FloatArray) -> FloatArray:
    """Return the columns of two sets of candidates of the same queries, computed by `compute`.

    They are those that `compute` gives to both sets together: gaps and places among all, the other
    columns as they are.

    Parameters
    ----------
    first, second : float32 arrays, shapes (n, m, len(COLUMNS)) and (n, w, len(COLUMNS))
        The sets of a query have no item in common.

    Returns
    -------
    float32 array, shape (n, m + w, len(COLUMNS))
    """
    both = np.concatenate([first, second], axis=1)
    related = np.isfinite(both[:, :, _AT["text_consensus"]])
    for columns, known in zip(both, related, strict=True):
        if known.any():
            part = columns[known].T
            _fill_places(part)
            columns[known] = part.T
    return both


def has_evidence(columns: FloatArray) -> NDArray[np.bool_]:
    """Return for which candidates anything is known, bool (n, m), from columns (n, m, c)."""
    return np.asarray(np.nan_to_num(columns[:, :, _EVIDENCE]).any(axis=2))


@dataclass(frozen=True, eq=False)
class _Query:
    """One query with all that relates its history to its candidates.

    Attributes
    ----------
    text : float32 array, shape (relations, len(history), len(candidates) + len(history))
        The candidates, then the history itself.
    behaviour : float32 array, shape (relations, len(history), len(candidates))
    """

    history: IntArray
    candidates: IntArray
    text: FloatArray
    behaviour: FloatArray


def _related(
    statistics: Statistics, pairs: Sequence[tuple[IntArray, IntArray]]
) -> Iterator[_Query]:
    """Look up the relations of some queries, given as history and candidates."""
    items = [np.concatenate([candidates, history]) for history, candidates in pairs]
    text = statistics.text_pairs.blocks(items, [history for history, _ in pairs])
    for (history, candidates), block in zip(pairs, text, strict=True):
        behaviour = statistics.behaviour_pairs.pairs(candidates, history)
        yield _Query(history, candidates, block, behaviour)


def _one_query(statistics: Statistics, query: _Query, weights: FloatArray) -> FloatArray:
    """Compute the columns of one query's candidates, float32 (m, n_columns)."""
    history, candidates = query.history, query.candidates
    out = np.full((len(COLUMNS), len(candidates)), np.nan, dtype=np.float32)
    behaviour = statistics.behaviour
    out[_AT["popularity"]] = np.log1p(behaviour.popularity[candidates])
    out[_AT["percentile"]] = statistics.percentile[candidates]
    out[_AT["late"]] = behaviour.late[candidates]
    out[_AT["hubness"]] = statistics.text.hubness[candidates]
    out[_AT["history.length"]] = np.log1p(len(history))
    if len(history) and len(candidates):
        _fill_history(out, statistics, history)
        consensus = _fill_text(out, statistics, query, weights)
        behaved = _fill_behaviour(out, statistics, query, weights)
        out[_AT["text_consensus"]] = consensus
        kappa = statistics.config.consensus.kappa
        out[_AT["text_behaviour"]] = consensus + kappa * behaved
        _fill_places(out)
    return out.T


def _fill_text(
    out: FloatArray, statistics: Statistics, query: _Query, weights: FloatArray
) -> FloatArray:
    """Fill in the text columns and the history's coherence; return the consensus."""
    pairs, m = statistics.text_pairs, len(query.candidates)
    total = np.zeros(m, dtype=np.float32)
    if not pairs.names:
        return total
    among, block = query.text[:, :, m:], query.text[:, :, :m]
    spread = statistics.spreads
    length = np.sqrt(np.maximum(among @ weights @ weights, 1e-12))
    # Without BLAS, which would call other threads for a long history.
    decayed = np.einsum("h,rhm->rm", weights, block) / (length * spread)[:, None]
    last = block[:, -1] / spread[:, None]
    nearest = block.max(axis=1) / spread[:, None]
    mixture = statistics.mixture
    for at, name in enumerate(pairs.names):
        start = _AT[f"{name}.decayed"]
        out[start], out[start + 1], out[start + 2] = decayed[at], last[at], nearest[at]
        a, b = mixture.get(name, (0.0, 0.0))
        if a or b:
            total += a * decayed[at] + b * last[at]
    if len(query.history) > 1:
        _fill_coherence(out, pairs.names, among)
    return total


def _fill_coherence(out: FloatArray, names: tuple[str, ...], among: FloatArray) -> None:
    """Fill in how the last history item relates to the others."""
    if "text_words" in names:
        out[_AT["history.coherence"]] = among[names.index("text_words"), -1, :-1].mean()
    if "text_dense" in names:
        out[_AT["history.nearest_to_last"]] = among[names.index("text_dense"), -1, :-1].max()


def _fill_behaviour(
    out: FloatArray, statistics: Statistics, query: _Query, weights: FloatArray
) -> FloatArray:
    """Fill in the behaviour columns; return prior-EASE's scores."""
    pairs, block = statistics.behaviour_pairs, query.behaviour
    decayed = np.einsum("h,rhm->rm", weights, block)
    for name in BEHAVIOUR_RELATIONS:
        start = _AT[f"{name}.decayed"]
        if name in pairs.names:
            at = pairs.names.index(name)
            out[start], out[start + 1] = decayed[at], block[at, -1]
            out[start + 2] = block[at].max(axis=0)
        else:
            out[start : start + 3] = 0.0
    joint = block[-1]
    out[_AT["joint.sum"]] = np.log1p(joint.sum(axis=0))
    out[_AT["joint.last"]] = np.log1p(joint[-1])
    scores: FloatArray = decayed[pairs.names.index("prior_ease")]
    return scores


def _fill_history(out: FloatArray, statistics: Statistics, history: IntArray) -> None:
    """Fill in what is known of the history itself."""
    popularity = statistics.behaviour.popularity[history]
    out[_AT["history.known"]] = np.count_nonzero(popularity) / len(history)
    out[_AT["history.evidence"]] = np.log1p(popularity.sum() / len(history))


def _fill_places(out: FloatArray) -> None:
    """Fill in gaps to the best candidate and places among all, from the columns' own scores."""
    for name in ("text_consensus", "text_behaviour"):
        scores = out[_AT[name]]
        out[_AT[f"{name}.gap"]] = scores - scores.max()
        out[_AT[f"{name}.rank"]] = _log_place(scores)
    out[_AT["prior_ease.rank"]] = _log_place(out[_AT["prior_ease.decayed"]])


def _log_place(scores: FloatArray) -> FloatArray:
    """Return log(1 + place), where the best candidate has place 0 and equals share the better."""
    ordered = np.sort(-scores)
    return np.log1p(np.searchsorted(ordered, -scores, side="left")).astype(np.float32)
