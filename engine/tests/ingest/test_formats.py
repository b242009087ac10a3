from __future__ import annotations

import gzip
import io
import math
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from crossrec.errors import DataError
from crossrec.ingest.formats import (
    check_folder,
    find_file,
    look_for,
    read_bytes,
    read_lines,
    read_pairs,
    read_sequences,
    read_table,
    read_text,
    seconds,
    sequence_events,
)


def zipped(**members: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def test_finds_plain_gzipped_and_zipped(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv.gz", "c.csv.zip"):
        (tmp_path / name).write_bytes(b"")
    assert find_file(tmp_path, "a.csv", of="x").name == "a.csv"
    assert find_file(tmp_path, "b.csv", of="x").name == "b.csv.gz"
    assert find_file(tmp_path, "c.csv", of="x").name == "c.csv.zip"


def test_takes_the_first_name_that_is_there(tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv"):
        (tmp_path / name).write_bytes(b"")
    assert find_file(tmp_path, "z.csv", "b.csv", "a.csv", of="x").name == "b.csv"


def test_plain_comes_before_packed(tmp_path: Path) -> None:
    for name in ("a.csv.gz", "a.csv"):
        (tmp_path / name).write_bytes(b"")
    assert find_file(tmp_path, "a.csv", of="x").name == "a.csv"


def test_names_the_missing_file_and_the_format(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no shop folder: a\.csv or b\.csv .* is missing"):
        find_file(tmp_path, "a.csv", "b.csv", of="shop")


def test_names_the_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere: no such folder; shop takes the folder"):
        find_file(tmp_path / "nowhere", "a.csv", of="shop")


def test_a_folder_is_checked_by_itself(tmp_path: Path) -> None:
    check_folder(tmp_path, "shop")
    with pytest.raises(DataError, match="nowhere: no such folder; shop takes the folder"):
        check_folder(tmp_path / "nowhere", "shop")


def test_looking_for_what_is_not_there_gives_none(tmp_path: Path) -> None:
    assert look_for(tmp_path, "a.csv") is None
    (tmp_path / "a.csv").mkdir()
    assert look_for(tmp_path, "a.csv") is None


def test_unpacks_gzip_and_zip(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"plain")
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"packed"))
    (tmp_path / "a.txt.zip").write_bytes(zipped(inner="zipped"))
    assert read_bytes(tmp_path / "a.txt") == b"plain"
    assert read_bytes(tmp_path / "a.txt.gz") == b"packed"
    assert read_bytes(tmp_path / "a.txt.zip") == b"zipped"


@pytest.mark.parametrize("keep", [3, 12, 20])
def test_a_truncated_gzip_is_damaged(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(b"some words that are long enough" * 20)[:keep])
    with pytest.raises(DataError, match=r"a\.txt\.gz is damaged"):
        read_bytes(path)


def test_a_file_that_is_no_gzip_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.txt.gz"
    path.write_bytes(b"plain words")
    with pytest.raises(DataError, match="damaged"):
        read_bytes(path)


def test_a_file_that_is_no_zip_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.zip"
    path.write_bytes(b"plain words")
    with pytest.raises(DataError, match="damaged"):
        read_bytes(path)


def test_a_zip_of_two_files_is_ambiguous(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.zip"
    path.write_bytes(zipped(one="1", two="2"))
    with pytest.raises(DataError, match="2 files in it; unpack it first"):
        read_bytes(path)


def test_a_folder_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_bytes(tmp_path)


def test_drops_the_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeffid".encode())
    assert read_text(path) == "id"


def test_falls_back_to_the_next_encoding(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("Amélie".encode("latin-1"))
    assert read_text(path, "utf-8", "latin-1") == "Amélie"
    path.write_bytes("Amélie".encode())
    assert read_text(path, "utf-8", "latin-1") == "Amélie"


def test_names_the_encodings_that_do_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("Amélie".encode("latin-1"))
    with pytest.raises(DataError, match="not in the encoding utf-8"):
        read_text(path)
    with pytest.raises(DataError, match="not in the encoding utf-8 or ascii"):
        read_text(path, "utf-8", "ascii")


def test_lines_without_their_ends_and_without_blank_ones(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"one\r\n\n  \ntwo \nthree")
    assert read_lines(path) == ["one", "two ", "three"]


def test_lines_end_at_line_feeds_only(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("a\u2028b\x0cc\x85d\ne".encode())
    assert read_lines(path) == ["a\u2028b\x0cc\x85d", "e"]


def test_pairs_are_cut_at_the_first_mark(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("1::Rake\n\n2::A::B\n3::\n")
    pairs = read_pairs(tmp_path / "a.txt", "::", "id::name")
    assert pairs == [("1", "Rake"), ("2", "A::B"), ("3", "")]


def test_a_line_without_the_mark_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("1::Rake\n2 Pan\n")
    with pytest.raises(DataError, match=r"a\.txt: line 2 is not id::name"):
        read_pairs(tmp_path / "a.txt", "::", "id::name")


def test_sequences_of_users(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("u1 3 1  3\nu2\n")
    assert read_sequences(tmp_path / "a.txt") == (["u1", "u2"], [["3", "1", "3"], []])


def test_table_of_strings(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,name,n\n007,NA,1\n8,,2\n")
    table = read_table(path, columns=("id", "name"))
    assert table["id"].tolist() == ["007", "8"]
    # "NA" is a name here, and an empty cell is empty.
    assert table["name"].tolist() == ["NA", ""]
    assert table["n"].tolist() == ["1", "2"]


def test_table_names_the_missing_column_and_those_there(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,name\n1,x\n")
    with pytest.raises(DataError, match="no column 'price'; its columns are: id, name"):
        read_table(path, columns=("id", "price"))


def test_empty_table(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("")
    with pytest.raises(DataError, match=r"a\.csv is empty"):
        read_table(path)


def test_table_with_rows_of_unlike_length(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,name\n1,x\n2,y,z,q\n")
    with pytest.raises(DataError, match="cannot be read as a table"):
        read_table(path)


def test_sequences_become_rows_in_their_order() -> None:
    events = sequence_events(["u", "v", "w"], [["b", "a", "b"], [], ["c"]])
    assert events["user_id"].tolist() == ["u", "u", "u", "w"]
    assert events["item_id"].tolist() == ["b", "a", "b", "c"]


def test_no_sequences_become_an_empty_table() -> None:
    events = sequence_events([], [])
    assert list(events) == ["user_id", "item_id"]
    assert len(events) == 0


def test_seconds_of_known_moments() -> None:
    times = pd.Series(["1970-01-01", "1970-01-02 00:00:01", "2018-03-12T17:00:45.567"])
    assert seconds(times).tolist() == [0.0, 86_401.0, 1_520_874_045.567]


def test_seconds_respect_a_zone() -> None:
    times = pd.Series(["1970-01-01T02:00:00+02:00", "1970-01-01T00:00:00Z"])
    assert seconds(times).tolist() == [0.0, 0.0]


def test_seconds_of_nonsense_are_nan() -> None:
    result = seconds(pd.Series(["soon", "", "1970-01-01"])).tolist()
    assert [math.isnan(value) for value in result] == [True, True, False]
