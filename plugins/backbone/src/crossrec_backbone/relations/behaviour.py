"""Behaviour relations between items, counted or solved from events, as sparse rows.

`co_occurrence`
    co-occurrence cosine, shrunk: ``c_ij / (√(c_ii c_jj) + s)``
`transitions`
    directed transitions: how often j follows i, nearer ones more, per departure from i
`ease`
    EASE
`prior_ease`
    prior-EASE
`smoothed`
    co-occurrence smoothed over the text graph on both sides: what neighbours of i and neighbours
    of j have to do with each other

Rows are history items, columns candidates. Without events there is no relation but `prior_ease`,
which is then the text graph itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from crossrec.components.state import State, pack_sparse, unpack_sparse
from crossrec.components.threads import in_threads
from crossrec.numeric.ragged import FloatArray, Ragged
from crossrec.numeric.sparse import keep_largest, keep_top, wider
from numpy.typing import NDArray

from crossrec_backbone.relations.config import BehaviourConfig
from crossrec_backbone.relations.prior_ease import PriorEase, co_occurrence, near_pairs

BEHAVIOUR_RELATIONS = ("co_occurrence", "transitions", "ease", "prior_ease", "smoothed")

#: Text neighbours that take part in smoothing.
_SMOOTHING = 20
#: Entries of a row of C Kᵀ that are kept at least.
_NARROWEST = 50
#: Multiplications of a block of a product.
_PRODUCTS = 1 << 24
#: A mean position is drawn towards the middle as by so many events there.
_LATE_PRIOR = 3.0


@dataclass(frozen=True, eq=False)
class Behaviour:
    """What is counted and solved from the events of a catalogue.

    Attributes
    ----------
    relations : mapping of relation to scipy CSR, float32, shape (n, n)
    joint : scipy CSR, float32, shape (n, n)
        In how many histories two items are found together, for the pairs of `co_occurrence`.
    popularity : float32 array, shape (n,)
        Histories that hold the item.
    late : float32 array, shape (n,)
        Mean relative position in the histories, 0 first and 1 last; 0.5 where unknown.
    n_events : int
        Distinct (user, item) pairs behind all this.
    """

    relations: Mapping[str, Any]
    joint: Any
    popularity: FloatArray
    late: FloatArray
    n_events: int

    @property
    def n_items(self) -> int:
        """Number of items."""
        return len(self.popularity)

    @property
    def percentile(self) -> FloatArray:
        """Share of the catalogue that is less popular, ties at their middle, float32 (n,)."""
        ordered = np.sort(self.popularity)
        below = np.searchsorted(ordered, self.popularity, side="left")
        upto = np.searchsorted(ordered, self.popularity, side="right")
        share = (below + upto) / (2 * max(self.n_items, 1))
        return share.astype(np.float32) if self.n_events else np.zeros(self.n_items, np.float32)

    def extended(self, n_items: int, graph: Any) -> Behaviour:
        """Return the same over more items: they have no events, and only the graph in `prior_ease`.

        `graph` holds the rows of the new items, (n_items, n_items).
        """
        added = n_items - self.n_items
        relations = {name: wider(matrix, n_items) for name, matrix in self.relations.items()}
        relations["prior_ease"] = (relations["prior_ease"] + graph).tocsr().astype(np.float32)
        return Behaviour(
            relations,
            wider(self.joint, n_items),
            np.concatenate([self.popularity, np.zeros(added, dtype=np.float32)]),
            np.concatenate([self.late, np.full(added, 0.5, dtype=np.float32)]),
            self.n_events,
        )

    def state(self) -> State:
        """Return arrays and values for an artifact."""
        arrays: dict[str, NDArray[Any]] = {"popularity": self.popularity, "late": self.late}
        for name, matrix in {**self.relations, "joint": self.joint}.items():
            arrays |= pack_sparse(name, matrix)
        return State(arrays, {"relations": list(self.relations), "n_events": self.n_events})

    @classmethod
    def restored(cls, state: State) -> Behaviour:
        """Return what `state` describes."""
        return cls(
            {name: unpack_sparse(name, state.arrays) for name in state.values["relations"]},
            unpack_sparse("joint", state.arrays),
            state.arrays["popularity"],
            state.arrays["late"],
            int(state.values["n_events"]),
        )


def count_behaviour(
    sequences: Ragged, graph: Any, prior: PriorEase, config: BehaviourConfig, threads: int = 1
) -> Behaviour:
    """Count and collect all behaviour relations.

    Memory and time are linear in the pairs of items that share a history, and quadratic in the
    length of a history.

    Parameters
    ----------
    sequences : Ragged
        Histories, oldest first.
    graph : scipy CSR, float32, shape (n, n)
        The text graph, for `smoothed`.
    prior : PriorEase
        Fitted on the same sequences.
    """
    n = graph.shape[0]
    distinct = sequences.distinct(last=True)
    joint = co_occurrence(distinct, n)
    popularity = joint.diagonal().astype(np.float32)
    joint.setdiag(0.0)
    joint.eliminate_zeros()
    relations = {"prior_ease": prior.weights}
    cosine = _cosine(joint, popularity, config.shrinkage)
    kept = config.kept_in(n)
    if len(distinct.values):
        top = keep_top(cosine, kept)
        relations["co_occurrence"] = top
        relations["transitions"] = keep_top(transitions(distinct, n, config), kept)
        relations["ease"] = prior.ease
        relations["smoothed"] = smoothed(cosine, graph, kept, config.products, threads)
        joint = joint.multiply(top != 0).tocsr()
    return Behaviour(
        {name: relations[name] for name in BEHAVIOUR_RELATIONS if name in relations},
        joint.astype(np.float32),
        popularity,
        mean_position(distinct, n),
        len(distinct.values),
    )


def transitions(sequences: Ragged, n_items: int, config: BehaviourConfig) -> Any:
    """Return directed transitions as scipy CSR, float32 (n, n).

    Each pair at most ``config.window`` apart adds ``gap_decay ** (items between)`` to the row of
    the earlier item; rows are divided by departures plus shrinkage. A transition graph in the
    manner of TGH (arXiv 2605.07125), without its further terms.
    """
    from scipy.sparse import diags

    item, longest = sequences.values, int(sequences.lengths.max(initial=0))
    reach = min(config.window, max(longest - 1, 0))
    total = near_pairs(sequences, [config.gap_decay**step for step in range(reach)], n_items)
    last = sequences.indptr[1:][sequences.lengths > 0] - 1
    departures = np.bincount(item, minlength=n_items) - np.bincount(item[last], minlength=n_items)
    return (diags(1.0 / (departures + max(config.shrinkage, 1e-6))) @ total).tocsr()


def smoothed(cosine: Any, graph: Any, kept: int, products: int, threads: int = 1) -> Any:
    """Return K C Kᵀ, the largest entries of each row; K is half the item, half its neighbours.

    Parameters
    ----------
    products : int
        Multiplications that each of the two products may take. With more pairs or items, fewer
        neighbours of each item take part, and of C Kᵀ only the largest entries of each row.
    """
    from scipy.sparse import diags, identity

    n = cosine.shape[0]
    neighbours = max(1, min(_SMOOTHING, products // max(cosine.nnz, 1) - 1))
    graph = keep_top(graph, neighbours)
    mass = np.asarray(graph.sum(axis=1)).ravel()
    spread = diags(np.where(mass > 0, 0.5 / np.maximum(mass, 1e-12), 0.0)) @ graph
    smoother = (spread + 0.5 * identity(n, format="csr")).tocsr().astype(np.float32)
    widest = max(_NARROWEST, products // max(n * (neighbours + 1), 1))
    across = _product(cosine, smoother.T.tocsr(), widest, threads)
    return _product(smoother, across, kept, threads, own=False)


def _product(left: Any, right: Any, kept: int, threads: int, *, own: bool = True) -> Any:
    """Return the `kept` largest entries of each row of a product; without `own` no diagonal."""
    from scipy.sparse import csr_matrix, vstack

    n = left.shape[0]
    work = np.concatenate([[0.0], np.cumsum(np.diff(right.indptr)[left.indices])])[left.indptr]
    bounds = [0]
    while bounds[-1] < n:
        stop = int(np.searchsorted(work, work[bounds[-1]] + _PRODUCTS, side="right")) - 1
        bounds.append(min(max(stop, bounds[-1] + 1), n))

    def part(rows: tuple[int, int]) -> Any:
        start, stop = rows
        block = left[start:stop] @ right
        if not own:
            row = np.repeat(np.arange(start, stop), np.diff(block.indptr))
            block.data[block.indices == row] = 0.0
        best = keep_largest(block, kept, start)
        best.sort_indices()
        return best

    parts = in_threads(part, list(pairwise(bounds)), threads)
    return vstack([csr_matrix((0, n), dtype=np.float32), *parts], format="csr")


def mean_position(sequences: Ragged, n_items: int) -> FloatArray:
    """Return the mean relative position of each item, drawn to 0.5, float32 (n,)."""
    lengths = sequences.lengths[sequences.row_of]
    place = np.arange(len(sequences.values)) - np.repeat(sequences.indptr[:-1], sequences.lengths)
    placed = lengths > 1  # in a history of one item there is neither first nor last
    relative = place[placed] / (lengths[placed] - 1)
    item = sequences.values[placed]
    total = 0.5 * _LATE_PRIOR + np.bincount(item, weights=relative, minlength=n_items)
    count = _LATE_PRIOR + np.bincount(item, minlength=n_items)
    return (total / count).astype(np.float32)


def _cosine(joint: Any, popularity: FloatArray, shrinkage: float) -> Any:
    """Return the shrunk co-occurrence cosine of a matrix of joint counts."""
    pairs = joint.tocoo()
    scale = np.sqrt(popularity[pairs.row] * popularity[pairs.col]) + shrinkage
    pairs.data = (pairs.data / scale).astype(np.float32)
    return pairs.tocsr()
