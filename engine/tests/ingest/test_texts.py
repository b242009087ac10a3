"""A column of texts in a table of events: found by its name, or named."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from crossrec.ingest import IngestOptions, ingest_files
from crossrec.ingest.mapping import guess_columns, parse_map
from crossrec.ingest.validation import MAX_TEXT

HEADER = "user_id,item_id,event,time,value,{}"


def texts_of(workspace, shop) -> list[str]:
    """Return the text of each stored event, in the order of ingestion."""
    found = workspace.store().events(shop, reviews=True).reviews
    return [found.texts[number] if number >= 0 else "" for number in found.numbers]


@pytest.mark.parametrize(
    "name", ["review", "review_text", "reviewText", "Review-Text", "text", "body", "comment"]
)
def test_usual_names_are_found(shop, workspace, write, name) -> None:
    path = write(
        "events.csv", HEADER.format(name), 'u1,i1,rating,10,5,"fine, really"', "u1,i2,view,20,,"
    )
    report = ingest_files(workspace, shop, events=path)
    assert report.table("events").columns["text"] == name
    assert texts_of(workspace, shop) == ["fine, really", ""]


def test_any_column_can_be_named(shop, workspace, write) -> None:
    path = write("events.csv", HEADER.format("words,body"), "u1,i1,rating,10,5,mine,other")
    options = IngestOptions(columns=parse_map(["text=words"], shop))
    report = ingest_files(workspace, shop, events=path, options=options)
    assert texts_of(workspace, shop) == ["mine"]
    assert report.table("events").unused == ("body",)


def test_items_keep_their_own_texts(shop) -> None:
    found = guess_columns(["item_id", "title", "text"], "items", shop, {}, source="items")
    assert found.fields["text"] == "text"


def test_a_file_without_texts_has_none(shop, workspace, write) -> None:
    path = write("events.csv", "user_id,item_id,event,time,value", "u1,i1,rating,10,5")
    assert "text" not in ingest_files(workspace, shop, events=path).table("events").columns
    assert texts_of(workspace, shop) == [""]


def test_the_same_file_again_changes_nothing(shop, workspace, write) -> None:
    path = write("events.csv", HEADER.format("text"), "u1,i1,rating,10,5,good")
    assert ingest_files(workspace, shop, events=path).table("events").new == 1
    assert ingest_files(workspace, shop, events=path).table("events").new == 0
    assert texts_of(workspace, shop) == ["good"]


def test_odd_cells_become_texts_or_nothing(shop, workspace, tmp_path) -> None:
    cells = ["  spaces  ", None, 7, ["two", "parts"], "[1, 2]", "half \ud800 a pair", "line\nbreak"]
    path = tmp_path / "events.jsonl"
    rows = [
        {"user": "u1", "item": f"i{at}", "event": "rating", "time": 10 + at, "text": cell}
        for at, cell in enumerate(cells)
    ]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    report = ingest_files(workspace, shop, events=path)
    assert report.n_bad == 0
    assert texts_of(workspace, shop) == [
        "spaces", "", "7", "two parts", "[1, 2]", "half ? a pair", "line\nbreak",
    ]  # fmt: skip


def test_a_long_text_is_cut_and_counted(shop, workspace) -> None:
    frame = pd.DataFrame(
        {"user": ["u1", "u2"], "item": ["i1", "i1"], "time": [1, 2], "rating": [5, 4],
         "review": ["x" * (MAX_TEXT + 1), "short"]}
    )  # fmt: skip
    report = ingest_files(workspace, shop, events=frame)
    assert "1 texts were cut at 20,000 characters" in report.table("events").notes
    assert list(map(len, texts_of(workspace, shop))) == [MAX_TEXT, 5]


def test_texts_of_rejected_rows_stay_with_them(shop, workspace, write) -> None:
    path = write(
        "events.csv",
        HEADER.format("text"),
        "u1,i1,rating,10,five,first",
        "u1,i2,rating,20,4,second",
    )
    report = ingest_files(workspace, shop, events=path)
    assert report.n_bad == 1
    assert texts_of(workspace, shop) == ["second"]
    assert "first" in report.table("events").rejected.read_text(encoding="utf-8")
