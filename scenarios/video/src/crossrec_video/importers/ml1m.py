"""MovieLens 1M as chronological sequences: ``sequences.tsv``, ``movies.dat``, extra information.

No ratings and no times. Items whose id starts with ``g`` could not be matched to a film and have no
row in the item table.
"""

from __future__ import annotations

from pathlib import Path

from crossrec.errors import DataError
from crossrec.ingest.formats import (
    find_file,
    look_for,
    read_lines,
    read_table,
    sequence_events,
)
from crossrec.ingest.frames import Frames, Importer

FORMAT = "ml1m-sequences"
DIRECTORS = 2
ACTORS = 4


def importer() -> Importer:
    """Return the importer."""
    return read


def read(folder: Path) -> Frames:
    """Read the folder.

    Raises
    ------
    DataError
        If ``sequences.tsv`` or ``movies.dat`` is missing or not of the format.
    """
    import pandas as pd

    sequences = read_table(
        find_file(folder, "sequences.tsv", of=FORMAT),
        columns=("user_id", "movie_ids_chronological"),
        sep="\t",
    )
    path = find_file(folder, "movies.dat", of=FORMAT)
    events = sequence_events(
        sequences["user_id"], sequences["movie_ids_chronological"].str.split().tolist()
    )
    extra = _extra(folder)
    rows = []
    for number, line in enumerate(read_lines(path, "utf-8", "latin-1"), start=1):
        cells = line.split("::")
        if len(cells) != 3:
            raise DataError(f"{path}: line {number} is not id::title::genres")
        film = {"item_id": cells[0], "title": cells[1], "categories": cells[2].split("|")}
        rows.append({**film, **extra.get(cells[0], {})})
    items = pd.DataFrame(rows)
    matched = int(events["item_id"].isin(items["item_id"]).groupby(events["item_id"]).first().sum())
    note = (
        f"MovieLens 1M sequences: {len(events)} events of {len(sequences)} users on "
        f"{events['item_id'].nunique()} films, {matched} of them with a title; order only"
    )
    return Frames(items=items, events=events.assign(event_type="watch"), note=note)


def _extra(folder: Path) -> dict[str, dict[str, object]]:
    """Return director, actors, year, certificate and plot by film; empty without the file."""
    path = look_for(folder, "movies_extrainfos.dat")
    films: dict[str, dict[str, object]] = {}
    for line in read_lines(path, "utf-8", "latin-1") if path else ():
        cells = line.split("::")
        if len(cells) < 10:
            continue
        films[cells[0]] = {
            "creator": _names(cells[6])[:DIRECTORS],
            "persons": _names(cells[8])[:ACTORS],
            "production_year": float(cells[2]) if cells[2].isdigit() else None,
            "content_classification": _known(cells[3]),
            "description": _known(cells[9]),
        }
    return films


def _names(cell: str) -> list[str]:
    """Split a list of persons, without their roles in brackets."""
    names = (name.partition("(")[0].strip() for name in _known(cell).split(","))
    return list(dict.fromkeys(name for name in names if name))


def _known(cell: str) -> str:
    """Return a cell without the mark for a missing value."""
    return "" if cell.strip() in ("N/A", "nan", "None") else cell.strip()
