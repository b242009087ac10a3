"""Requests, fits, ingestions, single events, refreshes and forgotten users, all at once.

Command: ``python benchmarks/stress.py [--seconds 120] [--threads 20]``. One process, one engine
that writes its decisions down, in a small generated shop. Every error is counted; memory and open
files are sampled each second. Writes ``results/stress.json``. The limits: no error, no answer
without items, and in the last third of the time no more memory (beside 5 %) and no more open files
(beside the number of threads) than in the middle third.

It runs as a server should be started, with ``MALLOC_ARENA_MAX=2``: glibc else keeps freed memory
aside for each of up to eight threads a core, which goes on growing for many minutes.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from common import temporary_workspace, write_result

if TYPE_CHECKING:
    from crossrec import Engine

N_ITEMS, N_USERS, N_EVENTS = 400, 300, 6000
SCENARIO = "ecommerce"
#: Words and behaviour, small enough that many fits end within the time.
PIPELINE = """
encoder = ""
[[sources]]
name = "content"
[[sources]]
name = "covisitation"
[[sources]]
name = "popularity"
[surfaces.similar_items]
sources = ["content", "covisitation"]
"""
#: How many arenas glibc keeps freed memory in.
ARENAS = "MALLOC_ARENA_MAX"
#: Of one work each; every other thread sends requests.
WRITERS = ("fit", "ingest", "append", "refresh", "forget")


@dataclass
class Counted:
    """What happened, from many threads."""

    done: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, what: str) -> None:
        """Count one success."""
        with self.lock:
            self.done[what] += 1

    def failed(self, what: str, error: str) -> None:
        """Count one failure."""
        with self.lock:
            self.errors[f"{what}: {error}"] += 1


def events(rng: np.random.Generator, n: int, start: float) -> Any:
    """Return a table of purchases and views, of users and items that may be new."""
    import pandas as pd

    return pd.DataFrame(
        {
            "user_id": [f"u{u}" for u in rng.integers(0, N_USERS * 2, n)],
            "item_id": [f"i{i}" for i in rng.integers(0, N_ITEMS, n)],
            "event_type": rng.choice(["view", "purchase", "add_to_cart"], n),
            "time": start + np.arange(n),
        }
    )


def items(numbers: range) -> Any:
    """Return a table of items."""
    import pandas as pd

    return pd.DataFrame(
        {
            "item_id": [f"i{i}" for i in numbers],
            "title": [f"thing {i % 40} of family {i % 17}" for i in numbers],
            "price": [float(1 + i % 90) for i in numbers],
        }
    )


class Work:
    """The work of the threads, each call one step of it."""

    def __init__(self, engine: Engine, pipeline_file: Path) -> None:
        self.engine, self.pipeline_file = engine, pipeline_file
        self.counted = Counted()
        self.appended = 0

    def request(self, rng: np.random.Generator) -> None:
        """Send one request of a random kind."""
        kind = int(rng.integers(0, 3))
        if kind == 0:
            slate = self.engine.recommend(SCENARIO, f"u{rng.integers(0, N_USERS)}", k=10)
        elif kind == 1:
            slate = self.engine.similar(SCENARIO, f"i{rng.integers(0, N_ITEMS)}")
        else:
            history = [f"i{i}" for i in rng.integers(0, N_ITEMS, 5)]
            slate = self.engine.recommend(SCENARIO, history=history, k=10)
        if len(slate.items) < 10:
            self.counted.failed("request", f"{len(slate.items)} items: {slate.short_because}")
        for one in slate.degraded:
            self.counted.failed("request", f"degraded {one.component}: {one.error}")

    def fit(self, rng: np.random.Generator) -> None:
        """Fit and publish."""
        self.engine.fit(SCENARIO, pipeline_file=self.pipeline_file)

    def ingest(self, rng: np.random.Generator) -> None:
        """Take in changed and new items, and events."""
        first = int(rng.integers(0, N_ITEMS))
        self.engine.ingest(
            SCENARIO, items=items(range(first, first + 20)), events=events(rng, 50, time.time())
        )

    def append(self, rng: np.random.Generator) -> None:
        """Store one event."""
        self.appended += 1
        user, item = f"u{rng.integers(0, N_USERS)}", f"i{rng.integers(0, N_ITEMS)}"
        self.engine.append_event(SCENARIO, user, item, "view")

    def refresh(self, rng: np.random.Generator) -> None:
        """Learn what came without a fit."""
        self.engine.refresh(SCENARIO)

    def forget(self, rng: np.random.Generator) -> None:
        """Forget a user of those that no request names."""
        self.engine.forget_user(f"u{rng.integers(N_USERS, 2 * N_USERS)}")


def run(engine: Engine, pipeline_file: Path, *, seconds: float, threads: int) -> dict[str, Any]:
    """Let all threads work for a time; return what happened and how memory and files went."""
    work = Work(engine, pipeline_file)
    stop = threading.Event()

    def loop(name: str, step: Callable[[np.random.Generator], None], seed: int) -> None:
        rng = np.random.default_rng(seed)
        while not stop.is_set():
            try:
                step(rng)
                work.counted.add(name)
            except BaseException as error:
                work.counted.failed(name, f"{type(error).__name__}: {error}")
            if name != "request":
                stop.wait(0.05)

    jobs = [(name, getattr(work, name)) for name in WRITERS]
    jobs += [("request", work.request)] * (threads - len(jobs))
    pool = [
        threading.Thread(target=loop, args=(name, step, seed), daemon=True)
        for seed, (name, step) in enumerate(jobs)
    ]
    for thread in pool:
        thread.start()
    samples = _sampled(seconds)
    stop.set()
    for thread in pool:
        thread.join(timeout=60)
    hanging = sum(thread.is_alive() for thread in pool)
    return {
        "done": dict(work.counted.done),
        "errors": dict(work.counted.errors),
        "hanging": hanging,
        **_growth(samples),
    }


def _sampled(seconds: float) -> list[tuple[float, int]]:
    """Return memory in MiB and the number of open files, each second."""
    end = time.monotonic() + seconds
    samples = []
    while time.monotonic() < end:
        time.sleep(min(1.0, max(end - time.monotonic(), 0.01)))
        samples.append((_resident(), len(list(Path("/proc/self/fd").iterdir()))))
    return samples


def _resident() -> float:
    """Return the memory of this process in MiB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _growth(samples: list[tuple[float, int]]) -> dict[str, Any]:
    """Compare the last third of the samples with the middle one."""
    third = max(len(samples) // 3, 1)
    memory = np.array([one[0] for one in samples])
    files = np.array([one[1] for one in samples])
    middle, last = slice(-2 * third, -third or None), slice(-third, None)
    return {
        "memory_mib": {
            "middle": round(float(memory[middle].mean()), 1),
            "last": round(float(memory[last].mean()), 1),
        },
        "memory_growth": round(float(memory[last].mean() / memory[middle].mean()), 3),
        "open_files": {"middle": int(files[middle].max()), "last": int(files[last].max())},
    }


def prepared(engine: Engine, folder: Path) -> Path:
    """Ingest and fit the shop; return its pipeline file."""
    rng = np.random.default_rng(0)
    file = folder / "stress.toml"
    file.write_text(PIPELINE, encoding="utf-8")
    engine.ingest(
        SCENARIO, items=items(range(N_ITEMS)), events=events(rng, N_EVENTS, time.time() - 1e6)
    )
    engine.fit(SCENARIO, pipeline_file=file)
    return file


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--threads", type=int, default=20)
    options = parser.parse_args()
    if ARENAS not in os.environ:  # glibc reads it at the start of a process
        again = [sys.executable, *sys.orig_argv[1:]]
        os.execve(sys.executable, again, {**os.environ, ARENAS: "2"})
    from crossrec import Engine

    logging.getLogger("crossrec").setLevel(logging.ERROR)  # waiting for the lock is no news here
    with temporary_workspace() as (workspace, _), Engine(workspace, log=True) as engine:
        file = prepared(engine, workspace.path / "cache")
        found = run(engine, file, seconds=options.seconds, threads=options.threads)
    files = found["open_files"]
    held = (
        not found["errors"]
        and not found["hanging"]
        and found["memory_growth"] <= 1.05
        and files["last"] <= files["middle"] + options.threads
    )
    setting = {"seconds": options.seconds, "threads": options.threads, "arenas": os.environ[ARENAS]}
    write_result("stress", {**setting, **found})
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
