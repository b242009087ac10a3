"""HetRec 2011 Last.fm 2K: how often users played artists, and their friends.

``user_artists.dat``, ``artists.dat`` and, if there, ``user_friends.dat``. No times and no order:
a user's rows are in the order of the file, and whatever needs an order is meaningless on them.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from crossrec.ingest.formats import find_file, look_for, read_table
from crossrec.ingest.frames import Frames, Importer

if TYPE_CHECKING:
    import pandas as pd

FORMAT = "hetrec-lastfm"


def importer() -> Importer:
    """Return the importer."""
    return read


def read(folder: Path) -> Frames:
    """Read the folder: items are artists, an event is an artist's play count of one user.

    Friends become a list in the user table. Tags are left out: the set lists them, but the file
    that links them to artists is another one.

    Raises
    ------
    DataError
        If a file is missing or lacks a column.
    """
    plays = _table(
        find_file(folder, "user_artists.dat", of=FORMAT), ("userID", "artistID", "weight")
    )
    artists = _table(find_file(folder, "artists.dat", of=FORMAT), ("id", "name"))
    events = plays.rename(columns={"userID": "user_id", "artistID": "item_id", "weight": "value"})
    events = events.assign(event_type="play_count", value=events["value"].astype(float))
    items = artists[["id", "name"]].set_axis(["item_id", "title"], axis="columns")
    items = items.assign(title=items["title"].str.strip(), item_type="artist")
    note = (
        f"HetRec Last.fm: play counts of {events['user_id'].nunique()} users for "
        f"{events['item_id'].nunique()} artists; no times and no order"
    )
    return Frames(items=items, events=events, users=_friends(folder), note=note)


def _table(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """Read a tab-separated file; quotation marks are part of names, some lines end in CRLF."""
    return read_table(path, "utf-8", "latin-1", columns=columns, sep="\t", quoting=csv.QUOTE_NONE)


def _friends(folder: Path) -> pd.DataFrame | None:
    """Return each user's friends, None where the file is missing."""
    path = look_for(folder, "user_friends.dat")
    if path is None:
        return None
    pairs = _table(path, ("userID", "friendID"))
    friends = pairs.groupby("userID", sort=False)["friendID"].agg(list).reset_index()
    return friends.set_axis(["user_id", "friends"], axis="columns")
