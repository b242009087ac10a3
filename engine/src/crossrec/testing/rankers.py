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

SOURCES = ("right", "other")
WIDTH = 12


def pool_of(toy: Toy, *, agree: bool, seed: int = 0) -> Pool:
    """Return a pool of the checkerboard in which the source "right" ranks the withheld item first.

    Parameters
    ----------
    agree : bool
        Whether the source "other" has the same order; otherwise its order is random.
    """
    rng = np.random.default_rng(seed)
    n, n_items = len(toy.queries), toy.dataset.n_items
    rows = []
    for user in range(n):
        others = np.setdiff1d(np.arange(n_items), [*toy.queries.history.row(user), user])
        rows.append(np.sort([user, *rng.choice(others, WIDTH - 1, replace=False)]))
    index = np.array(rows, dtype=np.int64)
    index[:, -1] = PAD  # rows ascend: only the last user's may lose its target
    right = rng.random(index.shape) + 3.0 * (index == toy.withheld[:, None])
    other = 10.0 * right if agree else 10.0 * rng.random(index.shape)
    scores = np.stack([right, other], axis=2).astype(np.float32)
    scores[index == PAD] = np.nan
    order = np.argsort(np.argsort(-np.nan_to_num(scores, nan=-1e9), axis=1), axis=1)
    ranks = np.where(np.isnan(scores), -1, order).astype(np.int64)
    mean, std = np.nanmean(scores, axis=1), np.nanstd(scores, axis=1)
    return Pool(index, scores, ranks, SOURCES, mean, std)


def random_pool(toy: Toy, seed: int) -> Pool:
    """Return a pool in which neither source knows the withheld item."""
    pool = pool_of(toy, agree=False, seed=seed)
    rng = np.random.default_rng(seed)
    scores = rng.random(pool.scores.shape).astype(np.float32)
    scores[~pool.valid] = np.nan
    order = np.argsort(np.argsort(-np.nan_to_num(scores, nan=-1e9), axis=1), axis=1)
    ranks = np.where(np.isnan(scores), -1, order).astype(np.int64)
    return replace(pool, scores=scores, ranks=ranks)


def with_columns(toy: Toy, pool: Pool) -> Pool:
    """Return the pool with a column that is high for the withheld item, and one of noise."""
    rng = np.random.default_rng(3)
    features = rng.random((*pool.index.shape, 2)).astype(np.float32)
    features[..., 0] += 5.0 * (pool.index == toy.withheld[:, None])
    features[~pool.valid] = np.nan
    return replace(pool, columns=("toy.right", "toy.noise"), features=features)


