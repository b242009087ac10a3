"""Vectors made comparable: centred, partly whitened, of length 1; broken ones relate to nothing."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.errors import DataError
from crossrec.numeric.projection import Projection, filled_rows
from hypothesis import given
from hypothesis import strategies as st


def spread(n: int = 400, seed: int = 0):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(n, 3)) * [5.0, 1.0, 0.2] + 7.0).astype(np.float32)


@given(st.floats(0, 1), st.integers(0, 50))
def test_rows_have_length_1_whatever_the_whitening(power: float, seed: int) -> None:
    raw = spread(60, seed)
    rows = Projection.fit(raw, power).rows(raw)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-4)


@pytest.mark.parametrize(("power", "ratio"), [(0.0, 5.0), (0.5, 5.0**0.5), (1.0, 1.0)])
def test_whitening_levels_the_axes_to_its_power(power: float, ratio: float) -> None:
    raw = spread(4000)
    one = Projection.fit(raw, power)
    moved = (raw - one.mean) @ one.axes
    found = np.sort(moved.std(axis=0))[::-1]
    assert found.max() / found[1] == pytest.approx(ratio, rel=0.1) or power == 1.0
    if power == 1.0:
        np.testing.assert_allclose(found, 1.0, rtol=0.01)


def test_without_whitening_angles_about_the_mean_stay() -> None:
    raw = spread()
    rows = Projection.fit(raw, 0.0).rows(raw)
    centred = raw - raw.mean(axis=0)
    expected = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    np.testing.assert_allclose(rows @ rows.T, expected @ expected.T, atol=1e-4)


def test_rows_that_are_zero_or_not_finite_are_not_learnt_from() -> None:
    raw = spread()
    broken = np.concatenate(
        [raw, np.zeros((5, 3), np.float32), np.full((5, 3), np.nan, np.float32)]
    )
    assert filled_rows(broken).tolist() == [True] * 400 + [False] * 10
    one = Projection.fit(broken, 0.5)
    np.testing.assert_allclose(one.mean, Projection.fit(raw, 0.5).mean, rtol=1e-5)
    rows = one.rows(broken)
    assert not rows[400:].any()
    assert rows[:400].any(axis=1).all()


def test_vectors_of_another_width_are_named() -> None:
    one = Projection.fit(spread(), 0.5)
    with pytest.raises(DataError, match="4 wide, the fitted ones 3"):
        one.rows(np.zeros((2, 4), dtype=np.float32))


def test_an_axis_without_any_spread_is_no_trouble() -> None:
    raw = spread()
    raw[:, 2] = 7.0
    rows = Projection.fit(raw, 1.0).rows(raw)
    assert np.isfinite(rows).all()
