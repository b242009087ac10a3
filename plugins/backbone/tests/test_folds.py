"""How many folds are computed side by side."""

from __future__ import annotations

import pytest
from crossrec_backbone.adaptation.folds import folds_at_once


@pytest.mark.parametrize(
    ("folds", "n_items", "threads", "expected"),
    [(2, 500, 2, 2), (2, 500, 8, 2), (4, 500, 3, 3), (2, 500, 1, 1), (2, 50_000, 8, 1)],
)
def test_by_threads_and_only_where_memory_allows(folds, n_items, threads, expected) -> None:
    assert folds_at_once(folds, n_items, threads) == expected
