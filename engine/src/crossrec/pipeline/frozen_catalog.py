"""A source that does not know the latest items, among others that do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec.components.candidates import PAD, Candidates
from crossrec.components.evidence import Evidence
from crossrec.components.query import QueryBatch


class FrozenCatalogSource:
    """Queries a fitted source for its own items only; later ones get no score.

    Everything but the questions of a request goes to the source itself.

    Parameters
    ----------
    n_items, n_all : int
        How many items the source knows, and how many there are.
    """

    def __init__(self, source: Any, n_items: int, n_all: int) -> None:
        self._source, self._n_items, self._n_all = source, n_items, n_all

    @property
    def source(self) -> Any:
        """The source itself."""
        return self._source

    @property
    def known_items(self) -> int:
        """How many items the source knows: the first ones of the catalog."""
        return self._n_items

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def generate(self, queries: QueryBatch, k: int) -> Candidates:
        """Return what the source proposes for the part of the history that it knows."""
        found: Candidates = self._source.generate(self._older(queries), k)
        full = getattr(found, "full", None)
        if full is None or full.shape[1:] != (self._n_items,):
            return found
        later = np.full((len(full), self._n_all - self._n_items), np.nan, dtype=np.float32)
        return replace(found, full=np.concatenate([full, later], axis=1))

    def score(self, queries: QueryBatch, index: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the source's scores, float32 (n, m); NaN for later items."""
        own = np.where(index < self._n_items, index, PAD)
        scores: NDArray[np.float32] = self._source.score(self._older(queries), own)
        return scores

    def explain(self, queries: QueryBatch, index: NDArray[np.int64]) -> list[Evidence | None]:
        """Return the source's evidence; None for later items."""
        own = np.flatnonzero(index < self._n_items)
        found: list[Evidence | None] = [None] * len(index)
        evidence = self._source.explain(self._older(queries), index[own])
        for at, one in zip(own.tolist(), evidence):
            found[at] = one
        return found

    def _older(self, queries: QueryBatch) -> QueryBatch:
        """Return the queries without later items, and with the columns of the others.

        A list about later items alone is about nothing that the source knows: it gets no history
        either, which would be taken in their place.
        """
        n = self._n_items
        about = queries.about.within(n)
        lost = (about.lengths == 0) & (queries.about.lengths > 0)
        known = (queries.history.values < n) & ~lost[queries.history.row_of]
        down = queries.demoted.values < n

        def aligned(column: Any, kept: NDArray[np.bool_]) -> Any:
            return column if column is None or kept.all() else column[kept]

        return replace(
            queries,
            history=queries.history if known.all() else queries.history.where(known),
            exclude=queries.exclude.within(n),
            about=about,
            negatives=queries.negatives.within(n),
            demoted=queries.demoted.within(n),
            factors=aligned(queries.factors, down),
            times=aligned(queries.times, known),
            types=aligned(queries.types, known),
            weights=aligned(queries.weights, known),
        )
