"""A list for free words: history, description and conditions together, with a model and without."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from crossrec.cli.root import CrossrecGroup
from crossrec.errors import UsageError
from crossrec.pipeline.engine import Engine
from crossrec_language.calls.caller import Caller
from crossrec_language.features.intent.recommend import WishAnswer, recommend_for_wish
from crossrec_language.features.intent.vocabulary import catalog_words
from crossrec_language.features.intent.with_model import read_wish, self_test
from crossrec_language.testing.models import BROKEN_ANSWERS, ScriptedModel

HERE = Path(__file__).parent
ORDERS = [case["text"] for case in json.loads((HERE / "injections.json").read_text("utf-8"))]
TOOLS, KITCHEN = {"p0", "p1", "p2", "p3", "p4"}, {"p5", "p6", "p7", "p8", "p9"}


def found(shop: Engine, words: str, caller: Caller | None = None, **more: object) -> WishAnswer:
    return recommend_for_wish(shop, "ecommerce", words, caller=caller, **more)  # type: ignore[arg-type]


def test_the_words_lead_the_list(shop: Engine) -> None:
    answer = found(shop, "a pan for the kitchen", history=["p0", "p3"], k=5)
    assert answer.slate.item_ids[0] == "p5"
    assert answer.slate.items[0].reasons[0].text == "fits the words “a pan for the kitchen”"
    assert answer.model == "template"
    assert answer.slate.degraded == ()


def test_what_is_excluded_is_in_no_list(shop: Engine) -> None:
    for words in ("no kitchen", "not kitchen, a hammer", "nothing for the kitchen"):
        ids = set(found(shop, words, history=["p6"], k=12).slate.item_ids)
        assert ids
        assert not ids & (KITCHEN | {"p10"})


def test_a_price_holds_and_the_list_says_why_it_is_short(shop: Engine) -> None:
    answer = found(shop, "tools under 10 euro", history=["p0"], k=10)
    assert set(answer.slate.item_ids) <= {"p1", "p4", "p7", "p9"} - {"p0"}
    assert "do not meet the filter" in answer.slate.short_because


def test_a_filter_of_the_call_holds_besides(shop: Engine) -> None:
    answer = found(shop, "no kitchen", history=[], filter="price < 10", k=10)
    assert set(answer.slate.item_ids) == {"p1", "p4"}


def test_a_sentence_alone_is_a_query(shop: Engine) -> None:
    """Nobody is known, nothing was chosen: one sentence gives a list that fits it."""
    answer = found(shop, "knife and board for chopping", k=2)
    assert set(answer.slate.item_ids) == {"p6", "p7"}


def test_a_sentence_is_enough_in_a_catalogue_without_events(tmp_path: Path) -> None:
    titles = ["Claw hammer", "Cast iron pan", "Wool blanket", "Bread knife", "Garden hose"]
    kinds = ["tools", "kitchen", "bedroom", "kitchen", "garden"]
    items = pd.DataFrame(
        {"item_id": [f"n{at}" for at in range(5)], "title": titles, "categories": kinds}
    )
    (tmp_path / "pipeline.toml").write_text(
        'encoder = ""\n[[sources]]\nname = "content"\nsettings = { text = { encoder = "" } }\n'
    )
    with Engine.create(tmp_path / "new") as engine:
        engine.ingest("ecommerce", items=items)
        engine.fit("ecommerce", pipeline_file=tmp_path / "pipeline.toml", backbone="")
        slate = found(engine, "a pan and a knife for my kitchen, no garden", k=5).slate
    assert set(slate.item_ids[:2]) == {"n1", "n3"}
    assert "n4" not in slate.item_ids


def test_no_words_are_refused(shop: Engine) -> None:
    with pytest.raises(UsageError, match="say what is wanted"):
        found(shop, " \n")


def test_a_model_finds_what_rules_do_not(shop: Engine) -> None:
    words = "spare me tools this time"
    assert found(shop, words, history=["p5"], k=12).wish.filter == ""
    caller = Caller(ScriptedModel('{"avoid": ["tools"], "only": []}'))
    answer = found(shop, words, caller, history=["p5"], k=12)
    assert answer.model == "scripted"
    assert answer.wish.filter == "(NOT (categories IN ('tools')))"
    assert answer.wish.boost == "", "what is not wanted is no preference"
    assert not set(answer.slate.item_ids) & TOOLS


def test_a_model_cannot_undo_what_the_rules_understood(shop: Engine) -> None:
    caller = Caller(ScriptedModel('{"avoid": [], "only": ["tools"]}'))
    answer = found(shop, "no tools", caller, history=[], k=12)
    assert answer.wish.filter == "(NOT (categories IN ('tools')))"


def test_phrases_that_do_not_stand_in_the_wish_are_dropped(shop: Engine) -> None:
    caller = Caller(ScriptedModel('{"avoid": ["tools", "Ironwood"], "only": ["kitchen"]}'))
    plain = found(shop, "something nice", history=["p0"])
    assert found(shop, "something nice", caller, history=["p0"]).wish == plain.wish


@pytest.mark.parametrize("name", BROKEN_ANSWERS)
def test_what_a_model_breaks_changes_no_list(shop: Engine, name: str) -> None:
    plain = found(shop, "a pan, no tools", history=["p6"])
    caller = Caller(ScriptedModel(BROKEN_ANSWERS[name]))
    answer = found(shop, "a pan, no tools", caller, history=["p6"])
    assert answer.slate.item_ids == plain.slate.item_ids
    used = answer.model != "template"
    assert used or "language model scripted: intent" in answer.slate.degraded[0].component


@pytest.mark.parametrize("order", ORDERS)
def test_an_order_in_the_catalogue_or_the_wish_changes_no_list(shop: Engine, order: str) -> None:
    """With a model that obeys, and says what an attacker would like best."""
    obeying = ScriptedModel('{"avoid": ["kitchen"], "only": ["tools", "Ironwood"]}')
    plain = found(shop, "a pan", history=["p6"])
    assert found(shop, "a pan", Caller(obeying), history=["p6"]).slate.item_ids == (
        plain.slate.item_ids
    )
    words = catalog_words(shop.serving("ecommerce").items)
    wish, _ = read_wish(order, words, Caller(obeying))
    assert all(part.words.casefold() in order.casefold() for part in wish.parts)
    assert all(order not in prompt for prompt in obeying.prompts)


def test_no_id_is_sent(shop: Engine) -> None:
    model = ScriptedModel('{"avoid": [], "only": []}')
    recommend_for_wish(shop, "ecommerce", "a pan", "u1", caller=Caller(model))
    assert "u1" not in model.prompts[0]
    assert "p5" not in model.prompts[0]


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ('{"avoid": ["westerns"], "only": []}', ""),
        ('{"avoid": ["Western"], "only": []}', ""),
        ('{"avoid": [], "only": []}', "did not find"),
        ('{"avoid": ["westerns"], "only": ["rain"]}', "made up"),
        ("no", "twice"),
    ],
)
def test_the_self_test_knows_right_from_wrong(answer: str, problem: str) -> None:
    outcome = self_test(Caller(ScriptedModel(answer)))
    assert (problem in outcome.problem) if problem else outcome.problem == ""


def run(folder: Path, *arguments: str) -> Result:
    group = CrossrecGroup(name="crossrec")
    return CliRunner().invoke(group, ["language", "intent", *arguments, "-w", str(folder)])


def test_the_command_says_what_was_understood(shop_folder: Path) -> None:
    done = run(shop_folder, "ecommerce", "a pan, no tools, under 40 euro", "--history", "p6, p7")
    assert done.exit_code == 0, done.output
    assert "read by: rules\n" in done.output
    assert "avoid: no tools" in done.output
    assert "range: under 40 euro  [price < 40]" in done.output
    assert "about: a pan" in done.output
    assert "Cast iron pan 28 cm" in done.output


def test_the_command_prints_json(shop_folder: Path) -> None:
    done = run(shop_folder, "ecommerce", "a pan", "--user", "u5", "-k", "3", "--json")
    answer = json.loads(done.stdout)
    assert answer["model"] == "template"
    assert len(answer["items"]) == 3
    assert answer["wish"]["text"] == "a pan"
