"""Intervals and tests: worked examples, calibration, and that nothing is said without proof."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.evaluation import significance
from crossrec.evaluation.significance import (
    bootstrap_means,
    bootstrap_p,
    compare,
    holm,
    interval,
    wilcoxon_p,
)
from hypothesis import given, settings
from hypothesis import strategies as st

Probabilities = st.lists(st.floats(0, 1), min_size=1, max_size=12)


# Holm


def test_holm_worked_by_hand():
    # Sorted .005 .01 .03 .04 → ·4 ·3 ·2 ·1 = .02 .03 .06 .04 → never falling: .02 .03 .06 .06.
    assert holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_stops_at_one_and_one_test_needs_no_correction():
    assert holm([0.5, 0.9]).tolist() == [1.0, 1.0]
    assert holm([0.04]).tolist() == [0.04]
    assert holm([]).tolist() == []


def test_holm_of_ties_gives_ties():
    assert holm([0.01, 0.01, 0.01]).tolist() == pytest.approx([0.03] * 3)


@given(Probabilities)
def test_holm_lies_between_none_and_bonferroni_and_keeps_the_order(p):
    raw, corrected = np.array(p), holm(p)
    assert (corrected >= raw).all()
    assert (corrected <= np.minimum(raw * len(raw), 1.0) + 1e-12).all()
    order = np.argsort(raw, kind="stable")
    assert (np.diff(corrected[order]) >= 0).all()


@given(Probabilities, st.randoms())
def test_holm_does_not_depend_on_the_order_of_the_tests(p, random):
    order = list(range(len(p)))
    random.shuffle(order)
    assert holm([p[i] for i in order]).tolist() == pytest.approx(holm(p)[order].tolist())


@given(Probabilities, st.floats(0.01, 0.2))
def test_holm_rejects_what_the_step_down_procedure_rejects(p, alpha):
    rejected = set()
    for step, i in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        if p[i] * (len(p) - step) > alpha:
            break
        rejected.add(i)
    assert {i for i, value in enumerate(holm(p)) if value <= alpha} == rejected


# Bootstrap


def test_bootstrap_is_seeded():
    values = np.random.default_rng(0).random((30, 2))
    first, again = (bootstrap_means(values, resamples=50, seed=3) for _ in range(2))
    assert first.tolist() == again.tolist()
    assert first.tolist() != bootstrap_means(values, resamples=50, seed=4).tolist()


def test_bootstrap_equals_the_loop_over_draws():
    values = np.random.default_rng(1).random((7, 3))
    drawn = np.random.default_rng(5).integers(0, 7, size=(20, 7))
    expected = np.array([values[row].mean(axis=0) for row in drawn])
    assert bootstrap_means(values, resamples=20, seed=5) == pytest.approx(expected)


def test_bootstrap_of_a_column_with_gaps_is_a_mean_over_the_rest():
    values = np.array([[1.0, np.nan], [0.0, 4.0], [1.0, 6.0], [0.0, np.nan]])
    drawn = np.random.default_rng(2).integers(0, 4, size=(40, 4))
    for got, row in zip(bootstrap_means(values, resamples=40, seed=2), drawn):
        part = values[row, 1]
        part = part[~np.isnan(part)]
        expected = part.mean() if len(part) else np.nan
        assert got.tolist() == pytest.approx([values[row, 0].mean(), expected], nan_ok=True)


def test_columns_see_the_same_draws_so_that_differences_are_paired():
    values = np.random.default_rng(0).random((50, 1))
    means = bootstrap_means(np.hstack([values, values + 0.25]), resamples=100)
    assert (means[:, 1] - means[:, 0]) == pytest.approx(np.full(100, 0.25))


def test_bootstrap_draws_in_portions_and_only_so_many_at_once(monkeypatch):
    sizes = []
    plain = np.bincount

    def watched(values, **more):
        sizes.append(len(values))
        return plain(values, **more)

    monkeypatch.setattr(significance, "_DRAWS_AT_ONCE", 1000)
    monkeypatch.setattr(np, "bincount", watched)
    means = bootstrap_means(np.ones((300, 1)), resamples=10)
    assert means.shape == (10, 1)
    assert sizes == [900, 900, 900, 300]


def test_bootstrap_of_a_constant_is_that_constant():
    means = bootstrap_means(np.full((20, 1), 0.3), resamples=30)
    assert interval(means[:, 0]) == pytest.approx((0.3, 0.3))


def test_interval_takes_the_outer_percentiles_and_skips_gaps():
    samples = np.concatenate([np.arange(101.0), [np.nan]])
    assert interval(samples) == pytest.approx((2.5, 97.5))
    assert interval(samples, level=0.5) == pytest.approx((25, 75))
    assert np.isnan(interval(np.array([np.nan]))).all()


def test_the_interval_covers_the_truth_about_95_times_in_100():
    rng = np.random.default_rng(0)
    values = (rng.random((400, 200)) < 0.3).astype(float)  # 200 sets of 400 users
    means = bootstrap_means(values, resamples=400, seed=1)
    bounds = [interval(means[:, i]) for i in range(200)]
    covered = np.mean([low <= 0.3 <= high for low, high in bounds])
    assert 0.90 <= covered <= 0.99


def test_the_interval_has_the_width_of_the_normal_one():
    values = (np.arange(1000) < 200).astype(float)[:, None]
    low, high = interval(bootstrap_means(values, resamples=2000)[:, 0])
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(0.2 * 0.8 / 1000), rel=0.1)


# Paired tests


def test_wilcoxon_worked_by_hand():
    # Ranks of |1|, |-2|, |3| … |6|: only rank 2 is negative. Exact two-sided p: 2 · 3/64.
    p, direction = wilcoxon_p(np.array([1.0, -2.0, 3.0, 4.0, 5.0, 6.0, 0.0]))
    assert p == pytest.approx(6 / 64)
    assert direction == 1


@pytest.mark.parametrize("n", [1, 4, 9, 12, 13])
def test_few_differences_without_ties_are_tested_as_scipy_does(n):
    from scipy.stats import wilcoxon

    moved = np.random.default_rng(n).normal(0.4, 1, size=n)
    assert wilcoxon_p(moved)[0] == pytest.approx(wilcoxon(moved, method="exact").pvalue)


def test_few_differences_with_ties_are_tested_exactly():
    # All ranks are 3; five of one sign have probability 2 / 2^5.
    assert wilcoxon_p(np.full(5, 0.5)) == (2 / 32, 1)
    # Four against one: 2 · (1 + 5) / 32.
    assert wilcoxon_p(np.array([-0.5, -0.5, 0.5, -0.5, -0.5])) == (12 / 32, -1)


def test_more_differences_are_tested_by_scipy():
    from scipy.stats import wilcoxon

    moved = np.random.default_rng(0).integers(-2, 4, size=200).astype(float)
    assert wilcoxon_p(moved)[0] == pytest.approx(wilcoxon(moved[moved != 0]).pvalue)


def test_wilcoxon_of_no_difference_is_not_significant():
    assert wilcoxon_p(np.zeros(10)) == (1.0, 0)
    assert wilcoxon_p(np.full(10, 1e-17)) == (1.0, 0)


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=30))
@settings(max_examples=60)
def test_wilcoxon_turns_with_its_sign(differences):
    moved = np.array(differences, dtype=float)
    p, direction = wilcoxon_p(moved)
    turned_p, turned = wilcoxon_p(-moved)
    assert 0 <= p <= 1
    assert turned_p == pytest.approx(p)
    assert turned == -direction


def test_bootstrap_p_is_that_of_the_normal_test_on_its_standard_error():
    samples = np.array([-1.0, 1.0]) * 0.01 + 0.0196
    assert bootstrap_p(0.0196, samples) == pytest.approx(0.05, abs=1e-3)
    assert bootstrap_p(0.0, samples) == 1.0
    assert bootstrap_p(0.3, np.full(9, 0.3)) == 0.0


# The table


def judged(models: dict[str, np.ndarray], seed: int = 0):
    values = {"recall@10": models}
    means = bootstrap_means(np.stack(list(models.values()), axis=1), seed=seed)
    return compare(values, {"recall@10": dict(zip(models, means.T))})


def hits(rate: float, n: int, seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).random(n) < rate).astype(float)


def test_a_clearly_better_model_is_called_better_and_the_other_way_round_worse():
    good, bad = hits(0.3, 2000, 0), hits(0.2, 2000, 1)
    (pair,) = judged({"good": good, "bad": bad})
    assert (pair.model, pair.against, pair.verdict) == ("good", "bad", "better")
    assert pair.difference == pytest.approx(good.mean() - bad.mean())
    assert 0 < pair.ci95[0] < pair.difference < pair.ci95[1]
    (turned,) = judged({"bad": bad, "good": good})
    assert turned.verdict == "worse"
    assert turned.difference == pytest.approx(-pair.difference)


def test_equal_models_do_not_differ():
    same = hits(0.3, 500, 0)
    (pair,) = judged({"a": same, "b": same.copy()})
    assert pair.verdict == "no difference"
    assert (pair.difference, pair.p_holm) == (0.0, 1.0)


def test_a_difference_on_two_users_proves_nothing():
    # The bootstrap alone would be certain: every resample shows the same difference.
    (pair,) = judged({"a": np.array([1.0, 1.0]), "b": np.array([0.5, 0.5])})
    assert pair.p_bootstrap == 0.0
    assert pair.p_wilcoxon == pytest.approx(0.5)
    assert pair.verdict == "no difference"


def test_correction_reverses_what_one_test_alone_would_have_shown():
    rng = np.random.default_rng(3)
    base = rng.random(200)
    # Differs from the rest with p about .02; sixteen models make 120 tests.
    lifted = base + np.where(np.arange(200) % 100 < 58, 0.01, -0.01) + 1e-6
    (alone,) = judged({"lifted": lifted, "base": base})
    assert alone.verdict == "better"
    many = judged({"lifted": lifted} | {f"base{i}": base for i in range(15)})
    assert len(many) == 120
    assert {pair.verdict for pair in many} == {"no difference"}
    first = many[0]
    assert max(first.p_bootstrap, first.p_wilcoxon) == pytest.approx(
        max(alone.p_bootstrap, alone.p_wilcoxon)
    )
    assert first.p_holm > alone.p_holm


def test_where_mean_and_ranks_disagree_there_is_no_verdict():
    # Many small losses and a few large gains: the mean rises, the ranks fall.
    moved = np.concatenate([np.full(300, -0.01), np.full(40, 0.9)])
    (pair,) = judged({"a": moved, "b": np.zeros(340)})
    assert pair.difference > 0
    assert pair.p_holm < 0.05
    assert pair.verdict == "no difference"


def test_all_pairs_in_all_metrics_are_corrected_together():
    models = {name: hits(0.2, 100, seed) for seed, name in enumerate("abc")}
    means = dict(zip(models, bootstrap_means(np.stack(list(models.values()), axis=1)).T))
    pairs = compare({"x": models, "y": models}, {"x": means, "y": means})
    assert [(p.metric, p.model, p.against) for p in pairs] == [
        (metric, *pair) for metric in "xy" for pair in (("a", "b"), ("a", "c"), ("b", "c"))
    ]
    raw = [max(p.p_bootstrap, p.p_wilcoxon) for p in pairs]
    assert [p.p_holm for p in pairs] == pytest.approx(holm(raw).tolist())


def test_one_model_alone_is_not_compared():
    assert judged({"a": hits(0.2, 50, 0)}) == ()


def test_models_of_one_quality_differ_in_about_no_more_than_5_of_100_tables():
    wrong = 0
    for seed in range(60):
        models = {str(i): hits(0.2, 300, 1000 * seed + i) for i in range(4)}
        wrong += any(pair.verdict != "no difference" for pair in judged(models, seed))
    assert wrong <= 6  # expected at most 3 of 60


def drawn_of(models):
    """Return the bootstrap means of models given as name to values of each user."""
    stacked = np.stack(list(models.values()), axis=1)
    means = bootstrap_means(stacked, resamples=300, seed=2)
    return dict(zip(models, means.T, strict=True))


def three_models():
    """Return errors of 200 users: one model is right, one is off by 1, one by 2."""
    noise = np.random.default_rng(8).normal(0, 0.2, 200)
    return {"right": noise + 0.1, "off": noise + 1.0, "far": noise + 2.0}


def test_only_the_wanted_pairs_are_compared_and_corrected_for():
    models = three_models()
    drawn = {"mse": drawn_of(models)}
    few = compare({"mse": models}, drawn, pairs=[("off", "far")])
    assert [(pair.model, pair.against) for pair in few] == [("off", "far")]
    every = compare({"mse": models}, drawn)
    assert len(every) == 3
    assert few[0].p_holm <= every[2].p_holm
    assert few[0].difference == every[2].difference == pytest.approx(-1.0)


def test_where_less_is_better_the_verdict_is_the_other_way_round():
    models = three_models()
    values, drawn = {"mse": models, "hits": models}, {m: drawn_of(models) for m in ("mse", "hits")}
    pairs = compare(values, drawn, pairs=[("right", "off"), ("far", "off")], errors=("mse",))
    verdicts = {(pair.metric, pair.model): pair.verdict for pair in pairs}
    assert verdicts == {
        ("mse", "right"): "better",
        ("mse", "far"): "worse",
        ("hits", "right"): "worse",
        ("hits", "far"): "better",
    }


def test_equal_errors_have_no_verdict():
    models = {"one": np.ones(50), "two": np.ones(50)}
    (pair,) = compare({"mse": models}, {"mse": drawn_of(models)}, errors=("mse",))
    assert pair.verdict == "no difference"


@given(st.integers(1, 12), st.integers(1, 40), st.integers(0, 5))
def test_draws_are_the_same_however_many_at_once(n, resamples, seed):
    whole = np.concatenate(list(significance.draws(n, resamples, seed)))
    parts = list(significance.draws(n, resamples, seed, width=significance._DRAWS_AT_ONCE // 3))
    assert max(map(len, parts)) <= 3
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert whole.shape == (resamples, n)
    assert (whole.sum(axis=1) == n).all()
