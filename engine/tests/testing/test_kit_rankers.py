"""The kit passes right rankers and finds faulty ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crossrec.components.candidates import PAD, Pool
from crossrec.components.fusion import BestSource, ReciprocalRankFusion, WeightedFusion
from crossrec.components.protocols import Examples
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.plugins.registration import Registration
from crossrec.testing import RankerTests
from crossrec.testing import toy as toys
from crossrec.testing.rankers import SOURCES, pool_of


def registered(factory: Any) -> Registration:
    able = frozenset(name for name in ("report", "select") if hasattr(factory, name))
    return Registration("rankers", "mine", factory, None, able, "a ranker")


class TestWeighted(RankerTests):
    registered = registered(WeightedFusion)


class TestBest(RankerTests):
    registered = registered(BestSource)


class EqualVotes(ReciprocalRankFusion):
    def fit(self, dataset: Dataset, examples: Examples, run: RunOptions) -> None:
        pass


class TestByRank(RankerTests):
    registered = registered(ReciprocalRankFusion)


class TestEqualVotes(RankerTests):
    registered = registered(EqualVotes)
    learns = False


def kit_for(ranker: Any) -> RankerTests:
    return type("T", (RankerTests,), {"registered": registered(ranker)})()


@pytest.mark.parametrize("agree", [True, False])
def test_the_pool_is_a_valid_pool(agree: bool) -> None:
    toy = toys.checkerboard()
    pool = pool_of(toy, agree=agree)
    n, m = pool.index.shape
    assert pool.scores.shape == pool.ranks.shape == (n, m, 2)
    assert pool.sources == SOURCES
    for row in range(n):
        items = pool.index[row][pool.index[row] != PAD]
        assert (np.diff(items) > 0).all()
        assert not np.intersect1d(items, toy.queries.history.row(row)).size
    assert np.isnan(pool.scores[pool.index == PAD]).all()
    assert (pool.ranks[pool.index == PAD] == -1).all()
    best = np.take_along_axis(pool.index, (pool.ranks[:, :, 0] == 0).argmax(axis=1)[:, None], 1)
    has = (pool.index == toy.withheld[:, None]).any(axis=1)
    assert has.mean() > 0.8
    np.testing.assert_array_equal(best[has, 0], toy.withheld[has])
    order = np.argsort(-np.nan_to_num(pool.scores[:, :, 1], nan=-9e9), axis=1)
    assert (np.take_along_axis(pool.ranks[:, :, 1], order, axis=1)[:, 0] == 0).all()


def test_the_guessing_source_guesses() -> None:
    toy = toys.checkerboard()
    pool = pool_of(toy, agree=False)
    kit = kit_for(WeightedFusion)
    blind = np.where(pool.valid, pool.scores[:, :, 1], -np.inf)
    assert kit.hits(toy, pool, blind) < 0.4


class Upside(WeightedFusion):
    def score(self, queries: QueryBatch, pool: Pool) -> Any:
        return np.where(pool.valid, -super().score(queries, pool), -np.inf).astype(np.float32)


class Trusting(WeightedFusion):
    """Learns nothing: whatever is loudest wins."""

    def score(self, queries: QueryBatch, pool: Pool) -> Any:
        loudest = np.nan_to_num(pool.scores).max(axis=2)
        return np.where(pool.valid, loudest, -np.inf).astype(np.float32)


class Doubles(WeightedFusion):
    def score(self, queries: QueryBatch, pool: Pool) -> Any:
        return super().score(queries, pool).astype(np.float64)


class ScoresPadding(WeightedFusion):
    def score(self, queries: QueryBatch, pool: Pool) -> Any:
        return np.nan_to_num(super().score(queries, pool), neginf=0.0)


class NotANumber(WeightedFusion):
    def score(self, queries: QueryBatch, pool: Pool) -> Any:
        summed = pool.scores.sum(axis=2)  # NaN where one source does not know the item
        return np.where(pool.valid, summed, -np.inf).astype(np.float32)


class Transposed(WeightedFusion):
    def score(self, queries: QueryBatch, pool: Pool) -> Any:
        return super().score(queries, pool).T.copy()


class NeedsAllSources(WeightedFusion):
    def score(self, queries: QueryBatch, pool: Pool) -> Any:
        if len(pool.sources) < 2:
            raise KeyError("other")
        return super().score(queries, pool)


class NeedsUsers(WeightedFusion):
    def score(self, queries: QueryBatch, pool: Pool) -> Any:
        if (queries.users < 0).any():
            raise IndexError("-1")
        return super().score(queries, pool)


class NeedsCandidates(WeightedFusion):
    def score(self, queries: QueryBatch, pool: Pool) -> Any:
        pool.index.max()
        return super().score(queries, pool)


class NeedsExamples(WeightedFusion):
    def fit(self, dataset: Dataset, examples: Examples, run: RunOptions) -> None:
        examples.pool.index.max()
        super().fit(dataset, examples, run)


class LooksAtTheBatch(WeightedFusion):
    def score(self, queries: QueryBatch, pool: Pool) -> Any:
        scores = super().score(queries, pool)
        top = scores[pool.valid].max() if pool.valid.any() else 0
        return np.where(pool.valid, scores - top, -np.inf).astype(np.float32)


class Rolls(WeightedFusion):
    def fit(self, dataset: Dataset, examples: Examples, run: RunOptions) -> None:
        self.weights = dict(zip(examples.pool.sources, np.random.default_rng().random(2)))


class AddsUp(WeightedFusion):
    def fit(self, dataset: Dataset, examples: Examples, run: RunOptions) -> None:
        before = dict(self.weights)
        super().fit(dataset, examples, run)
        self.weights = {k: w + before.get(k, 0.0) for k, w in self.weights.items()}


class Forgets(WeightedFusion):
    def restore(self, state: State, catalog: Catalog) -> None:
        self.weights = {"other": 1.0}


FAULTS: list[tuple[type[WeightedFusion], str, tuple[Any, ...]]] = [
    (Upside, "test_follows_sources_that_agree", ()),
    (Trusting, "test_learns_which_source_to_trust", ()),
    (Doubles, "test_follows_sources_that_agree", ()),
    (ScoresPadding, "test_follows_sources_that_agree", ()),
    (NotANumber, "test_missing_scores", ()),
    (Transposed, "test_follows_sources_that_agree", ()),
    (NeedsAllSources, "test_a_source_that_failed", (("right",),)),
    (NeedsUsers, "test_unknown_users_and_empty_histories", ()),
    (NeedsCandidates, "test_nothing_to_rank", ()),
    (NeedsExamples, "test_no_examples", ()),
    (LooksAtTheBatch, "test_batch_equals_single", ()),
    (Rolls, "test_one_seed_one_result", ()),
    (AddsUp, "test_a_second_fit_starts_anew", ()),
]


@pytest.mark.parametrize(
    ("ranker", "test", "arguments"), FAULTS, ids=[f"{r.__name__}-{t}" for r, t, _ in FAULTS]
)
def test_a_faulty_ranker_is_found(
    ranker: type[WeightedFusion], test: str, arguments: tuple[Any, ...]
) -> None:
    with pytest.raises((AssertionError, KeyError, IndexError, ValueError)):
        getattr(kit_for(ranker), test)(*arguments)


def test_a_ranker_that_does_not_survive_the_disk_is_found(tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        kit_for(Forgets).test_save_and_load(tmp_path)


def test_a_ranker_that_learns_nothing_says_so() -> None:
    with pytest.raises(AssertionError):
        kit_for(EqualVotes).test_learns_which_source_to_trust()
    kit = type("T", (RankerTests,), {"registered": registered(WeightedFusion), "learns": False})()
    with pytest.raises(pytest.skip.Exception, match="learns nothing"):
        kit.test_learns_which_source_to_trust()


def test_only_a_crossrec_error_excuses_a_fit_without_examples() -> None:
    from crossrec.errors import CrossrecError

    class Refuses(WeightedFusion):
        def fit(self, dataset: Dataset, examples: Examples, run: RunOptions) -> None:
            if not len(examples.queries):
                raise CrossrecError("needs examples")

    kit_for(Refuses).test_no_examples()


def test_hits_counts_only_queries_whose_target_is_there() -> None:
    toy = toys.checkerboard()
    pool = pool_of(toy, agree=True)
    right = np.where(pool.index == toy.withheld[:, None], 1.0, 0.0).astype(np.float32)
    assert kit_for(WeightedFusion).hits(toy, pool, right) == 1.0
    assert kit_for(WeightedFusion).hits(toy, replace(pool), -right) == 0.0
