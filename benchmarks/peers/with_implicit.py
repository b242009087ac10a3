"""Models of implicit, each with the defaults of its constructor. Runs in the peer's environment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from exchange import Fitted, IntArray, Job, serve
from implicit.als import AlternatingLeastSquares
from implicit.bpr import BayesianPersonalizedRanking
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits


def training(job: Job) -> csr_matrix:
    """Return the counts of the training events, users × items."""
    ones = np.ones(len(job.users), np.float32)
    return csr_matrix((ones, (job.users, job.items)), shape=(job.n_users, job.n_items))


def histories(job: Job) -> csr_matrix:
    """Return the counts of each query's history, queries × items."""
    shape = (len(job.queries), job.n_items)
    ones = np.ones(len(job.history), np.float32)
    return csr_matrix((ones, (job.query_rows, job.history)), shape=shape)


def fitter(build: Callable[[Job], Any], note: str = "", **options: bool) -> Callable[[Job], Fitted]:
    """Return what fits a model; `options` go to its `recommend`."""

    def fit(job: Job) -> Fitted:
        model = build(job)
        # As the library's documentation has it: threads of its own, none of the BLAS.
        with threadpool_limits(1, "blas"):
            model.fit(training(job), show_progress=False)
        known = histories(job)

        def answer() -> IntArray:
            with threadpool_limits(1, "blas"):
                ids, scores = model.recommend(job.queries, known, N=job.k, **options)
            # Places that it cannot fill hold any item with the lowest score there is.
            return np.where(scores > np.finfo(np.float32).min, ids, -1)

        return answer, note

    return fit


MODELS = {
    "implicit-cosine": fitter(lambda job: CosineRecommender()),
    "implicit-bm25": fitter(lambda job: BM25Recommender()),
    "implicit-als": fitter(
        lambda job: AlternatingLeastSquares(random_state=job.seed), recalculate_user=True
    ),
    "implicit-bpr": fitter(
        lambda job: BayesianPersonalizedRanking(random_state=job.seed),
        "answers from training events alone: it has no way to take in a history",
    ),
}

if __name__ == "__main__":
    serve(MODELS, ("implicit", "numpy", "scipy"))
