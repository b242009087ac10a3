"""Conformance of rankers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from crossrec.components.candidates import PAD, Pool
from crossrec.components.protocols import Examples
from crossrec.components.query import QueryBatch
from crossrec.errors import CrossrecError
from crossrec.numeric.ragged import Ragged
from crossrec.testing import toy as toys
from crossrec.testing.base import RUN, Conformance, through_disk
from crossrec.testing.toy import Toy

SOURCES = ("sharp", "blunt")
WIDTH = 12


def pool_of(toy: Toy, *, agree: bool, seed: int = 0) -> Pool:
    """Return a pool of the checkerboard in which the source "sharp" puts the withheld item first.

    Parameters
    ----------
    agree : bool
        Whether "blunt" has the same order as "sharp"; otherwise its order is chance.
    """
    rng = np.random.default_rng(seed)
    n, n_items = len(toy.queries), toy.dataset.n_items
    rows = []
    for user in range(n):
        others = np.setdiff1d(np.arange(n_items), [*toy.queries.history.row(user), user])
        rows.append(np.sort([user, *rng.choice(others, WIDTH - 1, replace=False)]))
    index = np.array(rows, dtype=np.int64)
    index[:, -1] = PAD  # ascending, so that the row of the last user may lose its target
    sharp = rng.random(index.shape) + 3.0 * (index == toy.withheld[:, None])
    blunt = 10.0 * sharp if agree else 10.0 * rng.random(index.shape)
    scores = np.stack([sharp, blunt], axis=2).astype(np.float32)
    scores[index == PAD] = np.nan
    order = np.argsort(np.argsort(-np.nan_to_num(scores, nan=-1e9), axis=1), axis=1)
    ranks = np.where(np.isnan(scores), -1, order).astype(np.int64)
    mean, std = np.nanmean(scores, axis=1), np.nanstd(scores, axis=1)
    return Pool(index, scores, ranks, SOURCES, mean, std)


class RankerTests(Conformance, kit=True):
    """What every ranker must do.

    Attributes
    ----------
    learns : bool
        False for rankers that learn nothing from examples, such as reciprocal rank fusion.
    """

    kind: ClassVar[str] = "rankers"
    learns: ClassVar[bool] = True

    def toy(self) -> Toy:
        """Return the checkerboard with the vectors that this ranker reads."""
        return self.prepared(toys.checkerboard())

    def fitted(self, toy: Toy, pool: Pool) -> Any:
        """Return a new ranker, fitted on examples with the withheld items as targets."""
        ranker = self.build()
        targets = Ragged.from_rows(toy.withheld[:, None])
        ranker.fit(toy.dataset, Examples(toy.queries, pool, targets), RUN)
        return ranker

    def ask(self, ranker: Any, queries: QueryBatch, pool: Pool) -> NDArray[np.float32]:
        """Score and check the contract of the answer."""
        scores: NDArray[np.float32] = ranker.score(queries, pool)
        assert scores.dtype == np.float32, f"scores are {scores.dtype}, not float32"
        assert scores.shape == pool.index.shape, "scores must be aligned with the pool"
        assert np.isfinite(scores[pool.valid]).all(), "every candidate needs a finite score"
        assert (scores[~pool.valid] == -np.inf).all(), "padding must have the score -inf"
        return scores

    def hits(self, toy: Toy, pool: Pool, scores: NDArray[np.float32]) -> float:
        """Return the share of the queries whose withheld item is first, where the pool has it."""
        rows = np.flatnonzero((pool.index == toy.withheld[:, None]).any(axis=1))
        best = pool.index[rows, scores[rows].argmax(axis=1)]
        return float((best == toy.withheld[rows]).mean())

    def test_follows_sources_that_agree(self) -> None:
        """Where all sources have one order, its first item comes first."""
        toy = self.toy()
        pool = pool_of(toy, agree=True)
        assert self.hits(toy, pool, self.ask(self.fitted(toy, pool), toy.queries, pool)) == 1.0

    def test_learns_whom_to_trust(self) -> None:
        """Of a source that is right and one that guesses, the ranker follows the first."""
        if not self.learns:
            pytest.skip("learns nothing")
        toy = self.toy()
        ranker = self.fitted(toy, pool_of(toy, agree=False, seed=1))
        fresh = pool_of(toy, agree=False, seed=2)
        assert self.hits(toy, fresh, self.ask(ranker, toy.queries, fresh)) >= 0.9

    def test_scores_that_are_missing(self) -> None:
        """Candidates that a source does not know are scored all the same."""
        toy = self.toy()
        pool = pool_of(toy, agree=True)
        gap = np.random.default_rng(5).random(pool.scores.shape) < 0.5
        holed = replace(
            pool, scores=np.where(gap, np.nan, pool.scores), ranks=np.where(gap, -1, pool.ranks)
        )
        self.ask(self.fitted(toy, pool), toy.queries, holed)
        self.ask(self.fitted(toy, holed), toy.queries, pool)

    @pytest.mark.parametrize("left", [("sharp",), ("blunt",)])
    def test_a_source_that_failed(self, left: tuple[str, ...]) -> None:
        """A source that is left out of a request leaves the others' candidates in order."""
        toy = self.toy()
        pool = pool_of(toy, agree=True)
        ranker = self.fitted(toy, pool)
        rest = pool.select(left)
        assert self.hits(toy, rest, self.ask(ranker, toy.queries, rest)) == 1.0

    def test_strangers_and_empty_histories(self) -> None:
        """Unknown users and users without a history are ranked too."""
        toy = self.toy()
        pool = pool_of(toy, agree=True)
        ranker = self.fitted(toy, pool)
        n = len(toy.queries)
        stranger = replace(toy.queries, users=np.full(n, -1))
        self.ask(ranker, stranger, pool)
        self.ask(ranker, replace(stranger, history=Ragged.empty(n)), pool)

    def test_nothing_to_rank(self) -> None:
        """No candidates, and no queries, have scores of that shape."""
        toy = self.toy()
        pool = pool_of(toy, agree=True)
        ranker = self.fitted(toy, pool)
        columns = np.zeros(0, dtype=np.int64)
        narrow = replace(
            pool,
            index=pool.index[:, columns],
            scores=pool.scores[:, columns],
            ranks=pool.ranks[:, columns],
        )
        assert self.ask(ranker, toy.queries, narrow).shape == (len(toy.queries), 0)
        assert len(self.ask(ranker, toy.queries.take(columns), pool.take(columns))) == 0

    def test_no_examples(self) -> None:
        """Without examples a ranker still ranks, or refuses in one clear line."""
        toy = self.toy()
        pool = pool_of(toy, agree=True)
        none = np.zeros(0, dtype=np.int64)
        ranker = self.build()
        examples = Examples(toy.queries.take(none), pool.take(none), Ragged.empty(0))
        try:
            ranker.fit(toy.dataset, examples, RUN)
        except CrossrecError:
            return
        self.ask(ranker, toy.queries, pool)

    def test_batch_equals_single(self) -> None:
        """A query gets the same scores alone and among others."""
        toy = self.toy()
        pool = pool_of(toy, agree=False)
        ranker = self.fitted(toy, pool)
        together = self.ask(ranker, toy.queries, pool)
        rows = [np.array([row]) for row in range(len(toy.queries))]
        alone = [self.ask(ranker, toy.queries.take(row), pool.take(row)) for row in rows]
        np.testing.assert_allclose(np.concatenate(alone), together, rtol=1e-4, atol=1e-5)

    def test_save_and_load(self, tmp_path: Path) -> None:
        """After a way through an artifact on disk the scores are the same."""
        toy = self.toy()
        pool = pool_of(toy, agree=False)
        ranker = self.fitted(toy, pool)
        restored = self.build()
        restored.restore(through_disk(ranker.state(), tmp_path), toy.dataset.catalog)
        before = self.ask(ranker, toy.queries, pool)
        np.testing.assert_allclose(self.ask(restored, toy.queries, pool), before, rtol=1e-5)

    def test_one_seed_one_answer(self) -> None:
        """Two fits with the same seed give the same scores."""
        toy = self.toy()
        pool = pool_of(toy, agree=False)
        one, other = (self.ask(self.fitted(toy, pool), toy.queries, pool) for _ in range(2))
        np.testing.assert_allclose(one, other, rtol=1e-6)

    def test_a_second_fit_starts_anew(self) -> None:
        """What was fitted before leaves no trace."""
        toy = self.toy()
        first, second = pool_of(toy, agree=True), pool_of(toy, agree=False, seed=1)
        ranker = self.fitted(toy, first)
        targets = Ragged.from_rows(toy.withheld[:, None])
        ranker.fit(toy.dataset, Examples(toy.queries, second, targets), RUN)
        fresh = self.ask(self.fitted(toy, second), toy.queries, second)
        np.testing.assert_allclose(self.ask(ranker, toy.queries, second), fresh, rtol=1e-5)
