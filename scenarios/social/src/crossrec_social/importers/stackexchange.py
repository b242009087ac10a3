"""A dump of one Stack Exchange site: ``Posts.xml`` and ``Comments.xml``.

The items are questions. A question itself, its answers and all comments below it are events on it.
Votes have no user and are left out.
"""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from crossrec.errors import DataError
from crossrec.ingest.formats import find_file, read_bytes, seconds
from crossrec.ingest.frames import Frames, Importer

if TYPE_CHECKING:
    import pandas as pd

FORMAT = "stackexchange"
QUESTION, ANSWER = "1", "2"
_MARKUP = re.compile(r"<[^>]+>")
_TAGS = re.compile(r"<([^>]+)>|([^|<>]+)")


def importer() -> Importer:
    """Return the importer."""
    return read


def read(folder: Path) -> Frames:
    """Read the folder. Events of deleted users, who have no id, are left out and counted.

    Raises
    ------
    DataError
        If a file is missing or is not XML.
    """
    import pandas as pd

    questions: list[dict[str, object]] = []
    question_of: dict[str, str] = {}
    events: list[tuple[str, str, str, str, str]] = []
    for row in _rows(find_file(folder, "Posts.xml", of=FORMAT)):
        if row.get("PostTypeId") == QUESTION:
            questions.append(_question(row))
            question_of[row["Id"]] = row["Id"]
            kind = "post"
        elif row.get("PostTypeId") == ANSWER and "ParentId" in row:
            question_of[row["Id"]] = row["ParentId"]
            kind = "answer"
        else:
            continue
        user = row.get("OwnerUserId", "")
        events.append((user, question_of[row["Id"]], kind, row["CreationDate"], f"p{row['Id']}"))
    for row in _rows(find_file(folder, "Comments.xml", of=FORMAT)):
        if row.get("PostId") in question_of:
            question = question_of[row["PostId"]]
            user = row.get("UserId", "")
            events.append((user, question, "reply", row["CreationDate"], f"c{row['Id']}"))
    columns = ["user_id", "item_id", "event_type", "time", "event_id"]
    table = pd.DataFrame(events, columns=columns)
    named = table[table["user_id"] != ""]
    named = named.assign(time=seconds(named["time"]))
    note = (
        f"Stack Exchange: {len(questions)} questions, {len(named)} events of "
        f"{named['user_id'].nunique()} users; {len(table) - len(named)} without a user left out"
    )
    return Frames(
        items=_items(questions),
        events=named.sort_values("time", kind="stable", ignore_index=True),
        has_clock=True,
        note=note,
    )


def _rows(path: Path) -> Iterator[Mapping[str, str]]:
    """Yield the attributes of each row, without holding the tree."""
    try:
        for _, element in ET.iterparse(BytesIO(read_bytes(path))):
            if element.tag == "row":
                yield dict(element.attrib)
                element.clear()
    except ET.ParseError as error:
        raise DataError(f"{path} is not XML: {error}") from error


def _question(row: Mapping[str, str]) -> dict[str, object]:
    """Return the item of a question."""
    tags = [first or second for first, second in _TAGS.findall(row.get("Tags", ""))]
    return {
        "item_id": row["Id"],
        "title": row.get("Title", ""),
        "text": plain(row.get("Body", "")),
        "categories": tags,
        "author": row.get("OwnerUserId", ""),
        "created_at": row["CreationDate"],
        "like_count": float(row.get("Score", 0)),
        "view_count": float(row.get("ViewCount", 0)),
    }


def _items(questions: list[dict[str, object]]) -> pd.DataFrame:
    """Return the questions with their time in seconds."""
    import pandas as pd

    items = pd.DataFrame(questions)
    return items.assign(created_at=seconds(items["created_at"])) if len(items) else items


def plain(body: str) -> str:
    """Return the words of an HTML text: tags out, entities resolved, blanks joined."""
    return " ".join(html.unescape(_MARKUP.sub(" ", body)).split())
