"""Blocks of candidates become one answer."""

from __future__ import annotations

import numpy as np
from crossrec.components.candidates import PAD, Candidates
from crossrec.components.topk import top_k


def block(scores: list[list[float]], k: int) -> Candidates:
    return top_k(np.array(scores, dtype=np.float32), k, minimum=0.0)


def test_blocks_of_unequal_width_are_padded() -> None:
    stacked = Candidates.stack([block([[3, 1, 2]], 3), block([[0, 5, 0]], 3)], "s")
    assert stacked.index.tolist() == [[0, 2, 1], [1, PAD, PAD]]
    assert stacked.score.tolist() == [[3, 2, 1], [5, -np.inf, -np.inf]]
    assert stacked.source == "s"


def test_stacked_blocks_equal_one_block() -> None:
    scores = np.random.default_rng(0).normal(size=(7, 9)).astype(np.float32)
    whole = top_k(scores.copy(), 4)
    parts = [top_k(scores[i : i + 3].copy(), 4) for i in range(0, 7, 3)]
    stacked = Candidates.stack(parts)
    np.testing.assert_array_equal(stacked.index, whole.index)
    np.testing.assert_array_equal(stacked.score, whole.score)
    assert stacked.mean is not None
    assert whole.mean is not None
    np.testing.assert_array_equal(stacked.mean, whole.mean)
    assert stacked.full is None


def test_a_single_block_keeps_what_it_has() -> None:
    one = block([[3, 1, 2]], 2)
    stacked = Candidates.stack([one], "s")
    assert stacked.full is one.full
    assert stacked.source == "s"


def test_statistics_are_dropped_where_a_block_has_none() -> None:
    stacked = Candidates.stack([block([[3, 1, 2]], 2), Candidates.empty(1)])
    assert len(stacked) == 2
    assert stacked.mean is None


def test_no_blocks_are_no_candidates() -> None:
    assert Candidates.stack([]).index.shape == (0, 0)
