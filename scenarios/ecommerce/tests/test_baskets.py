"""Shopping list, buy again and frequently bought together, from files to reasons."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner
from crossrec import Engine
from crossrec.cli import main
from crossrec.components.slate import Slate

DAY = 86_400.0
NOW = 1_767_571_200.0
#: The default pipeline's surfaces over the sources that need neither texts nor minutes.
PIPELINE = """
encoder = ""
[[sources]]
name = "popularity"
[[sources]]
name = "next-basket"
settings = { least_strength = 5.0 }
[[sources]]
name = "buy-again"
settings = { least_strength = 5.0 }
[[sources]]
name = "bought-together"
settings = { least_strength = 5.0 }
[surfaces.recommended_for_you]
sources = ["popularity"]
[surfaces.similar_items]
sources = ["bought-together"]
[surfaces.shopping_list]
sources = ["next-basket"]
[surfaces.buy_again]
sources = ["buy-again"]
[surfaces.frequently_bought_together]
sources = ["bought-together"]
"""


def purchases() -> pd.DataFrame:
    """60 people buy milk every 7 days, and pasta with sauce every 21; each bought a radio once.

    The first is due for milk and has refused sauce; the last has only looked at the radio.
    """
    rows = []
    for user in range(60):
        first = NOW - (user % 7 + 84) * DAY
        for week in range(13):
            time = first + 7 * week * DAY
            if time >= NOW:
                continue
            rows.append((f"u{user}", "milk", "purchase", time))
            if week % 3 == 0:
                rows += [(f"u{user}", item, "purchase", time) for item in ("pasta", "sauce")]
        rows.append((f"u{user}", "radio", "purchase", first + 5 * DAY))
        rows.append((f"u{user}", f"extra{user % 9}", "purchase", first + 30 * DAY))
    rows.append(("u0", "sauce", "not_interested", NOW - DAY))
    rows.append(("new", "radio", "view", NOW - DAY))
    return pd.DataFrame(rows, columns=["user_id", "item_id", "event_type", "time"])


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, Path]]:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "own.toml").write_text(PIPELINE, encoding="utf-8")
    engine = Engine.create(folder / "ws")
    items = pd.DataFrame({"item_id": ["milk", "pasta", "sauce", "radio"]})
    items["title"] = items["item_id"].str.title()
    items["categories"] = ["Dairy", "Dry", "Dry goods", "Electronics"]
    engine.ingest("ecommerce", items=items, events=purchases())
    engine.fit("ecommerce", pipeline_file=folder / "own.toml")
    yield engine, folder
    engine.workspace.close()


def texts(slate: Slate) -> dict[str, str]:
    return {item.item_id: " · ".join(r.text for r in item.reasons) for item in slate.items}


def test_the_shopping_list_has_what_was_bought(shop: tuple[Engine, Path]) -> None:
    slate = shop[0].recommend("ecommerce", "u1", surface="shopping_list", now=NOW, k=5)
    assert slate.item_ids[0] == "milk"
    assert {"pasta", "sauce"} <= set(slate.item_ids)
    assert texts(slate)["milk"].startswith("bought 13 times, last ")


def test_other_surfaces_still_leave_it_out(shop: tuple[Engine, Path]) -> None:
    slate = shop[0].recommend("ecommerce", "u1", now=NOW, k=5)
    assert slate.surface == "recommended_for_you"
    assert not {"milk", "pasta", "sauce", "radio"} & set(slate.item_ids)


def test_what_was_refused_is_on_no_list(shop: tuple[Engine, Path]) -> None:
    for surface in ("shopping_list", "buy_again"):
        slate = shop[0].recommend("ecommerce", "u0", surface=surface, now=NOW + 7 * DAY)
        assert "sauce" not in slate.item_ids, surface
        assert "milk" in slate.item_ids, surface


def test_buy_again_has_what_is_due_and_says_when(shop: tuple[Engine, Path]) -> None:
    """The last milk of user 6 was bought 6 days ago; the radio is nothing to buy again."""
    slate = shop[0].recommend("ecommerce", "u6", surface="buy_again", now=NOW)
    assert "milk" in slate.item_ids
    assert "radio" not in slate.item_ids
    assert texts(slate)["milk"] == (
        "bought 13 times, lasts about 7 days, last 6 days ago: due in 1 day"
    )
    (reason,) = slate.items[slate.item_ids.index("milk")].reasons
    assert reason.values["due_in_days"] == 1


def test_where_nothing_is_due_the_row_is_empty_and_says_why(shop: tuple[Engine, Path]) -> None:
    slate = shop[0].recommend("ecommerce", "new", surface="buy_again", now=NOW)
    assert slate.items == ()
    assert "buy-again proposed nothing" in slate.short_because


def test_who_has_bought_nothing_gets_what_all_buy(shop: tuple[Engine, Path]) -> None:
    slate = shop[0].recommend("ecommerce", "new", surface="shopping_list", now=NOW, k=3)
    assert slate.item_ids[0] == "milk"
    assert texts(slate)["milk"] == "popular: 60 people"


def test_a_given_history_is_one_basket_of_purchases(shop: tuple[Engine, Path]) -> None:
    slate = shop[0].recommend(
        "ecommerce", history=["pasta", "radio"], surface="shopping_list", now=NOW, k=4
    )
    assert {"pasta", "radio"} <= set(slate.item_ids)
    assert texts(slate)["pasta"] == "bought once, last today"


def test_sauce_goes_with_pasta_and_milk_with_everything(shop: tuple[Engine, Path]) -> None:
    """Milk is in every such basket too, and no more often than by chance."""
    found = shop[0].recommend(
        "ecommerce", item_ids=["pasta"], surface="frequently_bought_together", now=NOW
    )
    assert found.item_ids[0] == "sauce"
    assert "radio" not in found.item_ids
    assert texts(found)["sauce"].endswith("baskets with “Pasta”")
    cart = shop[0].recommend(
        "ecommerce", item_ids=["pasta", "sauce"], surface="frequently_bought_together", now=NOW
    )
    assert not {"pasta", "sauce", "radio"} & set(cart.item_ids)


def test_new_purchases_count_at_once_and_are_learnt_by_a_refresh(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(PIPELINE, encoding="utf-8")
    engine = Engine.create(tmp_path / "ws")
    engine.ingest("ecommerce", events=purchases())
    engine.fit("ecommerce", pipeline_file=tmp_path / "own.toml")
    late = pd.DataFrame(
        [("u6", "milk", "purchase", NOW)], columns=["user_id", "item_id", "event_type", "time"]
    )
    engine.ingest("ecommerce", events=late)
    slate = engine.recommend("ecommerce", "u6", surface="buy_again", now=NOW + DAY)
    assert "milk" not in slate.item_ids, "it was bought a day ago"
    report = engine.refresh("ecommerce")
    assert report.published
    pipeline = engine.pipeline("ecommerce")
    assert pipeline.sources["next-basket"].habits.people.max() == 60  # type: ignore[attr-defined]
    again = engine.recommend("ecommerce", "u6", surface="shopping_list", now=NOW + DAY)
    assert texts(again)["milk"] == "bought 14 times, last yesterday"
    engine.workspace.close()


def test_without_times_sessions_are_the_baskets(tmp_path: Path) -> None:
    """From the command line: a table of users, items and orders."""
    rows = [
        (f"u{user}", item, f"o{order}")
        for user in range(30)
        for order in range(4)
        for item in (("milk", "bread") if order % 2 else ("milk", f"x{(user + order) % 8}"))
    ]
    orders = pd.DataFrame(rows, columns=["user_id", "item_id", "order_id"])
    orders.to_csv(tmp_path / "orders.csv", index=False)
    (tmp_path / "own.toml").write_text(PIPELINE, encoding="utf-8")

    def call(*words: Any) -> Any:
        done = CliRunner().invoke(main, [*map(str, words), "-w", str(tmp_path / "ws")])
        assert done.exit_code == 0, done.output
        return done

    ingested = call("ingest", "ecommerce", "--events", tmp_path / "orders.csv")
    assert "events of one session count as one moment" in ingested.output
    call("fit", "ecommerce", "--pipeline", tmp_path / "own.toml")
    done = call("recommend", "ecommerce", "--user", "u3", "--surface", "shopping_list", "--json")
    items = json.loads(done.stdout)["items"]
    assert [item["item_id"] for item in items][:2] == ["milk", "bread"]
    assert items[0]["reasons"][0]["text"] == "bought 4 times, last in the latest basket"
    empty = json.loads(
        call("recommend", "ecommerce", "--user", "u3", "--surface", "buy_again", "--json").stdout
    )
    assert empty["items"] == []
    doctor = CliRunner().invoke(main, ["doctor", "-w", str(tmp_path / "ws")])
    assert "buy-again: events have no times: nothing is ever due" in doctor.output
