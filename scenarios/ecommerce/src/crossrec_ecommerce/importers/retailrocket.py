"""Retailrocket as reduced by CaseRecommender: ``view.tsv``, ``add_to_cart.tsv``, ``purchase.tsv``.

The reduction has neither times nor an order: views come first here, purchases last, and whatever
needs an order (leave-one-out, sequences, recency) is meaningless on it.
"""

from __future__ import annotations

from pathlib import Path

from crossrec.ingest.formats import find_file, read_table
from crossrec.ingest.frames import Frames, Importer

FORMAT = "retailrocket"
EVENTS = ("view", "add_to_cart", "purchase")


def importer() -> Importer:
    """Return the importer."""
    return read


def read(folder: Path) -> Frames:
    """Read the folder.

    Raises
    ------
    DataError
        If one of the three files is missing or lacks a column.
    """
    import pandas as pd

    tables = [
        read_table(
            find_file(folder, f"{event}.tsv", of=FORMAT), columns=("visitorid", "itemid"), sep="\t"
        ).assign(event_type=event)
        for event in EVENTS
    ]
    events: pd.DataFrame = pd.concat(tables, ignore_index=True)
    events = events.rename(columns={"visitorid": "user_id", "itemid": "item_id"})
    counts = events["event_type"].value_counts()
    note = (
        f"Retailrocket (reduced): {counts['view']} views, {counts['add_to_cart']} carts, "
        f"{counts['purchase']} purchases; no times and no order, so evaluate by users, not by time"
    )
    return Frames(events=events[["user_id", "item_id", "event_type"]], note=note)
