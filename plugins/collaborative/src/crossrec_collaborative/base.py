"""What all sources of this package share: blocks of queries, and the error before a fit."""

from __future__ import annotations

from crossrec.components.query import QueryBatch
from crossrec.errors import NotFittedError
from crossrec.numeric.sparse import block_rows


def blocks(queries: QueryBatch, width: int) -> list[QueryBatch]:
    """Cut a batch so that the dense float32 scores of a block, `width` columns, take 16 MB."""
    size = max(1, block_rows(width) // 2)
    if len(queries) <= size:
        return [queries]
    return [queries.take(rows) for rows in queries.blocks(size)]


def not_fitted(name: str) -> NotFittedError:
    """Return the error of a source that is used before it was fitted."""
    return NotFittedError(f"source {name!r} is not fitted: run `crossrec fit` or call fit() first")
