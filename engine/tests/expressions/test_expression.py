"""What expressions mean: every operator on fields of every kind, known and unknown."""

from __future__ import annotations

import time
from contextlib import suppress

import numpy as np
import pytest
from crossrec.errors import UsageError
from crossrec.expressions import Scope, parse_expression
from crossrec.expressions.values import FALSE, TRUE, UNKNOWN
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

STATES = {"t": TRUE, "f": FALSE, "?": UNKNOWN}


def state(text: str, scope: Scope) -> str:
    """Return T(rue), F(alse) or ? of each item, as one word."""
    found = parse_expression(text).true(scope)
    letters = {number: letter for letter, number in STATES.items()}
    return "".join(letters[one] for one in found.tolist())


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("price < 5", "tf?"),
        ("item.price <= 3", "tf?"),
        ("price = 10", "ft?"),
        ("price <> 10", "tf?"),
        ("price BETWEEN 3 AND 9", "tf?"),
        ("price + 1 > 2 * 2", "ft?"),
        ("price / 0 > 1", "???"),
        ("-price < -5", "ft?"),
        ("price % 2 = 0", "ft?"),
        ("price < user.limit", "tf?"),
        ("price < user.nothing", "???"),
        ("price >= history.price", "tt?"),
        ("price < '5'", "tf?"),
        ("created_at >= '2023-12-31'", "t??"),
        ("days_since(created_at) = 10", "t??"),
        ("created_at < now", "t??"),
        ("size = 4", "?t?"),
    ],
)
def test_numbers_and_times(text, wanted, scope):
    assert state(text, scope) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("title = 'B'", "ftf"),
        ("lower(title) = 'b'", "ftf"),
        ("lower(title) = lower('B')", "ftf"),
        ("title LIKE 'A%'", "tff"),
        ("title LIKE '_'", "ftt"),
        ("title ILIKE 'a%E'", "tff"),
        ("title IN ('B', 'C')", "ftt"),
        ("series_id = 's1'", "t??"),
        ("series_id IN history.series_id", "t??"),
        ("title = series_id", "f??"),
        ("context.device = 'tv'", "ttt"),
        ("context.device = 'phone'", "fff"),
        ("context.city = 'Rome'", "???"),
        ("context.hour >= 18", "ttt"),
    ],
)
def test_texts(text, wanted, scope):
    assert state(text, scope) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("'y' IN item.genres", "ttf"),
        ("genres = 'y'", "ttf"),
        ("genres <> 'y'", "fft"),
        ("genres IN ('x', 'q')", "tff"),
        ("genres IN user.favourites", "ftf"),
        ("genres IN history.genres", "ttf"),
        ("genres LIKE 'x%'", "tff"),
        ("genres IS NULL", "fft"),
        ("brand = 'Acme'", "tff"),
        ("user.country IN ('DE', 'AT')", "ttt"),
        ("user.country IN user.favourites", "fff"),
    ],
)
def test_lists(text, wanted, scope):
    assert state(text, scope) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("is_kids", "tf?"),
        ("NOT is_kids", "ft?"),
        ("is_kids = FALSE", "ft?"),
        ("is_kids IS NULL", "fft"),
        ("is_kids IS NOT TRUE", "ftt"),
        ("price IS NULL", "fft"),
        ("is_kids AND TRUE", "tf?"),
        ("is_kids AND FALSE", "fff"),
        ("is_kids OR TRUE", "ttt"),
        ("is_kids OR price > 5", "tt?"),
        ("user.adult", "ttt"),
        ("user.nothing", "???"),
        ("(price > 5 OR title = 'C') AND NOT is_kids", "ft?"),
        ("coalesce(is_kids, FALSE)", "tff"),
        ("coalesce(price, 0) < 5", "tft"),
        ("history.length = 1", "ttt"),
    ],
)
def test_three_values(text, wanted, scope):
    assert state(text, scope) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("CASE WHEN price > 5 THEN 2 ELSE 1 END", [1, 2, 1]),
        ("CASE WHEN price > 5 THEN 2 WHEN price > 1 THEN 3 END", [3, 2, 1]),
        ("greatest(price, 4)", [4, 10, 1]),
        ("least(price, 4, 9)", [3, 4, 1]),
        ("power(price, 2)", [9, 100, 1]),
        ("1 + abs(-2)", [3, 3, 3]),
        ("-1", [0, 0, 0]),
        ("round(sqrt(price))", [2, 3, 1]),
        ("exp(ln(price))", [3, 10, 1]),
        ("ceil(price / 4) + floor(price / 4)", [1, 5, 1]),
        ("price", [3, 10, 1]),
    ],
)
def test_a_boost_is_a_number_and_1_where_it_is_unknown(text, wanted, scope):
    assert parse_expression(text).factor(scope) == pytest.approx(wanted)


