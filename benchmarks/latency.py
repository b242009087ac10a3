"""Time of one recommendation in process, on a catalog of 20,000 items.

Command: ``make bench`` or ``python benchmarks/latency.py``. The limits are p50 ≤ 5 ms and
p99 ≤ 20 ms, and with the decision log on at most 1 ms more, request by request in turn with an
engine that writes none; the ratios to them are in the result.

With ``--backbone`` the default pipeline answers, with the backbone that is shipped, and p50 may be
8 ms; the result is `latency_backbone`. Without it the pipeline has no backbone.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from common import temporary_workspace, write_result

if TYPE_CHECKING:
    from crossrec import Engine

N_ITEMS, N_USERS, EVENTS_PER_USER = 20_000, 10_000, 20
P50_LIMIT_MS, P99_LIMIT_MS, LOG_LIMIT_MS = 5.0, 20.0, 1.0
P50_BACKBONE_MS = 8.0
#: A fit with the backbone learns from these, within minutes.
BACKBONE_USERS = 300


def generated(seed: int, n_users: int):  # type: ignore[no-untyped-def]
    """A shop with 20,000 titled items in 200 families, and users who shop in a few of them."""
    import pandas as pd
    from crossrec.ingest.frames import Frames

    rng = np.random.default_rng(seed)
    words = np.array([f"{a}{b}" for a in "bdfgklmnprst" for b in ("ano", "eri", "ilo", "ute")])
    family = rng.integers(0, 200, N_ITEMS)
    titles = [
        " ".join([*words[[f % 48, f // 48]], *rng.choice(words, 4)]) + f" {i}"
        for i, f in enumerate(family)
    ]
    items = pd.DataFrame(
        {
            "item_id": [f"i{i}" for i in range(N_ITEMS)],
            "title": titles,
            "categories": [f"family {f}" for f in family],
            "brand": [f"brand {f % 37}" for f in family],
        }
    )
    by_family = [np.flatnonzero(family == f) for f in range(200)]
    users, chosen = [], []
    for user in range(n_users):
        for taste in rng.choice(200, 4, replace=False):
            users += [f"u{user}"] * (EVENTS_PER_USER // 4)
            chosen += rng.choice(by_family[taste], EVENTS_PER_USER // 4).tolist()
    events = pd.DataFrame(
        {
            "user_id": users,
            "item_id": [f"i{i}" for i in chosen],
            "event_type": "purchase",
            "time": np.arange(len(users)) * 60 + 1_600_000_000,
        }
    )
    return Frames(items=items, events=events, has_clock=True, note="generated")


def timed(engine: Engine, scenario: str, user: str) -> float:
    """Return the seconds of one whole answer."""
    started = time.perf_counter()
    slate = engine.recommend(scenario, user, k=10)
    seconds = time.perf_counter() - started
    assert len(slate.items) == 10
    assert not slate.degraded
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--scenario", default="ecommerce")
    parser.add_argument("--workspace", type=Path, help="reuse a fitted workspace")
    parser.add_argument("--backbone", action="store_true", help="the default pipeline answers")
    options = parser.parse_args()
    from crossrec import Engine
    from crossrec.ingest import ingest_frames

    with temporary_workspace(options.workspace) as (workspace, fresh):
        engine = Engine(workspace)
        n_users = BACKBONE_USERS if options.backbone else N_USERS
        started = time.perf_counter()
        if fresh:
            scenario = engine.registry.scenario(options.scenario)
            ingest_frames(workspace, scenario, generated(0, n_users))
            engine.fit(options.scenario, backbone=None if options.backbone else "")
        fit_seconds = time.perf_counter() - started
        rng = np.random.default_rng(1)
        users = [f"u{u}" for u in rng.integers(0, n_users, options.requests)]
        for user in users[:50]:
            engine.recommend(options.scenario, user, k=10)
        times = [timed(engine, options.scenario, user) for user in users]
        plain, logged = [], []
        with Engine(workspace, log=True) as writing:
            writing.recommend(options.scenario, users[0], k=10)
            both = [(engine, plain), (writing, logged)]
            for at, user in enumerate(users):
                for one, into in both if at % 2 else both[::-1]:  # the second finds warm caches
                    into.append(timed(one, options.scenario, user))
        pipeline = engine.pipeline(options.scenario)
    p50, p99 = (float(np.percentile(times, q)) * 1000 for q in (50, 99))
    more = (float(np.median(logged)) - float(np.median(plain))) * 1000
    limit = P50_BACKBONE_MS if options.backbone else P50_LIMIT_MS
    write_result(
        "latency_backbone" if options.backbone else "latency",
        {
            "items": N_ITEMS,
            "users": n_users,
            "requests": options.requests,
            "sources": list(pipeline.sources),
            "ranker": pipeline.report["gate"]["chosen"],
            **({"fit_seconds": round(fit_seconds, 1)} if fresh else {}),
            "p50_ms": round(p50, 2),
            "p99_ms": round(p99, 2),
            "p50_of_limit": round(p50 / limit, 3),
            "p99_of_limit": round(p99 / P99_LIMIT_MS, 3),
            "log_more_p50_ms": round(more, 2),
            "log_p99_ms": round(float(np.percentile(logged, 99)) * 1000, 2),
            "log_of_limit": round(more / LOG_LIMIT_MS, 3),
        },
    )


if __name__ == "__main__":
    main()
