import gzip
import json

import numpy as np
import pandas as pd
import pytest
from crossrec.errors import DataError
from crossrec.ingest.reading.chunks import FrameReader, ReadOptions
from crossrec.ingest.reading.layout import distinct, sniff
from crossrec.ingest.reading.opening import open_table
from crossrec.ingest.reading.text import inspect


@pytest.fixture
def file(tmp_path):
    def write(content, name="events.csv", *, encoding="utf-8", packed=False):
        data = content if isinstance(content, bytes) else content.encode(encoding)
        path = tmp_path / (name + ".gz" if packed else name)
        path.write_bytes(gzip.compress(data) if packed else data)
        return path

    return write


def read(path, numeric=(), **options):
    """Return rows, their lines, and failures of the whole file."""
    source = open_table(path, ReadOptions(**options))
    rows, lines, failures = [], [], []
    for chunk in source.chunks(numeric):
        rows += chunk.frame.values.tolist()
        lines += chunk.lines(np.arange(len(chunk.frame))).tolist()
        failures += [(failure.line, failure.cause) for failure in chunk.failures]
    return rows, lines, failures


CSV = "user,item,time\nu1,007,1\nNA,17850.0,2\nnull,x,3\n"
ROWS = [["u1", "007", "1"], ["NA", "17850.0", "2"], ["null", "x", "3"]]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("size", [1, 2, 100])
def test_ids_stay_as_they_are_written(file, packed, size):
    path = file(CSV, packed=packed)
    assert read(path, chunk_rows=size) == (ROWS, [2, 3, 4], [])


@pytest.mark.parametrize(("delimiter", "name"), [("\t", "e.tsv"), (";", "e.csv"), ("|", "e.txt")])
def test_delimiters_are_found_out(file, delimiter, name):
    source = open_table(file(CSV.replace(",", delimiter), name), ReadOptions())
    assert list(source.header) == ["user", "item", "time"]
    assert read(file(CSV.replace(",", delimiter), name))[0] == ROWS


def test_a_delimiter_can_be_given(file):
    assert read(file(CSV.replace(",", "#")), delimiter="#")[0] == ROWS
    with pytest.raises(DataError, match="one character"):
        open_table(file(CSV), ReadOptions(delimiter="::"))


def test_sniffing_prefers_what_splits_all_lines_equally():
    assert sniff(["id;title\n", "1;a, b, c\n", "2;d\n"]) == ";"
    assert sniff(["title|genres, all\n", "a|b\n"]) == "|"
    assert sniff(["only\n", "one\n"]) == ","
    assert sniff(['"a,b";c\n', '"d,e";f\n']) == ";"


def test_numeric_columns_are_numbers_and_gaps_are_missing(file):
    rows, _, _ = read(file("u,i,t\na,b,1\nc,d,\n"), numeric=["t"])
    assert rows[0][2] == 1.0
    assert np.isnan(rows[1][2])


def test_a_numeric_column_with_text_stays_text(file):
    rows, _, _ = read(file("u,i,t\na,b,1\nc,d,soon\n"), numeric=["t"])
    assert [row[2] for row in rows] == ["1", "soon"]


def test_short_rows_are_filled_up(file):
    assert read(file("u,i,t\na,b\nc\n"))[0] == [["a", "b", ""], ["c", "", ""]]


@pytest.mark.parametrize("size", [1, 2, 3, 100])
@pytest.mark.parametrize("bad", [1, 2, 3, 5])
def test_a_row_with_too_many_cells_is_a_failure_at_any_place(file, size, bad):
    lines = ["u,i,t", *(f"u{i},i{i},{i}" for i in range(1, 6))]
    lines[bad] += ",surplus"
    rows, found, failures = read(file("\n".join(lines)), numeric=["t"], chunk_rows=size)
    assert failures == [(bad + 1, "more than 3 cells")]
    assert [row[0] for row in rows] == [f"u{i}" for i in range(1, 6) if i != bad]
    assert found == [i + 1 for i in range(1, 6) if i != bad]


def test_an_open_quote_is_text_where_its_line_is_whole(file):
    rows, lines, failures = read(file('u,i\na,"b\nc,d\ne,f\n'))
    assert rows == [["a", '"b'], ["c", "d"], ["e", "f"]]
    assert lines == [2, 3, 4]
    assert failures == []


