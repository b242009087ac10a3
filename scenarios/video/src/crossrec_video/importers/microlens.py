"""MicroLens: short videos with captions, ``*_pairs.tsv`` and ``*_titles.csv``.

A user's row holds the videos on which the user commented, oldest first.
"""

from __future__ import annotations

import re
from pathlib import Path

from crossrec.errors import DataError
from crossrec.ingest.formats import check_folder, read_pairs, read_table, sequence_events
from crossrec.ingest.frames import Frames, Importer

FORMAT = "microlens"
_HASH = re.compile(r"[#\N{FULLWIDTH NUMBER SIGN}]")


def importer() -> Importer:
    """Return the importer."""
    return read


def read(folder: Path) -> Frames:
    """Read the folder: captions become titles, their hashtags categories.

    Raises
    ------
    DataError
        If a file is missing or a row has no tab.
    """
    import pandas as pd

    rows = read_pairs(_find(folder, "pairs.tsv"), "\t", "a user, a tab and videos")
    events = sequence_events([user for user, _ in rows], [videos.split() for _, videos in rows])
    captions = read_table(_find(folder, "titles.csv"), columns=("item", "title"))
    parts = [split(caption) for caption in captions["title"]]
    items = pd.DataFrame(
        {
            "item_id": captions["item"],
            "title": [title for title, _ in parts],
            "categories": [tags for _, tags in parts],
        }
    )
    note = f"MicroLens: {len(events)} views of {len(rows)} users, order only"
    return Frames(items=items, events=events.assign(event_type="watch"), note=note)


def split(caption: str) -> tuple[str, list[str]]:
    """Return the words of a caption and its hashtags; a caption of tags alone is its own title."""
    head, *tags = [part.strip() for part in _HASH.split(caption)]
    tags = [tag for tag in tags if tag]
    return head or " ".join(tags), tags


def _find(folder: Path, end: str) -> Path:
    """Find ``MicroLens-…_END``, plain or gzipped."""
    check_folder(folder, FORMAT)
    found = sorted(p for pack in ("", ".gz") for p in folder.glob(f"*_{end}{pack}"))
    if len(found) != 1:
        what = f"*_{end} (or .gz) is missing" if not found else f"{len(found)} files *_{end}"
        raise DataError(f"{folder} is no {FORMAT} folder: {what}")
    return found[0]
