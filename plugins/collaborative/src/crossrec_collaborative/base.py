"""What all sources of this package share: settings, the fitted check, admission of indexes."""

from __future__ import annotations

import numpy as np
from crossrec.components.query import QueryBatch
from crossrec.data.ragged import Ragged
from crossrec.errors import NotFittedError
from pydantic import BaseModel, ConfigDict

#: Scores computed at once, in numbers: 4 million float32 are 16 MB.
BLOCK = 4_000_000


class Settings(BaseModel):
    """Base of all configurations: frozen, unknown settings refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def within(rows: Ragged, n_items: int) -> Ragged:
    """Return `rows` without indexes outside 0 … n_items - 1.

    A vocabulary may have grown since a source was fitted; what it doesn't know it can't weigh.
    """
    values = rows.values
    if len(values) == 0 or (int(values.min()) >= 0 and int(values.max()) < n_items):
        return rows
    return select(rows, (values >= 0) & (values < n_items))


def select(rows: Ragged, keep: object) -> Ragged:
    """Return only the values of `rows` where the mask `keep` is true."""
    mask = np.asarray(keep, dtype=bool)
    before = np.concatenate([[0], np.cumsum(mask)]).astype(np.int64)
    return Ragged(before[rows.indptr], rows.values[mask])


def blocks(queries: QueryBatch, width: int) -> list[QueryBatch]:
    """Cut a batch so that a block's dense scores of `width` columns stay within `BLOCK` numbers."""
    size = max(1, BLOCK // max(width, 1))
    if len(queries) <= size:
        return [queries]
    return [queries.take(rows) for rows in queries.blocks(size)]


def not_fitted(name: str) -> NotFittedError:
    """Return the error of a source that is asked before it was fitted."""
    return NotFittedError(f"source {name!r} is not fitted: run `crossrec fit` or call fit() first")
