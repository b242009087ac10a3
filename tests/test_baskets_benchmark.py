"""The benchmark of the next basket: its metrics, its plain counts, and what is shown of them."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from basket_tables import basket_table
from crossrec.testing.scripts import imported

ROOT = Path(__file__).resolve().parent.parent
MODULES = ("baskets", "basket_metrics", "common")
HISTORY = """user,basket,items
1,1,a b
1,2,c a
2,1,b
2,2,b c
"""
FUTURE = "user,items\n1,c d\n2,a\n"


@pytest.fixture(scope="module")
def baskets() -> Iterator[Any]:
    """Return benchmarks/baskets.py, and leave nothing of it behind."""
    with imported(ROOT / "benchmarks", *MODULES) as script:
        yield script


@pytest.fixture
def parts(baskets: Any, tmp_path: Path) -> tuple[Any, Any]:
    for name, text in (("history", HISTORY), ("future", FUTURE)):
        (tmp_path / f"{name}.csv.gz").write_bytes(gzip.compress(text.encode()))
    found: tuple[Any, Any] = baskets.read(tmp_path)
    return found


def test_validation_is_the_last_history_basket(parts: tuple[Any, Any]) -> None:
    validation, test = parts
    assert validation.history["items"].tolist() == [["a", "b"], ["b"]]
    assert validation.targets == {"1": ["c", "a"], "2": ["b", "c"]}
    assert len(test.history) == 4
    assert test.targets == {"1": ["c", "d"], "2": ["a"]}


def test_plain_counts_by_hand(baskets: Any, parts: tuple[Any, Any]) -> None:
    """Of all purchases b has 3, a and c have 2: user 1 bought a twice, then b before c."""
    found = baskets.baselines(parts[1])
    assert tuple(found) == baskets.COUNTS
    assert found["personal top, ties first seen"]["1"] == ["a", "b", "c"]
    assert found["personal top, ties by global count"]["2"] == ["b", "c"]
    assert found["personal top, ties by global count, then global top"]["2"] == ["b", "c", "a"]
    assert found["global top"]["1"][0] == "b"


def test_metrics_of_one_user_by_hand(baskets: Any) -> None:
    """Hits at the places 1 and 3 of a basket of three, one of which had been bought before."""
    figures = baskets.figures_of({"u": ["a", "x", "b"]}, {"u": ["a", "b", "c"]}, {"u": {"a", "x"}})
    values = {name: one.tolist() for name, one in figures.values.items()}
    gained = 1.0 + 1.0 / np.log2(4)
    ideal = 1.0 + 1.0 / np.log2(3) + 1.0 / np.log2(4)
    assert values["recall@10"] == [pytest.approx(2 / 3)]
    assert values["ndcg@10"] == [pytest.approx(gained / ideal)]
    assert values["ndcg@10, whole basket"] == values["ndcg@10"]
    assert values["hit@10"] == [1.0]
    assert values["repeat recall@10"] == [1.0]
    assert values["explore recall@10"] == [0.5]


def test_the_two_ideals_differ_for_large_baskets(baskets: Any) -> None:
    basket = [f"i{at}" for at in range(20)]
    figures = baskets.figures_of({"u": basket[:12]}, {"u": basket}, {})
    values = {name: one[0] for name, one in figures.values.items()}
    assert values["ndcg@10"] == pytest.approx(1.0), "ten hits are all that a list can have"
    assert values["ndcg@10, whole basket"] < 0.7
    assert values["recall@10"] == 0.5
    assert np.isnan(values["repeat recall@10"]), "nothing had been bought before"


def test_a_user_without_a_list_found_nothing(baskets: Any) -> None:
    figures = baskets.figures_of({}, {"u": ["a"]}, {"u": {"a"}})
    assert [one[0] for one in figures.values.values()][:5] == [0.0] * 5


def test_a_gain_is_paired(baskets: Any) -> None:
    targets = {str(at): ["a"] for at in range(40)}
    good = baskets.figures_of({user: ["a"] for user in targets}, targets, {})
    bad = baskets.figures_of({user: ["b", "a"] for user in targets}, targets, {})
    gain = good.summary(bad)["gain"]
    assert gain["recall@10"]["mean"] == 0.0
    assert gain["ndcg@10"]["mean"] == pytest.approx(1 - 1 / np.log2(3))
    assert gain["ndcg@10"]["ci95"][0] > 0.3
    assert "gain" not in bad.summary()


def test_the_product_answers_each_user(baskets: Any, parts: tuple[Any, Any]) -> None:
    lists, seconds = baskets.served(parts[1])
    assert set(lists) == {"1", "2"}
    assert lists["2"] == ["b", "c", "a"], "what was bought comes back, then what others buy"
    assert seconds["milliseconds a list"] > 0
    found = baskets.variants(parts[1])
    assert set(found) == set(baskets.VARIANTS)
    assert found["next-basket"] == lists


def test_the_table_shows_the_best_in_bold(baskets: Any, parts: tuple[Any, Any]) -> None:
    validation = parts[0]
    plain = baskets.baselines(validation)
    rows = baskets.measured(validation, {**plain, "next-basket": plain[baskets.COUNTS[-1]]})
    result = {
        "set": "toy", "users": 2, "items": 3, "purchases": 7, "baskets": 4, "test": rows,
        "seconds": {"fit of next-basket": 0.25, "milliseconds a list": 3.0},
    }  # fmt: skip
    text = basket_table(result, "test")
    assert "2 users, 3 items, 7 purchases in 4 baskets; next-basket fitted in 0.2 s" in text
    (own,) = (line for line in text.splitlines() if line.startswith("| next-basket"))
    assert own.endswith("+0.0000 (+0.0000 to +0.0000) |")
    assert "**" in own
    assert basket_table({}, "test") == ""
