"""Matrix factorisation for the order of items: Bayesian personalised ranking."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import numpy as np
from crossrec.components.cost import Cost, DatasetSize
from crossrec.components.run import RunOptions
from crossrec.components.settings import Settings
from crossrec.data.dataset import Dataset
from crossrec.numeric.ragged import Ragged
from numpy.typing import NDArray
from pydantic import Field

from crossrec_collaborative.costs import bpr_cost
from crossrec_collaborative.factors import FactorSource


class BprConfig(Settings):
    """Settings of `bpr`.

    Attributes
    ----------
    embedding_size : int
        Length of the factors.
    learning_rate : float
        Size of each step of the gradient descent.
    reg : float
        L2 penalty on the factors.
    epochs : int
        Each draws as many pairs as there are interactions.
    """

    embedding_size: Annotated[int, Field(ge=1, le=1024)] = 64
    learning_rate: Annotated[float, Field(gt=0)] = 0.05
    reg: Annotated[float, Field(ge=0)] = 0.01
    epochs: Annotated[int, Field(ge=1)] = 100


class Bpr(FactorSource):
    """Rendle, Freudenthaler, Gantner & Schmidt-Thieme: BPR (UAI 2009).

    Fitted by implicit on one thread: with more its updates race and no two fits agree. A new user
    is the mean of the factors of the history's items, times the one number that brings such means
    closest to the fitted users' factors (least squares over all users of the fit).
    """

    name: ClassVar[str] = "bpr"

    def __init__(self, config: BprConfig | None = None) -> None:
        super().__init__()
        self.config = config or BprConfig()

    def estimate(self, size: DatasetSize, run: RunOptions) -> Cost:
        """Return what a fit costs, and the answers to ``size.queries`` queries."""
        return bpr_cost(size, self.config.embedding_size, self.config.epochs)

    def _learn(self, matrix: Any, dataset: Dataset, run: RunOptions) -> dict[str, NDArray[Any]]:
        from implicit.cpu.bpr import BayesianPersonalizedRanking

        config = self.config
        model = BayesianPersonalizedRanking(
            factors=config.embedding_size,
            learning_rate=config.learning_rate,
            regularization=config.reg,
            iterations=config.epochs,
            num_threads=1,
            random_state=run.seed,
        )
        run.progress("bpr", 0, config.epochs)
        model.fit(matrix, show_progress=False)
        run.progress("bpr", config.epochs, config.epochs)
        items, users = model.item_factors, model.user_factors
        means = _mean_rows(items, dataset.sequences, dataset.item_counts > 0)[:, :-1]
        have = dataset.sequences.lengths > 0
        own, mean = users[have, :-1].astype(np.float64), means[have].astype(np.float64)
        scale = float((own * mean).sum() / max(np.square(mean).sum(), 1e-12))
        return {"items": items, "users": users, "scale": np.array([scale])}

    def _fold_in(self, history: Ragged) -> NDArray[Any]:
        arrays = self._arrays
        vectors: NDArray[Any] = arrays["scale"][0] * _mean_rows(arrays["items"], history)
        vectors[:, -1] = 1.0
        return vectors

    def _contributions(self, items: NDArray[np.int64], times: NDArray[np.float64]) -> NDArray[Any]:
        """Return the shares without the items' own bias, which no history item accounts for."""
        arrays = self._arrays
        shares: NDArray[Any] = (
            arrays["items"][items] * (arrays["scale"][0] * times / times.sum())[:, None]
        )
        shares[:, -1] = 0.0
        return shares


def _mean_rows(
    table: NDArray[np.float32], rows: Ragged, active: NDArray[np.bool_] | None = None
) -> NDArray[np.float32]:
    """Return the mean of the table's rows that each row of `rows` names; zeros where it is empty.

    With `active`, `rows` names items, and the table has a row for each active one.
    """
    from scipy.sparse import csr_matrix

    values = rows.values if active is None else (np.cumsum(active) - 1)[rows.values]
    share = (1.0 / np.repeat(np.maximum(rows.lengths, 1), rows.lengths)).astype(np.float32)
    shape = (len(rows), len(table))
    mean: NDArray[np.float32] = csr_matrix((share, values, rows.indptr), shape) @ table
    return mean
