"""CI&T DeskDrop: a year of an internal news feed, ``users_interactions.csv``, often as a zip.

The articles (``shared_articles.csv``) are read if they are in the same folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from crossrec.ingest.formats import find_file, look_for, read_table
from crossrec.ingest.frames import Frames, Importer

if TYPE_CHECKING:
    import pandas as pd

FORMAT = "deskdrop"
EVENTS = {
    "VIEW": "click",
    "LIKE": "like",
    "BOOKMARK": "bookmark",
    "COMMENT CREATED": "reply",
    "FOLLOW": "follow_author",
}


def importer() -> Importer:
    """Return the importer."""
    return read


def read(folder: Path) -> Frames:
    """Read the folder.

    Raises
    ------
    DataError
        If the interactions are missing or lack a column.
    """
    rows = read_table(
        find_file(folder, "users_interactions.csv", of=FORMAT),
        columns=("timestamp", "eventType", "contentId", "personId"),
    )
    rows = rows.assign(time=rows["timestamp"].astype(float)).sort_values("time", kind="stable")
    events = rows.assign(
        user_id=rows["personId"],
        item_id=rows["contentId"],
        # Other types keep their name; the validation checks them.
        event_type=rows["eventType"].map(EVENTS).fillna(rows["eventType"]),
        # The same view may be logged twice in one second.
        event_id="r" + rows.index.astype(str),
    )[["user_id", "item_id", "event_type", "time", "event_id"]].reset_index(drop=True)
    items = _articles(folder)
    note = (
        f"DeskDrop: {len(events)} events of {events['user_id'].nunique()} users on "
        f"{events['item_id'].nunique()} articles"
        + ("" if items is not None else "; no shared_articles.csv, so without text")
    )
    return Frames(items=items, events=events, has_clock=True, note=note)


def _articles(folder: Path) -> pd.DataFrame | None:
    """Return the articles, None where the file is missing."""
    path = look_for(folder, "shared_articles.csv")
    if path is None:
        return None
    rows = read_table(
        path, columns=("timestamp", "eventType", "contentId", "authorPersonId", "title", "text")
    )
    names = {
        "contentId": "item_id",
        "authorPersonId": "author",
        "title": "title",
        "text": "text",
        "lang": "language",
        "url": "uri",
    }
    removed = set(rows.loc[rows["eventType"] == "CONTENT REMOVED", "contentId"])
    rows = rows.drop_duplicates("contentId", keep="last")
    items = rows[[name for name in names if name in rows]].rename(columns=names)
    return items.assign(
        created_at=rows["timestamp"].astype(float), is_hidden=items["item_id"].isin(removed)
    ).reset_index(drop=True)
