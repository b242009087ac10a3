"""Yelp as in S3-Rec and P5: ``Yelp.txt`` (sequences) and ``Yelp.item.json`` (names, categories).

Item k of ``Yelp.txt`` is key k-1 of ``Yelp.item.json``.
"""

from __future__ import annotations

import json
from pathlib import Path

from crossrec.errors import DataError
from crossrec.ingest.formats import find_file, read_sequences, read_text, sequence_events
from crossrec.ingest.frames import Frames, Importer

FORMAT = "yelp-s3rec"


def importer() -> Importer:
    """Return the importer."""
    return read


def read(folder: Path) -> Frames:
    """Read the folder. Item ids are those of ``Yelp.txt``, from 1; an event is a review.

    Raises
    ------
    DataError
        If a file is missing or not of the format.
    """
    import pandas as pd

    users, sequences = read_sequences(find_file(folder, "Yelp.txt", of=FORMAT))
    path = find_file(folder, "Yelp.item.json", of=FORMAT)
    try:
        places = json.loads(read_text(path))
        items = pd.DataFrame(
            {
                "item_id": [str(int(key) + 1) for key in places],
                "title": [place["title"] for place in places.values()],
                "categories": [_list(place["description"]) for place in places.values()],
            }
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} is not number → title, description: {error}") from error
    events = sequence_events(users, sequences)
    note = f"Yelp (S3-Rec): {len(events)} reviews of {len(users)} users, order only"
    return Frames(items=items, events=events.assign(event_type="review"), note=note)


def _list(categories: str) -> list[str]:
    """Split a comma list."""
    return [part.strip() for part in categories.split(",") if part.strip()]