def test_an_open_quote_costs_one_row_where_its_line_is_not(file):
    rows, lines, failures = read(file('u,i\na,"b,x\nc,d\ne,f\n'))
    assert rows == [["c", "d"], ["e", "f"]]
    assert lines == [3, 4]
    assert failures == [(2, "quote that never closes")]


@pytest.mark.parametrize("size", [1, 2, 100])
def test_lines_are_true_beside_blank_lines_and_quoted_line_breaks(file, size):
    text = '\nu,i\n\na,"one\ntwo"\n   \nb,c\nd,"x ""y"""\r\n\r\ne,f'
    rows, lines, failures = read(file(text), chunk_rows=size)
    assert rows == [["a", "one\ntwo"], ["b", "c"], ["d", 'x "y"'], ["e", "f"]]
    assert lines == [4, 7, 8, 10]
    assert failures == []


def test_lines_may_be_read_of_few_chunks_only(file):
    text = "u,i\n" + "".join(f'"u{i}\n",i\n' for i in range(10))
    source = open_table(file(text), ReadOptions(chunk_rows=2))
    chunks = list(source.chunks())
    assert chunks[1].lines(np.array([1])).tolist() == [8]
    assert chunks[1].lines(np.array([0])).tolist() == [6]
    assert chunks[4].lines(np.array([0, 1])).tolist() == [18, 20]


def test_a_source_can_be_read_twice(file):
    source = open_table(file(CSV), ReadOptions())
    assert [len(chunk.frame) for _ in range(2) for chunk in source.chunks()] == [3, 3]


def test_headers_are_made_distinct_and_never_empty():
    assert distinct([" a ", "a", "", "\ufeffb"]) == ["a", "a (2)", "column 3", "b"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "latin-1", "cp1252"])
def test_encodings_are_read_when_marked_or_named(file, encoding):
    path = file("user,item\nJosé,é\n", encoding=encoding)
    marked = encoding in ("utf-8-sig", "utf-16")
    assert read(path, encoding=None if marked else encoding)[0] == [["José", "é"]]


def test_the_error_of_a_wrong_encoding_names_it_and_the_line(file):
    path = file("user,item\na,b\nJosé,c\n", encoding="latin-1")
    with pytest.raises(DataError) as error:
        open_table(path, ReadOptions())
    assert "not utf-8 (byte 0xe9 in line 3)" in str(error.value)
    assert "--encoding latin-1" in str(error.value)
    with pytest.raises(DataError, match="not ascii .*try another --encoding"):
        open_table(path, ReadOptions(encoding="ascii"))
    with pytest.raises(DataError, match="no encoding 'klingon'"):
        open_table(path, ReadOptions(encoding="klingon"))


def test_a_wrong_byte_is_found_far_into_a_large_file(file):
    path = file(b"user,item\n" + b"abcd,efg\n" * 600_000 + b"\xff,x\n")
    with pytest.raises(DataError, match="byte 0xff in line 600002"):
        inspect(path, None)


def test_even_files_are_distinguished_from_uneven_ones(file):
    assert inspect(file("a,b\r\n1,2\r\n"), None).even
    for text in ('a,"b"\n', "a\n\nb\n", "a\r\n\r\nb", "a\n \nb"):
        assert not inspect(file(text), None).even


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        ("", "e.csv", "is empty"),
        ("\n \n", "e.csv", "is empty"),
        ("user,item\n", "e.csv", "has a header and no rows"),
        ("user,item\n\n", "e.csv", "has a header and no rows"),
        (b"user\x00,item\n1,2\n", "e.csv", "not a text file"),
        (b"\x1f\x8bnonsense", "e.csv.gz", "damaged gzip"),
        (gzip.compress(b"user,item\n" * 9999, mtime=0)[:-20], "e.csv.gz", "damaged gzip"),
        ("[1, 2]\n", "e.json", "no JSON objects"),
        ("PAR1 but no more", "e.parquet", "not a Parquet file"),
    ],
)
def test_files_that_hold_no_table(file, content, name, message):
    with pytest.raises(DataError, match=message) as error:
        read(file(content, name))
    assert "\n" not in str(error.value)


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(DataError, match="there is no file"):
        open_table(tmp_path / "none.csv", ReadOptions())
    with pytest.raises(DataError, match="is a folder"):
        open_table(tmp_path, ReadOptions())


