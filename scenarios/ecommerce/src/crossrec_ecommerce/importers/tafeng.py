"""Ta Feng grocery baskets, as "A Next Basket Recommendation Reality Check" (2023) splits them.

``history.csv`` has a line for each basket: user, basket (1 is the oldest), items joined by blanks.
``future.csv`` has the one basket of each user that is to be predicted; it is not read here. There
are no times, prices or names: a basket is a session, and only their order is known.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from crossrec.errors import DataError
from crossrec.ingest.formats import find_file, read_table
from crossrec.ingest.frames import Frames, Importer

FORMAT = "tafeng"


def importer() -> Importer:
    """Return the importer."""
    return read


def read(folder: Path) -> Frames:
    """Read the folder: each item of a history basket is one purchase, the oldest basket first.

    Raises
    ------
    DataError
        If the file is missing, lacks a column, or has a basket without a number.
    """
    import pandas as pd

    path = find_file(folder, "history.csv", of=FORMAT)
    baskets = read_table(path, columns=("user", "basket", "items"))
    numbers = pd.to_numeric(baskets["basket"], errors="coerce")
    if numbers.isna().any():
        row = int(np.flatnonzero(numbers.isna())[0])
        raise DataError(f"{path}: line {row + 2} has no basket number, but {baskets.iat[row, 1]!r}")
    baskets = baskets.assign(number=numbers).sort_values("number", kind="stable")
    items = baskets["items"].str.split()
    events = pd.DataFrame(
        {
            "user_id": baskets["user"],
            "item_id": items,
            "event_type": "purchase",
            "session_id": baskets["basket"],
        }
    ).explode("item_id", ignore_index=True)
    events = events[events["item_id"].notna()]
    note = (
        f"Ta Feng: {len(events)} purchases in {len(baskets)} baskets of "
        f"{baskets['user'].nunique()} users, order only"
    )
    return Frames(events=events, note=note)
