"""Fingerprints tell whether two histories are the same."""

from __future__ import annotations

import numpy as np
from crossrec.numeric.hashing import fingerprints
from crossrec.numeric.ragged import Ragged
from hypothesis import given
from hypothesis import strategies as st


@given(st.lists(st.lists(st.integers(0, 50), max_size=6), max_size=6), st.randoms())
def test_fingerprints_know_a_multiset(rows: list[list[int]], random: object) -> None:
    shuffled = [sorted(row, key=lambda _: random.random()) for row in rows]  # type: ignore[attr-defined]
    first = fingerprints(Ragged.from_rows(rows))
    np.testing.assert_array_equal(first, fingerprints(Ragged.from_rows(shuffled)))
    for a, row in zip(first, rows):
        for b, other in zip(first, rows):
            assert (a == b) == (sorted(row) == sorted(other))


def test_a_fingerprint_does_not_depend_on_the_other_rows() -> None:
    alone = fingerprints(Ragged.from_rows([[7, 8, 7]]))
    among = fingerprints(Ragged.from_rows([[1, 2], [], [7, 7, 8]]))
    assert alone[0] == among[2]
    assert among[1] == 0
    assert alone.dtype == np.uint64
