"""Fusion rankers against their formulas, and what must not change their order."""

import numpy as np
import pytest
from crossrec.components.candidates import Candidates, Pool
from crossrec.components.fusion import (
    BestSource,
    ReciprocalRankFusion,
    RrfConfig,
    WeightedConfig,
    WeightedFusion,
    reciprocal_ranks,
    standardised,
)
from crossrec.components.ndcg import NdcgScorer
from crossrec.components.paired_gain import PairedGain
from crossrec.components.pooling import build_pool
from crossrec.components.protocols import Examples
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.components.topk import top_k
from crossrec.numeric.ragged import Ragged
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

RUN = RunOptions()
NAMES = ("a", "b", "c")


def queries(n):
    return QueryBatch.from_histories(Ragged.empty(n))


def random_pool(seed, n=3, n_items=12, k=5, scale=(1.0, 1.0, 1.0), shift=(0.0, 0.0, 0.0)):
    rng = np.random.default_rng(seed)
    found = {}
    for at, name in enumerate(NAMES):
        scores = rng.normal(size=(n, n_items)).astype(np.float32)
        scores[rng.random(scores.shape) < 0.3] = np.nan
        found[name] = top_k(scores * np.float32(scale[at]) + np.float32(shift[at]), k, source=name)
    return build_pool(found, 10)


@given(st.integers(0, 2**16), st.floats(1, 100))
def test_rrf_is_the_sum_over_the_lists_an_item_is_in(seed, constant):
    pool = random_pool(seed)
    got = ReciprocalRankFusion(RrfConfig(constant=constant)).score(queries(3), pool)
    for i in range(3):
        for column in range(pool.index.shape[1]):
            if not pool.valid[i, column]:
                assert got[i, column] == -np.inf
                continue
            ranks = [int(r) for r in pool.ranks[i, column] if r >= 0]
            want = sum(1 / (constant + r + 1) for r in ranks)
            assert got[i, column] == pytest.approx(want, rel=1e-5, abs=7e-5 / (constant + 1))


@given(st.integers(0, 2**16))
def test_z_scores_are_each_sources_own(seed):
    pool = random_pool(seed)
    z = standardised(pool)
    for i, column, at in np.ndindex(z.shape):
        score = pool.scores[i, column, at]
        if np.isnan(score):
            assert z[i, column, at] == 0.0
        else:
            want = (score - pool.mean[i, at]) / pool.std[i, at]
            assert z[i, column, at] == pytest.approx(want, abs=1e-4)


@given(st.integers(0, 2**16))
def test_weighted_order_does_not_hang_on_a_sources_scale(seed):
    fusion = WeightedFusion()
    fusion.weights = {"a": 0.5, "b": 0.3, "c": 0.2}
    plain, scaled = random_pool(seed), random_pool(seed, scale=(8.0, 0.5, 1.0), shift=(2, -4, 0))
    first, second = (fusion.score(queries(3), pool) for pool in (plain, scaled))
    assert np.array_equal(plain.index, scaled.index)
    assert first[plain.valid] == pytest.approx(second[scaled.valid], abs=1e-3)


@given(st.integers(0, 2**16), st.lists(st.floats(0, 2), min_size=3, max_size=3))
def test_weighted_is_the_sum_of_its_contributions_and_a_trace(seed, weights):
    pool = random_pool(seed)
    fusion = WeightedFusion()
    fusion.weights = dict(zip(NAMES, weights))
    score, shares = fusion.score(queries(3), pool), fusion.contributions(pool)
    trace = 0.01 * reciprocal_ranks(pool, 60.0)
    assert score[pool.valid] == pytest.approx((shares.sum(axis=2) + trace)[pool.valid], abs=1e-4)
    for at, weight in enumerate(weights):
        if weight == 0:
            assert not shares[:, :, at].any()


def test_a_source_without_a_weight_weighs_nothing():
    fusion = WeightedFusion()
    fusion.weights = {"a": 1.0}
    pool = random_pool(4)
    only = fusion.score(queries(3), pool) - 0.01 * reciprocal_ranks(pool, 60.0)
    assert only[pool.valid] == pytest.approx(standardised(pool)[:, :, 0][pool.valid], abs=1e-5)


def test_ties_are_decided_by_rank_fusion():
    """No source of weight knows anything: the order is that of the others, not of the catalog."""
    fusion = WeightedFusion()
    fusion.weights = {"silent": 1.0}
    silent = Candidates.empty(1, "silent")
    loud = Candidates(np.array([[9, 4, 7]]), np.array([[3.0, 2.0, 1.0]], np.float32))
    pool = build_pool({"silent": silent, "loud": loud}, 10)
    order = np.argsort(-fusion.score(queries(1), pool)[0], kind="stable")
    assert pool.index[0][order].tolist() == [9, 4, 7]


