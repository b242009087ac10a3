"""Batch top-k of a factor model for all users: the `als` source beside implicit's `recommend`.

Both get the same factors and the same items to leave out, in one process, in turn; the fastest of
the repeats counts. Writes benchmarks/results/topk.json.

    python benchmarks/topk.py --users 50000 --items 20000 --factors 64
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
from common import write_result
from crossrec.components.candidates import Candidates
from crossrec.components.query import QueryBatch
from crossrec.components.state import State
from crossrec.data.catalog import Catalog
from crossrec.data.vocabulary import Vocabulary
from crossrec.numeric.hashing import fingerprints
from crossrec.numeric.ragged import Ragged
from crossrec_collaborative.als import Als, AlsConfig
from scipy.sparse import csr_matrix


def main() -> None:
    args = arguments()
    rng = np.random.default_rng(args.seed)
    users = rng.normal(size=(args.users, args.factors)).astype(np.float32)
    items = rng.normal(size=(args.items, args.factors)).astype(np.float32)
    histories = Ragged.from_rows(
        rng.choice(args.items, size=args.history, replace=False) for _ in range(args.users)
    )
    ours, peer = (
        crossrec_run(users, items, histories, args.k),
        implicit_run(users, items, histories, args.k),
    )
    times: dict[str, list[float]] = {"crossrec": [], "implicit": []}
    for _ in range(args.repeats):
        found, seconds = timed(ours)
        times["crossrec"].append(seconds)
        (ids, _), seconds = timed(peer)
        times["implicit"].append(seconds)
    report(args, times, agreement(found, ids))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in {
        "users": 50_000,
        "items": 20_000,
        "factors": 64,
        "history": 20,
        "k": 10,
        "repeats": 3,
        "seed": 0,
    }.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    return parser.parse_args()


def crossrec_run(
    users: np.ndarray, items: np.ndarray, histories: Ragged, k: int
) -> Callable[[], Candidates]:
    """Return the call that is timed: the source as a pipeline calls it, exclusions included."""
    source = Als(AlsConfig(embedding_size=items.shape[1]))
    n, empty = len(items), ("",) * len(items)
    ids = Vocabulary(map(str, range(n)))
    catalog = Catalog(ids, empty, empty, ((),) * n, empty, np.ones(n, dtype=bool))
    arrays = {
        "active": np.arange(n),
        "size": np.array([n]),
        "fingerprints": fingerprints(histories),
        "items": items,
        "users": users,
        "ridge": np.eye(items.shape[1]),
        "spread": items,
        "event_weight": np.array([1.0]),
    }
    source.restore(State(arrays), catalog)
    queries = QueryBatch.from_histories(histories, users=np.arange(len(users)))
    return lambda: source.generate(queries, k)


def implicit_run(
    users: np.ndarray, items: np.ndarray, histories: Ragged, k: int
) -> Callable[[], Any]:
    """Return implicit's `recommend` for all users, liked items filtered, all cores."""
    from implicit.cpu.als import AlternatingLeastSquares

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        model = AlternatingLeastSquares(factors=items.shape[1])
    model.user_factors, model.item_factors = users, items
    liked = csr_matrix(
        (np.ones(len(histories.values), np.float32), histories.values, histories.indptr),
        (len(users), len(items)),
    )
    everybody = np.arange(len(users))
    return lambda: model.recommend(everybody, liked, N=k)


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    answer = call()
    return answer, time.perf_counter() - start


def agreement(found: Candidates, ids: np.ndarray) -> float:
    """Return the share of users who get the same items from both."""
    same = np.sort(found.index, axis=1) == np.sort(ids, axis=1)
    return float(same.all(axis=1).mean())


def report(args: argparse.Namespace, times: dict[str, list[float]], same: float) -> None:
    best = {name: min(seconds) for name, seconds in times.items()}
    write_result(
        "topk",
        {
            "what": "top-k for all users of a factor model, own items left out",
            **{k: getattr(args, k) for k in ("users", "items", "factors", "history", "k")},
            "seconds": {name: [round(s, 3) for s in all_] for name, all_ in times.items()},
            "users_per_second": {name: round(args.users / s) for name, s in best.items()},
            "speed_ratio_to_implicit": round(best["implicit"] / best["crossrec"], 3),
            "same_items_share": round(same, 5),
            "versions": {name: version(name) for name in ("implicit", "numpy", "scipy")},
        },
    )


if __name__ == "__main__":
    main()
