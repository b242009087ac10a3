"""Last.fm as in LLaRA (SIGIR 2024): artists in the order of listening.

``sequences.tsv`` (sequence_id, split, item_ids) and ``id2name.txt`` (id::name). The set's own split
is by sequence; here every sequence is a user.
"""

from __future__ import annotations

from pathlib import Path

from crossrec.ingest.formats import find_file, read_pairs, read_table, sequence_events
from crossrec.ingest.frames import Frames, Importer

FORMAT = "llara-lastfm"


def importer() -> Importer:
    """Return the importer."""
    return read


def read(folder: Path) -> Frames:
    """Read the folder.

    Raises
    ------
    DataError
        If a file is missing or not of the format.
    """
    import pandas as pd

    table = read_table(
        find_file(folder, "sequences.tsv", of=FORMAT),
        columns=("sequence_id", "item_ids"),
        sep="\t",
    )
    names = read_pairs(find_file(folder, "id2name.txt", of=FORMAT), "::", "id::name")
    items = pd.DataFrame(
        {
            "item_id": [id_ for id_, _ in names],
            "title": [name.strip() for _, name in names],
            "item_type": "artist",
        }
    )
    events = sequence_events(table["sequence_id"], table["item_ids"].str.split().tolist())
    note = f"Last.fm (LLaRA): {len(events)} events in {len(table)} sequences, order only"
    return Frames(items=items, events=events.assign(event_type="play"), note=note)
