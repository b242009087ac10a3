"""Rankers that fuse the sources: by rank, by weighted score, or by trusting the best."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from crossrec.components.candidates import Pool
from crossrec.components.ndcg import NdcgScorer
from crossrec.components.paired_gain import STANDARD_ERRORS, PairedGain, choose_option
from crossrec.components.protocols import Examples, SourceReport
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset

#: Below every real score: candidates that only other sources know are ordered behind all.
_BEHIND = np.float32(-1e6)
#: Queries from which on rank fusion may leave a source out.
FEWEST = 8
#: Larger than any rank.
_DEEPEST = 2002.0
#: Share of a first vote: below nearly all differences between sums of votes that are not equal.
_TIE = 6e-5
#: Weight of rank fusion beside z-scores: enough to decide ties and nothing else.
_TRACE = np.float32(0.01)


def standardised(pool: Pool) -> NDArray[np.float32]:
    """Return the pool's scores as z-scores of each source for the query, float32 (n, m, n_sources).

    Where a source has no evidence it neither helps nor harms: its z-score is 0.
    """
    std = np.where(pool.std > 1e-12, pool.std, 1.0)
    z = (pool.scores - pool.mean[:, None, :]) / std[:, None, :]
    return np.where(np.isfinite(z), z, 0.0).astype(np.float32, copy=False)


def reciprocal_ranks(pool: Pool, constant: float) -> NDArray[np.float32]:
    """Return Σ 1 / (constant + rank) over the sources that proposed a candidate, ranks from 1.

    Cormack, Clarke & Büttcher: Reciprocal rank fusion (SIGIR 2009).
    """
    total: NDArray[np.float32] = _shares(pool, constant).sum(axis=2).astype(np.float32)
    return total


def _shares(pool: Pool, constant: float) -> NDArray[np.float64]:
    """Return 1 / (constant + rank) of each source, 0 where it did not propose a candidate."""
    return np.where(pool.ranks >= 0, 1.0 / (constant + 1.0 + pool.ranks), 0.0)


class RrfConfig(BaseModel):
    """Settings of `rrf`.

    Attributes
    ----------
    constant : float
        The larger it is, the less a first place counts for more than a late one. 60 is usual for
        long lists; 5 was ahead of it on the validation items of five real sets.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    constant: Annotated[float, Field(gt=0)] = 5.0


