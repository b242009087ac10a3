"""Implicit-feedback matrix factorisation by alternating least squares."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import numpy as np
from crossrec.components.cost import Cost, DatasetSize
from crossrec.components.run import RunOptions
from crossrec.components.settings import Settings
from crossrec.components.threads import one_blas_thread
from crossrec.data.dataset import Dataset
from crossrec.numeric.ragged import Ragged
from numpy.typing import NDArray
from pydantic import Field

from crossrec_collaborative.costs import als_cost
from crossrec_collaborative.factors import FactorSource


class AlsConfig(Settings):
    """Settings of `als`.

    Attributes
    ----------
    embedding_size : int
        Length of the factors.
    reg : float
        L2 penalty on the factors.
    alpha : float
        An interaction of weight w has the confidence 1 + alpha · w, a missing one has 1.
    iterations : int
        Rounds over users and items.
    """

    embedding_size: Annotated[int, Field(ge=1, le=1024)] = 64
    reg: Annotated[float, Field(gt=0)] = 10.0
    alpha: Annotated[float, Field(gt=0)] = 10.0
    iterations: Annotated[int, Field(ge=1)] = 15


class Als(FactorSource):
    """Hu, Koren & Volinsky: Collaborative filtering for implicit feedback datasets (ICDM 2008).

    Fitted by implicit, always on the CPU. A new user is the closed-form solution of one user step,
    x = (YᵀY + Yᵀ(C - I)Y + reg I)⁻¹ Yᵀ C 1, where each event of the history weighs as much as the
    mean event of the fit.
    """

    name: ClassVar[str] = "als"

    def __init__(self, config: AlsConfig | None = None) -> None:
        super().__init__()
        self.config = config or AlsConfig()

    def estimate(self, size: DatasetSize, run: RunOptions) -> Cost:
        """Return what a fit costs, and the answers to ``size.queries`` queries."""
        return als_cost(size, self.config.embedding_size, self.config.iterations)

    def _learn(self, matrix: Any, dataset: Dataset, run: RunOptions) -> dict[str, NDArray[Any]]:
        from implicit.cpu.als import AlternatingLeastSquares

        config = self.config
        confidence = matrix.tocsr(copy=True)
        confidence.data = 1.0 + config.alpha * confidence.data

        def step(iteration: int, *_: Any) -> None:
            run.progress("als", iteration + 1, config.iterations)

        with one_blas_thread():  # implicit runs threads of its own; two pools fight
            model = AlternatingLeastSquares(
                factors=config.embedding_size,
                regularization=config.reg,
                iterations=config.iterations,
                num_threads=run.threads or 0,
                random_state=run.seed,
            )
            model.fit(confidence, show_progress=False, callback=step)
        table = model.item_factors.astype(np.float64)
        ridge = table.T @ table + config.reg * np.eye(table.shape[1])
        event_weight = float(dataset.interactions.weights.mean())
        return {
            "items": model.item_factors,
            "users": model.user_factors,
            "ridge": ridge,
            "spread": np.linalg.solve(ridge, table.T).T.astype(np.float32),
            "event_weight": np.array([event_weight]),
        }

    def _fold_in(self, history: Ragged) -> NDArray[Any]:
        counted = [_counted(history.row(row)) for row in range(len(history))]
        return np.stack([self._solution(items, times) for items, times in counted])

    def _solution(
        self, items: NDArray[np.int64], times: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Solve one user step in the smaller of its two forms, float64 (f,).

        With R = YᵀY + reg I and E = C - I, (R + YᵀEY)⁻¹Yᵀ = R⁻¹Yᵀ(I + E Y R⁻¹ Yᵀ)⁻¹, which has the
        size of the history.
        """
        arrays = self._arrays
        if len(items) > len(arrays["ridge"]):
            left, right = self._system(items, times)
            return np.linalg.solve(left, right.sum(axis=0))
        spread = arrays["spread"][items].astype(np.float64)
        extra = self._extra(times)
        inner = arrays["items"][items] @ spread.T * extra[:, None]
        inner[np.diag_indices(len(inner))] += 1.0
        solution: NDArray[np.float64] = spread.T @ np.linalg.solve(inner, 1.0 + extra)
        return solution

    def _contributions(self, items: NDArray[np.int64], times: NDArray[np.float64]) -> NDArray[Any]:
        left, right = self._system(items, times)
        return np.linalg.solve(left, right.T).T

    def _system(
        self, items: NDArray[np.int64], times: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return a user step's matrix (f, f) and each item's part of its right side, (h, f)."""
        arrays = self._arrays
        table = arrays["items"][items].astype(np.float64)
        extra = self._extra(times)
        left = arrays["ridge"] + table.T @ (table * extra[:, None])
        return left, table * (1.0 + extra)[:, None]

    def _extra(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the confidence above 1 of items that occur `times` times."""
        return self.config.alpha * float(self._arrays["event_weight"][0]) * times


def _counted(items: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    distinct, times = np.unique(items, return_counts=True)
    return distinct, times.astype(np.float64)
