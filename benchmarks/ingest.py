"""Events per second from a CSV file into the store, end to end.

Command: ``make bench`` or ``python benchmarks/ingest.py``. A million generated events are ingested
into a new workspace: read, validated, made unique and sorted for histories. The peer is the
plainest loop that keeps them at all, in the same run and in turns: ``pandas.read_csv`` in chunks
and ``sqlite3.executemany`` of the texts, without any of that. The limit is 150,000 events/s.
Processor time is given too: on a machine that does other work it shows what an idle one would do.
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from common import write_result
from crossrec.ingest import ingest_files
from crossrec.scenario import EventType, ItemField, ItemSchema, Scenario, Surface

LIMIT = 150_000
CHUNK = 250_000
USERS, ITEMS = 100_000, 20_000
SHOP = Scenario(
    name="shop",
    summary="a shop for this benchmark",
    events=(
        EventType("view"),
        EventType("cart", strength=3.0),
        EventType("purchase", strength=5.0),
    ),
    items=ItemSchema((ItemField("title"),), "{title}"),
    surfaces=(Surface("home"),),
    pipeline="",
    default_event="view",
    main_surface="home",
)


def generate(path: Path, n: int, seed: int) -> None:
    """Write `n` events of 100,000 users on 20,000 items of uneven popularity, oldest first."""
    import pandas as pd

    draw = np.random.default_rng(seed)
    users, items = draw.integers(0, USERS, n), draw.zipf(1.3, n) % ITEMS
    frame = pd.DataFrame(
        {
            "user_id": np.char.add("user-", users.astype(str)),
            "item_id": np.char.add("item-", items.astype(str)),
            "event_type": draw.choice(["view", "cart", "purchase"], n, p=[0.8, 0.12, 0.08]),
            "timestamp": 1_700_000_000 + np.sort(draw.integers(0, 10_000_000, n)),
            "value": draw.integers(1, 5, n),
        }
    )
    frame.to_csv(path, index=False)


def crossrec(path: Path, folder: Path) -> int:
    """Ingest into a new workspace and return the number of events in it."""
    return ingest_files(folder, SHOP, events=path).totals["events"]


def plain_loop(path: Path, folder: Path) -> int:
    """Copy the file into a table of texts, one transaction a chunk."""
    import pandas as pd

    folder.mkdir()
    connection = sqlite3.connect(folder / "plain.db")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(
        "CREATE TABLE events (user TEXT, item TEXT, type TEXT, time REAL, value REAL)"
    )
    for chunk in pd.read_csv(path, chunksize=CHUNK, dtype={"user_id": str, "item_id": str}):
        rows = chunk.itertuples(index=False, name=None)
        with connection:
            connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?)", rows)
    count: int = connection.execute("SELECT count(*) FROM events").fetchone()[0]
    connection.close()
    return count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    labels = ("crossrec", "plain", "again")
    seconds: dict[str, list[float]] = {label: [] for label in labels}
    processor: dict[str, list[float]] = {label: [] for label in labels}
    with tempfile.TemporaryDirectory(prefix="crossrec-bench-") as name:
        folder = Path(name)
        path = folder / "events.csv"
        generate(path, arguments.events, arguments.seed)
        plain_loop(path, folder / "warm")  # imports pandas and fills the file cache for both
        for turn in range(arguments.repeats):
            for label, run, into in (
                ("crossrec", crossrec, f"crossrec-{turn}"),
                ("plain", plain_loop, f"plain-{turn}"),
                ("again", crossrec, f"crossrec-{turn}"),
            ):
                started, busy = time.perf_counter(), time.process_time()
                assert run(path, folder / into) == arguments.events
                seconds[label].append(time.perf_counter() - started)
                processor[label].append(time.process_time() - busy)
    rate = {label: arguments.events / statistics.median(s) for label, s in seconds.items()}
    busy_rate = {label: arguments.events / statistics.median(s) for label, s in processor.items()}
    write_result(
        "ingest",
        {
            "events": arguments.events,
            "events_per_second": round(rate["crossrec"]),
            "limit": LIMIT,
            "ratio_to_limit": round(rate["crossrec"] / LIMIT, 3),
            "peer": "pandas.read_csv and sqlite3.executemany, without validation, keys or index",
            "peer_events_per_second": round(rate["plain"]),
            "ratio_to_peer": round(rate["crossrec"] / rate["plain"], 3),
            "same_file_again_events_per_second": round(rate["again"]),
            "events_per_processor_second": round(busy_rate["crossrec"]),
            "peer_events_per_processor_second": round(busy_rate["plain"]),
            "processor_ratio_to_peer": round(busy_rate["crossrec"] / busy_rate["plain"], 3),
            "seconds": {label: [round(s, 3) for s in each] for label, each in seconds.items()},
            "processor_seconds": {
                label: [round(s, 3) for s in each] for label, each in processor.items()
            },
        },
    )


if __name__ == "__main__":
    main()
