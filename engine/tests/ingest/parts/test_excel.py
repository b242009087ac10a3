"""Excel workbooks, as openpyxl writes them."""

import datetime
import zipfile

import numpy as np
import pytest
from crossrec.errors import DataError
from crossrec.ingest import ingest_files
from crossrec.ingest.reading.chunks import ReadOptions
from crossrec.ingest.reading.opening import open_table
from crossrec.workspace import Workspace

openpyxl = pytest.importorskip("openpyxl")


@pytest.fixture
def book(tmp_path):
    def write(*sheets, name="e.xlsx"):
        workbook = openpyxl.Workbook()
        workbook.remove(workbook.active)
        for number, rows in enumerate(sheets):
            sheet = workbook.create_sheet(f"Sheet {number + 1}")
            for row in rows:
                sheet.append(row)
        workbook.save(tmp_path / name)
        return tmp_path / name

    return write


DAY = datetime.datetime(2024, 1, 31, 12)
ROWS = [["user", "item", "time"], ["u1", 7, DAY], [], ["u2", 8.0, DAY], ["u3", 9, None]]


def read(path, **options):
    source = open_table(path, ReadOptions(**options))
    rows, lines = [], []
    for chunk in source.chunks():
        rows += chunk.frame.values.tolist()
        lines += chunk.lines(np.arange(len(chunk.frame))).tolist()
    return source, rows, lines


@pytest.mark.parametrize("size", [1, 2, 100])
def test_rows_keep_types_and_the_numbers_that_excel_shows(book, size):
    source, rows, lines = read(book(ROWS), chunk_rows=size)
    assert list(source.header) == ["user", "item", "time"]
    assert rows == [["u1", 7, DAY], ["u2", 8, DAY], ["u3", 9, ""]]
    assert lines == [2, 4, 5]
    assert source.notes == []


def test_a_workbook_in_a_zip_is_read(book, tmp_path):
    with zipfile.ZipFile(tmp_path / "e.zip", "w") as archive:
        archive.write(book(ROWS), "e.xlsx")
    assert read(tmp_path / "e.zip")[2] == [2, 4, 5]


def test_other_sheets_are_named_and_empty_ones_are_none(book):
    source, rows, _ = read(book([], [["id"], ["a"]], [["id"], ["b"]]))
    assert rows == [["a"]]
    (note,) = source.notes
    assert "read: sheet 'Sheet 2'; not read: Sheet 3" in note


def test_rows_before_the_header_are_skipped_only_if_empty(book):
    source, rows, lines = read(book([[], ["user", "item"], ["u", "i"]]))
    assert (list(source.header), rows, lines) == (["user", "item"], [["u", "i"]], [3])


def test_cells_right_of_the_header_are_kept(book):
    _, rows, _ = read(book([["user", "item"], ["u", "i", None, "more"]]))
    assert rows == [["u", "i", "", "more"]]


def test_a_sheet_without_a_header_is_read_with_given_names(book):
    source, rows, lines = read(book([["u", "i"], ["v", "j"]]), header=("user", "item"))
    assert (list(source.header), rows, lines) == (
        ["user", "item"],
        [["u", "i"], ["v", "j"]],
        [1, 2],
    )


@pytest.mark.parametrize("rows", [[], [["user", "item"]]])
def test_a_book_without_rows(book, rows):
    with pytest.raises(DataError, match="no sheet with a table|a header and no rows"):
        open_table(book(rows), ReadOptions())


def test_a_damaged_book(tmp_path):
    with zipfile.ZipFile(tmp_path / "e.xlsx", "w") as archive:
        archive.writestr("[Content_Types].xml", "<nothing")
    with pytest.raises(DataError, match="not an Excel workbook, or a damaged one"):
        open_table(tmp_path / "e.xlsx", ReadOptions())


def test_without_openpyxl_the_extra_is_named(book, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "openpyxl", None)
    with pytest.raises(DataError, match=r'pip install "crossrec\[excel\]"'):
        open_table(book(ROWS), ReadOptions())


def test_a_book_becomes_events(shop, book, tmp_path):
    report = ingest_files(tmp_path / "ws", shop, events=book(ROWS))
    assert report.table("events").bad["missing time"].lines == [5]
    events = Workspace.open(tmp_path / "ws").store().events(shop)
    assert events.times.tolist() == [1706702400.0] * 2
