"""Queries without what the user had, where people of a catalogue do not come back to it.

Similarity favours what was already consumed, so a catalogue in which nothing repeats must not
propose its history again, and one in which much repeats must (`crossrec.components.repeats`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from crossrec.components.query import QueryBatch
from crossrec.numeric.ragged import Ragged


def exclude_history(queries: QueryBatch, repeats: bool) -> QueryBatch:
    """Return the queries with their histories excluded, unless repeats are candidates.

    What the queries exclude themselves stays excluded.
    """
    if repeats or queries.exclude is queries.history:
        return queries
    both = (queries.exclude, queries.history)
    rows = np.concatenate([part.row_of for part in both])
    values = np.concatenate([part.values for part in both])
    order = np.lexsort((values, rows))
    exclude = Ragged.grouped(rows[order], values[order], len(queries)).distinct()
    return replace(queries, exclude=exclude)
