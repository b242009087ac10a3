"""A model's order: bounded, freed of places, and off where its gain is not proven."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from crossrec.cli.root import CrossrecGroup
from crossrec.components.live_items import LiveItems
from crossrec.errors import UsageError
from crossrec.pipeline.engine import Engine
from crossrec.testing import toy
from crossrec_language.calls.caller import Caller
from crossrec_language.features.rerank.gate import Gate, kept_gate, measure_gate, rerank
from crossrec_language.features.rerank.order import mixed, model_order, self_test
from crossrec_language.testing.models import BROKEN_ANSWERS, ScriptedModel
from hypothesis import given
from hypothesis import strategies as st

PIPELINE = """
encoder = ""
policies = []
[[sources]]
name = "content"
settings = { text = { encoder = "" } }
[[sources]]
name = "popularity"
"""
ITEMS = LiveItems(toy.shop().dataset.catalog, toy.SCHEMA)
ORDERS = [
    case["text"]
    for case in json.loads(Path(__file__).with_name("injections.json").read_text("utf-8"))
]


def by_title(wanted: Callable[[str], float], name: str = "scripted") -> ScriptedModel:
    """Return a model that orders candidates by their titles."""

    def order(prompt: str) -> str:
        body = json.loads(prompt.split("\n")[-2])
        titles = {key: one["title"] for key, one in body["candidates"].items()}
        return json.dumps({"order": sorted(titles, key=lambda key: -wanted(titles[key]))})

    return ScriptedModel(order, name=name)


def test_a_model_orders_a_list() -> None:
    caller = Caller(by_title(lambda title: float("pan" in title)))
    found = model_order(ITEMS, [6], [0, 1, 5, 2], caller)
    assert found.score is not None
    assert int(np.argmax(found.score)) == 2
    assert mixed(found.score, 1.0)[0] == 2


def test_a_model_that_likes_what_it_reads_first_changes_nothing() -> None:
    def first(prompt: str) -> str:
        return json.dumps({"order": list(json.loads(prompt.split("\n")[-2])["candidates"])})

    found = model_order(ITEMS, [], [0, 1, 2, 3], Caller(ScriptedModel(first)))
    assert found.score is not None
    assert np.ptp(found.score) == pytest.approx(0)
    assert mixed(found.score, 1.0) == [0, 1, 2, 3]


@given(
    st.lists(st.one_of(st.just(np.nan), st.floats(0, 1)), max_size=20),
    st.floats(0, 1),
)
def test_an_order_is_of_the_same_items_and_unscored_ones_stay(
    scores: list[float], weight: float
) -> None:
    order = mixed(np.array(scores, dtype=np.float64), weight)
    assert sorted(order) == list(range(len(scores)))
    assert all(order[at] == at for at, one in enumerate(scores) if np.isnan(one))
    assert mixed(np.array(scores, dtype=np.float64), 0.0) == list(range(len(scores)))


def test_names_that_are_no_candidates_are_dropped_and_said() -> None:
    model = ScriptedModel('{"order": ["c99", "p3", "c2"]}')
    found = model_order(ITEMS, [], [0, 1, 2], Caller(model))
    assert set(found.dropped) == {"c99", "p3"}
    assert found.score is not None
    only = model_order(ITEMS, [], [0], Caller(ScriptedModel('{"order": ["c99"]}')))
    assert only.score is None
    assert "no candidate" in only.outcome.problem


@pytest.mark.parametrize("order", ORDERS)
def test_an_order_in_a_title_moves_nothing(order: str) -> None:
    """With a model that puts first whatever speaks to it."""
    from dataclasses import replace

    catalog = ITEMS.catalog
    titles = (*catalog.titles[:3], order, *catalog.titles[4:])
    hostile = LiveItems(replace(catalog, titles=titles), toy.SCHEMA)
    model = by_title(lambda title: float(title not in catalog.titles))
    found = model_order(hostile, [6], [0, 1, 2, 3, 4], Caller(model))
    assert found.score is not None
    assert np.isnan(found.score[3]), "it was not sent"
    assert mixed(found.score, 1.0)[3] == 3, "and keeps its place"
    assert all(order not in prompt for prompt in model.prompts)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ('{"order": ["c2", "c1", "c3"]}', ""),
        ('{"order": ["c1", "c2", "c3"]}', "guitar capo"),
        ('{"order": []}', "guitar capo"),
        ("no", "twice"),
    ],
)
def test_the_self_test_knows_right_from_wrong(answer: str, problem: str) -> None:
    outcome = self_test(Caller(ScriptedModel(answer)))
    assert (problem in outcome.problem) if problem else outcome.problem == ""


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fit a shop of 60 users, whose last choice has the number after the one before."""
    folder = tmp_path_factory.mktemp("crowd")
    items = pd.DataFrame(
        {
            "item_id": [f"i{n:02d}" for n in range(24)],
            "title": [f"thing {n}" for n in range(24)],
            "categories": "things",
        }
    )
    rng = np.random.default_rng(5)
    rows = []
    for user in range(60):
        start = int(rng.integers(0, 20))
        others = rng.permutation([n for n in range(24) if n not in (start, start + 1)])[:2]
        chain = [*others.tolist(), start, start + 1]
        rows += [(f"u{user}", f"i{n:02d}", 1_700_000_000 + 60 * at) for at, n in enumerate(chain)]
    events = pd.DataFrame(rows, columns=["user_id", "item_id", "time"])
    events["event_type"] = "purchase"
    (folder / "pipeline.toml").write_text(PIPELINE, encoding="utf-8")
    with Engine.create(folder / "shop") as engine:
        engine.ingest("ecommerce", items=items, events=events)
        engine.fit("ecommerce", pipeline_file=folder / "pipeline.toml", backbone="")
    return folder / "shop"


