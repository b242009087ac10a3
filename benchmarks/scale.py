"""How the default pipeline grows: ingest, fit and requests over generated shops of many sizes.

Command: ``python benchmarks/scale.py [ITEMSxEVENTS ...]``, such as ``100kx1M``; without a size all
of them. Every size is fitted in a process of its own and served from its artifact in another. What
is finished is kept in ``build/scale``, a file a size, the workspace of one that is not beside it: a
killed run goes on there, and ``--again`` begins anew. Writes ``results/scale.json``, from which
the tables in ``docs/scale.md`` are generated, with the limits of the sizes that have some.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from common import HERE, RESULTS, machine, peak_mib, write_whole
from generated_shop import generated_shop

if TYPE_CHECKING:
    from crossrec import Engine
    from crossrec.workspace import Workspace

DONE = HERE.parent / "build" / "scale"
SCENARIO = "ecommerce"
EVENTS_PER_USER, ITEMS_PER_FAMILY = 10, 100
WARM_UP, REQUESTS = 50, 300
#: File of a workspace with the seconds of its ingestion.
INGESTED = "ingested.json"
#: File of a workspace with what its fit took.
FITTED = "fitted.json"
_LETTERS = {"k": 1_000, "M": 1_000_000}


@dataclass(frozen=True)
class Limits:
    """What a size must keep to."""

    fit_seconds: float
    fit_memory_mib: int
    p50_ms: float


#: By items first, then by events at 100,000 items.
SIZES = (
    "10kx100k",
    "100kx100k",
    "100kx1M",
    "1Mx5M",
    "100kx5M",
    "100kx20M",
)
LIMITS = {
    "100kx1M": Limits(900.0, 4 * 1024, 20.0),
    "1Mx5M": Limits(3600.0, 12 * 1024, 40.0),
}


def size_of(name: str) -> tuple[int, int]:
    """Return items and events of a size such as ``100kx1M``."""
    items, events = (int(part[:-1]) * _LETTERS[part[-1]] for part in name.split("x"))
    return items, events


def fitted(name: str, folder: Path) -> dict[str, Any]:
    """Ingest and fit; runs in a process of its own."""
    from crossrec import Engine
    from crossrec.workspace import Workspace

    n_items, n_events = size_of(name)
    workspace, known = Workspace.create(folder), folder / INGESTED
    if not known.is_file():
        ingest(workspace, n_items, n_events)
    ingested = json.loads(known.read_text(encoding="utf-8"))
    before, probed = peak_mib(), loop_ms()
    with Engine(workspace) as engine:
        started, busy = time.perf_counter(), time.process_time()
        pipeline = engine.fit(SCENARIO)
        seconds, cpu = time.perf_counter() - started, time.process_time() - busy
    report = pipeline.report
    left_out = [part for part in report["plan"]["parts"] if part["left_out"]]
    return {
        "size": name,
        "items": n_items,
        "events": n_events,
        "users": n_events // EVENTS_PER_USER,
        "ingest_seconds": ingested,
        "fit_seconds": round(seconds, 1),
        "fit_cpu_seconds": round(cpu, 1),
        "planned_seconds": report["plan"]["seconds"],
        "before_fit_mib": before,
        "fit_memory_mib": peak_mib(),
        "loop_ms": [probed, loop_ms()],
        "sources": list(pipeline.sources),
        "ranker": report["gate"]["chosen"],
        "left_out": {part["name"]: part["left_out"] for part in left_out},
        "seconds": dict(report["fit_seconds"]),
    }


def served(name: str, folder: Path) -> dict[str, Any]:
    """Open what was fitted and ask; runs in a process of its own."""
    from crossrec import Engine
    from crossrec.workspace import Workspace

    with Engine(Workspace.open(folder)) as engine:
        found = times_of(engine, size_of(name)[1] // EVENTS_PER_USER)
    return {**found, "serve_loop_ms": loop_ms(), "serve_memory_mib": peak_mib()}


def ingest(workspace: Workspace, n_items: int, n_events: int) -> None:
    """Generate and ingest a shop, and write down the seconds of the ingestion alone."""
    from crossrec.ingest import ingest_frames
    from crossrec.plugins.registry import load_registry

    n_users = n_events // EVENTS_PER_USER
    families = max(n_items // ITEMS_PER_FAMILY, 2)
    frames = generated_shop(n_items, n_users, EVENTS_PER_USER, families=families)
    started = time.perf_counter()
    ingest_frames(workspace, load_registry().scenario(SCENARIO), frames)
    seconds = round(time.perf_counter() - started, 1)
    (workspace.path / INGESTED).write_text(json.dumps(seconds), encoding="utf-8")


def times_of(engine: Engine, n_users: int) -> dict[str, Any]:
    """Ask for single users, one after the other."""
    started = time.perf_counter()
    engine.recommend(SCENARIO, "u0", k=10)
    first = time.perf_counter() - started
    users = np.random.default_rng(1).integers(0, n_users, WARM_UP + REQUESTS)
    seconds, busy = [], []
    for user in users.tolist():
        started, before = time.perf_counter(), time.process_time()
        slate = engine.recommend(SCENARIO, f"u{user}", k=10)
        seconds.append(time.perf_counter() - started)
        busy.append(time.process_time() - before)
        assert len(slate.items) == 10
        assert not slate.degraded, slate.degraded
    p50, p99 = np.percentile(seconds[WARM_UP:], (50, 99)) * 1000
    return {
        "first_request_seconds": round(first, 2),
        "requests": REQUESTS,
        "p50_ms": round(float(p50), 2),
        "p99_ms": round(float(p99), 2),
        "p50_cpu_ms": round(float(np.median(busy[WARM_UP:])) * 1000, 2),
    }


def loop_ms() -> float:
    """Return the milliseconds of a plain loop: twice as many say that others use the machine."""
    started, total = time.perf_counter(), 0
    for number in range(1_000_000):
        total += number * number
    return round((time.perf_counter() - started) * 1000, 1)


def cell(name: str, *, again: bool, folder: Path | None = None) -> dict[str, Any]:
    """Measure a size in processes of its own, or take what an earlier run has found."""
    path = DONE / f"{name}.json"
    if again or not path.is_file():
        place = folder or DONE / name
        if again:
            (place / FITTED).unlink(missing_ok=True)
        fit = fitted_part(name, place)
        text = json.dumps(fit | part("serve", name, place), indent=1, allow_nan=False)
        write_whole(path, text)
        if folder is None:
            shutil.rmtree(place)
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def fitted_part(name: str, folder: Path) -> dict[str, Any]:
    """Fit in a process of its own, or take what is known of the fit that is there."""
    known = folder / FITTED
    if not known.is_file():
        write_whole(known, json.dumps(part("fit", name, folder), allow_nan=False))
    found: dict[str, Any] = json.loads(known.read_text(encoding="utf-8"))
    return found


def part(step: str, name: str, folder: Path) -> dict[str, Any]:
    """Run one half in a fresh process and return what it measured of itself."""
    command = [sys.executable, __file__, f"--{step}", name, "--workspace", str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def checks(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Compare with the limits; a ratio of 1 or less keeps to them."""
    return [
        {
            "check": f"{one['size']}: {figure}",
            "limit": limit,
            "got": one[figure],
            "ratio": round(one[figure] / limit, 3),
        }
        for one in cells
        if one["size"] in LIMITS
        for figure, limit in asdict(LIMITS[one["size"]]).items()
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", metavar="SIZE", help=", ".join(SIZES))
    parser.add_argument("--again", action="store_true", help="measure what is finished once more")
    parser.add_argument("--workspace", type=Path, help="keep the data of a single size there")
    parser.add_argument("--fit", help=argparse.SUPPRESS)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fit or options.serve:
        step = fitted if options.fit else served
        print(json.dumps(step(options.fit or options.serve, options.workspace)))
        return 0
    for name in options.sizes or SIZES:
        print(f"{name} …", flush=True)
        cell(name, again=options.again, folder=options.workspace)
    done = [name for name in SIZES if (DONE / f"{name}.json").is_file()]
    cells = [cell(name, again=False) for name in done]
    outcome = checks(cells)
    for row in outcome:
        mark = "kept" if row["ratio"] <= 1 else "MISSED"
        print(f"{mark:6s} {row['check']}: {row['got']} of {row['limit']}")
    command = "python benchmarks/scale.py"
    value = {"command": command, "machine": machine(), "checks": outcome, "cells": cells}
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    (RESULTS / "scale.json").write_text(text, encoding="utf-8")
    return 0 if all(row["ratio"] <= 1 for row in outcome) else 1


if __name__ == "__main__":
    sys.exit(main())
