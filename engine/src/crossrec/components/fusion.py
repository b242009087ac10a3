"""Rankers that fuse the sources: by rank, by weighted score, or by trusting the best."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from crossrec.components.candidates import Pool
from crossrec.components.ndcg import NdcgScorer
from crossrec.components.protocols import Examples
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset

#: Below every real score: candidates that only other sources know are ordered behind all.
_BEHIND = np.float32(-1e6)
#: Weight of rank fusion beside z-scores: enough to decide ties and nothing else.
_TRACE = np.float32(0.01)


def standardised(pool: Pool) -> NDArray[np.float32]:
    """Return the pool's scores as z-scores of each source for the query, float32 (n, m, n_sources).

    Where a source has no evidence it neither helps nor harms: its z-score is 0.
    """
    std = np.where(pool.std > 1e-12, pool.std, 1.0)
    z = (pool.scores - pool.mean[:, None, :]) / std[:, None, :]
    return np.where(np.isfinite(z), z, 0.0).astype(np.float32)


def reciprocal_ranks(pool: Pool, constant: float) -> NDArray[np.float32]:
    """Return Σ 1 / (constant + rank) over the sources that proposed a candidate, ranks from 1.

    Cormack, Clarke & Büttcher: Reciprocal rank fusion (SIGIR 2009).
    """
    share = np.where(pool.ranks >= 0, 1.0 / (constant + 1.0 + pool.ranks), 0.0)
    total: NDArray[np.float32] = share.sum(axis=2).astype(np.float32)
    return total


class RrfConfig(BaseModel):
    """Settings of `rrf`.

    Attributes
    ----------
    constant : float
        Added to each rank: the larger, the less the first places count beyond the others.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    constant: Annotated[float, Field(gt=0)] = 60.0


class ReciprocalRankFusion:
    """Fuses by rank alone; nothing to learn, hard to break."""

    def __init__(self, config: RrfConfig | None = None) -> None:
        self.config = config or RrfConfig()

    def fit(self, dataset: Dataset, examples: Examples, run: RunOptions) -> None:
        """Learn nothing."""

    def score(self, queries: QueryBatch, pool: Pool) -> NDArray[np.float32]:
        """Return the sum of reciprocal ranks, -inf at `PAD`."""
        return np.where(pool.valid, reciprocal_ranks(pool, self.config.constant), -np.inf).astype(
            np.float32
        )

    def state(self) -> State:
        """Return nothing."""
        return State()

    def restore(self, state: State, catalog: Catalog) -> None:
        """Take nothing back."""


class WeightedConfig(BaseModel):
    """Settings of `weighted`.

    Attributes
    ----------
    weights : mapping of source to float
        Fixed weights; the ones that are not given are chosen on validation.
    passes : int
        Rounds of coordinate ascent over the sources.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights: dict[str, float] = Field(default_factory=dict)
    passes: Annotated[int, Field(ge=1, le=20)] = 3


class WeightedFusion:
    """Weighted sum of z-scores, with the weights that give the best ndcg@10 on validation."""

    _STEPS = (0.0, 0.25, 0.5, 0.75, 1.5, 2.0, 4.0)

    def __init__(self, config: WeightedConfig | None = None) -> None:
        self.config = config or WeightedConfig()
        self.weights: dict[str, float] = dict(self.config.weights)

    def fit(self, dataset: Dataset, examples: Examples, run: RunOptions) -> None:
        """Choose the weights by coordinate ascent from equal weights and from each source alone."""
        pool = examples.pool
        z = standardised(pool)
        fixed = self.config.weights
        free = [at for at, name in enumerate(pool.sources) if name not in fixed]
        start = np.array([fixed.get(name, 1.0) for name in pool.sources], dtype=np.float32)
        starts = [start]
        for at in free:
            alone = start.copy()
            alone[[other for other in free if other != at]] = 0.0
            starts.append(alone)

        judge = NdcgScorer(pool.index, examples.targets)

        def gain(weights: NDArray[np.float32]) -> float:
            return judge.mean(z @ weights)

        best = max(starts, key=gain)
        weights = self._ascend(best, free, gain) if len(z) else start
        self.weights = {name: float(w) for name, w in zip(pool.sources, weights)}

    def _ascend(
        self,
        weights: NDArray[np.float32],
        free: list[int],
        gain: Callable[[NDArray[np.float32]], float],
    ) -> NDArray[np.float32]:
        """Try other weights for one source at a time; keep what gains more than noise."""
        value = gain(weights)
        for _ in range(self.config.passes):
            before = value
            for at in free:
                base = weights[at] if weights[at] > 0 else 1.0
                for step in self._STEPS:
                    trial = weights.copy()
                    trial[at] = base * step
                    if not trial.any():
                        continue
                    got = gain(trial)
                    if got > value + 1e-5:
                        weights, value = trial, got
            if value <= before:
                break
        total = weights.sum()
        return weights / total if total > 0 else weights

    def score(self, queries: QueryBatch, pool: Pool) -> NDArray[np.float32]:
        """Return the weighted sum of z-scores, -inf at `PAD`; an unknown source weighs nothing.

        A trace of rank fusion decides ties: without it a user of whom the weighty sources know
        nothing would get the items in the order of the catalog.
        """
        # A sum for each candidate: a matrix product would round by the width of the pool, so that a
        # query alone would not be scored as it is in a batch.
        weighted = self.contributions(pool).sum(axis=2)
        score = weighted + _TRACE * reciprocal_ranks(pool, 60.0)
        return np.where(pool.valid, score, -np.inf).astype(np.float32)

    def contributions(self, pool: Pool) -> NDArray[np.float32]:
        """Return each source's share of the score, float32 (n, m, n_sources)."""
        weights = np.array([self.weights.get(name, 0.0) for name in pool.sources], np.float32)
        shares: NDArray[np.float32] = standardised(pool) * weights
        return shares

    def state(self) -> State:
        """Return the weights."""
        return State(values={"weights": self.weights})

    def restore(self, state: State, catalog: Catalog) -> None:
        """Take the weights back."""
        self.weights = {str(k): float(v) for k, v in state.values["weights"].items()}


class BestSource:
    """Trusts the one source with the best ndcg@10 on validation; the others fill up behind it."""

    def __init__(self) -> None:
        self.source = ""

    def fit(self, dataset: Dataset, examples: Examples, run: RunOptions) -> None:
        """Choose the source."""
        pool = examples.pool
        judge = NdcgScorer(pool.index, examples.targets)
        gains = [judge.mean(self._trusting(pool, at)) for at in range(len(pool.sources))]
        self.source = pool.sources[int(np.argmax(gains))] if gains else ""

    def score(self, queries: QueryBatch, pool: Pool) -> NDArray[np.float32]:
        """Return the best source's order, what it did not propose behind, -inf at `PAD`."""
        at = pool.sources.index(self.source) if self.source in pool.sources else 0
        return np.where(pool.valid, self._trusting(pool, at), -np.inf).astype(np.float32)

    @staticmethod
    def _trusting(pool: Pool, at: int) -> NDArray[np.float32]:
        # By rank, not by score: a score of 0 may be a score or the lack of one, and only what
        # the source proposed itself is surely one.
        ranks = pool.ranks[:, :, at]
        tail = _BEHIND + reciprocal_ranks(pool, 60.0) * 1e5
        return np.where(ranks >= 0, -ranks, tail).astype(np.float32)

    def state(self) -> State:
        """Return the source's name."""
        return State(values={"source": self.source})

    def restore(self, state: State, catalog: Catalog) -> None:
        """Take the source's name back."""
        self.source = str(state.values["source"])
