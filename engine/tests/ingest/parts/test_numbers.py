"""Numbers in the spellings of several countries; one decision for a whole column."""

import pytest
from crossrec.ingest.numbers import NumberReader
from hypothesis import given
from hypothesis import strategies as st


def read(*cells):
    reader = NumberReader()
    return reader.read(cells), reader.mark


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("3", 3),
        ("-3", -3),
        ("3.99", 3.99),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("+7", 7),
        ("1,299.50", 1299.5),
        ("1,299,000", 1299000),
        ("12,34,567.5", 1234567.5),
        ("1.299,50", 1299.5),
        ("1.299.000", 1299000),
        ("3,99", 3.99),
        ("0,5", 0.5),
        ("0,125", 0.125),
        ("1 299,50", 1299.5),
        ("1\u00a0299.50", 1299.5),
        ("1'299.50", 1299.5),
        ("1\u202f299,5", 1299.5),
        ("$3.99", 3.99),
        ("3,99 €", 3.99),
        ("EUR 3,99", 3.99),
        ("1,299.00 USD", 1299.0),
        ("CHF 5.-", 5),
        ("5,- €", 5),
        ("(3.99)", -3.99),
        ("−3.5", -3.5),
        ("- 3.5", -3.5),
        ("15%", 15),
        ("99 kr", 99),
        ("Rs. 12,34,567", 1234567),
        (2.5, 2.5),
        (7, 7),
    ],
)
def test_one_number_by_itself(text, number):
    assert read(text)[0] == [number]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cheap",
        "1-2",
        "3.99.1",
        "1,2,3",
        "12 kg",
        "1.2.3,4",
        "--5",
        "inf",
        "nan",
        "1e999",
        "0x10",
    ],
)
def test_what_is_no_number(text):
    assert read(text)[0] == [None]


@pytest.mark.parametrize(
    ("cells", "numbers", "mark"),
    [
        (["3,99", "1.299,00", "0,50", "1.049,90"], [3.99, 1299.0, 0.5, 1049.9], ","),
        (["3,99", "1.299"], [3.99, 1299], ","),
        (["1.299", "3,99"], [1299, 3.99], ","),
        (["3.99", "1,299", "4,5"], [3.99, 1299, 4.5], "."),
        (["1,299", "2,500"], [1299, 2500], None),
        (["1.299", "2.500"], [1.299, 2.5], None),
        (["3,99", "4,5", "4.25"], [3.99, 4.5, 4.25], ","),
        (["12", "7"], [12, 7], None),
    ],
)
def test_the_column_decides_what_one_cell_leaves_open(cells, numbers, mark):
    assert read(*cells) == (numbers, mark)


def test_the_first_chunk_that_shows_it_decides_for_all():
    reader = NumberReader()
    assert reader.read(["1.299"]) == [1.299]
    assert reader.read(["3,99", "1.299"]) == [3.99, 1299]
    assert reader.read(["1.299"]) == [1299]
    assert reader.note == "numbers have a decimal comma"


def european(number):
    return f"{number:,.2f}".replace(",", "_").replace(".", ",").replace("_", ".")


@given(st.lists(st.integers(-(10**11), 10**11), min_size=1, max_size=20), st.sampled_from("€$ "))
def test_grouped_numbers_of_both_kinds_are_read(cents, sign):
    numbers = [cent / 100 for cent in cents]
    assert read(*(f"{number:,.2f}" for number in numbers))[0] == numbers
    assert read(*(f"{european(number)} {sign}" for number in numbers))[0] == numbers
