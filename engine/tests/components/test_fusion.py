"""Fusion: known right answers for ranks, weights and the trusted source."""

import dataclasses
import json

import numpy as np
import pytest
from crossrec.components.candidates import PAD, Candidates, Pool
from crossrec.components.fusion import (
    FEWEST,
    BestSource,
    ReciprocalRankFusion,
    RrfConfig,
    WeightedConfig,
    WeightedFusion,
    standardised,
)
from crossrec.components.ndcg import NdcgScorer, relevance
from crossrec.components.paired_gain import PairedGain
from crossrec.components.pooling import build_pool
from crossrec.components.protocols import Examples
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.state import State
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
    assert score[0].tolist() == pytest.approx([1 / 61, 1 / 62 + 1 / 61], abs=1e-6)


def test_equal_votes_are_settled_by_the_scores_and_not_by_the_order_of_the_catalog():
    """Each source has another favourite; "a" is surer of its own than "b" is."""
    scores = np.array([[0.0, 1.0, 9.0], [0.0, 3.0, 2.0]], np.float32)
    for order in ([0, 1, 2], [0, 2, 1]):
        a, b = (top_k(row[order][None].copy(), 3) for row in scores)
        pool = build_pool({"a": a, "b": b}, 5)
        score = ReciprocalRankFusion().score(queries(1), pool)[0]
        assert order[int(pool.index[0, score.argmax()])] == 2


def with_random(n, seed=0, labels=("good", "also", "random"), edge=(2.0, 2.0, 0.0)):
    """Return examples in which each source raises the target by its edge over normal noise."""
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, 40, n)
    found = {}
    for label, above in zip(labels, edge, strict=True):
        scores = rng.normal(size=(n, 40)).astype(np.float32)
        scores[np.arange(n), targets] += above
        found[label] = top_k(scores, 40)
    return Examples(queries(n), build_pool(found, 40), Ragged.from_rows([[t] for t in targets]))


def fused(found):
    fusion = ReciprocalRankFusion()
    fusion.fit(None, found, RUN)
    return fusion


def test_thirty_queries_are_enough_to_leave_a_random_source_out():
    found = with_random(30)
    fusion = fused(found)
    assert list(fusion.left_out) == ["random"]
    gain = fusion.left_out["random"]
    judge = NdcgScorer(found.pool.index, found.targets)
    alone = ReciprocalRankFusion()
    before = judge.gains(alone.score(found.queries, found.pool))
    after = judge.gains(fusion.score(found.queries, found.pool))
    assert gain.n == 30
    assert gain.mean == pytest.approx((after - before).mean())
    assert gain.lower > 0
    without = alone.score(found.queries, found.pool.select(("good", "also")))
    np.testing.assert_allclose(after, judge.gains(without))


@pytest.mark.parametrize("seed", range(5))
def test_two_equally_good_sources_both_stay(seed):
    pair = with_random(30, seed, ("good", "also"), (2.0, 2.0))
    assert fused(pair).left_out == {}
    twin = pair.pool.select(("good",))
    both = dataclasses.replace(
        pair.pool.select(("good", "also")),
        scores=np.repeat(twin.scores, 2, axis=2),
        ranks=np.repeat(twin.ranks, 2, axis=2),
        mean=np.repeat(twin.mean, 2, axis=1),
        std=np.repeat(twin.std, 2, axis=1),
    )
    assert fused(dataclasses.replace(pair, pool=both)).left_out == {}


@pytest.mark.parametrize("n", [0, 1, 3, FEWEST - 1])
def test_with_few_queries_all_sources_keep_their_vote(n):
    assert fused(with_random(n)).left_out == {}


def test_the_last_source_always_votes():
    bad = with_random(60, 0, ("a", "b", "c"), (-3.0, -3.0, -3.0))
    assert len(fused(bad).left_out) <= 2


def test_sources_of_no_worth_seldom_lose_their_vote_to_another_of_no_worth():
    lost = [fused(with_random(40, seed, ("a", "b"), (0.0, 0.0))).left_out for seed in range(60)]
    assert sum(map(bool, lost)) <= 9  # two tries at 2.3 % each, and chance


def test_what_only_a_source_without_vote_found_stands_behind_all_else():
    fusion = ReciprocalRankFusion()
    fusion.left_out = {"bad": PairedGain(30, 0.1, 0.01)}
    good = Candidates(np.array([[7, 4]]), np.array([[0.2, 0.1]], np.float32))
    bad = Candidates(np.array([[9, 1, 4]]), np.array([[99.0, 98.0, 97.0]], np.float32))
    pool = build_pool({"good": good, "bad": bad}, 10)
    score = fusion.score(queries(1), pool)[0]
    assert pool.index[0][np.argsort(-score)].tolist() == [7, 4, 9, 1]
    assert (score > 0).all()


def test_where_nobody_else_answers_a_source_without_vote_is_heard():
    fusion = ReciprocalRankFusion()
    fusion.left_out = {"bad": PairedGain(30, 0.1, 0.01)}
    bad = Candidates(np.array([[9, 1]]), np.array([[99.0, 98.0]], np.float32))
    pool = build_pool({"bad": bad}, 10)
    assert fusion.score(queries(1), pool).tolist() == [
        ReciprocalRankFusion().score(queries(1), pool)[0].tolist()
    ]


def test_a_source_without_vote_explains_no_place():
    found = with_random(30)
    fusion = fused(found)
    shares = fusion.contributions(found.pool)
    at = found.pool.sources.index("random")
    assert not shares[:, :, at].any()
    z = standardised(found.pool)
    np.testing.assert_array_equal(np.delete(shares, at, 2), np.delete(z, at, 2))
    np.testing.assert_array_equal(ReciprocalRankFusion().contributions(found.pool), z)


def test_what_is_left_out_is_kept_and_said_with_its_figures():
    fusion = fused(with_random(30))
    again = ReciprocalRankFusion()
    again.restore(State(values=json.loads(json.dumps(dict(fusion.state().values)))), None)
    assert again.left_out == fusion.left_out
    report = fusion.report()
    gain = fusion.left_out["random"]
    assert report.values["left_out"]["random"]["queries"] == 30
    assert report.values["left_out"]["random"]["gain"] == round(gain.mean, 4)
    (line,) = report.lines
    assert line.startswith(f"source random has no vote: without it ndcg@10 gains {gain.mean:.4f} ")
    again.restore(State(), None)
    assert again.left_out == {}


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
