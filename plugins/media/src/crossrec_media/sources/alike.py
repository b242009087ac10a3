"""The source `alike`: what looks, sounds or is like the history, by the vectors of one encoder."""

from __future__ import annotations

import numpy as np
from crossrec.components.candidates import PAD, Candidates
from crossrec.components.cost import Cost, DatasetSize
from crossrec.components.evidence import Evidence
from crossrec.components.history import WeightedHistory, weigh
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.components.topk import top_k
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.event_change import EventChange
from crossrec.errors import NotFittedError
from crossrec.numeric.projection import Projection, filled_rows
from crossrec.numeric.ragged import FloatArray, IntArray
from crossrec.numeric.sparse import block_rows

from crossrec_media.errors import MediaError
from crossrec_media.settings import AlikeConfig

#: History items named for one candidate.
_NAMED = 5
#: Multiplications and additions of one number in seconds, and bytes that it takes.
_STEP, _BYTES = 2e-10, 4
#: Width of vectors where nothing is known of them yet.
_WIDTH = 512


class AlikeSource:
    """Candidate generator of items whose vectors point where those of the history point.

    The score is the cosine with the mean of the history's vectors, the newest heaviest; vectors are
    centred and partly whitened over the catalogue first (WhitenRec, 2024). It needs no event. Items
    and histories without vectors have no score.
    """

    name = "alike"

    def __init__(self, config: AlikeConfig | None = None) -> None:
        self.config = config or AlikeConfig()
        self._rows: FloatArray | None = None
        self._projection: Projection | None = None

    def estimate(self, size: DatasetSize, run: RunOptions) -> Cost:
        """Return what a fit costs, and the answers to ``size.queries`` queries."""
        fit = size.items * _WIDTH * _WIDTH
        answers = size.queries * size.items * _WIDTH
        return Cost.of(scattered=_STEP * (fit + answers), memory=2.0 * _BYTES * size.items * _WIDTH)

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        """Learn mean and axes of the catalogue's vectors; events are not read.

        Raises
        ------
        MediaError
            If the dataset has no such vectors, or fewer than two.
        """
        vectors = dataset.vectors.get(self.config.encoder)
        if vectors is None:
            known = ", ".join(dataset.vectors) or "none"
            raise MediaError(
                f"no vectors of the encoder {self.config.encoder!r}: there are {known}; add it to "
                "the pipeline's [[encoders]]"
            )
        if int(filled_rows(vectors).sum()) < 2:
            raise MediaError(f"fewer than two items have vectors of {self.config.encoder!r}")
        self._projection = Projection.fit(vectors, self.config.whitening)
        self._rows = self._projection.rows(vectors)

    def add_items(self, dataset: Dataset) -> None:
        """Take in the vectors of new items; mean and axes stay as they were learnt."""
        rows, projection = self._fitted
        vectors = dataset.vectors.get(self.config.encoder)
        if vectors is None:
            new = np.zeros((dataset.n_items - len(rows), rows.shape[1]), dtype=np.float32)
        else:
            new = projection.rows(vectors[len(rows) :])
        self._rows = np.concatenate([rows, new])

    def update(self, change: EventChange) -> None:
        """Learn nothing: events are not read."""

    def forget(self, change: EventChange) -> None:
        """Change nothing: no user was ever read."""

    def generate(self, queries: QueryBatch, k: int) -> Candidates:
        """Return the best ≤ k items with vectors; none where the history has none."""
        blocks = [queries.take(rows) for rows in queries.blocks(block_rows(len(self._fitted[0])))]
        if not blocks:
            return Candidates.empty(len(queries), self.name)
        parts = [top_k(self._scores(block), k, block.exclude) for block in blocks]
        return Candidates.stack(parts, self.name)

    def score(self, queries: QueryBatch, index: IntArray) -> FloatArray:
        """Return the cosine of given items, float32 (n, m); NaN at PAD and without vectors."""
        rows = self._fitted[0]
        profiles = self._profiles(queries)
        scores = np.einsum("nd,nmd->nm", profiles, rows[np.maximum(index, 0)])
        known = (index != PAD) & filled_rows(rows)[np.maximum(index, 0)]
        known &= filled_rows(profiles)[:, None]
        return np.where(known, scores, np.nan).astype(np.float32)

    def explain(self, queries: QueryBatch, index: IntArray) -> list[Evidence | None]:
        """Return the history items that an item is most like, strongest first, for one query."""
        rows = self._fitted[0]
        history, weights = self._weighed(queries).merged
        shares = weights[:, None] * (rows[history] @ rows[np.maximum(index, 0)].T)
        found: list[Evidence | None] = []
        for item, share in zip(index.tolist(), shares.T, strict=True):
            order = [at for at in np.argsort(-share, kind="stable")[:_NAMED] if share[at] > 0]
            if item == PAD or not order:
                found.append(None)
                continue
            named = tuple(int(history[at]) for at in order)
            found.append(
                Evidence(self.config.phrase, named, tuple(float(share[at]) for at in order))
            )
        return found

    def vectors(self) -> FloatArray | None:
        """Return the centred and whitened vectors, float32 (n_items, dim)."""
        return self._fitted[0]

    def state(self) -> State:
        """Return the vectors, and what later ones are projected by."""
        rows, projection = self._fitted
        return State({"rows": rows, "mean": projection.mean, "axes": projection.axes})

    def restore(self, state: State, catalog: Catalog) -> None:
        """Take back what `state` returned; arrays may be read-only memory maps."""
        self._rows = state.arrays["rows"]
        self._projection = Projection(state.arrays["mean"], state.arrays["axes"])

    def _weighed(self, queries: QueryBatch) -> WeightedHistory:
        config = self.config
        return weigh(
            queries.related(), len(self._fitted[0]), decay=config.decay, limit=config.limit
        )

    def _profiles(self, queries: QueryBatch) -> FloatArray:
        """Return the mean vector of each history, of length 1 or 0, float32 (n, dim)."""
        profiles = np.asarray(self._weighed(queries).matrix @ self._fitted[0], dtype=np.float32)
        lengths = np.linalg.norm(profiles, axis=1, keepdims=True)
        unit = np.divide(profiles, lengths, out=np.zeros_like(profiles), where=lengths > 1e-9)
        return np.asarray(unit, dtype=np.float32)

    def _scores(self, queries: QueryBatch) -> FloatArray:
        """Return the cosine with all items, NaN where there is none, float32 (n, n_items)."""
        rows, profiles = self._fitted[0], self._profiles(queries)
        scores = profiles @ rows.T
        scores[:, ~rows.any(axis=1)] = np.nan
        scores[~profiles.any(axis=1)] = np.nan
        return np.asarray(scores, dtype=np.float32)

    @property
    def _fitted(self) -> tuple[FloatArray, Projection]:
        if self._rows is None or self._projection is None:
            raise NotFittedError(f"{self.name} is not fitted: call fit or restore first")
        return self._rows, self._projection