class ReciprocalRankFusion:
    """Fuses by rank alone: one vote for each source but those that harm by proof; hard to break.

    Attributes
    ----------
    left_out : mapping of source to PairedGain
        Sources without a vote, and what ndcg@10 gained by leaving each out, in this order.
    """

    def __init__(self, config: RrfConfig | None = None) -> None:
        self.config = config or RrfConfig()
        self.left_out: dict[str, PairedGain] = {}

    def fit(self, dataset: Dataset, examples: Examples, run: RunOptions) -> None:
        """Leave out sources one at a time, each only where the gain is beyond noise.

        With fewer than `FEWEST` queries all stay.
        """
        self.left_out = {}
        pool = examples.pool
        if len(pool) < FEWEST:
            return
        judge, shares, doubt = NdcgScorer(pool.index, examples.targets), *self._ballots(pool)

        def gains(*out: str) -> NDArray[np.float64]:
            return judge.gains(self._counted(shares, doubt, pool.sources, out))

        while len(self.left_out) + 1 < len(pool.sources):
            out = tuple(self.left_out)
            options = {name: gains(*out, name) for name in pool.sources if name not in out}
            choice = choose_option({"": gains(*out), **options}, "")
            if not choice.option:
                return
            self.left_out[choice.option] = choice.gain

    def score(self, queries: QueryBatch, pool: Pool) -> NDArray[np.float32]:
        """Return the sum of reciprocal ranks, -inf at `PAD`."""
        votes = self._counted(*self._ballots(pool), pool.sources, tuple(self.left_out))
        return np.where(pool.valid, votes, -np.inf).astype(np.float32)

    def _ballots(self, pool: Pool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return each source's vote for each candidate, and what decides between equal votes.

        Two sources with opposite views of two candidates give them the same sum; then the larger
        standardised scores decide, and not the order of the catalog.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            z = standardised(pool).astype(np.float64)
        constant = self.config.constant
        return _shares(pool, constant), _TIE / (constant + 1.0) * z / (1.0 + np.abs(z))

    def _counted(
        self,
        shares: NDArray[np.float64],
        doubt: NDArray[np.float64],
        sources: tuple[str, ...],
        out: tuple[str, ...],
    ) -> NDArray[np.float64]:
        """Return the votes of all sources but some; of all where none of the others answered.

        What only a source without a vote proposed stands behind all else, in that source's order.
        """
        voting = self._voting(sources, out)
        votes: NDArray[np.float64] = shares[:, :, voting].sum(axis=2)
        named = votes > 0
        votes += doubt[:, :, voting].sum(axis=2) / max(len(voting), 1)
        others = [at for at in range(len(sources)) if at not in voting]
        if not others:
            return votes
        least = 0.5 / (self.config.constant + _DEEPEST)
        most = len(others) / (self.config.constant + 1.0)
        rest = shares[:, :, others].sum(axis=2)
        return np.where(named, votes, rest * (least / most))

    @staticmethod
    def _voting(sources: tuple[str, ...], out: tuple[str, ...]) -> list[int]:
        """Return the places of sources with a vote; all where none of the others answered."""
        voting = [at for at, name in enumerate(sources) if name not in out]
        return voting or list(range(len(sources)))

    def contributions(self, pool: Pool) -> NDArray[np.float32]:
        """Return each source's z-scores, float32 (n, m, n_sources); 0 where it has no vote."""
        shares = np.zeros(pool.scores.shape, dtype=np.float32)
        voting = self._voting(pool.sources, tuple(self.left_out))
        shares[:, :, voting] = standardised(pool)[:, :, voting]
        return shares

    def report(self) -> SourceReport:
        """Return which sources have no vote, with the gain that proved it."""
        lines = tuple(
            f"source {name} has no vote: without it ndcg@10 gains {gain.mean:.4f} "
            f"(± {STANDARD_ERRORS * gain.error:.4f}) on {gain.n} queries"
            for name, gain in self.left_out.items()
        )
        return SourceReport({"left_out": _figures(self.left_out)}, lines)

    def select(self, sources: tuple[str, ...]) -> tuple[str, ...]:
        """Return the sources that have a vote."""
        return tuple(name for name in sources if name not in self.left_out) or sources

    def state(self) -> State:
        """Return the sources that have no vote, with the figures."""
        return State(values={"left_out": {name: vars(g) for name, g in self.left_out.items()}})

    def restore(self, state: State, catalog: Catalog) -> None:
        """Take them back; older states left none out."""
        left_out = state.values.get("left_out", {})
        self.left_out = {str(name): PairedGain(**gain) for name, gain in left_out.items()}


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
    """Weighted sum of z-scores, with the weights that give the best ndcg@10 on validation.

    Attributes
    ----------
    weights : mapping of source to float
    dropped : mapping of source to PairedGain
        Sources whose weight was taken away, and what ndcg@10 gained by each before: nothing beyond
        noise.
    """

    _STEPS = (0.0, 0.25, 0.5, 0.75, 1.5, 2.0, 4.0)

    def __init__(self, config: WeightedConfig | None = None) -> None:
        self.config = config or WeightedConfig()
        self.weights: dict[str, float] = dict(self.config.weights)
        self.dropped: dict[str, PairedGain] = {}

    def fit(self, dataset: Dataset, examples: Examples, run: RunOptions) -> None:
        """Choose the weights by coordinate ascent from equal weights and from each source alone.

        Then the smallest weights go, one after the other, that gain nothing beyond noise.
        """
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
        self.dropped = {}
        for at in sorted(free, key=lambda at: float(weights[at])):
            without = np.where(np.arange(len(weights)) == at, np.float32(0.0), weights)
            if not without.any():
                break
            gained = PairedGain.between(judge.gains(z @ weights), judge.gains(z @ without))
            if not gained.beyond_noise:
                self.dropped[pool.sources[at]] = gained
                weights = without
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

    def select(self, sources: tuple[str, ...]) -> tuple[str, ...]:
        """Return the sources that weigh something."""
        return tuple(name for name in sources if self.weights.get(name, 0.0)) or sources

    def report(self) -> SourceReport:
        """Return the weights, and what was dropped with the gain that was not enough."""
        weights = {name: round(weight, 3) for name, weight in self.weights.items() if weight}
        lines = (
            "weights " + ", ".join(f"{name} {weight:g}" for name, weight in weights.items()),
            *(
                f"source {name} is dropped: with it ndcg@10 gains {gain.mean:.4f} "
                f"(± {STANDARD_ERRORS * gain.error:.4f}) on {gain.n} queries"
                for name, gain in self.dropped.items()
            ),
        )
        return SourceReport({"weights": weights, "dropped": _figures(self.dropped)}, lines)

    def state(self) -> State:
        """Return the weights, and what was dropped."""
        dropped = {name: vars(gain) for name, gain in self.dropped.items()}
        return State(values={"weights": self.weights, "dropped": dropped})

    def restore(self, state: State, catalog: Catalog) -> None:
        """Take the weights back."""
        self.weights = {str(k): float(v) for k, v in state.values["weights"].items()}
        dropped = state.values.get("dropped", {})
        self.dropped = {str(name): PairedGain(**gain) for name, gain in dropped.items()}


class BestSource:
    """Trusts one source: the pipeline's first, unless another one is ahead of it beyond noise.

    Attributes
    ----------
    source : str
    """

    def __init__(self) -> None:
        self.source = ""

    def fit(self, dataset: Dataset, examples: Examples, run: RunOptions) -> None:
        """Choose the source by ndcg@10 on validation."""
        pool = examples.pool
        judge = NdcgScorer(pool.index, examples.targets)
        gains = {
            name: judge.gains(self._trusting(pool, at)) for at, name in enumerate(pool.sources)
        }
        self.source = choose_option(gains, pool.sources[0]).option if gains else ""

    def select(self, sources: tuple[str, ...]) -> tuple[str, ...]:
        """Return the source that is trusted."""
        return (self.source,) if self.source in sources else sources

    def report(self) -> SourceReport:
        """Return which source is trusted."""
        return SourceReport({"source": self.source}, (f"{self.source} serves alone",))

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


def _figures(gains: Mapping[str, PairedGain]) -> dict[str, dict[str, float]]:
    """Return gains as JSON values."""
    return {
        name: {"queries": gain.n, "gain": round(gain.mean, 4), "error": round(gain.error, 4)}
        for name, gain in gains.items()
    }
