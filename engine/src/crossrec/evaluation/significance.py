"""Is the difference real? Bootstrap intervals over users, paired tests, Holm's correction."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Conclusion = Literal["better", "worse", "no difference"]

#: Drawn user numbers that are held in memory at once.
_DRAWS_AT_ONCE = 4_000_000
#: Up to so many differences, all ways to sign them are counted: scipy would take 0.2 s a test.
_FEW = 13


@dataclass(frozen=True)
class Comparison:
    """Two models on the same users, in one metric.

    Attributes
    ----------
    difference : float
        Mean of `model` minus mean of `against`.
    ci95 : tuple of float
        Percentile interval of the difference, from the paired bootstrap.
    p_bootstrap : float
        Two-sided, from the paired bootstrap's standard error.
    p_wilcoxon : float
        Two-sided, Wilcoxon's signed-rank test.
    p_holm : float
        The larger of the two, Holm-corrected over the whole table.
    verdict : {"better", "worse", "no difference"}
        Of `model` against `against`; "no difference" means that none was shown.
    """

    metric: str
    model: str
    against: str
    difference: float
    ci95: tuple[float, float]
    p_bootstrap: float
    p_wilcoxon: float
    p_holm: float
    verdict: Conclusion


def bootstrap_means(values: FloatArray, *, resamples: int = 1000, seed: int = 0) -> FloatArray:
    """Return the mean of each column over users drawn with replacement.

    All columns see the same draws, so differences between them are paired. Work and memory:
    resamples × users random numbers, of which a few million exist at once.

    Parameters
    ----------
    values : float64 array, shape (n_users, m)
        NaN marks users without a value; a mean is over the others.

    Returns
    -------
    float64 array, shape (resamples, m)
        NaN where no drawn user has a value.
    """
    n, m = values.shape
    present = ~np.isnan(values)
    partial = np.flatnonzero(~present.all(axis=0))
    clean, mask = np.where(present, values, 0.0), present[:, partial].astype(np.float64)
    means = np.empty((resamples, m))
    start = 0
    for counts in draws(n, resamples, seed):
        size = len(counts)
        total = np.full((size, m), float(n))
        total[:, partial] = counts @ mask
        summed = counts @ clean
        means[start : start + size] = np.where(
            total > 0, summed / np.where(total > 0, total, 1.0), np.nan
        )
        start += size
    return means


def draws(n: int, resamples: int, seed: int, width: int = 0) -> Iterator[FloatArray]:
    """Yield how often each of `n` users is drawn, float64 (size, n), some resamples at a time.

    Parameters
    ----------
    width : int
        Numbers that the caller makes of one resample, where they are more than `n`: fewer are
        yielded at once then, and they are the same.
    """
    rng = np.random.default_rng(seed)
    step = max(1, _DRAWS_AT_ONCE // max(n, width, 1))
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        drawn = rng.integers(0, n, size=(size, n)) + np.arange(size)[:, None] * n
        counts = np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n)
        yield counts.astype(np.float64)


def interval(samples: FloatArray, level: float = 0.95) -> tuple[float, float]:
    """Return the percentile interval of bootstrap samples (Efron, 1981); NaN without any."""
    defined = samples[~np.isnan(samples)]
    if not len(defined):
        return float("nan"), float("nan")
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def holm(p: Sequence[float] | FloatArray) -> FloatArray:
    """Return p-values corrected for their number (Holm, 1979), in the order given.

    The i-th smallest of m is multiplied by m - i + 1, never falls below a smaller one's, and stops
    at 1.
    """
    raw = np.asarray(p, dtype=np.float64)
    order = np.argsort(raw, kind="stable")
    steps = raw[order] * np.arange(len(raw), 0, -1)
    corrected = np.empty_like(raw)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return corrected


def bootstrap_p(difference: float, samples: FloatArray) -> float:
    """Return the two-sided p-value of a mean difference from its bootstrap samples.

    The normal test with the bootstrap's standard error (Efron & Tibshirani, 1993, ch. 12-13). The
    share of samples beyond 0 would stop at 2 / (resamples + 1), which no table of some dozens of
    comparisons could pass after correction.
    """
    from scipy.stats import norm

    if difference == 0.0:
        return 1.0
    error = float(samples.std())
    return float(2.0 * norm.sf(abs(difference) / error)) if error > 0 else 0.0


def wilcoxon_p(difference: FloatArray) -> tuple[float, int]:
    """Return p-value and direction of Wilcoxon's signed-rank test (1945) on paired differences.

    Zeros are dropped. Few differences are tested exactly, ties included. The direction is the sign
    of the signed rank sum; p is 1 without any difference.
    """
    from scipy.stats import rankdata, wilcoxon

    # Sums of discounts differ in their last bits; such a difference must not get a rank.
    moved = difference[np.abs(difference) > 1e-12]
    if not len(moved):
        return 1.0, 0
    ranks = rankdata(np.abs(moved))
    total = float(np.sign(moved) @ ranks)
    few = len(moved) <= _FEW
    p = _exact_p(total, ranks) if few else float(wilcoxon(moved).pvalue)
    return p, int(np.sign(total))


def _exact_p(total: float, ranks: FloatArray) -> float:
    """Share of all 2^n ways to sign the ranks that sum to as much or more, either way."""
    n = len(ranks)
    signs = 1.0 - 2.0 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
    return float(np.mean(np.abs(signs @ ranks) >= abs(total) - 1e-9))


def compare(
    values: Mapping[str, Mapping[str, FloatArray]],
    means: Mapping[str, Mapping[str, FloatArray]],
    *,
    alpha: float = 0.05,
    pairs: Sequence[tuple[str, str]] | None = None,
    errors: Collection[str] = (),
) -> tuple[Comparison, ...]:
    """Compare pairs of models in all metrics.

    A model is better only where the larger of its two p-values, corrected over all comparisons
    of the table, is at most `alpha`, and both tests point the same way.

    Parameters
    ----------
    values : metric → model → float64 array, shape (n_users,)
    means : metric → model → float64 array, shape (resamples,)
        From `bootstrap_means`, of the same draws.
    pairs : sequence of (model, against), optional
        All pairs where None.
    errors : collection of str
        Metrics in which less is better.
    """
    found: list[tuple[Comparison, int]] = []
    for metric, models in values.items():
        for first, second in combinations(models, 2) if pairs is None else pairs:
            moved = models[first] - models[second]
            samples = means[metric][first] - means[metric][second]
            found.append(_pair(metric, first, second, moved, samples))
    corrected = holm([pair.p_holm for pair, _ in found])
    return tuple(
        replace(
            pair,
            p_holm=float(p),
            verdict=_verdict(
                pair.difference, direction, float(p), alpha, less=pair.metric in errors
            ),
        )
        for (pair, direction), p in zip(found, corrected)
    )


def _pair(
    metric: str, model: str, against: str, moved: FloatArray, samples: FloatArray
) -> tuple[Comparison, int]:
    """Test one pair; no correction and no verdict yet; also return Wilcoxon's direction."""
    difference = float(moved.mean())
    by_bootstrap = bootstrap_p(difference, samples)
    by_rank, direction = wilcoxon_p(moved)
    worst = max(by_bootstrap, by_rank)
    pair = Comparison(
        metric,
        model,
        against,
        difference,
        interval(samples),
        by_bootstrap,
        by_rank,
        worst,
        "no difference",
    )
    return pair, direction


def _verdict(
    difference: float, direction: int, p: float, alpha: float, *, less: bool
) -> Conclusion:
    """Return better or worse only where the corrected test allows it."""
    if p > alpha or direction == 0 or np.sign(difference) != direction:
        return "no difference"
    return "better" if (direction < 0) == less else "worse"
