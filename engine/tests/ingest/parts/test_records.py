import csv
import io

import pytest
from crossrec.ingest.reading.records import Record, records
from hypothesis import given
from hypothesis import strategies as st


def read(text, delimiter=","):
    return list(records(io.StringIO(text, newline=""), delimiter))


def test_plain_lines_with_their_numbers():
    assert read("a,b\r\n1,2\n\n3,4") == [
        Record(1, ["a", "b"], "a,b"),
        Record(2, ["1", "2"], "1,2"),
        Record(4, ["3", "4"], "3,4"),
    ]


def test_blank_lines_are_no_records_and_lines_of_tabs_are():
    assert [record.line for record in read("\n  \na\tb\n\t\n", "\t")] == [3, 4]


def test_a_quoted_cell_may_hold_delimiters_quotes_and_line_breaks():
    found = read('a,"x, ""y""\nz"\nb,c\n')
    assert found[0].cells == ["a", 'x, "y"\nz']
    assert (found[1].line, found[1].cells) == (3, ["b", "c"])


def test_a_quote_within_a_cell_is_text():
    assert read('7,12" single\n8,x\n')[0].cells == ["7", '12" single']
    assert read('7,"12" single\n')[0].cells == ["7", "12 single"]


def test_a_quote_that_never_closes_costs_its_line_only():
    found = read('a,b\n1,"two\n3,4\n5,6\n')
    assert [(record.line, record.cells) for record in found] == [
        (1, ["a", "b"]),
        (2, None),
        (3, ["3", "4"]),
        (4, ["5", "6"]),
    ]
    assert found[1].text == '1,"two'


def test_several_open_quotes_in_a_long_file():
    lines = [f"{i},x" for i in range(1000)]
    lines[10] = '10,"open'
    lines[700] = '700,"open'
    found = read("\n".join(lines))
    assert [record.line for record in found] == list(range(1, 1001))
    assert [record.line for record in found if record.cells is None] == [11, 701]


cells = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), max_size=5)


@given(st.lists(st.lists(cells, min_size=2, max_size=3), max_size=12), st.sampled_from(",\t;|"))
def test_what_python_writes_is_read_back(rows, delimiter):
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(
        rows
    )
    found = read(file.getvalue(), delimiter)
    assert [record.cells for record in found] == rows
    line = 1
    for record in found:
        assert record.line == line
        line += record.text.count("\n") + 1


@pytest.mark.parametrize("text", ["", "\n\n", "   \r\n"])
def test_nothing_holds_no_records(text):
    assert read(text) == []
