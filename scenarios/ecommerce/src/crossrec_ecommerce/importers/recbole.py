"""RecBole atomic files of any domain: ``NAME.inter`` with, if there, ``NAME.item``, ``NAME.user``.

The only importer, with `unisrec`, that is not of one scenario: it works for all of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from crossrec.errors import DataError
from crossrec.ingest.formats import check_folder, look_for
from crossrec.ingest.frames import Frames, Importer

from crossrec_ecommerce.importers.atomic import Atomic, read_atomic

if TYPE_CHECKING:
    import pandas as pd

#: Columns of item files → crossrec's names. Whatever is not here keeps its name.
_FIELDS = {
    "title": ("title", "movie_title", "name", "product_title", "item_name", "artist", "song"),
    "categories": ("categories", "category", "class", "genre", "genres"),
    "brand": ("brand",),
}


def importer() -> Importer:
    """Return the importer."""
    return read


def read(folder: Path) -> Frames:
    """Read the folder.

    A column ``rating`` makes events of type ``rating``; without one they are of the scenario's
    default type. A column ``timestamp`` (seconds) makes the clock.

    Raises
    ------
    DataError
        If there is no ``.inter`` file, or it holds sequences or no user and item.
    """
    path = _interactions(folder)
    name = path.name.split(".inter")[0]
    inter = read_atomic(path)
    if "token_seq" in (inter.types.get("item_id_list"), inter.types.get("item_id")):
        raise DataError(f"{path} holds a sequence in each row: read the folder as --format unisrec")
    user, item = _keys(inter, path)
    items = look_for(folder, f"{name}.item")
    users = look_for(folder, f"{name}.user")
    events = _events(inter, user, item)
    clock = "time" in events
    note = (
        f"RecBole {name}: {len(events)} events of {events['user_id'].nunique()} users, "
        f"{'with time' if clock else 'order only'}"
    )
    return Frames(
        items=_items(read_atomic(items)) if items else None,
        events=events,
        users=_users(read_atomic(users)) if users else None,
        has_clock=clock,
        note=note,
    )


def _interactions(folder: Path) -> Path:
    """Find the one interactions file."""
    check_folder(folder, "recbole")
    found = sorted(p for end in ("", ".gz") for p in folder.glob(f"*.inter{end}"))
    whole = [p for p in found if p.name.split(".inter")[0].count(".") == 0]
    if not whole and found:
        raise DataError(f"{folder} holds {found[0].name}: read it as --format unisrec")
    if len(whole) != 1:
        what = "no NAME.inter" if not whole else f"{len(whole)} .inter files; one is wanted"
        raise DataError(f"{folder} is no recbole folder: {what}")
    return whole[0]


def _keys(inter: Atomic, path: Path) -> tuple[str, str]:
    """Return the columns of the user (or session) and the item."""
    tokens = [name for name, kind in inter.types.items() if kind == "token"]
    users = [n for n in tokens if n == "user_id"] or [
        n for n in tokens if "user" in n or "session" in n
    ]
    items = [n for n in tokens if n == "item_id"] or [
        n for n in tokens if n.endswith("_id") and n not in users
    ]
    if not users or not items:
        raise DataError(f"{path} has no user and item column; its tokens are: {', '.join(tokens)}")
    return users[0], items[0]


def _events(inter: Atomic, user: str, item: str) -> pd.DataFrame:
    """Return the events, sorted by time where there is one."""
    events = inter.table[[user, item]].set_axis(["user_id", "item_id"], axis="columns")
    if "rating" in inter.types:
        events = events.assign(event_type="rating", value=inter.numbers("rating"))
    if "timestamp" in inter.types:
        events = events.assign(time=inter.numbers("timestamp"))
        events = events.sort_values("time", kind="stable", ignore_index=True)
    return events


def _items(atomic: Atomic) -> pd.DataFrame:
    """Return the item table under crossrec's names; the first column is the id."""
    table, names = atomic.table, list(atomic.types)
    renamed = {names[0]: "item_id"}
    for field, aliases in _FIELDS.items():
        source = next((name for name in names[1:] if name in aliases), None)
        if source is not None:
            renamed[source] = field
    items = table.rename(columns=renamed)
    if "categories" in items:
        items["categories"] = [_list(text) for text in items["categories"]]
    return items


def _list(text: str) -> list[str]:
    """Split categories: at commas or bars where there are any, else at blanks."""
    for mark in ("|", ","):
        if mark in text:
            return [part.strip() for part in text.split(mark) if part.strip()]
    return text.split()


def _users(atomic: Atomic) -> pd.DataFrame:
    """Return the user table; the first column is the id."""
    return atomic.table.rename(columns={next(iter(atomic.types)): "user_id"})
