"""The small shops that commands are tried on."""

from __future__ import annotations

import sys
from pathlib import Path

from crossrec.pipeline.config_files import load_config
from crossrec.plugins.registry import load_registry
from crossrec.testing.titled_shops import installed_shops, titled_shop, write_shop


def test_files_name_items_and_people(tmp_path: Path) -> None:
    items, events = write_shop(tmp_path, "old", ["red", "blue"], [[0, 1], [], [1]])
    assert Path(items).read_text() == "item_id,title\nold0,red\nold1,blue\n"
    assert Path(events).read_text() == "user_id,item_id\nu0,old0\nu0,old1\nu2,old1\n"


def test_the_shops_are_the_only_scenarios_within_the_block(tmp_path: Path) -> None:
    pipeline = 'sources = [{name = "popularity"}]\n'
    with installed_shops(tmp_path, ("old", "new"), pipeline, beside=("builtin",)):
        registry = load_registry()
        assert {one.name for one in registry.all("scenarios")} == {"old", "new"}
        config = load_config(registry.scenario("old"))
        assert [one.name for one in config.sources] == ["popularity"]
    assert "old" not in {one.name for one in load_registry().all("scenarios")}
    assert not any(name.startswith("titled_shop") for name in sys.modules)


def test_a_shop_says_what_it_sells() -> None:
    shop = titled_shop("old")
    assert (shop.name, shop.default_event, shop.items.text_template) == ("old", "play", "{title}")
