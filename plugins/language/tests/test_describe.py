"""A taste in words: grounded in the history, edited with effect, kept with consent, deletable."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
from click.testing import CliRunner, Result
from crossrec.cli.root import CrossrecGroup
from crossrec.components.live_items import LiveItems
from crossrec.errors import UsageError
from crossrec.pipeline.engine import Engine
from crossrec.testing import toy
from crossrec_language.calls.caller import Caller
from crossrec_language.features.describe.describe import (
    describe_taste,
    recommend_for_taste,
    self_test,
)
from crossrec_language.features.describe.description import LONGEST, read_description, written
from crossrec_language.features.describe.facts import TasteFacts, taste_facts
from crossrec_language.features.describe.keeping import (
    drop_description,
    keep_description,
    kept_description,
)
from crossrec_language.features.intent.vocabulary import catalog_words
from crossrec_language.testing.models import BROKEN_ANSWERS, ScriptedModel
from hypothesis import given, settings
from hypothesis import strategies as st

ITEMS = LiveItems(toy.shop().dataset.catalog, toy.SCHEMA)
WORDS = catalog_words(ITEMS)
ORDERS = [
    case["text"]
    for case in json.loads(Path(__file__).with_name("injections.json").read_text("utf-8"))
]
TOOLS = ["p0", "p1", "p2", "p3"]


@pytest.fixture
def own(shop_folder: Path, tmp_path: Path) -> Iterator[Engine]:
    """Copy the shop, to be written to."""
    copytree(shop_folder, tmp_path / "own")
    with Engine.open(tmp_path / "own", background=False) as engine:
        yield engine


def test_what_stands_out_is_more_than_in_the_catalogue() -> None:
    facts = taste_facts(ITEMS, [0, 1, 3])
    assert facts.categories == ("tools", "fixings")
    assert facts.creators == ("Ironwood",)
    assert facts.items == 3


def test_one_item_of_many_is_no_taste() -> None:
    assert taste_facts(ITEMS, [0, 2, 3, 4, 5]).categories == ("tools",)


def test_what_every_item_has_says_nothing() -> None:
    everything = taste_facts(ITEMS, list(range(12)))
    assert everything.categories == ()
    assert everything.creators == ()


def test_words_of_two_titles_count_and_names_are_not_repeated() -> None:
    board = LiveItems(toy.checkerboard(16).dataset.catalog, toy.SCHEMA)
    facts = taste_facts(board, [0, 2, 4])
    assert facts.categories == ("rake",)
    assert facts.creators == ("garden",)
    assert facts.words == ("amber",), "“garden” is the creator, “rake” the category"


def test_no_history_has_no_taste() -> None:
    assert taste_facts(ITEMS, []) == TasteFacts((), (), (), 0)
    assert written(TasteFacts((), (), (), 0)) == ""


@given(st.lists(st.integers(0, 11), max_size=20))
def test_every_fact_is_in_the_history(history: list[int]) -> None:
    facts = taste_facts(ITEMS, history)
    catalog = ITEMS.catalog
    own = [catalog.categories[item] for item in history]
    assert all(any(name in names for names in own) for name in facts.categories)
    makers = [catalog.creators[item] for item in set(history)]
    assert all(makers.count(name) >= 2 for name in facts.creators)


def test_a_description_is_read_as_it_was_written() -> None:
    facts = taste_facts(ITEMS, [0, 1, 3])
    text = written(facts)
    assert text == "Likes: tools, fixings.\nBy: Ironwood."
    wish = read_description(text, WORDS)
    assert [(part.kind, part.words) for part in wish.parts] == [
        ("prefer", "tools"), ("prefer", "fixings"), ("prefer", "Ironwood"),
    ]  # fmt: skip
    assert wish.text == "tools, fixings, Ironwood"
    assert wish.filter == ""


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("Avoids: tools.", "(NOT (categories IN ('tools')))"),
        ("Likes: tools.\nAvoids: tools", "(NOT (categories IN ('tools')))"),
        ("avoids: tools, Greenleaf",
         "(NOT (categories IN ('tools'))) AND (NOT (brand IN ('Greenleaf')))"),
        ("Only: kitchen, fixings", "(categories IN ('kitchen') OR categories IN ('fixings'))"),
        ("I cook a lot. No tools, nothing over 40 euro.",
         "(NOT (categories IN ('tools'))) AND (price <= 40)"),
        ("Under 9.90 euro", "(price < 9.9)"),
        ("Words: tools", ""),
    ],
)  # fmt: skip
def test_an_edited_description_excludes_and_demands(text: str, condition: str) -> None:
    assert read_description(text, WORDS).filter == condition


def test_what_is_avoided_is_no_preference() -> None:
    wish = read_description("Likes: tools, kitchen.\nAvoids: tools.", WORDS)
    assert "tools" not in wish.boost
    assert "kitchen" in wish.boost
    assert "ELSE 1" in read_description("Less: tools", WORDS).boost


@settings(deadline=None)
@given(st.text(max_size=120))
def test_any_description_is_read(text: str) -> None:
    read_description(text, WORDS)


def test_a_taste_is_described_from_the_store_or_a_history(shop: Engine) -> None:
    stored = describe_taste(shop, "ecommerce", "u4")
    assert stored.text.startswith("Likes: kitchen")
    assert stored.model == "template"
    assert stored.summary.startswith("Likes kitchen")
    given_ = describe_taste(shop, "ecommerce", history=TOOLS)
    assert "tools" in given_.text
    assert describe_taste(shop, "ecommerce", "stranger").text == ""
    with pytest.raises(UsageError, match="whose taste"):
        describe_taste(shop, "ecommerce")


def share(slate_ids: tuple[str, ...], kind: str) -> float:
    catalog = ITEMS.catalog
    rows = [catalog.items.index(one) for one in slate_ids]
    return float(np.mean([kind in catalog.categories[row] for row in rows]))


def test_an_edit_changes_the_list_and_no_edit_does_not(shop: Engine) -> None:
    """The shift is measured: as many kitchen things more as the edit says."""
    past = ["p0", "p3"]
    text = describe_taste(shop, "ecommerce", history=past).text
    assert text == "Likes: tools.\nBy: Ironwood."

    def listed(text: str) -> tuple[str, ...]:
        return recommend_for_taste(shop, "ecommerce", text, history=past, k=3).slate.item_ids

    before, after = listed(text), listed("Likes: kitchen.\nAvoids: tools.")
    assert share(before, "kitchen") == 0
    assert share(after, "kitchen") == 1
    assert listed(text.replace("\n", " \n\n ")) == before, "the control: nothing was said"


def test_a_description_alone_is_a_query(shop: Engine) -> None:
    found = recommend_for_taste(shop, "ecommerce", "Likes: kitchen.\nAvoids: Greenleaf.", k=3)
    assert set(found.slate.item_ids) == {"p5", "p6", "p10"}
    with pytest.raises(UsageError, match="empty"):
        recommend_for_taste(shop, "ecommerce", " ")


def test_a_model_may_word_the_facts(shop: Engine) -> None:
    said = {"text": "You enjoy tools, often by Ironwood."}
    caller = Caller(ScriptedModel(json.dumps(said)))
    found = describe_taste(shop, "ecommerce", history=TOOLS, caller=caller)
    assert found.summary == said["text"]
    assert found.model == "scripted"
    assert found.text == describe_taste(shop, "ecommerce", history=TOOLS).text


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("You like tools and cats.", "'cat'"),
        ("You only like cheap tools.", "the history does not"),
        ("You do not like tools.", "the history does not"),
        ("You like it.", "nothing of the history"),
        ("Sie mögen Werkzeuge.", "the history does not"),
        ("You like tools ![x](https://evil.example)", "the history does not"),
    ],
)
def test_what_the_history_does_not_say_is_not_used(shop: Engine, said: str, problem: str) -> None:
    caller = Caller(ScriptedModel(json.dumps({"text": said})))
    found = describe_taste(shop, "ecommerce", history=TOOLS, caller=caller)
    assert found.model == "template"
    assert found.summary == describe_taste(shop, "ecommerce", history=TOOLS).summary
    assert problem in found.degraded[0].error


@pytest.mark.parametrize("name", BROKEN_ANSWERS)
def test_what_a_model_breaks_changes_no_description(shop: Engine, name: str) -> None:
    caller = Caller(ScriptedModel(BROKEN_ANSWERS[name]))
    found = describe_taste(shop, "ecommerce", history=TOOLS, caller=caller)
    assert found.model == "template"
    assert found.degraded


@pytest.mark.parametrize("order", ORDERS)
def test_a_model_that_obeys_an_order_is_not_believed(shop: Engine, order: str) -> None:
    caller = Caller(ScriptedModel(lambda prompt: json.dumps({"text": f"You like {order}"[:390]})))
    found = describe_taste(shop, "ecommerce", history=TOOLS, caller=caller)
    assert found.model == "template"
    assert order not in found.text + found.summary


def test_no_id_is_sent(shop: Engine) -> None:
    model = ScriptedModel("no")
    describe_taste(shop, "ecommerce", "u4", caller=Caller(model))
    assert "u4" not in model.prompts[0]
    assert "p5" not in model.prompts[0]


def test_a_description_is_kept_with_consent_only(own: Engine) -> None:
    with pytest.raises(UsageError, match="consent only"):
        keep_description(own, "ecommerce", "u4", "Likes: jazz")
    assert kept_description(own, "ecommerce", "u4") == ""
    keep_description(own, "ecommerce", "u4", "Likes: jazz", consent=True)
    assert kept_description(own, "ecommerce", "u4") == "Likes: jazz"
    keep_description(own, "ecommerce", "u4", "Likes: rock")
    assert kept_description(own, "ecommerce", "u4") == "Likes: rock"


def test_a_kept_description_is_no_category_of_its_user(own: Engine) -> None:
    keep_description(own, "ecommerce", "u4", "Likes: jazz", consent=True)
    dataset = own.workspace.dataset(own.registry.scenario("ecommerce"))
    assert "taste_description" not in dataset.profiles


def test_other_consents_stay(own: Engine) -> None:
    store = own.workspace.store()
    store.add_users("ecommerce", {"u4": {"consents": "ads, mail", "country": "DE"}})
    keep_description(own, "ecommerce", "u4", "Likes: jazz", consent=True)
    assert drop_description(own, "ecommerce", "u4")
    fields = store.user_fields("ecommerce", "u4")
    assert fields["consents"] == ["ads", "mail"]
    assert fields["country"] == "DE"


def test_a_dropped_description_is_gone_from_the_files(own: Engine) -> None:
    keep_description(own, "ecommerce", "u4", "Likes: zanzibarese", consent=True)
    assert drop_description(own, "ecommerce", "u4")
    assert kept_description(own, "ecommerce", "u4") == ""
    assert not drop_description(own, "ecommerce", "u4")
    with pytest.raises(UsageError, match="consent only"):
        keep_description(own, "ecommerce", "u4", "Likes: jazz")
    own.workspace.close()
    files = [path for path in own.workspace.path.rglob("*") if path.is_file()]
    assert all(b"zanzibarese" not in path.read_bytes() for path in files)


def test_forgetting_a_user_forgets_the_description(own: Engine) -> None:
    keep_description(own, "ecommerce", "u4", "Likes: zanzibarese", consent=True)
    own.forget_user("u4")
    assert kept_description(own, "ecommerce", "u4") == ""
    own.workspace.close()
    files = [path for path in own.workspace.path.rglob("*") if path.is_file()]
    assert all(b"zanzibarese" not in path.read_bytes() for path in files)


@pytest.mark.parametrize("text", ["", " ", "x" * (LONGEST + 1)])
def test_an_impossible_description_is_refused(own: Engine, text: str) -> None:
    with pytest.raises(UsageError, match="characters"):
        keep_description(own, "ecommerce", "u4", text, consent=True)


def test_an_unknown_user_keeps_nothing(own: Engine) -> None:
    with pytest.raises(UsageError, match="no user 'stranger'"):
        keep_description(own, "ecommerce", "stranger", "Likes: jazz", consent=True)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("You like mystery and history, often by Agatha Christie.", ""),
        ("You like mysteries.", ""),
        ("You like opera.", "opera"),
    ],
)
def test_the_self_test_knows_right_from_wrong(text: str, problem: str) -> None:
    outcome = self_test(Caller(ScriptedModel(json.dumps({"text": text}))))
    assert (problem in outcome.problem) if problem else outcome.problem == ""


def run(folder: Path, *arguments: str) -> Result:
    group = CrossrecGroup(name="crossrec")
    return CliRunner().invoke(group, ["language", "describe", *arguments, "-w", str(folder)])


def test_the_command_describes_edits_keeps_and_drops(own: Engine) -> None:
    folder = own.workspace.path
    done = run(folder, "ecommerce", "--user", "u4")
    assert "Likes: kitchen" in done.output
    assert "Worded by template" in done.output
    done = run(folder, "ecommerce", "--user", "u4", "--edit", "Likes: tools", "--keep")
    assert done.exit_code != 0, "no consent"
    done = run(folder, "ecommerce", "--user", "u4", "--edit", "Only: tools", "--keep", "--consent")
    assert done.exit_code == 0, done.output
    done = run(folder, "ecommerce", "--user", "u4", "--kept", "--json")
    assert json.loads(done.stdout)["text"] == "Only: tools"
    assert run(folder, "ecommerce", "--user", "u4", "--drop").output == "deleted\n"
    assert run(folder, "ecommerce", "--user", "u4", "--drop").output == "there was none\n"
    assert run(folder, "ecommerce", "--user", "u4", "--kept").exit_code != 0
    assert run(folder, "ecommerce", "--keep", "--edit", "x").exit_code != 0


def test_the_command_describes_a_history_as_json(shop_folder: Path) -> None:
    done = run(shop_folder, "ecommerce", "--history", "p0,p1,p3", "--json")
    assert json.loads(done.stdout)["facts"]["creators"] == ["Ironwood"]