class RankerTests(Conformance, kit=True):
    """What every ranker must do.

    Attributes
    ----------
    learns : bool
        False for rankers that learn nothing from examples.
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

    def score(self, ranker: Any, queries: QueryBatch, pool: Pool) -> NDArray[np.float32]:
        """Score the pool and check the contract of the scores."""
        scores: NDArray[np.float32] = ranker.score(queries, pool)
        assert scores.dtype == np.float32, f"scores are {scores.dtype}, not float32"
        assert scores.shape == pool.index.shape, "scores must be aligned with the pool"
        assert np.isfinite(scores[pool.valid]).all(), "a candidate's score is not finite"
        assert (scores[~pool.valid] == -np.inf).all(), "the score of padding must be -inf"
        return scores

    def hits(self, toy: Toy, pool: Pool, scores: NDArray[np.float32]) -> float:
        """Return the share of queries whose withheld item is first, of those whose pool has it."""
        rows = np.flatnonzero((pool.index == toy.withheld[:, None]).any(axis=1))
        best = pool.index[rows, scores[rows].argmax(axis=1)]
        return float((best == toy.withheld[rows]).mean())

    def test_follows_sources_that_agree(self) -> None:
        """Where all sources agree, their first item comes first."""
        toy = self.toy()
        pool = pool_of(toy, agree=True)
        assert self.hits(toy, pool, self.score(self.fitted(toy, pool), toy.queries, pool)) == 1.0

    def test_learns_which_source_to_trust(self) -> None:
        """Of a source that is right and one that is random, the ranker follows the first."""
        if not self.learns:
            pytest.skip("learns nothing")
        toy = self.toy()
        ranker = self.fitted(toy, pool_of(toy, agree=False, seed=1))
        fresh = pool_of(toy, agree=False, seed=2)
        assert self.hits(toy, fresh, self.score(ranker, toy.queries, fresh)) >= 0.9

    def test_selects_what_it_rests_on(self) -> None:
        """The selected sources, in their order, are enough to rank by."""
        self.able("select")
        toy = self.toy()
        ranker = self.fitted(toy, pool_of(toy, agree=False, seed=1))
        chosen = ranker.select(SOURCES)
        assert chosen, "no source is selected"
        assert tuple(name for name in SOURCES if name in chosen) == tuple(chosen)
        fresh = pool_of(toy, agree=False, seed=2)
        hits = self.hits(toy, fresh, self.score(ranker, toy.queries, fresh))
        alone = fresh.select(tuple(chosen))
        assert self.hits(toy, alone, self.score(ranker, toy.queries, alone)) >= hits - 0.05

    def test_learns_from_features(self) -> None:
        """Where sources are random and a column shows the right item, the ranker follows it."""
        self.able("features")
        toy = self.toy()
        ranker = self.fitted(toy, with_columns(toy, random_pool(toy, seed=1)))
        fresh = with_columns(toy, random_pool(toy, seed=2))
        assert set(ranker.features()) <= set(fresh.columns)
        assert self.hits(toy, fresh, self.score(ranker, toy.queries, fresh)) >= 0.9

    def test_features_that_are_not_there(self) -> None:
        """Columns that are missing, or unknown for all candidates, move no candidate."""
        self.able("features")
        toy = self.toy()
        pool = with_columns(toy, pool_of(toy, agree=True))
        ranker = self.fitted(toy, pool)
        assert pool.features is not None
        unknown = replace(pool, features=np.full_like(pool.features, np.nan))
        missing = replace(pool, columns=(), features=None)
        left = self.score(ranker, toy.queries, missing)
        np.testing.assert_allclose(self.score(ranker, toy.queries, unknown), left, rtol=1e-5)
        assert self.hits(toy, missing, left) == 1.0
        bare = self.fitted(toy, missing)
        assert bare.features() == ()
        self.score(bare, toy.queries, pool)

    def test_missing_scores(self) -> None:
        """Candidates without the scores of a source are scored too."""
        toy = self.toy()
        pool = pool_of(toy, agree=True)
        gap = np.random.default_rng(5).random(pool.scores.shape) < 0.5
        partial = replace(
            pool, scores=np.where(gap, np.nan, pool.scores), ranks=np.where(gap, -1, pool.ranks)
        )
        self.score(self.fitted(toy, pool), toy.queries, partial)
        self.score(self.fitted(toy, partial), toy.queries, pool)

    @pytest.mark.parametrize("left", [("right",), ("other",)])
    def test_a_source_that_failed(self, left: tuple[str, ...]) -> None:
        """Without the scores of a failed source, the others' order is kept."""
        toy = self.toy()
        pool = pool_of(toy, agree=True)
        ranker = self.fitted(toy, pool)
        rest = pool.select(left)
        assert self.hits(toy, rest, self.score(ranker, toy.queries, rest)) == 1.0

    def test_unknown_users_and_empty_histories(self) -> None:
        """Candidates of unknown users and of users without a history are ranked too."""
        toy = self.toy()
        pool = pool_of(toy, agree=True)
        ranker = self.fitted(toy, pool)
        n = len(toy.queries)
        unknown = replace(toy.queries, users=np.full(n, -1))
        self.score(ranker, unknown, pool)
        self.score(ranker, replace(unknown, history=Ragged.empty(n)), pool)

    def test_nothing_to_rank(self) -> None:
        """With no candidates or no queries, scores have that shape."""
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
        assert self.score(ranker, toy.queries, narrow).shape == (len(toy.queries), 0)
        assert len(self.score(ranker, toy.queries.take(columns), pool.take(columns))) == 0

    def test_no_examples(self) -> None:
        """Without examples, a ranker still ranks or raises a CrossrecError."""
        toy = self.toy()
        pool = pool_of(toy, agree=True)
        none = np.zeros(0, dtype=np.int64)
        ranker = self.build()
        examples = Examples(toy.queries.take(none), pool.take(none), Ragged.empty(0))
        try:
            ranker.fit(toy.dataset, examples, RUN)
        except CrossrecError:
            return
        self.score(ranker, toy.queries, pool)

    def test_batch_equals_single(self) -> None:
        """A query gets the same scores alone and in a batch."""
        toy = self.toy()
        pool = pool_of(toy, agree=False)
        ranker = self.fitted(toy, pool)
        together = self.score(ranker, toy.queries, pool)
        rows = [np.array([row]) for row in range(len(toy.queries))]
        alone = [self.score(ranker, toy.queries.take(row), pool.take(row)) for row in rows]
        np.testing.assert_allclose(np.concatenate(alone), together, rtol=1e-4, atol=1e-5)

    def test_save_and_load(self, tmp_path: Path) -> None:
        """After a round trip through an artifact on disk, the scores are the same."""
        toy = self.toy()
        pool = pool_of(toy, agree=False)
        ranker = self.fitted(toy, pool)
        restored = self.build()
        restored.restore(through_disk(ranker.state(), tmp_path), toy.dataset.catalog)
        before = self.score(ranker, toy.queries, pool)
        np.testing.assert_allclose(self.score(restored, toy.queries, pool), before, rtol=1e-5)

    def test_one_seed_one_result(self) -> None:
        """Two fits with the same seed give the same scores."""
        toy = self.toy()
        pool = pool_of(toy, agree=False)
        one, other = (self.score(self.fitted(toy, pool), toy.queries, pool) for _ in range(2))
        np.testing.assert_allclose(one, other, rtol=1e-6)

    def test_a_second_fit_starts_anew(self) -> None:
        """Nothing remains of the fit before."""
        toy = self.toy()
        first, second = pool_of(toy, agree=True), pool_of(toy, agree=False, seed=1)
        ranker = self.fitted(toy, first)
        targets = Ragged.from_rows(toy.withheld[:, None])
        ranker.fit(toy.dataset, Examples(toy.queries, second, targets), RUN)
        fresh = self.score(self.fitted(toy, second), toy.queries, second)
        np.testing.assert_allclose(self.score(ranker, toy.queries, second), fresh, rtol=1e-5)
