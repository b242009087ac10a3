"""Base of the factor models: known users by their factors, all others by their history."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from crossrec.components.candidates import PAD, Candidates
from crossrec.components.evidence import Evidence
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.components.topk import top_k
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.numeric.hashing import fingerprints
from crossrec.numeric.ragged import Ragged
from numpy.typing import NDArray

from crossrec_collaborative.base import not_fitted
from crossrec_collaborative.factor_topk import best_products

#: Batches of up to this size return their full scores, which spares the pool a second pass.
_FEW = 32


class FactorSource:
    """Scores = user factors · item factors, over the items with events.

    A known user whose history is the one of the fit keeps the fitted factors. All others, known
    users with newer events included, are folded in from the history; subclasses define how.
    Without a history there is no evidence, so there are no candidates.
    """

    name: ClassVar[str] = ""
    _phrase: ClassVar[str] = "fits the taste shown by"

    def __init__(self) -> None:
        self._fitted: dict[str, NDArray[Any]] = {}
        self._place: NDArray[np.int64] = np.zeros(0, dtype=np.int64)

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        """Learn the factors of users and of items with events. Deterministic for a seed."""
        active = np.flatnonzero(dataset.item_counts > 0)
        learnt = self._learn(dataset.matrix()[:, active], dataset, run) if len(active) else None
        empty = np.zeros((0, 1), dtype=np.float32)
        self._keep(
            {
                "active": active,
                "size": np.array([dataset.n_items], dtype=np.int64),
                "fingerprints": fingerprints(dataset.sequences),
                **(learnt or {"items": empty, "users": empty}),
            }
        )

    def generate(self, queries: QueryBatch, k: int) -> Candidates:
        """Return the best ≤ k items with events, none of them excluded."""
        arrays = self._arrays
        vectors, known = self.user_vectors(queries)
        exclude = queries.exclude.within(len(self._place))
        if len(queries) <= _FEW:
            scores = np.full((len(queries), len(self._place)), -np.inf, dtype=np.float32)
            # Not BLAS: on a busy machine its threads take ten times as long for so small a product.
            scores[:, arrays["active"]] = np.einsum("nf,mf->nm", vectors, arrays["items"])
            scores[~known] = -np.inf
            return top_k(scores, k, exclude, source=self.name)
        place = self._place[exclude.values]
        away = Ragged(exclude.where(place >= 0).indptr, place[place >= 0])
        found = best_products(vectors, arrays["items"], k, away)
        real = (found.index != PAD) & known[:, None]
        width = int(real.sum(axis=1).max(initial=0))
        index = np.full(real.shape, PAD, dtype=np.int64)
        index[real] = arrays["active"][found.index[real]]
        score = np.where(real, found.score, -np.inf).astype(np.float32)
        return Candidates(index[:, :width], score[:, :width], self.name, found.mean, found.std)

    def score(self, queries: QueryBatch, index: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the score of given items, float32 (n, m); NaN where there is no evidence."""
        items = self._arrays["items"]
        vectors, known = self.user_vectors(queries)
        place = self._places(index)
        scored = (place >= 0) & known[:, None]
        row = np.nonzero(scored)[0]
        out = np.full(index.shape, np.nan, dtype=np.float32)
        out[scored] = np.einsum("nf,nf->n", vectors[row], items[place[scored]])
        return out

    def explain(self, queries: QueryBatch, index: NDArray[np.int64]) -> list[Evidence | None]:
        """Return the history items behind the score of each item of `index`, for one query.

        The strengths are the history items' positive shares in the score of the folded-in user;
        negative shares are left out.
        """
        arrays = self._arrays
        history, _ = self._known(queries.history)
        items, times = np.unique(history.values, return_counts=True)
        place = self._places(index)
        if len(items) == 0:
            return [None] * len(index)
        shares = self._contributions(items, times.astype(np.float64))
        found: list[Evidence | None] = []
        for at in place:
            terms = shares @ arrays["items"][at] if at >= 0 else np.zeros(len(items))
            order = np.argsort(-terms, kind="stable")[: int((terms > 0).sum())]
            named = tuple(arrays["active"][items[order]].tolist())
            terms_named = tuple(terms[order].tolist())
            found.append(Evidence(self._phrase, named, terms_named) if named else None)
        return found

    def state(self) -> State:
        """Return the factors."""
        return State(dict(self._arrays))

    def restore(self, state: State, catalog: Catalog) -> None:
        """Take back the factors."""
        self._keep(dict(state.arrays))

    def user_vectors(self, queries: QueryBatch) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return the factors of each query's user, float32 (n, f), and whether there are any."""
        arrays = self._arrays
        history, known = self._known(queries.history)
        vectors = np.zeros((len(queries), arrays["items"].shape[1]), dtype=np.float32)
        inside = known & (queries.users >= 0) & (queries.users < len(arrays["users"]))
        rows = np.flatnonzero(inside)
        same = fingerprints(queries.history)[rows] == arrays["fingerprints"][queries.users[rows]]
        vectors[rows[same]] = arrays["users"][queries.users[rows[same]]]
        fresh = known.copy()
        fresh[rows[same]] = False
        new = np.flatnonzero(fresh)
        if len(new):
            vectors[new] = self._fold_in(history.take(new))
        return vectors, known

    def _learn(self, matrix: Any, dataset: Dataset, run: RunOptions) -> dict[str, NDArray[Any]]:
        """Return ``items`` (m, f), ``users`` (n_users, f) and what `_contributions` needs."""
        raise NotImplementedError

    def _fold_in(self, history: Ragged) -> NDArray[Any]:
        """Return the factors of users who are only a history (places of items), (n, f)."""
        raise NotImplementedError

    def _contributions(self, items: NDArray[np.int64], times: NDArray[np.float64]) -> NDArray[Any]:
        """Return each distinct history item's share of the folded-in user factors, (h, f)."""
        raise NotImplementedError

    @property
    def _arrays(self) -> dict[str, NDArray[Any]]:
        if not self._fitted:
            raise not_fitted(self.name)
        return self._fitted

    def _keep(self, arrays: dict[str, NDArray[Any]]) -> None:
        self._fitted = arrays
        self._place = np.full(int(arrays["size"][0]), -1, dtype=np.int64)
        self._place[arrays["active"]] = np.arange(len(arrays["active"]))

    def _places(self, index: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the row of each item in ``items``, -1 where it has none."""
        inside = (index >= 0) & (index < len(self._place))
        place = np.full(index.shape, -1, dtype=np.int64)
        place[inside] = self._place[index[inside]]
        return place

    def _known(self, history: Ragged) -> tuple[Ragged, NDArray[np.bool_]]:
        """Return the history as places of items with events, and which rows have any."""
        place = self._places(history.values)
        known = Ragged(history.where(place >= 0).indptr, place[place >= 0])
        return known, known.lengths > 0
