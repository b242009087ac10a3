"""Amazon 2014 5-core as S3-Rec, P5 and TIGER use it: ``sequences.txt`` and ``items.tsv``.

Beauty names items by asin, with titles and category paths; Sports numbers them, with key phrases.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from crossrec.errors import DataError
from crossrec.ingest.formats import find_file, read_sequences, read_table, sequence_events
from crossrec.ingest.frames import Frames, Importer

if TYPE_CHECKING:
    import pandas as pd

FORMAT = "amazon14"


def importer() -> Importer:
    """Return the importer."""
    return read


def read(folder: Path) -> Frames:
    """Read the folder. Item ids are asins in both forms; events have only an order.

    Raises
    ------
    DataError
        If a file is missing, lacks a column, or names an item that ``items.tsv`` does not number.
    """
    path = find_file(folder, "sequences.txt", of=FORMAT)
    users, sequences = read_sequences(path)
    table = read_table(
        find_file(folder, "items.tsv", of=FORMAT),
        columns=("asin",),
        sep="\t",
        quoting=csv.QUOTE_NONE,
    )
    if "item" in table:
        asin = dict(zip(table["item"], table["asin"]))
        try:
            sequences = [[asin[item] for item in row] for row in sequences]
        except KeyError as error:
            raise DataError(f"{path}: item {error} has no row in items.tsv") from None
    events = sequence_events(users, sequences)
    note = f"Amazon 2014: {len(events)} purchases of {len(users)} users, order only"
    return Frames(items=_items(table), events=events.assign(event_type="purchase"), note=note)


def _items(table: pd.DataFrame) -> pd.DataFrame:
    """Return the item table; category paths are joined by ``|`` in the file."""
    import pandas as pd

    titles = table["title"] if "title" in table else table.get("key_phrases", "")
    items = pd.DataFrame({"item_id": table["asin"], "title": titles})
    if "categories" in table:
        items["categories"] = [
            [path.strip() for path in paths.split(" | ") if path.strip()]
            for paths in table["categories"]
        ]
    return items
