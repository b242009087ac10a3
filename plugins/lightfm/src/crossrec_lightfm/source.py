"""The candidate generator `lightfm`."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from crossrec.components.candidates import PAD, Candidates
from crossrec.components.cost import Cost, DatasetSize
from crossrec.components.evidence import Evidence
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.components.topk import top_k
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.errors import NotFittedError
from crossrec.numeric.hashing import fingerprints
from crossrec.numeric.ragged import Ragged
from crossrec.numeric.sparse import block_rows
from numpy.typing import NDArray

from crossrec_lightfm.config import LightFmConfig
from crossrec_lightfm.features import ItemFeatures
from crossrec_lightfm.training import train

#: Batches of up to this size are multiplied without BLAS, whose threads cost more than they save:
#: on a busy machine one query on 20,000 items took 24 ms with them and 0.2 ms without.
_FEW = 4
#: Shared features that a reason names.
_SHARED = 2

#: Reference seconds of one interaction and one number of its factors, all draws together.
_DRAW = 1.1e-7


class LightFm:
    """Kula: Metadata embeddings for user and item cold-start recommendations (2015), with WARP.

    An item is the sum of its own embedding and of the mean embedding of its words, categories and
    creator; so is its bias. Items without events are represented by the features that other items
    trained. A new user is the mean of the history's items, scaled by the one factor that brings
    such means closest to the users' embeddings (least squares). A known user whose history is that
    of the fit is a mix of this mean and their own embedding. Without a history there are no
    candidates.
    """

    name: ClassVar[str] = "lightfm"

    def __init__(self, config: LightFmConfig | None = None) -> None:
        self.config = config or LightFmConfig()
        self._fitted: dict[str, NDArray[Any]] = {}
        self._features = ItemFeatures((), Ragged.empty(0))

    def estimate(self, size: DatasetSize, run: RunOptions) -> Cost:
        """Return what a fit costs, and the answers to ``size.queries`` queries.

        One core draws for every interaction until it finds an item that is ranked too high.
        """
        config, rows = self.config, float(size.users + size.items)
        drawn = float(config.epochs) * size.interactions * config.embedding_size
        features = min(size.characters / 6.0, float(size.items * config.max_features))
        answers = size.queries * (1.5e-4 + 2e-8 * size.items)
        return Cost.of(
            scattered=2e-3 + _DRAW * drawn + 1e-6 * size.characters + 1e-6 * size.users + answers,
            memory=4e6 + 12.0 * rows * config.embedding_size + 60.0 * features,
        )

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        """Learn users, items and features. Deterministic for a seed.

        Raises
        ------
        PluginError
            Where the library lightfm is not installed.
        """
        active = dataset.item_counts > 0
        features = ItemFeatures.of(dataset.catalog, self.config.max_features)
        n_users, size = dataset.n_users, self.config.embedding_size
        items = np.zeros((dataset.n_items, size + 1), dtype=np.float32)
        users = np.zeros((n_users, size), dtype=np.float32)
        learnt = active.copy()
        if active.any():
            shared = features.matrix()
            matrix = dataset.matrix(binary=True)[:, active]
            parts = train(matrix, shared[active], self.config, run)
            trained = np.bincount(shared[active].indices, minlength=len(features.names)) > 0
            table = np.where(trained[:, None], parts.features, np.float32(0.0))
            items, users = shared @ table, parts.users
            items[active] += parts.own
            learnt |= np.asarray(shared @ trained.astype(np.float32)) > 0
        self._features = features
        self._fitted = {
            "items": items,
            "learnt": learnt,
            "users": users,
            "scale": np.array([_scale(items, users, dataset.sequences)]),
            "fingerprints": fingerprints(dataset.sequences),
        }

    def generate(self, queries: QueryBatch, k: int) -> Candidates:
        """Return the best ≤ k items with a learnt embedding, none of them excluded."""
        n_items = len(self._arrays["items"])
        size = max(1, block_rows(n_items) // 2)
        parts = []
        for rows in queries.blocks(size) or [np.zeros(0, dtype=np.int64)]:
            block = queries if len(rows) == len(queries) else queries.take(rows)
            parts.append(top_k(self._scores(block), k, block.exclude.within(n_items)))
        return Candidates.stack(parts, self.name)

    def score(self, queries: QueryBatch, index: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the score of given items, float32 (n, m); NaN where there is no evidence."""
        arrays = self._arrays
        vectors, known = self.user_vectors(queries)
        inside = (index != PAD) & (index < len(arrays["items"])) & known[:, None]
        inside[inside] = arrays["learnt"][index[inside]]
        row = np.nonzero(inside)[0]
        out = np.full(index.shape, np.nan, dtype=np.float32)
        out[inside] = np.einsum("nf,nf->n", vectors[row], arrays["items"][index[inside]])
        return out

    def explain(self, queries: QueryBatch, index: NDArray[np.int64]) -> list[Evidence | None]:
        """Return what each item of `index` shares with the history, for a batch of one query.

        The evidence holds the history items with a positive part in the folded-in user's score,
        strongest first; the bias is left out. Where the strongest shares features with the item,
        the phrase names the rarest of them, and only history items that have them are kept.
        """
        arrays = self._arrays
        history = queries.history.within(len(arrays["items"])).values
        items, times = np.unique(history[arrays["learnt"][history]], return_counts=True)
        share = arrays["scale"][0] * times / max(times.sum(), 1)
        parts = arrays["items"][items, :-1] * share[:, None]
        found: list[Evidence | None] = []
        for item in index:
            real = 0 <= item < len(arrays["items"]) and bool(arrays["learnt"][item])
            terms = parts @ arrays["items"][item, :-1] if real else np.zeros(len(items))
            found.append(self._evidence(int(item), items, terms))
        return found

    def state(self) -> State:
        """Return the factors and the features behind them."""
        rows = {"indptr": self._features.rows.indptr, "indices": self._features.rows.values}
        return State({**self._arrays, **rows}, {"features": list(self._features.names)})

    def restore(self, state: State, catalog: Catalog) -> None:
        """Take back the factors and the features."""
        arrays = dict(state.arrays)
        names = tuple(state.values["features"])
        self._features = ItemFeatures(names, Ragged(arrays.pop("indptr"), arrays.pop("indices")))
        self._fitted = arrays

    def user_vectors(self, queries: QueryBatch) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return each query's user, float32 (n, f + 1) with a 1 for the bias, and who has one."""
        arrays = self._arrays
        history = queries.history.within(len(arrays["items"]))
        mean, known = _means(arrays["items"], history, arrays["learnt"])
        vectors = (arrays["scale"][0] * mean).astype(np.float32)
        vectors[:, -1] = 1.0
        fitted = known & (queries.users >= 0) & (queries.users < len(arrays["users"]))
        rows = np.flatnonzero(fitted)
        same = fingerprints(queries.history)[rows] == arrays["fingerprints"][queries.users[rows]]
        own, share = arrays["users"][queries.users[rows[same]]], self.config.own_weight
        vectors[rows[same], :-1] = share * own + (1.0 - share) * vectors[rows[same], :-1]
        return vectors, known

    @property
    def _arrays(self) -> dict[str, NDArray[Any]]:
        if not self._fitted:
            raise NotFittedError(
                f"source {self.name!r} is not fitted: run `crossrec fit` or call fit() first"
            )
        return self._fitted

    def _scores(self, queries: QueryBatch) -> NDArray[np.float32]:
        vectors, known = self.user_vectors(queries)
        items = self._arrays["items"]
        few = len(queries) <= _FEW
        scores: NDArray[np.float32]
        scores = np.einsum("nf,if->ni", vectors, items) if few else vectors @ items.T
        scores[:, ~self._arrays["learnt"]] = -np.inf
        scores[~known] = -np.inf
        return scores

    def _evidence(
        self, item: int, items: NDArray[np.int64], terms: NDArray[Any]
    ) -> Evidence | None:
        order = np.argsort(-terms, kind="stable")[: int((terms > 0).sum())]
        if len(order) == 0:
            return None
        phrase, features = "fits the taste shown by", self._features.rows
        shared = np.intersect1d(features.row(item), features.row(items[order[0]]))
        if len(shared):
            named = shared[-_SHARED:][::-1]  # features are in falling order of frequency
            phrase = f"shares {' and '.join(self._features.names[f] for f in named)} with"
            have_them = [np.isin(named, features.row(items[at])).all() for at in order]
            order = order[np.array(have_them)]
        return Evidence(phrase, tuple(items[order].tolist()), tuple(terms[order].tolist()))


def _scale(items: NDArray[Any], users: NDArray[Any], sequences: Ragged) -> float:
    """Return c that makes c · mean of the history's items closest to the users' embeddings."""
    mean, have = _means(items, sequences, np.ones(len(items), dtype=bool))
    wide = mean[have, :-1].astype(np.float64)
    return float((users[have] * wide).sum()) / max(float(np.square(wide).sum()), 1e-12)


def _means(
    table: NDArray[Any], rows: Ragged, learnt: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the mean of the learnt table rows that each row lists, and which rows list any."""
    from scipy.sparse import csr_matrix

    weight = learnt[rows.values].astype(np.float64)
    count = np.bincount(rows.row_of, weight, minlength=len(rows))
    share = (weight / np.maximum(count, 1.0)[rows.row_of]).astype(np.float32)
    mean = csr_matrix((share, rows.values, rows.indptr), (len(rows), len(table))) @ table
    return mean, count > 0
