"""The reader's promise: every line is stored or counted as bad, and what is stored was written."""

import csv
import io
import json

import numpy as np
import pytest
from crossrec.ingest.reading.chunks import ReadOptions
from crossrec.ingest.reading.opening import open_table
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

QUIET = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
HEADER = ["user", "item", "note"]


def read(path, **options):
    """Return the rows, their lines, and the failures of a file."""
    rows, lines, failures = [], [], []
    for chunk in open_table(path, ReadOptions(**options)).chunks():
        rows += chunk.frame.to_numpy(dtype=object).tolist()
        lines += chunk.lines(np.arange(len(chunk.frame))).tolist()
        failures += [(failure.line, failure.cause, failure.text) for failure in chunk.failures]
    return rows, lines, failures


spice = st.sampled_from(
    ['"', "'", ",", ";", "|", "\t", "\n", "\r\n", "\\", " ", "é", "🎧", "\\N", "NA"]
)
cells = st.lists(st.one_of(spice, st.text("ab1", max_size=3)), max_size=6).map("".join)
rows_of = st.lists(st.lists(cells, min_size=3, max_size=3), min_size=1, max_size=12)


@QUIET
@given(
    rows=rows_of,
    delimiter=st.sampled_from(",;|\t"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    ending=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    size=st.sampled_from([1, 2, 100]),
    closed=st.booleans(),
    gaps=st.sets(st.integers(0, 12), max_size=3),
)
@example([["a", '"', "x"]], ",", csv.QUOTE_ALL, "\n", "utf-8", 100, False, set())
def test_what_a_writer_of_csv_writes_is_stored_as_it_was(
    tmp_path, rows, delimiter, quoting, ending, encoding, size, closed, gaps
):
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator=ending)
    writer.writerow(HEADER)
    starts = []
    for number, row in enumerate(rows):
        if number in gaps:
            file.write(ending)
        starts.append(file.getvalue().count("\n") + 1)
        writer.writerow(row)
    text = file.getvalue() if closed else file.getvalue().removesuffix(ending)
    path = tmp_path / "e.csv"
    path.write_bytes(text.encode(encoding))
    found, lines, failures = read(path, delimiter=delimiter, chunk_rows=size)
    if delimiter == "\t" and found != rows:
        # Lines that look like records are taken for records there: none may be lost.
        source = open_table(path, ReadOptions(delimiter=delimiter))
        assert any("both readings would fit" in note for note in source.notes)
        return
    assert found == rows
    assert lines == starts
    assert failures == []


plain = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x00,\\"), max_size=8)


@QUIET
@given(
    rows=st.lists(st.lists(plain, min_size=2, max_size=2), min_size=1, max_size=12),
    delimiter=st.sampled_from(",\t"),
    ending=st.sampled_from(["\n", "\r\n"]),
    size=st.sampled_from([1, 3, 100]),
)
def test_lines_without_any_rule_for_quotes_lose_nothing(tmp_path, rows, delimiter, ending, size):
    rows = [[cell.replace(delimiter, "") for cell in row] for row in rows]
    lines = [delimiter.join(row) for row in [["user", "item"], *rows]]
    path = tmp_path / "e.csv"
    path.write_text(ending.join(lines) + ending, encoding="utf-8", newline="")
    found, numbers, failures = read(path, delimiter=delimiter, chunk_rows=size)
    assert len(found) + len(failures) + sum(
        cell.count("\n") for row in found for cell in row
    ) >= sum(bool(line.strip(" \t" if delimiter == "," else " ")) for line in lines[1:])
    assert len(set(numbers) | {line for line, _, _ in failures}) == len(numbers) + len(failures)
    if not any('"' in line for line in lines):
        kept = [
            row for row in rows if delimiter.join(row).strip(" \t" if delimiter == "," else " ")
        ]
        assert found == kept


@QUIET
@given(
    widths=st.lists(st.integers(1, 5), min_size=1, max_size=15),
    size=st.sampled_from([1, 2, 100]),
)
def test_rows_of_any_width_are_stored_or_counted(tmp_path, widths, size):
    lines = ["user,item,note", *(",".join(f"c{n}" for n in range(width)) for width in widths)]
    path = tmp_path / "e.csv"
    path.write_text("\n".join(lines))
    found, numbers, failures = read(path, delimiter=",", chunk_rows=size)
    assert numbers == [n for n, width in enumerate(widths, start=2) if width <= 3]
    assert failures == [
        (n, "more than 3 cells", lines[n - 1])
        for n, width in enumerate(widths, start=2)
        if width > 3
    ]
    assert [[cell for cell in row if cell] for row in found] == [
        [f"c{n}" for n in range(width)] for width in widths if width <= 3
    ]


def test_surplus_cells_that_hold_nothing_are_no_fault(tmp_path):
    path = tmp_path / "e.csv"
    path.write_text("user,item\nu1,i1,\nu2,i2, ,\nu3,i3,x\n")
    found, numbers, failures = read(path)
    assert found == [["u1", "i1"], ["u2", "i2"]]
    assert numbers == [2, 3]
    assert failures == [(4, "more than 2 cells", "u3,i3,x")]


