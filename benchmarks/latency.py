"""Time of one recommendation in process, on a catalog of 20,000 items.

Command: ``make bench`` or ``python benchmarks/latency.py``. The limits are p50 ≤ 5 ms and
p99 ≤ 20 ms, and with the decision log on at most 1 ms more, request by request in turn with an
engine that writes none; the ratios to them are in the result. Lists of many users at once, as
``crossrec export`` writes them, are to be at least 500 a second.

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
from generated_shop import generated_shop

if TYPE_CHECKING:
    from crossrec import Engine

N_ITEMS, FAMILIES, N_USERS, EVENTS_PER_USER = 20_000, 200, 10_000, 20
P50_LIMIT_MS, P99_LIMIT_MS, LOG_LIMIT_MS = 5.0, 20.0, 1.0
P50_BACKBONE_MS = 8.0
LEAST_LISTS = 500.0
#: A fit with the backbone learns from these, within minutes.
BACKBONE_USERS = 300


def timed(engine: Engine, scenario: str, user: str) -> float:
    """Return the seconds of one whole answer."""
    started = time.perf_counter()
    slate = engine.recommend(scenario, user, k=10)
    seconds = time.perf_counter() - started
    assert len(slate.items) == 10
    assert not slate.degraded
    return seconds


def lists_per_second(engine: Engine, scenario: str, users: list[str]) -> float:
    """Return how many lists a second are made of all users, the way an export makes them."""
    from crossrec.pipeline.exporting import BLOCK

    started = time.perf_counter()
    for at in range(0, len(users), BLOCK):
        slates = engine.recommend_many(scenario, users[at : at + BLOCK], k=10)
        assert all(len(slate.items) == 10 for slate in slates)
    return len(users) / (time.perf_counter() - started)


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
            shop = generated_shop(N_ITEMS, n_users, EVENTS_PER_USER, families=FAMILIES)
            ingest_frames(workspace, scenario, shop)
            engine.fit(options.scenario, backbone=None if options.backbone else "")
        fit_seconds = time.perf_counter() - started
        rng = np.random.default_rng(1)
        users = [f"u{u}" for u in rng.integers(0, n_users, options.requests)]
        for user in users[:50]:
            engine.recommend(options.scenario, user, k=10)
        times = [timed(engine, options.scenario, user) for user in users]
        plain: list[float] = []
        logged: list[float] = []
        with Engine(workspace, log=True) as writing:
            writing.recommend(options.scenario, users[0], k=10)
            both = [(engine, plain), (writing, logged)]
            for at, user in enumerate(users):
                for one, into in both if at % 2 else both[::-1]:  # the second finds warm caches
                    into.append(timed(one, options.scenario, user))
        everyone = [f"u{u}" for u in range(min(n_users, 4_096))]
        lists = lists_per_second(engine, options.scenario, everyone)
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
            "lists_per_second": round(lists, 1),
            "lists_of_least": round(lists / LEAST_LISTS, 3),
        },
    )


if __name__ == "__main__":
    main()