def test_json_lines_keep_types_and_count_what_is_none(file):
    lines = [
        json.dumps({"user": "007", "item": 17850, "tags": ["a"]}),
        "",
        "{broken",
        json.dumps([1]),
        json.dumps({"user": "u", "late": True}),
    ]
    source = open_table(file("\n".join(lines), "e.jsonl"), ReadOptions())
    assert list(source.header) == ["user", "item", "tags", "late"]
    rows, found, failures = read(file("\n".join(lines), "e.jsonl"))
    assert rows == [["007", 17850, ["a"], ""], ["u", "", "", True]]
    assert found == [1, 5]
    assert failures == [(3, "not a JSON object"), (4, "not a JSON object")]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", ["e.jsonl", "e.dat"])
def test_json_lines_are_known_by_name_or_content(file, packed, name):
    text = "".join(json.dumps({"user": f"u{i}", "item": i}) + "\n" for i in range(5))
    rows, lines, _ = read(file(text, name, packed=packed), chunk_rows=2)
    assert rows == [[f"u{i}", i] for i in range(5)]
    assert lines == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("packed", [False, True])
def test_parquet_in_chunks(file, tmp_path, packed):
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"user": ["a", "b", "c"], "item": [1, 2, 3], "time": [1.5, None, 2.0]})
    frame.to_parquet(tmp_path / "plain.parquet")
    path = file((tmp_path / "plain.parquet").read_bytes(), "e.parquet", packed=packed)
    source = open_table(path, ReadOptions(chunk_rows=2))
    assert list(source.header) == ["user", "item", "time"]
    rows, lines, _ = read(path, chunk_rows=2)
    assert [row[:2] for row in rows] == [["a", 1], ["b", 2], ["c", 3]]
    assert lines == [1, 2, 3]


def test_a_parquet_file_without_rows(tmp_path):
    pytest.importorskip("pyarrow")
    pd.DataFrame({"user": pd.Series([], dtype=str)}).to_parquet(tmp_path / "e.parquet")
    with pytest.raises(DataError, match="no rows"):
        open_table(tmp_path / "e.parquet", ReadOptions())


def test_parquet_without_pyarrow_names_the_extra(file, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(DataError, match=r'pip install "crossrec\[parquet\]"'):
        open_table(file(b"PAR1....", "e.parquet"), ReadOptions())


def test_frames_are_cut_into_chunks_and_numbered_from_one():
    frame = pd.DataFrame({"user": list("abc"), 5: [1, 2, 3]}, index=[9, 9, 9])
    source = FrameReader("events", frame, chunk_rows=2)
    assert list(source.header) == ["user", "5"]
    chunks = list(source.chunks())
    assert [chunk.frame["user"].tolist() for chunk in chunks] == [["a", "b"], ["c"]]
    assert chunks[1].lines(np.array([0])).tolist() == [3]
    assert [str(column) for column in chunks[0].frame.columns] == ["user", "5"]


def test_ids_within_objects_are_columns_of_their_own(file):
    rows = [{"user": {"id": f"u{i}", "age": 3}, "item": {"$oid": f"i{i}"}} for i in range(3)]
    path = file("\n".join(map(json.dumps, rows)), "e.jsonl")
    source = open_table(path, ReadOptions())
    assert list(source.header) == ["user", "item", "user.id", "item.$oid"]
    frame = next(iter(source.chunks())).frame
    assert frame["user.id"].tolist() == ["u0", "u1", "u2"]
    assert frame["item.$oid"].tolist() == ["i0", "i1", "i2"]


def test_any_part_of_an_object_can_be_mapped(file):
    rows = [{"user": {"account": {"key": "u1"}}, "item": "i"}, {"item": "j"}]
    path = file("\n".join(map(json.dumps, rows)), "e.jsonl")
    source = open_table(path, ReadOptions(paths=("user.account.key", "no.where")))
    assert list(source.header) == ["user", "item", "user.account.key"]
    assert next(iter(source.chunks())).frame["user.account.key"].tolist() == ["u1", ""]
