"""The item-kNN of LensKit, for implicit feedback. Runs in the peer's environment."""

from __future__ import annotations

import lenskit.batch
import numpy as np
import pandas as pd
from exchange import Fitted, IntArray, Job, serve
from lenskit.data import ItemList, RecQuery, from_interactions_df
from lenskit.knn import ItemKNNScorer
from lenskit.pipeline import topn_pipeline


def item_knn(job: Job) -> Fitted:
    """Fit item-kNN with the defaults of its configuration but for the kind of feedback."""
    distinct = pd.DataFrame({"user_id": job.users, "item_id": job.items}).drop_duplicates()
    data = from_interactions_df(distinct, items=np.arange(job.n_items))
    pipeline = topn_pipeline(ItemKNNScorer(feedback="implicit"), n=job.k)
    pipeline.train(data)
    queries = [
        RecQuery(user_id=int(user), query_id=int(user), history_items=ItemList(np.unique(items)))
        for user, items in zip(job.queries, job.rows(), strict=True)
    ]

    def answer() -> IntArray:
        found = lenskit.batch.recommend(pipeline, queries, n_jobs=1)
        best = {key[0]: items.ids() for key, items in found.items()}
        return job.padded([best[user] for user in job.queries.tolist()])

    return answer, "feedback=implicit"


if __name__ == "__main__":
    serve({"lenskit-knn": item_knn}, ("lenskit", "numpy", "torch"))