@pytest.fixture
def shop_of_many(crowd: Path) -> Iterator[Engine]:
    with Engine.open(crowd, background=False) as engine:
        yield engine
        (engine.workspace.cache / "rerank-ecommerce.json").unlink(missing_ok=True)


def knowing() -> ScriptedModel:
    """Return a model that knows what comes next."""

    def order(prompt: str) -> str:
        body = json.loads(prompt.split("\n")[-2])
        last = int(re.findall(r"\d+", body["chosen"][-1])[0])
        titles = {key: one["title"] for key, one in body["candidates"].items()}
        right = sorted(titles, key=lambda key: titles[key] != f"thing {last + 1}")
        return json.dumps({"order": right})

    return ScriptedModel(order, name="knowing")


def test_a_model_that_knows_passes_the_gate_and_reorders(shop_of_many: Engine) -> None:
    caller = Caller(knowing())
    gate = measure_gate(shop_of_many, "ecommerce", caller, users=60)
    assert gate.weight > 0
    assert gate.gain > 2 * gate.error
    assert kept_gate(shop_of_many, "ecommerce") == gate
    past = ["i03", "i09", "i04"]
    slate = shop_of_many.recommend("ecommerce", history=past, k=20)
    better, why = rerank(shop_of_many, "ecommerce", slate, past, caller)
    assert why == ""
    assert sorted(better.item_ids) == sorted(slate.item_ids)
    assert better.item_ids.index("i05") <= slate.item_ids.index("i05")
    assert "reordered by knowing" in better.notes


def test_a_model_that_guesses_does_not_pass(shop_of_many: Engine) -> None:
    """The control: an order by a hash of the title."""
    guessing = by_title(lambda title: float(sum(map(ord, title)) * 7919 % 101), "guessing")
    caller = Caller(guessing)
    gate = measure_gate(shop_of_many, "ecommerce", caller, users=60)
    assert gate.weight == 0
    slate = shop_of_many.recommend("ecommerce", history=["i03"], k=20)
    same, why = rerank(shop_of_many, "ecommerce", slate, ["i03"], caller)
    assert same is slate
    assert why.startswith("off: its gain is not proven here")


def test_without_a_gate_it_is_off(shop_of_many: Engine) -> None:
    slate = shop_of_many.recommend("ecommerce", history=["i03"], k=20)
    model = knowing()
    same, why = rerank(shop_of_many, "ecommerce", slate, ["i03"], Caller(model))
    assert same is slate
    assert "nothing was measured" in why
    assert model.prompts == []
    assert "no language model" in rerank(shop_of_many, "ecommerce", slate, [], Caller())[1]


def kept(engine: Engine, **changes: object) -> None:
    """Keep a gate that admits the model `knowing`, but for some values."""
    version = engine.pipeline("ecommerce").version
    gate = {**vars(Gate(1.0, 0.1, 0.01, 60, 0, "knowing", version)), **changes}
    path = engine.workspace.cache / "rerank-ecommerce.json"
    path.write_text(json.dumps(gate), encoding="utf-8")


@pytest.mark.parametrize("changes", [{"model": "other"}, {"version": "older"}])
def test_a_gate_of_another_model_or_fit_does_not_count(
    shop_of_many: Engine, changes: dict[str, object]
) -> None:
    kept(shop_of_many, **changes)
    slate = shop_of_many.recommend("ecommerce", history=["i03"], k=20)
    assert "another" in rerank(shop_of_many, "ecommerce", slate, ["i03"], Caller(knowing()))[1]


def test_a_damaged_gate_is_none(shop_of_many: Engine) -> None:
    (shop_of_many.workspace.cache / "rerank-ecommerce.json").write_text("{", encoding="utf-8")
    assert kept_gate(shop_of_many, "ecommerce") is None


@pytest.mark.parametrize("name", BROKEN_ANSWERS)
def test_what_a_model_breaks_changes_no_list(shop_of_many: Engine, name: str) -> None:
    kept(shop_of_many)
    slate = shop_of_many.recommend("ecommerce", history=["i03"], k=20)
    broken = Caller(ScriptedModel(BROKEN_ANSWERS[name], name="knowing"))
    same, why = rerank(shop_of_many, "ecommerce", slate, ["i03"], broken)
    assert same.item_ids == slate.item_ids
    assert why
    assert same.degraded


def test_a_gate_needs_a_model_and_users(shop_of_many: Engine) -> None:
    with pytest.raises(UsageError, match="name one with --model"):
        measure_gate(shop_of_many, "ecommerce", Caller())
    with pytest.raises(UsageError, match="20 are needed"):
        measure_gate(shop_of_many, "ecommerce", Caller(knowing()), users=5)


def run(folder: Path, *arguments: str) -> Result:
    group = CrossrecGroup(name="crossrec")
    return CliRunner().invoke(group, ["language", "rerank", *arguments, "-w", str(folder)])


def test_the_command_leaves_the_list_and_says_why(crowd: Path) -> None:
    done = run(crowd, "ecommerce", "--user", "u1", "-k", "3")
    assert done.exit_code == 0, done.output
    assert "order: as it is (no language model is chosen: templates answer)" in done.output
    answer = json.loads(run(crowd, "ecommerce", "--user", "u1", "-k", "3", "--json").stdout)
    assert len(answer["items"]) == 3
    assert run(crowd, "ecommerce").exit_code != 0
    assert run(crowd, "ecommerce", "--measure").exit_code != 0
