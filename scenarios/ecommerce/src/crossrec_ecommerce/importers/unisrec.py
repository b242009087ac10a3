"""UniSRec's leave-one-out files: ``NAME.test.inter`` and, if there, texts and index files.

Each row of an ``.inter`` file is a user's history and the item that followed. The longest row of a
user is the whole sequence as the published tables see it (their histories are cut at 50 items).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crossrec.errors import DataError
from crossrec.ingest.formats import check_folder, look_for, read_lines, sequence_events
from crossrec.ingest.frames import Frames, Importer

if TYPE_CHECKING:
    import pandas as pd

FORMAT = "unisrec"
HEADER = ["user_id:token", "item_id_list:token_seq", "item_id:token"]

#: Amazon's departments: the categories within a joined text start with one of them.
DEPARTMENTS = (
    "Industrial & Scientific",
    "Musical Instruments",
    "Arts, Crafts & Sewing",
    "Office Products",
    "Grocery & Gourmet Food",
    "Home & Kitchen",
    "CDs & Vinyl",
    "Kindle Store",
    "Movies & TV",
    "Electronics",
    "Cell Phones & Accessories",
    "Sports & Outdoors",
    "Toys & Games",
    "Tools & Home Improvement",
    "Patio, Lawn & Garden",
    "Pet Supplies",
    "Video Games",
    "Automotive",
    "Beauty",
)


def importer() -> Importer:
    """Return the importer."""
    return read


def read(folder: Path) -> Frames:
    """Read the folder.

    Events are of the scenario's default type and have only an order.

    Raises
    ------
    DataError
        If there is no ``NAME.test.inter``, or a file is not of the format.
    """
    name = _name(folder)
    sequences = _sequences(folder, name)
    items = _names(folder / f"{name}.item2index")
    users = _names(folder / f"{name}.user2index")
    events = sequence_events(
        [users.get(user, user) for user in sequences],
        [[items.get(item, item) for item in row] for row in sequences.values()],
    )
    note = (
        f"UniSRec {name}: {len(events)} events of {len(sequences)} users, order only; "
        "long histories are cut as in the files"
    )
    return Frames(items=_items(folder, name), events=events, note=note)


def _name(folder: Path) -> str:
    """Return NAME of ``NAME.test.inter``."""
    check_folder(folder, FORMAT)
    found = sorted({p.name.split(".test.inter")[0] for p in folder.glob("*.test.inter*")})
    if len(found) != 1:
        what = "NAME.test.inter (or .gz) is missing" if not found else f"holds {', '.join(found)}"
        raise DataError(f"{folder} is no {FORMAT} folder: {what}")
    return found[0]


def _sequences(folder: Path, name: str) -> dict[str, list[str]]:
    """Return the longest history and target of each user; of equal ones the latest part's."""
    sequences: dict[str, list[str]] = {}
    for part in ("train", "valid", "test"):
        path = look_for(folder, f"{name}.{part}.inter")
        if path is None:
            continue
        lines = read_lines(path)
        if not lines or lines[0].split("\t") != HEADER:
            raise DataError(f"{path}: the header is not {' '.join(HEADER)}; try --format recbole")
        for number, line in enumerate(lines[1:], start=2):
            cells = line.split("\t")
            if len(cells) != 3:
                raise DataError(f"{path}: line {number} has {len(cells)} cells instead of 3")
            row = [*cells[1].split(), cells[2]]
            if len(row) >= len(sequences.get(cells[0], ())):
                sequences[cells[0]] = row
    return sequences


def _names(path: Path) -> dict[str, str]:
    """Return index → original id; empty where the file is missing."""
    found = look_for(path.parent, path.name)
    if found is None:
        return {}
    pairs = (line.rsplit("\t", 1) for line in read_lines(found))
    return {pair[-1]: pair[0] for pair in pairs}


def _items(folder: Path, name: str) -> pd.DataFrame | None:
    """Return an item table whose rendered text is the joined text of the files."""
    import pandas as pd

    path = look_for(folder, f"{name}.text")
    if path is None:
        return None
    pairs = [line.partition("\t")[::2] for line in read_lines(path)[1:]]
    texts = {id_: text.strip() for id_, text in pairs}
    department = _department(list(texts.values()))
    fields = _fields(folder, name)
    rows = []
    for id_, text in texts.items():
        known = fields.get(id_)
        parts = known if known is not None and known.joined() == _plain(text) else None
        parts = parts or parse(text, department)
        description = known.description if known else ""
        rows.append((id_, parts.title, list(parts.categories), parts.brand, description))
    return pd.DataFrame(rows, columns=["item_id", "title", "categories", "brand", "description"])


@dataclass(frozen=True)
class JoinedText:
    """The fields of a joined text."""

    title: str
    categories: Sequence[str] = ()
    brand: str = ""
    description: str = ""

    def joined(self) -> str:
        """Return the text that the fields make, without empty ones and outer punctuation."""
        parts = (self.title, " ".join(self.categories), self.brand)
        return _plain(". ".join(part for part in parts if part))


def _plain(text: str) -> str:
    """Drop the punctuation that empty fields leave, and that at the ends."""
    return re.sub(r"(?:\s*\.)+ ", ". ", text.strip()).strip(" .,;|-")


def _department(texts: Sequence[str]) -> str:
    """Return the department that most texts name after their title; "" if none does."""
    counts = {d: sum(f". {d}" in text for text in texts) for d in DEPARTMENTS}
    best = max(counts, key=lambda d: counts[d])
    return best if counts[best] > len(texts) / 2 else ""


def parse(text: str, department: str) -> JoinedText:
    """Split a joined text ``title. categories. brand.``; if that fails, all of it is title."""
    found = re.match(rf"(.*?)\.? {re.escape(department)}(.*?)\. ?(.*)$", text)
    if department and found:
        title, rest, brand = (part.strip() for part in found.groups())
        parts = JoinedText(title, (department, rest) if rest else (department,), brand.strip(". "))
    else:
        title, _, brand = text.partition(". . ")
        parts = JoinedText(title.rstrip(". "), brand=brand.strip(". "))
    return parts if parts.joined() == _plain(text) else JoinedText(_plain(text))


def _fields(folder: Path, name: str) -> dict[str, JoinedText]:
    """Return the separate fields of items, from ``NAME.fields_joined.jsonl`` where there is one."""
    path = look_for(folder, f"{name}.fields_joined.jsonl")
    result = {}
    for line in read_lines(path) if path else ():
        row = json.loads(line)
        result[row["asin"]] = JoinedText(
            title=row["title"].rstrip(". ").lstrip(),
            categories=[part for part in re.split(r",(?! )", row["categories"]) if part],
            brand=row["brand"].strip(),
            description=row.get("description") or "",
        )
    return result
