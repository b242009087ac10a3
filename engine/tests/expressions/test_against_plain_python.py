"""Random expressions, computed for all items at a time and one item at a time in plain Python.

The second evaluator knows no arrays: it walks the same random tree with None for unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from crossrec.components.live_items import LiveItems
from crossrec.data.catalog import Catalog
from crossrec.data.vocabulary import Vocabulary
from crossrec.expressions import Scope, parse_expression
from crossrec.scenario import ItemField, ItemSchema
from hypothesis import given, settings
from hypothesis import strategies as st

SCHEMA = ItemSchema(
    (
        ItemField("price", "number"),
        ItemField("stock", "number"),
        ItemField("genres", "category"),
        ItemField("maker", "id"),
        ItemField("is_new", "flag"),
    ),
    "{title}",
    categories="genres",
)
WORDS = ("a", "b", "ab")


@dataclass(frozen=True)
class Node:
    """An expression as it is written, and as plain Python computes it for one item."""

    text: str
    value: Any

    def __call__(self, row: dict[str, Any]) -> Any:
        return self.value(row)


def field(name: str) -> Node:
    return Node(f"item.{name}", lambda row: row.get(name))


def number(value: int) -> Node:
    return Node(str(value), lambda row: float(value))


def arithmetic(sign: str, a: Node, b: Node) -> Node:
    def run(row: dict[str, Any]) -> Any:
        x, y = a(row), b(row)
        if x is None or y is None or (sign == "/" and y == 0):
            return None
        return {"+": x + y, "-": x - y, "*": x * y}[sign] if sign != "/" else x / y

    return Node(f"({a.text} {sign} {b.text})", run)


def compared(sign: str, a: Node, b: Node) -> Node:
    def run(row: dict[str, Any]) -> Any:
        x, y = a(row), b(row)
        if x is None or y is None:
            return None
        return {"<": x < y, "<=": x <= y, ">": x > y, ">=": x >= y, "=": x == y, "<>": x != y}[sign]

    return Node(f"({a.text} {sign} {b.text})", run)


def both(a: Node, b: Node) -> Node:
    def run(row: dict[str, Any]) -> Any:
        values = (a(row), b(row))
        return False if False in values else None if None in values else True

    return Node(f"({a.text} AND {b.text})", run)


def either(a: Node, b: Node) -> Node:
    def run(row: dict[str, Any]) -> Any:
        values = (a(row), b(row))
        return True if True in values else None if None in values else False

    return Node(f"({a.text} OR {b.text})", run)


def no(a: Node) -> Node:
    return Node(f"(NOT {a.text})", lambda row: None if a(row) is None else not a(row))


def missing(a: Node) -> Node:
    return Node(f"({a.text} IS NULL)", lambda row: a(row) is None)


def is_maker(word: str) -> Node:
    maker = field("maker")
    return Node(
        f"(maker = '{word}')", lambda row: None if maker(row) is None else maker(row) == word
    )


def one_of(words: list[str]) -> Node:
    listed = ", ".join(f"'{word}'" for word in words)
    maker = field("maker")
    return Node(
        f"(maker IN ({listed}))", lambda row: None if maker(row) is None else maker(row) in words
    )


def has_genre(word: str) -> Node:
    return Node(f"('{word}' IN genres)", lambda row: word in row["genres"])


def case(condition: Node, a: Node, b: Node) -> Node:
    return Node(
        f"(CASE WHEN {condition.text} THEN {a.text} ELSE {b.text} END)",
        lambda row: a(row) if condition(row) is True else b(row),
    )


words = st.sampled_from(WORDS)
SIGNS = ["<", "<=", ">", ">=", "=", "<>"]


def numbers_of(depth: int) -> st.SearchStrategy[Node]:
    """Return numbers of at most so many levels."""
    plain = st.one_of(
        st.builds(number, st.integers(0, 4)), st.sampled_from([field("price"), field("stock")])
    )
    if not depth:
        return plain
    below = numbers_of(depth - 1)
    return st.one_of(
        plain,
        st.builds(arithmetic, st.sampled_from("+-*/"), below, below),
        st.builds(case, conditions_of(depth - 1), below, below),
    )


def conditions_of(depth: int) -> st.SearchStrategy[Node]:
    """Return conditions of at most so many levels."""
    plain = st.one_of(
        st.just(field("is_new")),
        st.builds(is_maker, words),
        st.builds(has_genre, words),
        st.builds(one_of, st.lists(words, min_size=1, max_size=2)),
    )
    if not depth:
        return plain
    below, some = conditions_of(depth - 1), numbers_of(depth - 1)
    return st.one_of(
        plain,
        st.builds(compared, st.sampled_from(SIGNS), some, some),
        st.builds(missing, some),
        st.builds(both, below, below),
        st.builds(either, below, below),
        st.builds(no, below),
    )


numbers, conditions = numbers_of(3), conditions_of(3)
row = st.fixed_dictionaries(
    {"genres": st.lists(words, max_size=2, unique=True)},
    optional={
        "price": st.integers(0, 4).map(float),
        "stock": st.integers(0, 2).map(float),
        "maker": words,
        "is_new": st.booleans(),
    },
)


def live(rows: list[dict[str, Any]]) -> LiveItems:
    ids = Vocabulary(f"i{at}" for at in range(len(rows)))
    records = {f"i{at}": one for at, one in enumerate(rows)}
    return LiveItems(Catalog.from_records(ids, records, SCHEMA), SCHEMA)


@settings(max_examples=150)
@given(rows=st.lists(row, min_size=1, max_size=5), condition=conditions)
def test_a_condition_means_the_same_one_item_at_a_time(rows, condition):
    wanted = [{None: 1, True: 2, False: 0}[condition(one)] for one in rows]
    found = parse_expression(condition.text).true(Scope(live(rows), 0.0))
    assert found.tolist() == wanted, condition.text


@settings(max_examples=150)
@given(rows=st.lists(row, min_size=1, max_size=5), boost=numbers)
def test_a_boost_means_the_same_one_item_at_a_time(rows, boost):
    values = [boost(one) for one in rows]
    wanted = [1.0 if value is None else max(value, 0.0) for value in values]
    found = parse_expression(boost.text).factor(Scope(live(rows), 0.0))
    np.testing.assert_allclose(found, wanted, rtol=1e-9)


@given(
    rows=st.lists(row, min_size=2, max_size=5),
    condition=conditions,
    changed=row,
    data=st.data(),
)
def test_it_reads_what_was_written_last(rows, condition, changed, data):
    """A catalog whose fields have changed answers as one that was made anew."""
    at = data.draw(st.integers(0, len(rows) - 1))
    items, expression = live(rows), parse_expression(condition.text)
    expression.true(Scope(items, 0.0))
    later = [*rows[:at], {**rows[at], **changed}, *rows[at + 1 :]]
    found = expression.true(Scope(items.updated({at: changed}), 0.0))
    assert found.tolist() == expression.true(Scope(live(later), 0.0)).tolist()
    again = expression.true(Scope(items, 0.0))
    assert again.tolist() == expression.true(Scope(live(rows), 0.0)).tolist(), "the old one stays"


@given(rows=st.lists(row, min_size=1, max_size=6), condition=conditions, data=st.data())
def test_some_items_are_the_same_as_among_all(rows, condition, data):
    chosen = data.draw(st.lists(st.integers(0, len(rows) - 1), unique=True))
    index = np.array(chosen, dtype=np.int64)
    items, expression = live(rows), parse_expression(condition.text)
    whole = expression.true(Scope(items, 0.0))
    assert expression.true(Scope(items, 0.0, index)).tolist() == whole[index].tolist()
