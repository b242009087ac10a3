"""Time of each shared policy on a pool of 300 candidates, in a catalogue of 20,000 items.

Command: ``python benchmarks/policies.py``. The limit is 0.5 ms a policy; the ratios to it are in
the result. CPU time, median over requests with different pools, histories and impressions; what a
policy reads of the catalogue is in its cache, as in a running server. Impressions come from memory
here: reading them from a decision log is one query a request, for all policies together, and is
measured beside them.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from common import write_result

if TYPE_CHECKING:
    from crossrec.components.policy_context import PolicyContext
    from crossrec.components.ranked import Ranked

N_ITEMS, DIM, K = 20_000, 384, 10
#: Sizes of the pool: what the limit is for, and the longest that policies ever get.
POOL, LONGEST = 300, 2000
LIMIT_MS = 0.5

#: What is measured: label → policy and settings.
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "availability": ("availability", {}),
    "attribute_cap": ("attribute_cap", {"most": 1}),
    "attribute_cap, several values": ("attribute_cap", {"field": "categories", "most": 3}),
    "attribute_gap": ("attribute_gap", {"gap": 4}),
    "one_version": ("one_version", {}),
    "rights": ("rights", {}),
    "recency_decay": ("recency_decay", {}),
    "fatigue": ("fatigue", {}),
    "rotation": ("rotation", {}),
    "popularity_debias": ("popularity_debias", {}),
    "series_continuation": ("series_continuation", {}),
    "exploration": ("exploration", {"share": 0.3}),
    "promotion": ("promotion", {"field": "campaign", "values": ("summer",), "share": 0.2}),
    "mmr, vectors": ("mmr", {}),
    "mmr, categories": ("mmr", {"field": "categories"}),
    "dpp, vectors": ("dpp", {}),
    "dpp, categories": ("dpp", {"field": "categories"}),
    "calibration": ("calibration", {}),
}


def records(rng: np.random.Generator) -> list[dict[str, Any]]:
    """Return items with every field that a policy reads."""
    from crossrec.testing.policy_requests import DAY, NOW

    ages = rng.exponential(200, N_ITEMS)
    creators = rng.zipf(1.5, N_ITEMS) % 2000
    genres = rng.integers(0, 25, (N_ITEMS, 3))
    return [
        {
            "title": f"item {at}",
            "creator": f"c{creators[at]}",
            "categories": [f"g{genre}" for genre in genres[at]],
            "created_at": NOW - DAY * float(ages[at]),
            "availability": "out of stock" if at % 50 == 0 else "in stock",
            "primary_product_id": f"v{at // 2}",
            "country_rights": "DE|AT" if at % 10 else "US",
            "content_classification": "R" if at % 20 == 0 else "PG",
            "subscription_needed": "premium" if at % 25 == 0 else "",
            "explicit": at % 30 == 0,
            "campaign": "summer" if at % 100 == 7 else "",
            **({"series_id": f"s{at // 20}", "episode_number": at % 20} if at % 3 else {}),
        }
        for at in range(N_ITEMS)
    ]


def requests(n: int, size: int, rng: np.random.Generator) -> list[tuple[PolicyContext, Ranked]]:
    """Return requests on one catalogue, each with a user and a pool of its own."""
    from crossrec.components.policies import Availability
    from crossrec.testing.policy_requests import pool_of, request_on

    base = request_on(records(rng), k=K)
    vectors = rng.normal(size=(N_ITEMS, DIM)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    people = rng.zipf(1.3, N_ITEMS) % 5000
    profile = {"country": "DE", "maturity_limit": "PG-13", "subscription_model": "basic"}
    profile |= {"explicit_allowed": "no"}
    found = []
    for seed in range(n):
        pool = rng.choice(N_ITEMS, size, replace=False)
        kinds = rng.choice(["watch", "not_interested"], 100, p=[0.98, 0.02])
        ages = np.sort(rng.uniform(0, 200, 100))[::-1]
        events = [
            (f"i{item}", str(kind), float(age))
            for item, kind, age in zip(rng.integers(0, N_ITEMS, 100), kinds, ages, strict=True)
        ]
        shown = {f"i{item}": (int(item % 9) + 1, 60.0 * (item % 200)) for item in pool[::6]}
        own = request_on([], events=events, negative=("not_interested",), profile=profile, k=K)
        user = replace(own.user, read_impressions=request_on([], shown=shown).user.read_impressions)
        context = replace(
            base,
            user=user,
            seed=seed,
            event_types=own.event_types,
            people=people,
            rules=(Availability().bars,),
            read_vectors=lambda: vectors,
        )
        scores = np.sort(rng.beta(1, 4, size))[::-1] + 1e-3
        found.append((context, pool_of(pool.tolist(), scores.tolist())))
    return found


def milliseconds(policy: Any, queries: list[tuple[PolicyContext, Ranked]]) -> tuple[float, int]:
    """Return the median time of one request, and how many changes the policy made in all."""
    times, changes = [], 0
    for context, pool in [*queries[:5], *queries]:  # the first ones fill caches
        fresh = replace(context)
        started = time.process_time_ns()
        after = policy.apply(pool, fresh)
        times.append(time.process_time_ns() - started)
        changes += len(after.changes)
    return float(np.median(times[5:])) / 1e6, changes


def impressions_ms(shown: int = 1000) -> float:
    """Return the median time of reading what was shown to a user, `shown` items in lists of K."""
    from crossrec.store.decisions import Decision, ShownItem, SqliteDecisionLog

    rng, parts = np.random.default_rng(0), ("", "", "")
    with tempfile.TemporaryDirectory() as folder:
        log = SqliteDecisionLog(Path(folder) / "decisions.db")
        for user in range(20):
            items = rng.integers(0, N_ITEMS, (shown // K, K)).tolist()
            log.write(
                [
                    Decision(f"{user}/{at}", float(at), "s", "home", f"u{user}", *parts, 1.0,
                             tuple(ShownItem(f"i{item}", 1.0, 1.0, "") for item in row))
                    for at, row in enumerate(items)
                ]
            )  # fmt: skip
        times = []
        for _ in range(50):
            started = time.process_time_ns()
            log.impressions("s", "u7")
            times.append(time.process_time_ns() - started)
        log.close()
    return float(np.median(times)) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=200)
    options = parser.parse_args()
    from crossrec.plugins.registry import load_registry

    registry = load_registry()
    rng = np.random.default_rng(1)
    queries = requests(options.requests, POOL, rng)
    longest = requests(max(options.requests // 5, 1), LONGEST, rng)
    measured = {}
    for label, (name, settings) in CASES.items():
        policy = registry.get("policies", name).build(settings)
        taken, changes = milliseconds(policy, queries)
        if not changes:
            raise SystemExit(f"{label} changed nothing: there is nothing to measure")
        measured[label] = {
            "ms": round(taken, 3),
            "of_limit": round(taken / LIMIT_MS, 3),
            "longest_pool_ms": round(milliseconds(policy, longest)[0], 3),
        }
    write_result(
        "policies",
        {
            "items": N_ITEMS,
            "pool": POOL,
            "longest_pool": LONGEST,
            "k": K,
            "requests": options.requests,
            "limit_ms": LIMIT_MS,
            "impressions_of_1000_ms": round(impressions_ms(), 3),
            "policies": measured,
            "worst_of_limit": max(one["of_limit"] for one in measured.values()),
        },
    )


if __name__ == "__main__":
    main()
