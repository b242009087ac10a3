"""The rule of proof against plain arithmetic, and how seldom noise gets past it."""

import numpy as np
import pytest
from crossrec.components.paired_gain import STANDARD_ERRORS, PairedGain, choose_option
from hypothesis import given
from hypothesis import strategies as st

tables = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=30)


@given(tables)
def test_mean_and_standard_error_of_the_differences(rows):
    one, other = np.array(rows).T
    gain = PairedGain.between(one, other)
    difference = one - other
    assert gain.n == len(rows)
    assert gain.mean == pytest.approx(difference.mean(), abs=1e-12)
    error = difference.std(ddof=1) / np.sqrt(len(rows))
    assert gain.error == pytest.approx(error, abs=1e-7)
    assert (-gain).mean == pytest.approx(PairedGain.between(other, one).mean)


@given(tables, st.integers(0, 20))
def test_queries_that_are_not_given_differ_by_nothing(rows, more):
    one, other = np.array(rows).T
    padded = (np.append(values, np.zeros(more)) for values in (one, other))
    whole, short = PairedGain.between(*padded), PairedGain.between(one, other, len(rows) + more)
    assert short.n == whole.n
    assert (short.mean, short.error) == pytest.approx((whole.mean, whole.error), abs=1e-9)


def test_beyond_noise_is_more_than_two_standard_errors():
    assert STANDARD_ERRORS == 2.0
    assert PairedGain(10, 0.21, 0.1).beyond_noise
    assert not PairedGain(10, 0.2, 0.1).beyond_noise
    assert not PairedGain(10, -0.3, 0.1).beyond_noise
    assert (-PairedGain(10, -0.3, 0.1)).beyond_noise
    assert PairedGain(10, 0.1, 0.0).beyond_noise
    assert PairedGain(10, 0.3, 0.1).lower == pytest.approx(0.1)


def test_nothing_and_a_single_query_prove_nothing():
    assert PairedGain.between(np.zeros(0), np.zeros(0)) == PairedGain()
    assert not PairedGain().beyond_noise
    alone = PairedGain.between(np.ones(1), np.zeros(1))
    assert (alone.mean, alone.error) == (1.0, 0.0)
    assert not alone.beyond_noise


def test_the_average_counts_every_set_of_queries_the_same():
    average = PairedGain.average([PairedGain(10, 0.1, 0.03), PairedGain(1000, 0.3, 0.04)])
    assert average == PairedGain(1010, pytest.approx(0.2), pytest.approx(0.025))
    assert PairedGain.average([]) == PairedGain()


def noisy(rng, *means):
    base = rng.normal(size=400)
    return [base + mean + 0.5 * rng.normal(size=400) for mean in means]


def test_the_surest_gain_is_chosen_and_the_default_stands_otherwise():
    rng = np.random.default_rng(0)
    default, small, large = noisy(rng, 0.0, 0.1, 0.5)
    choice = choose_option({1.0: default, 2.0: small, 4.0: large}, 1.0)
    assert (choice.option, choice.best) == (4.0, 4.0)
    assert choice.gain == PairedGain.between(large, default)
    kept = choose_option({1.0: large, 2.0: small, 4.0: default}, 1.0)
    assert kept.option == 1.0
    assert kept.best in (2.0, 4.0)
    assert kept.gain.mean < 0


def test_a_small_sure_gain_is_preferred_to_a_large_doubtful_one():
    default = np.zeros(100)
    sure = np.full(100, 0.01)
    doubtful = np.where(np.arange(100) == 0, 3.0, 0.0)
    assert choose_option({"default": default, "a": doubtful, "b": sure}, "default").option == "b"


def test_without_alternatives_the_default_stands():
    choice = choose_option({"only": np.ones(3)}, "only")
    assert (choice.option, choice.best, choice.gain) == ("only", "only", PairedGain(3))
    assert choose_option({"only": np.ones(3)}, "only", 9).gain.n == 9


def test_noise_seldom_moves_the_default():
    moved = 0
    for seed in range(200):
        values = noisy(np.random.default_rng(seed), *([0.0] * 6))
        moved += choose_option(dict(enumerate(values)), 0).option != 0
    assert moved <= 0.1 * 200
