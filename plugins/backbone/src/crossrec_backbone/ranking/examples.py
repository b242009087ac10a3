"""What rankers learn from: queries, their candidates with all columns, and which one was right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from crossrec.components.candidates import PAD
from crossrec.components.query import QueryBatch
from crossrec.numeric.ragged import FloatArray, IntArray
from numpy.typing import NDArray

from crossrec_backbone.ranking.candidates import propose
from crossrec_backbone.ranking.features import COLUMN_NAMES, COLUMNS, compute
from crossrec_backbone.ranking.shortlist import Shortlist
from crossrec_backbone.relations.statistics import Statistics

_AT = {name: at for at, name in enumerate(COLUMN_NAMES)}


@dataclass(frozen=True, eq=False)
class Groups:
    """Queries whose target is among their candidates.

    Attributes
    ----------
    index : int64 array, shape (n, m)
        Candidates: the whole pool, best first by the closed form, then `PAD`. Negatives are
        never picked: what one formula finds hard makes a ranker distrust that formula.
    columns : float32 array, shape (n, m, len(COLUMNS))
    place : int64 array, shape (n,)
        Where in `index` the target is.
    """

    index: IntArray
    columns: FloatArray
    place: IntArray

    def __len__(self) -> int:
        return len(self.index)

    @property
    def valid(self) -> NDArray[np.bool_]:
        """True for candidates, False for padding, bool (n, m)."""
        return np.asarray(self.index != PAD)

    def column(self, name: str) -> FloatArray:
        """Return one column, float32 (n, m), 0 where it has no value."""
        return np.nan_to_num(self.columns[:, :, _AT[name]])

    def take(self, rows: IntArray) -> Groups:
        """Return the chosen queries."""
        return Groups(self.index[rows], self.columns[rows], self.place[rows])

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return the arrays for a file."""
        return {"index": self.index, "columns": self.columns, "place": self.place}


def joined(parts: Sequence[Groups]) -> Groups:
    """Put groups below one another, padded to the widest."""
    width = max((part.index.shape[1] for part in parts), default=0)
    n = sum(len(part) for part in parts)
    index = np.full((n, width), PAD, dtype=np.int64)
    columns = np.full((n, width, len(COLUMNS)), np.nan, dtype=np.float32)
    start = 0
    for part in parts:
        rows = slice(start, start + len(part))
        index[rows, : part.index.shape[1]] = part.index
        columns[rows, : part.index.shape[1]] = part.columns
        start = rows.stop
    place = [part.place for part in parts]
    return Groups(index, columns, np.concatenate(place) if place else np.zeros(0, np.int64))


@dataclass(frozen=True, eq=False)
class Collected:
    """What `collect` found.

    Attributes
    ----------
    groups : Groups
    rows : int64 array, shape (len(groups),)
        The query that each group belongs to, ascending.
    hits : int
        Queries whose target is among their candidates, before any limit.
    """

    groups: Groups
    rows: IntArray
    hits: int


def collect(
    statistics: Statistics,
    queries: QueryBatch,
    targets: IntArray,
    *,
    shortlist: Shortlist | None = None,
    limit: int | None = None,
    seed: int = 0,
) -> Collected:
    """Propose candidates for every query and compute the columns where the target is among them.

    Parameters
    ----------
    shortlist : Shortlist, optional
        Of the same statistics, where queries are answered one by one: of a large catalogue.
    limit : int, optional
        At most so many groups, drawn at random.
    """
    kappa = statistics.config.consensus.kappa
    if shortlist is None:
        index = propose(statistics, queries, kappa=kappa)
    else:
        index = shortlist.propose_each(queries, kappa)
    hit = index == targets[:, None]
    rows = np.flatnonzero(hit.any(axis=1))
    hits = len(rows)
    if limit is not None and len(rows) > limit:
        rows = np.sort(np.random.default_rng(seed).choice(rows, limit, replace=False))
    columns = compute(statistics, queries.take(rows), index[rows])
    groups = Groups(index[rows], columns, hit[rows].argmax(axis=1).astype(np.int64))
    return Collected(best_first(groups), rows, hits)


def best_first(groups: Groups) -> Groups:
    """Put the candidates of each query in the order of the closed form.

    Trees start with all scores equal, and where scores are equal LambdaRank goes by the order of
    the rows. In the order of the catalogue that would be an accident, or worse, a leak: item
    numbers often follow the time of the first event.
    """
    scores = np.nan_to_num(groups.columns[:, :, _AT["text_behaviour"]], nan=-np.inf)
    order = np.argsort(-scores, axis=1, kind="stable")
    back = np.argsort(order, axis=1)
    return Groups(
        np.take_along_axis(groups.index, order, axis=1),
        np.take_along_axis(groups.columns, order[:, :, None], axis=1),
        np.take_along_axis(back, groups.place[:, None], axis=1)[:, 0],
    )
