"""The pages of surfaces and of the pipeline file: their examples work and show what is printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from crossrec.cli import main
from crossrec.components.policies import out_of_stock
from crossrec.pipeline.config import SurfaceConfig
from crossrec.pipeline.config_files import load_config
from crossrec.pipeline.health import NEEDS
from crossrec.plugins.registry import load_registry
from crossrec.testing import toy
from pipeline_pages import fading_region, keys_region

DOCS = Path(__file__).resolve().parent.parent / "docs"
OWN = """
encoder = ""
sources = ["popularity", "ease"]
[surfaces.similar_items]
sources = ["ease"]
policies = []
fallback = ["newest"]
history = "keep"
k = 12
"""


def blocks(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Return a workspace with a fitted shop, in which some items went meanwhile."""
    data = toy.shop().dataset
    catalog, events = data.catalog, data.interactions
    titles = {
        id_: title for id_, title in zip(catalog.items.ids, catalog.titles, strict=True) if title
    }

    def call(*words: object) -> None:
        arguments = [str(word) for word in words]
        done = CliRunner().invoke(main, [*arguments, "-w", str(tmp_path / "ws")])
        assert done.exit_code == 0, done.output

    def items(name: str, *rows: str, head: str = "item_id,title") -> Path:
        (tmp_path / name).write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
        return tmp_path / name

    rows = [f'{id_},"{title}"' for id_, title in titles.items()]
    log = [
        f"{data.users.id(user)},{catalog.items.id(item)},purchase,{time:.0f}"
        for user, item, time in zip(events.users, events.items, events.times, strict=True)
    ]
    log_file = items("events.csv", *log, head="user_id,item_id,event_type,time")
    call("ingest", "ecommerce", "--items", items("items.csv", *rows), "--events", log_file)
    (tmp_path / "own.toml").write_text(OWN)
    call("fit", "ecommerce", "--pipeline", tmp_path / "own.toml", "--no-backbone")
    stock = items("stock.csv", "p0,OUT_OF_STOCK", "p1,sold out", head="item_id,availability")
    call("ingest", "ecommerce", "--items", stock)
    lone = set(catalog.items.ids) - set(titles)
    left = [row for row in rows if not row.startswith("p2,")] + [f"{id_}," for id_ in sorted(lone)]
    call("ingest", "ecommerce", "--items", items("all.csv", *left), "--complete", "items")
    call("items", "delete", "ecommerce", "p3", "--yes")
    return tmp_path / "ws"


def test_doctor_says_what_the_page_shows(shop: Path) -> None:
    done = CliRunner().invoke(main, ["doctor", "-w", str(shop)])
    (shown,) = blocks("surfaces.md", "text")
    found = [line for line in done.stdout.splitlines() if not line.startswith("  note: backbones")]
    lines = [*shown.splitlines(), "all well"]  # of two of its surfaces
    assert [line for line in found if line in lines] == lines


@pytest.mark.parametrize("page", ["surfaces.md", "pipeline_file.md"])
def test_the_toml_of_a_page_is_a_pipeline_file(page: str, tmp_path: Path) -> None:
    for text in blocks(page, "toml"):
        (tmp_path / "own.toml").write_text(text)
        load_config(load_registry().scenario("ecommerce"), tmp_path / "own.toml")


def test_the_example_of_surfaces_changes_key_by_key(tmp_path: Path) -> None:
    (text,) = blocks("surfaces.md", "toml")
    (tmp_path / "own.toml").write_text(text)
    scenario = load_registry().scenario("ecommerce")
    before, after = load_config(scenario), load_config(scenario, tmp_path / "own.toml")
    changed = {"k": 12, "fallback": ("newest",)}
    kept = before.surfaces["similar_items"]
    assert after.surfaces["similar_items"] == kept.model_copy(update=changed)
    assert after.surfaces["recommended_for_you"] == before.surfaces["recommended_for_you"]
    assert after.sources_of("cart") == ("covisitation",)


def test_every_input_and_spelling_of_the_page_is_one() -> None:
    text = (DOCS / "surfaces.md").read_text(encoding="utf-8")
    table = text.partition("## What a request brings")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == ["input", *NEEDS]
    (row,) = [line for line in text.splitlines() if line.startswith("| `availability` |")]
    spellings = re.findall(r"`([^`]+)`", row.split("|")[2])
    assert len(spellings) > 4
    assert [out_of_stock(one) for one in spellings] == [1.0] * len(spellings)


def test_the_tables_are_made_of_the_code() -> None:
    keys = re.findall(r"^\| `(\w+)` \|", keys_region("surface"), re.MULTILINE)
    assert keys == list(SurfaceConfig.model_fields)
    rows = fading_region().splitlines()
    assert rows[2].endswith("| removed | 50% | 75% | 88% | 97% |")
    assert rows[6].endswith("| 100% | 100% | 100% | 100% | 100% |")
    with pytest.raises(SystemExit, match="no table 'shelf'"):
        keys_region("shelf")
