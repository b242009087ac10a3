"""Batches are cut so that a block's scores fit."""

from __future__ import annotations

import numpy as np
from crossrec.components.query import QueryBatch
from crossrec.numeric.ragged import Ragged
from crossrec_collaborative.base import blocks


def batch(histories: list[list[int]]) -> QueryBatch:
    return QueryBatch.from_histories(Ragged.from_rows(histories))


def test_blocks_cover_the_batch_in_order() -> None:
    queries = batch([[i % 10] for i in range(25)])
    parts = blocks(queries, 400_000)
    assert [len(part) for part in parts] == [10, 10, 5]
    assert np.concatenate([p.history.values for p in parts]).tolist() == [i % 10 for i in range(25)]
    assert blocks(queries, 10) == [queries]
