"""A small shop of tools and kitchen things, ingested and fitted by words alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from crossrec.pipeline.engine import Engine
from crossrec.testing import toy

PIPELINE = """
encoder = ""
policies = ["availability"]
[[sources]]
name = "content"
settings = { text = { encoder = "" } }
[[sources]]
name = "item-knn"
[[sources]]
name = "popularity"
"""


@pytest.fixture(scope="session")
def shop_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fit the toy shop as a workspace of the scenario ecommerce."""
    folder = tmp_path_factory.mktemp("language")
    data = toy.shop().dataset
    catalog = data.catalog
    items = pd.DataFrame(
        {
            "item_id": catalog.items.ids[:-1],
            "title": catalog.titles[:-1],
            "categories": ["|".join(names) for names in catalog.categories[:-1]],
            "brand": catalog.creators[:-1],
            "price": catalog.attributes["price"][:-1],
        }
    )
    liked = data.events.weights > 0
    events = pd.DataFrame(
        {
            "user_id": [data.users.id(one) for one in data.events.users[liked].tolist()],
            "item_id": [catalog.items.id(one) for one in data.events.items[liked].tolist()],
            "event_type": "purchase",
            "time": data.events.times[liked],
        }
    )
    (folder / "pipeline.toml").write_text(PIPELINE, encoding="utf-8")
    with Engine.create(folder / "shop") as engine:
        engine.ingest("ecommerce", items=items, events=events)
        engine.fit("ecommerce", pipeline_file=folder / "pipeline.toml", backbone="")
    return folder / "shop"


@pytest.fixture
def shop(shop_folder: Path) -> Iterator[Engine]:
    """Open the shop, with its items taken in at once."""
    with Engine.open(shop_folder, background=False) as engine:
        yield engine
