"""The main job through the command line, in every scenario: ingest, fit, recommend, evaluate."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from crossrec import Engine
from crossrec.cli import main

SCENARIOS = {
    "ecommerce": ("purchase", "brand"),
    "social": ("like", "author_id"),
    "video": ("watch", "genres"),
    "music": ("play", "artist"),
}

PIPELINE = """
encoder = "tfidf-svd"
[[sources]]
name = "content"
[sources.settings.text]
encoder = "tfidf-svd"
[[sources]]
name = "item-knn"
[[sources]]
name = "popularity"
"""


def call(*arguments):
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output + result.stderr
    return result.stdout


def write_shop(folder, event):
    """Users keep to the even or to the odd half; titles distinguish the halves."""
    rng = np.random.default_rng(0)
    words = ("copper kettle", "linen curtain")
    items = ["item_id,title"]
    items += [f"i{i},{words[i % 2]} number {i}" for i in range(40)]
    (folder / "items.csv").write_text("\n".join(items) + "\n", encoding="utf-8")
    events = ["user_id,item_id,event_type,time,value"]
    moment = 1_700_000_000
    for user in rng.permutation(np.repeat(np.arange(120), 6)):
        item = 2 * rng.integers(0, 20) + user % 2
        moment += 600
        events.append(f"u{user},i{item},{event},{moment},1")
    (folder / "events.csv").write_text("\n".join(events) + "\n", encoding="utf-8")
    (folder / "pipeline.toml").write_text(PIPELINE, encoding="utf-8")


@pytest.fixture(scope="module", params=SCENARIOS)
def shop(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    write_shop(folder, SCENARIOS[request.param][0])
    place = ["-w", folder / "ws"]
    report = call(
        "ingest",
        request.param,
        "--items",
        folder / "items.csv",
        "--events",
        folder / "events.csv",
        *place,
        "--json",
    )
    fitted = call("fit", request.param, "--pipeline", folder / "pipeline.toml", *place, "--json")
    return request.param, folder, json.loads(report), json.loads(fitted)


def recommend(shop, *arguments):
    scenario, folder, *_ = shop
    out = call("recommend", scenario, "-w", folder / "ws", *arguments, "--json")
    return json.loads(out)


def test_fit_reports_its_sources_and_its_gate(shop):
    *_, fitted = shop
    assert set(fitted["fit_seconds"]) == {"content", "item-knn", "popularity"}
    assert fitted["failed"] == {}
    assert fitted["gate"]["queries"] >= 50
    assert fitted["events"] == 720


def test_a_user_gets_the_own_half_with_titles_and_reasons(shop):
    slate = recommend(shop, "--user", "u1", "-k", 5)
    assert slate["path"] == "stored history"
    assert len(slate["items"]) == 5
    for item in slate["items"]:
        assert int(item["item_id"][1:]) % 2 == 1
        assert item["title"].startswith("linen curtain")
        assert item["reasons"]


def test_a_new_user_is_a_history(shop):
    slate = recommend(shop, "--history", "i0,i2", "-k", 4)
    assert slate["path"] == "given history"
    assert {int(i["item_id"][1:]) % 2 for i in slate["items"]} == {0}
    assert not {"i0", "i2"} & {i["item_id"] for i in slate["items"]}


def test_similar_items(shop):
    scenario, folder, *_ = shop
    out = call("similar", scenario, "i3", "-w", folder / "ws", "--json", "-k", 3)
    slate = json.loads(out)
    assert slate["path"] == "items"
    assert {int(i["item_id"][1:]) % 2 for i in slate["items"]} == {1}


def test_explain_one_item(shop):
    scenario, folder, *_ = shop
    out = call("explain", scenario, "i8", "--history", "i0,i2", "-w", folder / "ws", "--json")
    explanation = json.loads(out)
    assert explanation["place"]
    sources = {view["source"] for view in explanation["sources"]}
    assert sources == {
        "content",
        "item-knn",
        "popularity",
    }


def test_plain_output_is_a_table(shop):
    scenario, folder, *_ = shop
    out = call("recommend", scenario, "--user", "u0", "--explain", "-w", folder / "ws")
    assert out.splitlines()[0].split() == ["#", "ITEM", "TITLE", "SCORE", "WHY"]
    assert "copper kettle" in out


def test_evaluate_prints_the_agreed_json(shop):
    scenario, folder, *_ = shop
    out = call(
        "evaluate", scenario, "--pipeline", folder / "pipeline.toml", "-w", folder / "ws", "--json"
    )
    report = json.loads(out)
    assert report["scenario"] == scenario
    assert report["protocol"] == "temporal"
    assert report["candidates"] == "served"
    rows = {row["model"]: row for row in report["results"]}
    assert {"content", "item-knn", "pipeline", "repeat-last"} <= set(rows)
    for row in rows.values():
        assert row["fit_seconds"] >= 0
        low, high = row["ci95"]["recall@10"]
        assert low <= row["metrics"]["recall@10"] <= high
    assert rows["pipeline"]["metrics"]["ndcg@10"] > rows["popularity"]["metrics"]["ndcg@10"]


def test_python_gives_the_same_answer(shop):
    scenario, folder, *_ = shop
    slate = Engine.open(folder / "ws").recommend(scenario=scenario, user_id="u1", k=5)
    printed = recommend(shop, "--user", "u1", "-k", 5)
    assert list(slate.item_ids) == [item["item_id"] for item in printed["items"]]


def test_events_after_the_fit_change_the_next_answer(shop):
    scenario, folder, *_ = shop
    event = SCENARIOS[scenario][0]
    before = recommend(shop, "--user", "late", "-k", 5)
    assert before["path"] == "no history"
    more = folder / "more.csv"
    more.write_text(
        f"user_id,item_id,event_type,time,value\nlate,i1,{event},1700900000,1\n", encoding="utf-8"
    )
    call("ingest", scenario, "--events", more, "-w", folder / "ws")
    after = recommend(shop, "--user", "late", "-k", 5)
    assert after["path"] == "stored history"
    assert {int(i["item_id"][1:]) % 2 for i in after["items"]} == {1}