def test_some_items_alone(items, scope):
    some = Scope(items, scope.now, np.array([2, 0]), scope.history, scope.user, scope.context)
    for text in ("price < 5", "genres = 'x'", "title LIKE 'C%'", "is_kids", "context.hour > 3"):
        whole = state(text, scope)
        assert state(text, some) == whole[2] + whole[0]


def test_an_expression_is_parsed_once():
    assert parse_expression("price < 5") is parse_expression("price < 5")


facts = st.sampled_from(["TRUE", "FALSE", "user.nothing", "is_kids", "price > 5"])
logic = st.recursive(
    facts,
    lambda parts: st.one_of(
        st.builds("({} AND {})".format, parts, parts),
        st.builds("({} OR {})".format, parts, parts),
        st.builds("(NOT {})".format, parts),
    ),
    max_leaves=8,
)


@given(logic, logic)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # it is never changed
def test_the_laws_of_three_valued_logic(scope, a, b):
    assert state(f"NOT ({a} AND {b})", scope) == state(f"(NOT {a}) OR (NOT {b})", scope)
    assert state(f"NOT NOT {a}", scope) == state(a, scope)
    assert state(f"{a} AND {b}", scope) == state(f"{b} AND {a}", scope)
    assert state(f"{a} AND ({a} OR {b})", scope) == state(a, scope)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "an expression is empty"),
        ("price <", "character 7: something is missing beside this operator"),
        ("price < (3", "'price < (3', character"),
        ("price < 3; price > 1", "write one expression alone"),
        ("shop.price < 3", "character 1: 'shop' has no fields"),
        ("item.a.b = 3", "a field is written as item.NAME"),
        ("price > (SELECT 1)", "no part of an expression"),
        ("exec('rm')", "'exec' is no part of an expression"),
        ("power(price, 1, 2)", "power"),
        ("days_since(price, 2)", "days_since takes 1 argument"),
        ("price IS 3", "write IS NULL, IS TRUE or IS FALSE"),
        ("title LIKE price", "LIKE takes a text in quotes"),
        ("CASE price WHEN 1 THEN 2 END", "write CASE WHEN condition"),
        ("title IN (SELECT 1)", "brackets"),
        ("DROP TABLE items", "no part of an expression"),
        ("(" * 5000 + "1" + ")" * 5000, "4000 at most"),
        ("x" * 4001, "4000 at most"),
    ],
)
def test_what_is_no_expression_is_said_in_one_line(text, message):
    with pytest.raises(UsageError) as error:
        parse_expression(text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_deep_brackets_are_refused_or_read_but_break_nothing(scope):
    text = "(" * 1900 + "price < 5" + ")" * 1900
    with suppress(UsageError):
        assert state(text, scope) == "tf?"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("price < 'cheap'", "'cheap' is no number and no date"),
        ("genres < 3", "cannot compare a list of texts with a number"),
        ("is_kids < 3", "cannot compare a condition with a number"),
        ("price AND TRUE", "a condition is wanted here, not a number"),
        ("genres + 1 > 2", "a number is wanted here"),
        ("price LIKE 'a%'", "LIKE is for texts"),
        ("lower(price) = 'a'", "lower is for texts"),
        ("price IN user.favourites", "only texts are looked for"),
        ("genres IN item.brand", "cannot be looked for in one another"),
        ("CASE WHEN TRUE THEN 1 ELSE TRUE END = 1", "all numbers or all conditions"),
        ("coalesce(price, TRUE) = 1", "numbers alone, or conditions alone"),
        ("price", "is a number: a filter is a condition"),
        ("title", "is a text: a filter is a condition"),
    ],
)
def test_what_cannot_be_compared_is_said(text, message, scope):
    with pytest.raises(UsageError, match=message):
        parse_expression(text).true(scope)


def test_a_boost_that_is_a_condition_says_how_it_is_written(scope):
    with pytest.raises(UsageError, match="CASE WHEN"):
        parse_expression("price < 5").factor(scope)


def test_a_field_that_no_item_has_is_named_with_those_like_it(items):
    with pytest.raises(UsageError, match=r"character 13: no item has a field 'prise'.* price"):
        parse_expression("is_kids AND prise < 3").check(items)
    parse_expression("size > 3 AND history.genres IS NULL").check(items)
    with pytest.raises(UsageError, match="no item has a field 'gone'"):
        parse_expression("history.gone = 'x'").check(items)


def test_a_long_chain_is_compiled_in_one_pass(scope):
    """Places of nodes are looked up, not searched for again below every operator."""
    started = time.perf_counter()
    assert state("price" + " + 1" * 100 + " > 5", scope) == "tt?"
    assert time.perf_counter() - started < 1.0


def test_what_is_nested_too_deep_is_said_shortly(scope):
    with pytest.raises(UsageError, match="nested too deep") as error:
        state("price" + " + 1" * 950 + " > 5", scope)
    assert len(str(error.value)) < 300
