"""Cut the demo's sample out of the Complete Journey data (CC0 1.0, by 84.51°).

Usage: python make_sample.py FOLDER_OF_COMPLETE_JOURNEY

Keeps the products and households with the most rows, so that a small table is still dense enough to
learn from. The same input gives the same tables.
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import pandas as pd
from crossrec_ecommerce.importers.complete_journey import read

MIN_PRODUCT_ROWS = 12
MIN_HOUSEHOLD_ROWS = 10
#: Departments that hold no products.
LEFT_OUT = ("Fuel", "Coupon", "Miscellaneous", "Cntrl/store sup")
TARGET = Path(__file__).parent / "src" / "crossrec_ecommerce" / "sample"


def cut(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the items and events of the sample."""
    frames = read(folder)
    assert frames.items is not None
    assert frames.events is not None
    departments = frames.items["categories"].map(lambda paths: paths[0].split(" > ")[0])
    items = frames.items[~departments.isin(LEFT_OUT)]
    events = frames.events[frames.events["item_id"].isin(items["item_id"])]
    while True:
        rows = len(events)
        events = events[often(events["item_id"], MIN_PRODUCT_ROWS)]
        events = events[often(events["user_id"], MIN_HOUSEHOLD_ROWS)]
        if len(events) == rows:
            break
    kept = items[items["item_id"].isin(events["item_id"])]
    kept = kept.assign(categories=kept["categories"].map(lambda paths: paths[0]))
    return kept, events.astype({"time": "int64"}).drop(columns="event_type")


def often(ids: pd.Series[str], fewest: int) -> pd.Series[bool]:
    """Return where an id occurs at least `fewest` times."""
    return ids.map(ids.value_counts()) >= fewest


def packed(table: pd.DataFrame) -> bytes:
    """Return a gzipped CSV without time stamp or name in its header."""
    text = table.to_csv(index=False, lineterminator="\n")
    return gzip.compress(text.encode(), compresslevel=9, mtime=0)


def main() -> None:
    """Write the sample and say how large it is."""
    items, events = cut(Path(sys.argv[1]))
    TARGET.mkdir(exist_ok=True)
    (TARGET / "items.csv.gz").write_bytes(packed(items))
    (TARGET / "events.csv.gz").write_bytes(packed(events))
    size = sum(path.stat().st_size for path in TARGET.glob("*.csv.gz"))
    print(
        f"{len(items)} products, {events['user_id'].nunique()} households, "
        f"{len(events)} purchases, {size / 1024:.0f} KiB"
    )


if __name__ == "__main__":
    main()
