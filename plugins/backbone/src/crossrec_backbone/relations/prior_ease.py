"""Prior-EASE: item-item weights that start as the text graph and end as plain EASE.

With G the (proximity-weighted) co-occurrence matrix of the histories and P the text graph::

    B = argmin tr[(I − B)ᵀ G (I − B)] + λ ‖B − P‖²,  diag B = 0

which for ``G = XᵀX`` is ``‖X − XB‖² + λ‖B − P‖²``. With ``Q = (G + λI)⁻¹``::

    B = I − λQ + λQP − Q·diag(m),  m such that diag B = 0

At no events B is P; at P = 0 it is EASE (Steck, WWW 2019). Its raw weights show by themselves how
much they are worth: they are small while events are few, so they are never standardised.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from crossrec.numeric.ragged import FloatArray, IntArray, Ragged
from crossrec.numeric.ridge import ridge_inverse
from crossrec.numeric.sparse import block_rows, keep_top, sparse_rows, top_entries
from numpy.typing import NDArray

from crossrec_backbone.relations.config import PriorConfig

#: Pairs that are summed at once.
_PAIRS = 1 << 22
#: With at most so many cells, and pairs for an eighth of them, a whole table is counted in: a sum
#: of sparse matrices takes ten times as long where half of the cells are filled, as in ML-1M.
_CELLS = 1 << 25


@dataclass(frozen=True, eq=False)
class PriorEase:
    """Fitted item-item weights.

    Attributes
    ----------
    weights : scipy CSR, float32, shape (n, n)
        B: row = item of the history, column = candidate; the largest ``config.kept`` of each row.
    ease : scipy CSR, float32, shape (n, n)
        The same with P = 0: plain EASE with the same λ.
    items : int64 array, shape (a,)
        The items of the exact solve, ascending.
    """

    weights: Any
    ease: Any
    items: IntArray


def co_occurrence(sequences: Ragged, n_items: int, proximity: float = 1.0) -> Any:
    """Return G as scipy CSR, float32 (n, n), symmetric.

    Two items of one history add ``proximity ** distance``, an item with itself 1. The sum is cut
    where what remains can no longer cost G its positive definiteness. An item twice in one history
    counts once, at its last place.
    """
    from scipy.sparse import csr_matrix, diags

    distinct = sequences.distinct(last=True)
    row, item = distinct.row_of, distinct.values
    if proximity == 1.0:
        ones = np.ones(len(item), dtype=np.float32)
        matrix = csr_matrix((ones, (row, item)), shape=(len(sequences), n_items))
        return (matrix.T @ matrix).tocsr()
    reach = _reach(proximity, int(distinct.lengths.max(initial=0)))
    half = near_pairs(distinct, [proximity**step for step in range(1, reach + 1)], n_items)
    diagonal = diags(np.bincount(item, minlength=n_items).astype(np.float32))
    return (half + half.T + diagonal).tocsr()


def near_pairs(sequences: Ragged, values: Sequence[float], n_items: int) -> Any:
    """Return what pairs of items add up to, as scipy CSR, float32 (n, n).

    An item and one `d` places later in the same row add ``values[d - 1]`` to the row of the
    earlier one.
    """
    from scipy.sparse import coo_matrix, csr_matrix

    shape = (n_items, n_items)
    pairs = len(sequences.values) * len(values)
    if n_items**2 <= min(_CELLS, 8 * pairs):
        table = np.zeros(n_items**2)
        for earlier, later, value in _batches(sequences, values):
            table += np.bincount(earlier * n_items + later, value, n_items**2)
        return csr_matrix(table.reshape(shape).astype(np.float32))
    total = csr_matrix(shape, dtype=np.float32)
    for earlier, later, value in _batches(sequences, values):
        total = total + coo_matrix((value.astype(np.float32), (earlier, later)), shape).tocsr()
    return total


def _batches(
    sequences: Ragged, values: Sequence[float]
) -> Iterator[tuple[IntArray, IntArray, NDArray[np.float64]]]:
    """Yield earlier items, later items and values, many distances at once."""
    row, item = sequences.row_of, sequences.values
    parts: list[tuple[IntArray, IntArray, NDArray[np.float64]]] = []
    waiting = 0
    for distance, value in enumerate(values, 1):
        same = np.flatnonzero(row[distance:] == row[:-distance])
        parts.append((item[same], item[same + distance], np.full(len(same), value)))
        waiting += len(same)
        if waiting >= _PAIRS:
            yield _concatenated(parts)
            parts, waiting = [], 0
    if parts:
        yield _concatenated(parts)


def _concatenated(
    parts: list[tuple[IntArray, IntArray, NDArray[np.float64]]],
) -> tuple[IntArray, IntArray, NDArray[np.float64]]:
    """Put the columns below one another."""
    earlier, later, value = (np.concatenate(part) for part in zip(*parts, strict=True))
    return earlier, later, value


def fit_prior_ease(sequences: Ragged, graph: Any, config: PriorConfig) -> PriorEase:
    """Count how the items occur together in histories, oldest first, and solve for the weights.

    Parameters
    ----------
    graph : scipy CSR, float32, shape (n, n)
        P: zero diagonal.
    """
    return solve_prior_ease(
        co_occurrence(sequences, graph.shape[0], config.proximity), graph, config
    )


def solve_prior_ease(gram: Any, graph: Any, config: PriorConfig) -> PriorEase:
    """Solve for the weights.

    Items without events cost nothing: their rows are the graph's. Up to ``config.solved_in(n)``
    items with events enter the solve, cubic in time (4,000 items: a few seconds; 20,000: minutes)
    and ``4·a²`` bytes; the most popular ones where there are more. Of the rest, a column is the
    exact regression on the solved items, and a row takes one Jacobi step from the prior,
    ``(G + λP) / (G_ii + λ)``, which is blind to what its partners explain among themselves.

    Parameters
    ----------
    gram, graph : scipy CSR, float32, shape (n, n)
        G and P.
    """
    counts = gram.diagonal()
    seen = np.flatnonzero(counts > 0)
    head = np.sort(seen[np.argsort(-counts[seen], kind="stable")[: config.solved_in(len(counts))]])
    tail = np.setdiff1d(seen, head, assume_unique=True)
    inverse = ridge_inverse(gram[head][:, head], config.reg)
    weights, ease = _rows(inverse, head, graph, gram, tail, config)
    return PriorEase(weights, ease, head)


def _reach(proximity: float, longest: int) -> int:
    """Return the distance from which on pairs are left out.

    The full kernel's least eigenvalue is (1 − p)/(1 + p); what is cut may take half of it.
    """
    if proximity == 0.0:
        return 0
    slack = (1 - proximity) ** 2 / (4 * (1 + proximity))
    return min(max(int(np.ceil(np.log(slack) / np.log(proximity))), 1), max(longest - 1, 0))


def _rows(
    inverse: FloatArray, head: IntArray, graph: Any, gram: Any, tail: IntArray, config: PriorConfig
) -> tuple[Any, Any]:
    """Return the largest weights of every row, with the prior and without."""
    n, reg = graph.shape[0], config.reg
    most = config.kept_in(n)
    prior = graph[head].tocsr()
    diagonal = np.diagonal(inverse).copy()
    multiplier = (1 - reg * diagonal + reg * _diagonal_product(inverse, prior, head)) / diagonal
    target, counted = (reg * prior).T.tocsr(), gram[head][:, tail].T.tocsr()
    met = np.flatnonzero(np.diff(counted.indptr))
    counted, tail_met = counted[met], tail[met]
    # No other column has a weight; in a large catalogue these are a small part of all.
    active = np.union1d(np.union1d(head, tail_met), np.flatnonzero(np.diff(target.indptr)))
    target = target[active]
    at_head, at_met = np.searchsorted(active, head), np.searchsorted(active, tail_met)
    columns = np.concatenate([head, tail_met])
    kept: list[tuple[NDArray[Any], ...]] = []
    plain: list[tuple[NDArray[Any], ...]] = []
    size = block_rows(len(active))
    for start in range(0, len(head), size):
        part = inverse[start : start + size]
        own = np.arange(len(part))
        # Rows of the transpose are written in order; columns of the block would not be.
        across = target @ part.T
        across[at_head] -= (part * (reg + multiplier)).T
        explained = counted @ part.T
        across[at_met] += explained
        ease = np.concatenate([-part / diagonal, explained.T], axis=1)
        block = np.ascontiguousarray(across.T)
        block[own, at_head[start + own]] = 0.0
        ease[own, start + own] = 0.0
        row, column, value = top_entries(block, most, start)
        kept.append((head[start + row], active[column], value))
        row, column, value = top_entries(ease, most, start)
        plain.append((head[start + row], columns[column], value))
    rest = np.setdiff1d(np.arange(n), head, assume_unique=True)
    with_prior, alone = _jacobi(graph, gram, tail, reg)
    return _joined(kept, rest, with_prior, most), _joined(plain, rest, alone, most)


def _diagonal_product(inverse: FloatArray, prior: Any, head: IntArray) -> FloatArray:
    """Return diag(Q P) over the solved items, float32 (a,)."""
    inner = prior[:, head].tocoo()
    product = np.bincount(
        inner.col, weights=inverse[inner.col, inner.row] * inner.data, minlength=len(head)
    )
    return product.astype(np.float32)


def _jacobi(graph: Any, gram: Any, tail: IntArray, reg: float) -> tuple[Any, Any]:
    """Return the rows of all items as if unsolved: with the prior, and from events alone."""
    from scipy.sparse import csr_matrix, diags

    n = graph.shape[0]
    if not len(tail):
        return graph, csr_matrix((n, n), dtype=np.float32)
    counts = gram.diagonal()
    chosen = np.zeros(n, dtype=np.float32)
    chosen[tail] = 1.0
    events = diags(chosen / (counts + reg)) @ (gram - diags(counts))
    prior = diags(np.where(chosen > 0, reg / (counts + reg), 1.0)) @ graph
    return (events + prior).tocsr(), events.tocsr()


def _joined(parts: list[tuple[NDArray[Any], ...]], rest: IntArray, every: Any, kept: int) -> Any:
    """Return solved rows and the `rest` of `every` row as one CSR matrix, columns ascending."""
    n = every.shape[0]
    nothing = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32))
    row, column, value = (np.concatenate(part) for part in zip(nothing, *parts, strict=True))
    order = np.lexsort((column, row))
    solved = sparse_rows(row[order], column[order], value[order], (n, n))
    alone = every.copy()  # zeros are taken out of it in place
    others = np.zeros(n, dtype=np.float32)
    others[rest] = 1.0
    alone.data *= np.repeat(others, np.diff(alone.indptr))
    return (solved + keep_top(alone, kept)).tocsr()