@given(st.integers(0, 2**16), st.sampled_from(NAMES))
def test_best_source_keeps_that_sources_order_and_all_others_behind(seed, name):
    best = BestSource()
    best.source = name
    pool = random_pool(seed)
    scores = best.score(queries(3), pool)
    at = NAMES.index(name)
    for i in range(3):
        order = np.argsort(-scores[i], kind="stable")
        ranks = pool.ranks[i, order, at][: int(pool.valid[i].sum())]
        own = ranks[ranks >= 0]
        assert ranks[: len(own)].tolist() == sorted(own.tolist())
        assert (ranks[len(own) :] == -1).all()
        behind = [scores[i, c] for c in order[len(own) :] if pool.valid[i, c]]
        by_rrf = reciprocal_ranks(pool, 60.0)[i]
        rest = [c for c in order[len(own) :] if pool.valid[i, c]]
        assert [by_rrf[c] for c in rest] == sorted((by_rrf[c] for c in rest), reverse=True)
        assert all(score < -1000 for score in behind)


def test_best_source_whose_source_is_missing_today_uses_the_first():
    best = BestSource()
    best.source = "gone"
    pool = random_pool(1)
    first = BestSource()
    first.source = "a"
    assert np.array_equal(best.score(queries(3), pool), first.score(queries(3), pool))


def learnable(n=120, seed=0):
    """Source b is right where source a knows nothing, and the other way round; c is noise."""
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, 30, n)
    scores = [rng.normal(size=(n, 30)).astype(np.float32) for _ in NAMES]
    for row, target in enumerate(targets):
        scores[row % 2][row, target] += 5.0
    found = {name: top_k(s, 30) for name, s in zip(NAMES, scores)}
    pool = build_pool(found, 30)
    return Examples(queries(n), pool, Ragged.from_rows([[t] for t in targets]))


def test_learnt_weights_beat_every_start_they_began_with():
    examples = learnable()
    fusion = WeightedFusion()
    fusion.fit(None, examples, RUN)
    judge, z = NdcgScorer(examples.pool.index, examples.targets), standardised(examples.pool)
    learnt = judge.mean(z @ np.array([fusion.weights[n] for n in NAMES], np.float32))
    for start in ([1, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]):
        assert learnt >= judge.mean(z @ np.array(start, np.float32)) - 1e-6
    assert fusion.weights["c"] < 0.5 * min(fusion.weights["a"], fusion.weights["b"])
    assert sum(fusion.weights.values()) == pytest.approx(1.0)


def test_learning_is_deterministic_and_starts_anew():
    examples, other = learnable(), learnable(seed=3)
    first, second = WeightedFusion(), WeightedFusion()
    first.fit(None, examples, RUN)
    second.fit(None, other, RUN)
    second.fit(None, examples, RUN)
    assert first.weights == second.weights


def test_fixed_weights_alone_leave_nothing_to_learn():
    fusion = WeightedFusion(WeightedConfig(weights={"a": 2.0, "b": 1.0, "c": 1.0}))
    fusion.fit(None, learnable(), RUN)
    assert [fusion.weights[n] for n in NAMES] == pytest.approx([0.5, 0.25, 0.25])


@settings(max_examples=25)
@given(st.integers(0, 2**16))
def test_the_first_source_is_trusted_unless_another_is_proven_better(seed):
    examples = learnable(n=60, seed=seed)
    for names in (NAMES, NAMES[::-1]):
        pool = examples.pool.select(names)
        ranker = BestSource()
        ranker.fit(None, Examples(examples.queries, pool, examples.targets), RUN)
        gains = {}
        for name in {names[0], ranker.source}:
            trusting = BestSource()
            trusting.source = name
            scores = trusting.score(queries(60), pool)
            gains[name] = NdcgScorer(pool.index, examples.targets).gains(scores)
        if ranker.source != names[0]:
            assert PairedGain.between(gains[ranker.source], gains[names[0]]).beyond_noise


def test_state_is_plain_json_and_survives():
    import json

    fusion = WeightedFusion()
    fusion.fit(None, learnable(), RUN)
    values = json.loads(json.dumps(dict(fusion.state().values)))
    again = WeightedFusion()
    again.restore(State(values=values), None)
    assert again.weights == fusion.weights
    assert not fusion.state().arrays


@pytest.mark.parametrize("settings", [{"constant": 0}, {"constant": -1}, {"k": 3}])
def test_bad_settings_of_rrf(settings):
    with pytest.raises(ValidationError):
        RrfConfig(**settings)


@pytest.mark.parametrize("settings", [{"passes": 0}, {"passes": 21}, {"weights": {"a": "x"}}])
def test_bad_settings_of_weighted(settings):
    with pytest.raises(ValidationError):
        WeightedConfig(**settings)


@pytest.mark.parametrize("make", [ReciprocalRankFusion, WeightedFusion])
def test_a_pool_without_sources_scores_nothing(make):
    assert make().score(queries(2), Pool.empty(2)).shape == (2, 0)
