"""What all sources of this package share: settings, the fitted check, admission of indexes."""

from __future__ import annotations

from crossrec.components.query import QueryBatch
from crossrec.errors import NotFittedError

#: Scores computed at once, in numbers: 4 million float32 are 16 MB.
BLOCK = 4_000_000


def blocks(queries: QueryBatch, width: int) -> list[QueryBatch]:
    """Cut a batch so that a block's dense scores of `width` columns stay within `BLOCK` numbers."""
    size = max(1, BLOCK // max(width, 1))
    if len(queries) <= size:
        return [queries]
    return [queries.take(rows) for rows in queries.blocks(size)]


def not_fitted(name: str) -> NotFittedError:
    """Return the error of a source that is asked before it was fitted."""
    return NotFittedError(f"source {name!r} is not fitted: run `crossrec fit` or call fit() first")
