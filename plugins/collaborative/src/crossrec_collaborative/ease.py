"""EASE: item-item weights in closed form."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import numpy as np
from crossrec.components.cost import Cost, DatasetSize
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.errors import CapacityError
from crossrec.numeric.ragged import offsets
from crossrec.numeric.ridge import ridge_inverse
from crossrec.numeric.sparse import strongest
from numpy.typing import NDArray
from pydantic import Field

from crossrec_collaborative.costs import ease_cost
from crossrec_collaborative.item_source import ItemSettings, ItemSource
from crossrec_collaborative.relations import DenseRelation, Relation, SparseRelation

_GIB = 2**30
#: Rows of the Gram matrix that are computed at once.
_ROWS = 1024


class EaseConfig(ItemSettings):
    """Settings of `ease`.

    Attributes
    ----------
    reg : float
        Ridge penalty λ. Of 20, 50, 100, 200 and 400, with a decay of .8, 50 has the best ndcg@10
        on the validation items of Scientific, UCI and LLaRA Last.fm, 200 on DeskDrop and 400 on
        ML-1M (the paper takes 200 to 1000 for films).
    max_memory_gb : float
        A fit that would need more, in GiB, is refused.
    dense_items : int
        Up to this many items with events, all weights are kept, float32 items × items.
    strongest : int
        Beyond `dense_items`, how many of its largest positive weights each item keeps. On
        Scientific (4,385 items), 512 change recall@10/ndcg@10 by less than .001.
    """

    reg: Annotated[float, Field(gt=0)] = 50.0
    max_memory_gb: Annotated[float, Field(gt=0)] = 4.0
    dense_items: Annotated[int, Field(ge=0)] = 10_000
    strongest: Annotated[int, Field(ge=1)] = 512


class Ease(ItemSource):
    """Embarrassingly shallow autoencoder: Steck, WWW 2019 (arXiv:1905.03375).

    B = argmin ‖X - XB‖² + λ‖B‖² with diag(B) = 0, so B = -Q / diag(Q) off the diagonal, with
    Q = (XᵀX + λI)⁻¹ and X binary. Only items with events take part. A fit holds one float32 matrix
    of items × items, and its time grows with their cube: 5,000 items take 2 s, 10,000 items 12 s
    on one core.
    """

    name: ClassVar[str] = "ease"
    _phrase: ClassVar[str] = "often chosen together with"

    def __init__(self, config: EaseConfig | None = None) -> None:
        self.config = config or EaseConfig()
        super().__init__(self.config)

    def estimate(self, size: DatasetSize, run: RunOptions) -> Cost:
        """Return what a fit costs, and the answers to ``size.queries`` queries."""
        return ease_cost(size, self.config.dense_items)

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        """Solve for the weights.

        Raises
        ------
        CapacityError
            Where the fit would need more memory than `max_memory_gb`.
        """
        active = np.flatnonzero(dataset.item_counts > 0)
        self._check_memory(len(active))
        matrix = dataset.matrix(binary=True)[:, active]
        weights = solve(gram(matrix), self.config.reg)
        if len(active) <= self.config.dense_items:
            self._relation = DenseRelation(active, weights, dataset.n_items)
        else:
            self._relation = sparsified(weights, active, dataset.n_items, self.config.strongest)

    def _check_memory(self, n: int) -> None:
        need = n * n * 4 / _GIB  # the Gram matrix, which its factor and the weights overwrite
        if need > self.config.max_memory_gb:
            raise CapacityError(
                f"ease needs {need:.1f} GiB for {n} items with events, more than max_memory_gb = "
                f"{self.config.max_memory_gb:g}: raise it, or use item-knn or als instead"
            )


def gram(matrix: Any) -> NDArray[np.float32]:
    """Return XᵀX of a sparse binary matrix as float32 (n, n), computed in blocks of rows."""
    columns = matrix.tocsc()
    n = matrix.shape[1]
    out = np.empty((n, n), dtype=np.float32)
    for start in range(0, n, _ROWS):
        rows = slice(start, min(start + _ROWS, n))
        out[rows] = (columns[:, rows].T @ matrix).toarray()
    return out


def solve(gram_matrix: NDArray[np.float32], reg: float) -> NDArray[np.float32]:
    """Return EASE's weights for a Gram matrix, float32 (n, n); `gram_matrix` is overwritten.

    Column j holds the weights for candidate j: B[i, j] = -Q[i, j] / Q[j, j].
    """
    weights = ridge_inverse(gram_matrix, reg)
    weights /= -np.diag(weights)
    np.fill_diagonal(weights, 0.0)
    return weights


def sparsified(
    weights: NDArray[np.float32], active: NDArray[np.int64], n_items: int, limit: int
) -> Relation:
    """Keep the `limit` largest positive weights of each row, indexed by all items."""
    counts = np.zeros(n_items, dtype=np.int64)
    indices, data = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.float32)]
    for item, row in zip(active, weights):
        positive = np.flatnonzero(row > 0)
        kept = positive[strongest(row[positive], limit)]
        indices.append(active[kept])
        data.append(row[kept])
        counts[item] = len(kept)
    return SparseRelation(
        offsets(counts), np.concatenate(indices).astype(np.int32), np.concatenate(data)
    )
