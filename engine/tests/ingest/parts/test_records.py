import csv
import io
import time

import pytest
from crossrec.ingest.reading.records import Record, records
from hypothesis import given
from hypothesis import strategies as st


def read(text, delimiter=",", width=0, *, proper=False):
    lines = io.StringIO(text, newline="")
    return list(records(lines, delimiter, width, proper=proper))


def cells_of(text, delimiter=",", width=2):
    return [record.cells for record in read(text, delimiter, width)]


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
    assert cells_of('7,"12" single\n') == [["7", '"12" single']]
    assert cells_of('7,12" single\n8,"7"" single"\n') == [["7", '12" single'], ["8", '7" single']]


def test_a_quote_that_opens_a_cell_only_is_text():
    for delimiter in ",\t;|":
        lines = [f"{i}{delimiter}song" for i in range(30)]
        lines[4], lines[21] = f'4{delimiter}"Heroes', f'21{delimiter}"Awake'
        found = cells_of("\n".join(lines), delimiter)
        assert len(found) == 30
        assert (found[4], found[21]) == (["4", '"Heroes'], ["21", '"Awake'])


def test_quotes_that_could_enclose_whole_lines_are_text_in_a_file_that_breaks_the_rules():
    text = '1,"Heroes\n2,b\n3,c\n4,LP 12"\n5,7"x\n'
    assert cells_of(text) == [
        ["1", '"Heroes'],
        ["2", "b"],
        ["3", "c"],
        ["4", 'LP 12"'],
        ["5", '7"x'],
    ]


def test_a_cell_over_several_lines_is_one_though_another_line_has_a_lone_quote():
    text = '1,"one\ntwo"\n2,12" single\n3,"three, ""3""\n\nfour"\n'
    assert cells_of(text) == [["1", "one\ntwo"], ["2", '12" single'], ["3", 'three, "3"\n\nfour']]


def test_backslashes_before_quotes_are_escapes_where_the_line_fits_no_other_way():
    found = read('1,"say \\"hi\\", x"\n2,"C:\\new"\n3,"a\\\\"\n', width=2)
    assert [record.cells for record in found] == [
        ["1", 'say "hi", x'],
        ["2", "C:\\new"],
        ["3", "a\\\\"],
    ]
    assert [record.way for record in found] == ["escaped", "", ""]
    assert cells_of('1,"say \\"hi\\"\nthere"\n') == [["1", 'say "hi"\nthere']]


def test_a_delimiter_behind_a_backslash_is_text_where_there_are_too_many_cells():
    assert cells_of("1,a\\,b\n2,c\\\n") == [["1", "a,b"], ["2", "c\\"]]
    assert cells_of("1,a\\\\,b\n") == [["1", "a\\\\", "b"]]


def test_spaces_before_a_quote_do_not_make_it_text():
    assert cells_of('1, "a, b"\n2, "c"\n') == [["1", "a, b"], ["2", "c"]]


def test_a_cell_of_a_megabyte_over_many_lines():
    cell = "word, " * 30 + "\n"
    cell = cell * 6_000
    found = read(f'1,"{cell}"\n2,b\n', width=2)
    assert len(cell) > 1_000_000
    assert [record.cells for record in found] == [["1", cell], ["2", "b"]]
    assert found[1].line == 6_002


def test_many_lone_quotes_are_read_in_time_that_grows_with_the_file_only():
    text = "".join(f'{i},"song {i}\n' for i in range(20_000))
    started = time.process_time()
    assert len(cells_of(text)) == 20_000
    assert time.process_time() - started < 5


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
