"""Items without any event: their column of the item-item weights, predicted from their text.

Plain weights are 0 for an item without events, and prior-EASE takes the lack of events for evidence
against it: λQP shrinks its weights from popular items, although it was never there to be chosen.
Here the columns of the items with events are regressed on the coordinates of their texts, and an
item without events gets the column that its text predicts::

    W = argmin Σ_j ‖B_·j − W φ_j‖² + λ ‖W‖²  =  B Φᵀ (Φ Φᵀ + λ I)⁻¹

B has no diagonal, so an item never predicts itself, as is the case with a new item. The score of c
is ``Σ_h w_h · (W φ_c)_h``: one dot product of a sum over the history and the coordinates of the
text. A linear map from text to collaborative space (DeepMusic, 2013, and the closed-form
alignment of MARec, 2024, are of the kind).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from crossrec.components.query import QueryBatch
from crossrec.components.settings import Settings
from crossrec.numeric.ragged import FloatArray
from crossrec_backbone.relations.config import HistoryConfig
from crossrec_backbone.relations.scores import decayed_history
from crossrec_backbone.relations.text import TextRelations
from numpy.typing import NDArray
from pydantic import Field

#: Rounds of the power iteration behind the lexical coordinates, and directions beyond those kept.
_ROUNDS, _BEYOND = 4, 10


class TextRidgeConfig(Settings):
    """How columns are predicted.

    Attributes
    ----------
    dims : int
        Coordinates that words, tags and creators are condensed to; dense vectors keep their width.
    ridge : float
        λ, in units of a coordinate row's squared length.
    """

    dims: int = Field(300, ge=1)
    ridge: float = Field(10.0, gt=0)


@dataclass(frozen=True, eq=False)
class TextRidge:
    """Predicted columns, as factors.

    Attributes
    ----------
    reach : float32 array, shape (n, d)
        What each item contributes as a part of a history: its row of B, in coordinates.
    coordinates : float32 array, shape (n, d)
        The coordinates of each item's text; the last one is constant.
    """

    reach: FloatArray
    coordinates: FloatArray

    @classmethod
    def fit(
        cls,
        coordinates: FloatArray,
        weights: Any,
        warm: NDArray[np.bool_],
        config: TextRidgeConfig,
    ) -> TextRidge:
        """Regress the columns of the warm items on their coordinates.

        Costs ``n · d²``; nothing of size n × n is made.

        Parameters
        ----------
        coordinates : float32 array, shape (n, d)
            From `text_coordinates`.
        weights : scipy sparse or float array, shape (n, n)
            B: row = item of the history, column = candidate, no diagonal.
        warm : bool array, shape (n,)
            Which items have events.
        """
        rows = coordinates[warm]
        gram = (rows.T @ rows).astype(np.float64)
        gram[np.diag_indices(len(gram))] += config.ridge
        inverse = np.linalg.solve(gram, rows.T.astype(np.float64)).T.astype(np.float32)
        reach = np.asarray(weights[:, np.flatnonzero(warm)] @ inverse, dtype=np.float32)
        return cls(reach, coordinates)

    def scores(
        self, queries: QueryBatch, history: HistoryConfig, items: NDArray[np.int64]
    ) -> FloatArray:
        """Return the scores of some items, float32 (n_queries, len(items))."""
        decayed = decayed_history(queries, len(self.reach), history)
        scores: FloatArray = np.asarray(decayed @ self.reach) @ self.coordinates[items].T
        return scores


def text_coordinates(relations: TextRelations, config: TextRidgeConfig) -> FloatArray:
    """Return the coordinates of the texts of all items, float32 (n, d).

    Dense relations as they are; all lexical ones, side by side, condensed to their leading
    directions (randomised range finder of Halko et al., 2011, fixed seed); a constant behind.
    """
    from scipy.sparse import hstack

    parts = list(relations.dense.values())
    if relations.sparse:
        lexical = hstack(list(relations.sparse.values()), format="csr", dtype=np.float32)
        parts.append(_leading(lexical, config.dims))
    parts.append(np.ones((relations.n_items, 1), dtype=np.float32))
    return np.concatenate(parts, axis=1).astype(np.float32)


def _leading(matrix: Any, dims: int) -> FloatArray:
    """Return the rows of a sparse matrix in its leading directions, float32 (n, ≤ dims)."""
    width = min(dims, *matrix.shape)
    rng = np.random.default_rng(0)
    basis = rng.normal(size=(matrix.shape[1], min(width + _BEYOND, *matrix.shape)))
    for _ in range(_ROUNDS):
        span, _ = np.linalg.qr(matrix @ basis)
        basis, _ = np.linalg.qr(matrix.T @ span)
    projected = np.asarray(matrix @ basis)
    _, _, turn = np.linalg.svd(projected, full_matrices=False)
    return np.asarray(projected @ turn[:width].T, dtype=np.float32)
