"""The benchmark of orders: its cuts, its queries, and the tables that are made of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from basket_tables import basket_table
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.testing.scripts import imported

ROOT = Path(__file__).resolve().parent.parent
MODULES = ("orders", "basket_metrics", "real_sets", "common")
DAY = 86_400.0
PEOPLE, ITEMS = 90, 12


@pytest.fixture(scope="module")
def orders() -> Iterator[Any]:
    """Return benchmarks/orders.py, and leave nothing of it behind."""
    with imported(ROOT / "benchmarks", *MODULES) as script:
        yield script


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """Return people who buy 0 with 1 one week and 11 the next, and something else once."""
    rows = []
    for user in range(PEOPLE):
        for week in range(20):
            time = (7 * week + user % 7) * DAY
            rows += [(user, item, time + item) for item in ((0, 1) if week % 2 else (11,))]
            if week == user % 20:
                rows.append((user, 2 + user % 9, time + 120.0))
    columns = [list(column) for column in zip(*rows, strict=True)]
    none = ("",) * ITEMS
    ids = Vocabulary(f"i{i}" for i in range(ITEMS))
    catalog = Catalog(ids, none, none, ((),) * ITEMS, none, np.ones(ITEMS, bool))
    users = Vocabulary(f"u{u}" for u in range(PEOPLE))
    return Dataset.build(users, catalog, Events.from_columns(*columns), has_clock=True)


def test_nothing_is_on_both_sides_of_the_cut(orders: Any, dataset: Dataset) -> None:
    train, late, moment = orders.cut(dataset)
    assert train.events.times.max() < moment <= late.events.times.min()
    assert len(train.events) + len(late.events) == len(dataset.events)
    assert 0.75 < len(train.events) / len(dataset.events) < 0.85


def test_baskets_are_in_order_and_hold_an_item_once(orders: Any, dataset: Dataset) -> None:
    found = [one for one in orders.baskets_of(dataset) if one[0] == 3]
    assert len(found) == 20
    assert [time for _, time, _ in found] == sorted(time for _, time, _ in found)
    assert found[0][2] == [11]
    assert found[3][2] == [0, 1, 5]


def test_what_goes_together_is_found(orders: Any, dataset: Dataset) -> None:
    train, late, _ = orders.cut(dataset)
    rows = {row["source"]: row for row in orders.together(train, late)}
    assert tuple(rows) == orders.RELATED
    assert rows["bought-together"]["hit@10"] > 0.9
    assert all(0.0 <= row["orders with a list"] <= 1.0 for row in rows.values())


def test_what_comes_every_other_week_is_predicted_to(orders: Any, dataset: Dataset) -> None:
    train, late, moment = orders.cut(dataset)
    found = orders.calibration(train, late, moment)
    assert found["predicted"] == pytest.approx(found["happened"], abs=0.1)
    assert sum(row["pairs"] for row in found["bins"]) == found["pairs"]
    assert found["due"]["bought"] > 0.9


def test_the_next_basket_beats_or_equals_plain_counts(orders: Any, dataset: Dataset) -> None:
    train, late, _ = orders.cut(dataset)
    plain, own = orders.next_baskets(train, late)
    assert plain["metrics"]["recall@10"] > 0.8
    assert own["metrics"]["ndcg@10"] >= plain["metrics"]["ndcg@10"] - 0.02
    assert set(own["gain"]) == {"recall@10", "ndcg@10"}
    assert "gain" not in plain


def test_the_tables_say_what_was_measured(orders: Any, dataset: Dataset) -> None:
    train, late, moment = orders.cut(dataset)
    again = orders.calibration(train, late, moment)
    one = {
        "set": "toy",
        "purchases": 1234,
        "baskets": 567,
        "together": orders.together(train, late),
        "again": again,
        "next": orders.next_baskets(train, late),
    }
    result = {"sets": [one]}
    assert f"| all | {again['pairs']:,} | {again['predicted']:.4f} |" in basket_table(
        result, "again"
    )
    assert "| bought-together |" in basket_table(result, "together")
    text = basket_table(result, "next")
    assert "1,234 purchases in 567 baskets" in text
    assert "| next-basket |" in text
    assert basket_table({}, "again") == ""
    with pytest.raises(SystemExit, match="no part 'soup'"):
        basket_table(result, "soup")
