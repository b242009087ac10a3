"""What variety costs: ndcg against the diversity of lists, with `mmr`, `dpp` and others.

Command: ``python benchmarks/diversity.py --cache FOLDER``. For each set the default pipeline
without a backbone is fitted on the training part of a leave-one-out split and answers once; each
policy then orders its lists anew, as in a request. Of each policy's settings those are taken that
give the most diversity for at most 1 % of the ndcg@10 of the validation items; the figures are
those of the test items. To reach: at most 2 % less ndcg@10 at 10 % more diversity. Diversity is the
mean of 1 - cosine over the pairs of a list, on the vectors of the encoder, as in every evaluation.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from common import absent, temporary_workspace, write_result
from numpy.typing import NDArray
from real_sets import SETS, RealSet, ingest, tidied

if TYPE_CHECKING:
    from crossrec.data.dataset import Dataset
    from crossrec.data.splits import Targets
    from crossrec.evaluation.metrics import ItemVectors
    from crossrec.pipeline.pipeline import Pipeline

K, DEPTH = 10, 100
#: Loss of ndcg@10 that a setting may have on the validation items.
ALLOWED = 0.01
GRID: dict[str, tuple[str, tuple[float, ...]]] = {
    "mmr": ("relevance", (0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5)),
    "dpp": ("theta", (0.98, 0.96, 0.94, 0.92, 0.9, 0.85, 0.8, 0.7)),
    "calibration": ("weight", (0.05, 0.1, 0.2, 0.35, 0.5, 0.7)),
    "attribute_cap": ("most", (5, 3, 2, 1)),
}
MOVIES = RealSet(
    "movielens-small", "video", "movielens", "movielens-small-timestamps/ml-latest-small"
)
#: Real sets with texts, of every scenario.
NAMES = ("scientific", "quantum", "lastfm", "movielens-small")


@dataclass(frozen=True, eq=False)
class Lists:
    """Ranked pools of some users, and what came next.

    Attributes
    ----------
    index : int64 array, shape (n, DEPTH)
    score : float32 array, shape (n, DEPTH)
    """

    index: NDArray[np.int64]
    score: NDArray[np.float32]
    targets: Targets


def lists_of(pipeline: Pipeline, targets: Targets, train: Dataset, users: int) -> Lists:
    """Return what the pipeline answers to at most `users` users."""
    from crossrec.components.eligibility import UNSEEN, eligible_targets, queries_of
    from crossrec.pipeline.pipeline import best_of

    chosen = eligible_targets(targets, UNSEEN, seed=0, limit=users)
    queries = queries_of(chosen, train, UNSEEN)
    index = np.full((len(chosen), DEPTH), -1, dtype=np.int64)
    score = np.zeros((len(chosen), DEPTH), dtype=np.float32)
    for rows in queries.blocks(512):
        pool, scores, _ = pipeline.scored_pool(pipeline.main, queries.take(rows))
        best = best_of(pool, scores, DEPTH)
        width = best.index.shape[1]
        index[rows, :width], score[rows, :width] = best.index, best.score
    return Lists(index, score, chosen)


def ordered(policy: Any, lists: Lists, pipeline: Pipeline) -> NDArray[np.int64]:
    """Return the first K of every list after a policy, as a request applies it."""
    from crossrec.components.live_items import LiveItems
    from crossrec.components.policy_context import PolicyContext
    from crossrec.components.query import Query
    from crossrec.components.ranked import Ranked
    from crossrec.components.user_state import UserState
    from crossrec.data.user_events import UserEvents

    vectors, ids = pipeline.item_vectors, pipeline.catalog.items.ids
    base = PolicyContext(
        Query(), UserState(), "home", LiveItems(pipeline.catalog, pipeline.schema), 0.0, 0, K,
        people=pipeline.people, read_vectors=lambda: vectors,
    )  # fmt: skip
    out = np.full((len(lists.index), K), -1, dtype=np.int64)
    for row, (index, score) in enumerate(zip(lists.index, lists.score, strict=True)):
        past = UserEvents.of_items(tuple(ids[at] for at in lists.targets.history.row(row).tolist()))
        pool = Ranked.of(index[index >= 0], np.maximum(score[index >= 0].astype(np.float64), 1e-9))
        after = policy.apply(pool, replace(base, user=UserState(history=past))).index[:K]
        out[row, : len(after)] = after
    return out


def figures(
    shown: NDArray[np.int64], lists: Lists, vectors: ItemVectors
) -> tuple[NDArray[np.float64], float]:
    """Return ndcg@10 of each user, and the mean diversity of the lists."""
    from crossrec.evaluation.metrics import diversity, ndcg, target_ranks

    targets = lists.targets.targets
    gains = ndcg(target_ranks(shown, targets, len(vectors.filled)), targets, K)
    return gains, float(np.nanmean(diversity(shown, vectors)))


def measured(real: RealSet, cache: Path, users: int) -> dict[str, Any]:
    """Return the figures of one set."""
    from crossrec.components.run import RunOptions
    from crossrec.data.splits import leave_one_out
    from crossrec.evaluation.metrics import ItemVectors
    from crossrec.pipeline.config_files import load_config
    from crossrec.pipeline.fit import fit_pipeline
    from crossrec.pipeline.item_vectors import attach_vectors
    from crossrec.pipeline.resolved import resolve_pipeline
    from crossrec.plugins.registry import load_registry

    registry = load_registry()
    with temporary_workspace() as (workspace, _):
        scenario = ingest(real, workspace)
        dataset = tidied(workspace.dataset(scenario), real)
    resolved = resolve_pipeline(load_config(scenario), registry, scenario.main_surface)
    run = RunOptions(cache=cache / "vectors", threads=1)
    split = leave_one_out(dataset)
    train, _ = attach_vectors(split.train, resolved, run)
    vectors = ItemVectors.of(train)
    assert vectors is not None
    pipeline = fit_pipeline(scenario, split.train, resolved, run)
    parts = {
        name: lists_of(pipeline, targets, train, users)
        for name, targets in (("validation", split.validation), ("test", split.test))
    }
    plain = {name: figures(one.index[:, :K], one, vectors) for name, one in parts.items()}
    policies = {}
    for name, (setting, values) in GRID.items():
        tried = []
        for value in values:
            policy = registry.get("policies", name).build({setting: value})
            row: dict[str, Any] = {setting: value}
            for part, lists in parts.items():
                gains, various = figures(ordered(policy, lists, pipeline), lists, vectors)
                row[part] = compared(gains, various, *plain[part])
            tried.append(row)
        good = [row for row in tried if row["validation"]["ndcg"] >= -ALLOWED]
        best = max(good, key=lambda row: row["validation"]["diversity"]) if good else None
        policies[name] = {"chosen": best, "tried": tried}
    gains, various = plain["test"]
    return {
        "set": real.name, "users": len(gains), "items": dataset.n_items,
        "ndcg@10": round(float(gains.mean()), 5), "diversity@10": round(various, 5),
        "policies": policies,
    }  # fmt: skip


def compared(
    gains: NDArray[np.float64], various: float, before: NDArray[np.float64], plain: float
) -> dict[str, Any]:
    """Return relative differences, with the paired 95 % interval of that of ndcg."""
    mean = float(before.mean())
    difference = (gains - before) / mean
    error = 1.96 * float(difference.std() / np.sqrt(len(difference)))
    middle = float(difference.mean())
    return {
        "ndcg": round(middle, 4),
        "ndcg_ci95": [round(middle - error, 4), round(middle + error, 4)],
        "diversity": round(various / plain - 1, 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True, help="folder for encoded texts")
    parser.add_argument("--users", type=int, default=2000, help="users of each part, at most")
    parser.add_argument("--sets", default=",".join(NAMES), help="comma-separated")
    options = parser.parse_args()
    if absent():
        return
    known = {**SETS, MOVIES.name: MOVIES}
    rows = []
    for name in options.sets.split(","):
        print(f"{name} …", flush=True)
        rows.append(measured(known[name], options.cache, options.users))
    write_result("diversity", {"allowed": ALLOWED, "sets": rows})


if __name__ == "__main__":
    main()
