"""What sources answer (`Candidates`) and what becomes of their answers together (`Pool`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from crossrec.numeric.ragged import read_only

#: Fills index rows that hold fewer candidates than the widest row.
PAD = -1


@dataclass(frozen=True, eq=False)
class Candidates:
    """The candidates of one source, best first.

    Attributes
    ----------
    index : int64 array, shape (n, ≤k)
        Item indexes, `PAD` behind the last candidate of a row.
    score : float32 array, same shape
        Falling along each row; -inf where `index` is `PAD`. Order only.
    source : str
    mean, std : float32 arrays, shape (n,), or None
        Mean and standard deviation of the source's scores over the whole catalog that the query
        admits; with them scores of unlike sources can be set on one scale.
    full : float32 array, shape (n, n_items), or None
        The source's scores of the whole catalog where it has them at hand (-inf where excluded), so
        that candidates of other sources need no second pass. Lives no longer than the request.
    """

    index: NDArray[np.int64]
    score: NDArray[np.float32]
    source: str = ""
    mean: NDArray[np.float32] | None = None
    std: NDArray[np.float32] | None = None
    full: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        if self.index.shape != self.score.shape or self.index.ndim != 2:
            raise ValueError("index and score must be two-dimensional and of one shape")

    def __len__(self) -> int:
        return len(self.index)

    @classmethod
    def empty(cls, n: int, source: str = "") -> Candidates:
        """Return no candidates for `n` queries."""
        return cls(np.zeros((n, 0), np.int64), np.zeros((n, 0), np.float32), source)

    @classmethod
    def stack(cls, parts: Sequence[Candidates], source: str = "") -> Candidates:
        """Return the candidates of several blocks of queries as one, padded to the widest.

        `mean` and `std` are kept where every block has them; `full` only of a single block, since
        for all queries together it may be larger than memory.
        """
        if len(parts) == 1:
            return parts[0] if parts[0].source == source else replace(parts[0], source=source)
        n, width = sum(len(p) for p in parts), max((p.index.shape[1] for p in parts), default=0)
        index = np.full((n, width), PAD, dtype=np.int64)
        score = np.full((n, width), -np.inf, dtype=np.float32)
        start = 0
        for part in parts:
            rows = slice(start, start + len(part))
            index[rows, : part.index.shape[1]] = part.index
            score[rows, : part.score.shape[1]] = part.score
            start = rows.stop
        means = [part.mean for part in parts if part.mean is not None]
        stds = [part.std for part in parts if part.std is not None]
        if not parts or len(means) < len(parts) or len(stds) < len(parts):
            return cls(index, score, source)
        return cls(index, score, source, np.concatenate(means), np.concatenate(stds))

    def row(self, i: int) -> NDArray[np.int64]:
        """Return the candidates of query `i` without padding."""
        row: NDArray[np.int64] = self.index[i][self.index[i] != PAD]
        return row


@dataclass(frozen=True, eq=False)
class Pool:
    """The union of several sources' candidates, with what every source thinks of each.

    All arrays are read-only: rankers, policies and explanations read the same ones.

    Attributes
    ----------
    index : int64 array, shape (n, m)
        Distinct items of each query, ascending, `PAD` behind the last.
    scores : float32 array, shape (n, m, n_sources)
        NaN where a source has no score for a candidate.
    ranks : int64 array, shape (n, m, n_sources)
        0 is the source's best; -1 where the source did not propose the candidate itself.
    sources : tuple of str
    mean, std : float32 arrays, shape (n, n_sources)
        Each source's score statistics over the catalog where it gives them, else over the pool.
    columns : tuple of str
        Names of the feature columns: ``"<feature set>.<column>"``.
    features : float32 array, shape (n, m, n_columns), or None
        NaN where a feature is not known. None where no ranker reads features.
    """

    index: NDArray[np.int64]
    scores: NDArray[np.float32]
    ranks: NDArray[np.int64]
    sources: tuple[str, ...]
    mean: NDArray[np.float32]
    std: NDArray[np.float32]
    columns: tuple[str, ...] = ()
    features: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        for name in ("index", "scores", "ranks", "mean", "std"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    def __len__(self) -> int:
        return len(self.index)

    @classmethod
    def empty(cls, n: int) -> Pool:
        """Return the pool of `n` queries that no source answered."""
        flat = np.zeros((n, 0), np.float32)
        scores, ranks = np.zeros((n, 0, 0), np.float32), np.zeros((n, 0, 0), np.int64)
        return cls(np.zeros((n, 0), np.int64), scores, ranks, (), flat, flat)

    @property
    def valid(self) -> NDArray[np.bool_]:
        """True where `index` is an item, bool (n, m)."""
        valid: NDArray[np.bool_] = self.index != PAD
        return valid

    def take(self, rows: NDArray[np.int64]) -> Pool:
        """Return the chosen queries."""
        return Pool(
            self.index[rows],
            self.scores[rows],
            self.ranks[rows],
            self.sources,
            self.mean[rows],
            self.std[rows],
            self.columns,
            None if self.features is None else self.features[rows],
        )

    def select(self, sources: tuple[str, ...]) -> Pool:
        """Return the same candidates seen by the chosen sources only."""
        at = [self.sources.index(name) for name in sources]
        return Pool(
            self.index,
            self.scores[:, :, at],
            self.ranks[:, :, at],
            sources,
            self.mean[:, at],
            self.std[:, at],
            self.columns,
            self.features,
        )
