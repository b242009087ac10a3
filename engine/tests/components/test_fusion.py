"""Fusion: known right answers for ranks, weights and the trusted source."""

import numpy as np
import pytest
from crossrec.components.candidates import PAD, Candidates, Pool
from crossrec.components.fusion import (
    BestSource,
    ReciprocalRankFusion,
    RrfConfig,
    WeightedConfig,
    WeightedFusion,
    standardised,
)
from crossrec.components.ndcg import NdcgScorer, relevance
from crossrec.components.pooling import build_pool
from crossrec.components.protocols import Examples
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.topk import top_k
from crossrec.numeric.ragged import Ragged
from hypothesis import given
from hypothesis import strategies as st

RUN = RunOptions()


def queries(n):
    return QueryBatch.from_histories(Ragged.empty(n))


def examples(n=200, seed=0, noise=0.0):
    """Source "good" scores the target highest; source "bad" scores at random."""
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, 40, n)
    good = rng.normal(size=(n, 40)).astype(np.float32)
    good[np.arange(n), targets] += 4.0 - noise
    bad = rng.normal(size=(n, 40)).astype(np.float32)
    pool = build_pool({"good": top_k(good, 20), "bad": top_k(bad, 20)}, 40)
    return Examples(queries(n), pool, Ragged.from_rows([[t] for t in targets]))


def test_reciprocal_ranks_by_hand():
    a = Candidates(np.array([[1, 2]]), np.array([[2.0, 1.0]], np.float32))
    b = Candidates(np.array([[2]]), np.array([[9.0]], np.float32))
    pool = build_pool({"a": a, "b": b}, 5)
    score = ReciprocalRankFusion(RrfConfig(constant=60)).score(queries(1), pool)
    assert score[0].tolist() == pytest.approx([1 / 61, 1 / 62 + 1 / 61])


def test_weights_go_to_the_source_that_knows():
    found = examples()
    fusion = WeightedFusion()
    fusion.fit(None, found, RUN)
    assert fusion.weights["good"] > 4 * fusion.weights["bad"]


def test_two_half_knowing_sources_are_better_together():
    rng = np.random.default_rng(1)
    n = 600
    targets = rng.integers(0, 40, n)
    scores = []
    for _ in range(2):
        s = rng.normal(size=(n, 40)).astype(np.float32)
        s[np.arange(n), targets] += 1.5
        scores.append(s)
    pool = build_pool({"a": top_k(scores[0], 40), "b": top_k(scores[1], 40)}, 40)
    found = Examples(queries(n), pool, Ragged.from_rows([[t] for t in targets]))
    judge = NdcgScorer(pool.index, found.targets)
    weighted, best = WeightedFusion(), BestSource()
    for ranker in (weighted, best):
        ranker.fit(None, found, RUN)
    both = judge.mean(weighted.score(found.queries, pool))
    alone = judge.mean(best.score(found.queries, pool))
    assert both > alone + 0.05


def test_fixed_weights_stay():
    fusion = WeightedFusion(WeightedConfig(weights={"bad": 3.0, "good": 1.0}))
    fusion.fit(None, examples(), RUN)
    assert fusion.weights["bad"] == pytest.approx(3 * fusion.weights["good"])


def test_best_source_is_found_and_the_rest_stands_behind():
    found = examples()
    best = BestSource()
    best.fit(None, found, RUN)
    assert best.source == "good"
    scores = best.score(found.queries, found.pool)
    known = found.pool.ranks[:, :, 0] >= 0
    assert scores[known].min() > scores[~known & found.pool.valid].max(initial=-np.inf)


@pytest.mark.parametrize("make", [ReciprocalRankFusion, WeightedFusion, BestSource])
def test_state_round_trip(make):
    found = examples(noise=2.0)
    first, second = make(), make()
    first.fit(None, found, RUN)
    second.restore(first.state(), None)
    a, b = (r.score(found.queries, found.pool) for r in (first, second))
    assert np.array_equal(a, b)


@pytest.mark.parametrize("make", [ReciprocalRankFusion, WeightedFusion, BestSource])
def test_padding_is_last_and_batches_equal_singles(make):
    found = examples(n=50)
    index = found.pool.index.copy()
    index[:, -3:] = PAD
    pool = Pool(
        index,
        found.pool.scores,
        found.pool.ranks,
        found.pool.sources,
        found.pool.mean,
        found.pool.std,
    )
    ranker = make()
    ranker.fit(None, found, RUN)
    scores = ranker.score(found.queries, pool)
    assert np.isneginf(scores[~pool.valid]).all()
    assert np.isfinite(scores[pool.valid]).all()
    one = ranker.score(found.queries.take(np.array([7])), pool.take(np.array([7])))
    assert np.array_equal(one[0], scores[7])


@pytest.mark.parametrize("make", [ReciprocalRankFusion, WeightedFusion, BestSource])
def test_nothing_to_learn_from(make):
    pool = build_pool({"a": Candidates.empty(0), "b": Candidates.empty(0)}, 10)
    ranker = make()
    ranker.fit(None, Examples(queries(0), pool, Ragged.empty(0)), RUN)
    assert ranker.score(queries(0), pool).shape == (0, 0)


def test_standardised_is_zero_where_nothing_is_known():
    a = Candidates(np.array([[0, 1]]), np.array([[3.0, 1.0]], np.float32))
    b = Candidates(np.array([[2]]), np.array([[1.0]], np.float32))
    z = standardised(build_pool({"a": a, "b": b}, 5))
    assert z[0, :, 0].tolist() == pytest.approx([1.0, -1.0, 0.0])
    assert z[0, :, 1].tolist() == [0.0, 0.0, 0.0]


def test_gain_by_hand():
    index = np.array([[0, 1, 2, PAD]])
    judge = NdcgScorer(index, Ragged.from_rows([[1, 9]]))
    got = judge.gains(np.array([[1.0, 0.5, 2.0, 9.0]], np.float32))
    assert got[0] == pytest.approx((1 / np.log2(4)) / (1 + 1 / np.log2(3)))


@given(st.integers(1, 6), st.integers(0, 2**16))
def test_gain_is_one_for_the_perfect_order_and_never_more(n_targets, seed):
    rng = np.random.default_rng(seed)
    index = np.array([rng.permutation(30)[:12]])
    targets = Ragged.from_rows([rng.choice(index[0], n_targets, replace=False)])
    judge = NdcgScorer(index, targets)
    perfect = relevance(index, targets).astype(np.float32)
    assert judge.gains(perfect)[0] == pytest.approx(1.0)
    assert judge.gains(rng.normal(size=(1, 12)).astype(np.float32))[0] <= 1.0 + 1e-9
