"""How a delimited file is laid out: delimiters, headers, quotes."""

import csv
import io

import pytest
from crossrec.ingest.reading.layout import (
    distinct,
    looks_like_data,
    quotes_of,
    said_delimiter,
    sniff,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("line", "delimiter"),
    [
        ("sep=;\r\n", ";"),
        ("SEP=,\n", ","),
        ('"sep=;"\n', ";"),
        ("\ufeffsep=|\n", "|"),
        ("sep=\t\n", "\t"),
        ("separator;x\n", ""),
        ("sep\n", ""),
        ("user;item\n", ""),
    ],
)
def test_the_first_line_may_tell_the_delimiter(line, delimiter):
    assert said_delimiter(line) == delimiter


def test_quotes_that_are_text_do_not_hide_the_delimiter():
    lines = ["id\ttitle, long\n", '1\t"Heroes, x\n', "2\tb\n", '3\t"Awake\n', "4\td\n"]
    assert sniff(lines) == "\t"


@pytest.mark.parametrize(
    "cells", [["196", "242", "3", "881250949"], ["1", "2.5"], ["1", "2024-01-31"], ["1e3", '"2"']]
)
def test_a_line_of_numbers_is_no_header(cells):
    assert looks_like_data(cells)


@pytest.mark.parametrize("cells", [["user", "1"], ["1", ""], ["5"], ["u1", "i1"], []])
def test_other_lines_may_be_headers(cells):
    assert not looks_like_data(cells)


@given(st.lists(st.sampled_from(["a", "a (2)", "a (3)", "", "column 1", " a "]), max_size=8))
def test_headers_are_as_many_as_they_were_and_all_distinct(names):
    assert len(set(distinct(names))) == len(names)


def test_fifty_thousand_columns_get_their_names():
    assert len(distinct(["x"] * 50_000)) == 50_000


def quotes(text, delimiter=",", width=2):
    found = quotes_of(io.StringIO(text, newline=""), delimiter, width)
    return found.kind, found.doubtful


def test_files_by_the_rules_are_proper():
    assert quotes('a,b\n1,"x, ""y""\nz"\n\n2,"c"\n') == ("proper", 0)


@pytest.mark.parametrize(
    "text", ['a,b\n1,"x\n2,c\n', 'a,b\n1,"x" y\n', 'a,b\n1,"x",2\n', 'a,b\n1\n2,"x"\n']
)
def test_files_that_break_the_rules_are_loose(text):
    assert quotes(text) == ("loose", 0)


def test_lines_that_look_like_records_between_quotes_are_doubtful():
    text = 'a,b\n1,"x\n2,y\n3,z"\n4,"w"\n'
    assert quotes(text) == ("proper", 2)
    assert quotes(text.replace(",", "\t"), "\t") == ("loose", 2)


cells = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), max_size=6)


@given(st.lists(st.lists(cells, min_size=3, max_size=3), min_size=1, max_size=12))
def test_whatever_python_writes_is_proper(rows):
    file = io.StringIO(newline="")
    csv.writer(file, quoting=csv.QUOTE_ALL).writerows(rows)
    assert quotes(file.getvalue(), width=3)[0] == "proper"