@pytest.mark.parametrize("quoted", [True, False])
@pytest.mark.parametrize("size", [1_000, 131_073, 1_000_000])
def test_cells_of_any_length(tmp_path, quoted, size):
    cell = "x" * size
    path = tmp_path / "e.csv"
    path.write_text(
        f'user,note\nu1,"{cell}"\nu2,b\n' if quoted else f"user,note\nu1,{cell}\nu2,b\n"
    )
    assert read(path)[0] == [["u1", cell], ["u2", "b"]]


@pytest.mark.parametrize("quoted", [True, False])
@pytest.mark.parametrize("width", [1, 2, 1_000, 50_000])
def test_any_number_of_columns(tmp_path, width, quoted):
    names = [f"c{n}" for n in range(width)]
    row = [f'"{n}"' if quoted and n else f"v{n}" for n in range(width)]
    path = tmp_path / "e.csv"
    path.write_text("\n".join([",".join(names), ",".join(row), ",".join(row)]) + "\n")
    source = open_table(path, ReadOptions())
    assert list(source.header) == names
    found = read(path)[0]
    assert found == [[cell.strip('"') for cell in row]] * 2


def test_long_rows_are_read_in_small_chunks(tmp_path):
    path = tmp_path / "e.csv"
    row = "v," * 49_999 + "v"
    path.write_text("\n".join([row.replace("v", "c"), *[row] * 300]))
    sizes = [len(chunk.frame) for chunk in open_table(path, ReadOptions()).chunks()]
    assert sum(sizes) == 300
    assert max(sizes) < 200


@pytest.mark.parametrize("mark", ["sep=;", '"sep=;"', "SEP=;"])
@pytest.mark.parametrize("quoted", ["i1", '"i1"'])
def test_a_line_that_tells_the_delimiter_is_no_header(tmp_path, mark, quoted):
    path = tmp_path / "e.csv"
    path.write_text(f"{mark}\nuser;item\nu1;{quoted}\nu2;a,b\n")
    source = open_table(path, ReadOptions())
    assert source.notes == ["delimiter: semicolon (as sep=; in the first line says)"]
    assert read(path) == ([["u1", "i1"], ["u2", "a,b"]], [3, 4], [])


MOVIES = "196\t242\t3\t881250949\n186\t302\t3\t891717742\n22\t377\t1\t878887116\n"


@pytest.mark.parametrize("rows", [1, 3])
def test_a_file_without_a_header_loses_no_row(tmp_path, rows):
    path = tmp_path / "u.data"
    path.write_text("".join(MOVIES.splitlines(keepends=True)[:rows]))
    source = open_table(path, ReadOptions())
    assert list(source.header) == ["196", "242", "3", "881250949"]
    assert "no header: the first line is a row; name columns with --header" in source.notes
    assert read(path)[1] == [1, 2, 3][:rows]


def test_names_may_be_given_to_a_file_without_a_header(tmp_path):
    path = tmp_path / "u.data"
    path.write_text(MOVIES)
    names = ("user", "item", "value", "time")
    found, lines, failures = read(path, header=names)
    assert found == [line.split("\t") for line in MOVIES.splitlines()]
    assert lines == [1, 2, 3]
    assert failures == []
    with pytest.raises(Exception, match="--header names 2 columns, and the first line of .* has 4"):
        open_table(path, ReadOptions(header=("user", "item")))


@pytest.mark.parametrize("quote", ["", '"'])
def test_names_of_columns_may_be_given_for_texts_too(tmp_path, quote):
    path = tmp_path / "e.csv"
    path.write_text(f"{quote}u1{quote},i1\n\nu2,i2\n")
    found, lines, _ = read(path, header=("user", "item"))
    assert found == [["u1", "i1"], ["u2", "i2"]]
    assert lines == [1, 3]


@QUIET
@given(
    rows=st.lists(
        st.fixed_dictionaries({"user": st.text(max_size=5), "n": st.integers(-(2**70), 2**70)}),
        min_size=1,
        max_size=9,
    ),
    broken=st.sets(st.integers(0, 9), max_size=3),
    size=st.sampled_from([1, 2, 100]),
)
def test_json_lines_are_stored_or_counted(tmp_path, rows, broken, size):
    lines = [
        "{" if n in broken else json.dumps({"user": row["user"], "n": row["n"]}, ensure_ascii=False)
        for n, row in enumerate(rows)
    ]
    path = tmp_path / "e.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8", newline="")
    if len(broken & set(range(len(rows)))) == len(rows):
        return
    found, numbers, failures = read(path, chunk_rows=size)
    assert found == [[row["user"], row["n"]] for n, row in enumerate(rows) if n not in broken]
    assert sorted([*numbers, *(line for line, _, _ in failures)]) == list(range(1, len(rows) + 1))
