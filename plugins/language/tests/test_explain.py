"""Explanations: every statement is true, ranked by what it rests on, and no model adds to it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from crossrec.cli.root import CrossrecGroup
from crossrec.components.live_items import LiveItems
from crossrec.errors import UsageError
from crossrec.pipeline.engine import Engine
from crossrec.testing import toy
from crossrec_language.calls.caller import Caller
from crossrec_language.features.explain.explain import (
    Explanation,
    explain_recommendation,
    reviews_of,
)
from crossrec_language.features.explain.paraphrase import is_faithful, self_test
from crossrec_language.features.explain.review_phrases import judged, phrases_of
from crossrec_language.features.explain.statements import (
    Statement,
    from_history,
    from_item,
    from_reviews,
    ranked,
)
from crossrec_language.testing.models import BROKEN_ANSWERS, ScriptedModel
from hypothesis import given
from hypothesis import strategies as st

ITEMS = LiveItems(toy.shop().dataset.catalog, toy.SCHEMA)
REVIEWS = (
    "Great handle. The blade is really sharp!",
    "A sharp blade and a great handle",
    "The handle is not great. Weak box.",
    "I love it",
)
ORDERS = [
    case["text"]
    for case in json.loads(Path(__file__).with_name("injections.json").read_text("utf-8"))
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Great voice!", {("voice", True)}),
        ("the voice is great", {("voice", True)}),
        ("The songs were really very good.", {("song", True)}),
        ("terrible sound quality", {("sound", False)}),
        ("not a great voice", set()),
        ("the voice isn't great", set()),
        ("no good songs here", set()),
        ("great. Voice", set()),
        ("a great, great voice", {("voice", True)}),
        ("great one, good thing", set()),
        ("great voice, great voices, weak lyrics", {("voice", True), ("lyric", False)}),
        ("the bass is good", {("bass", True)}),
        ("Großartige Stimme", set()),
        ("", set()),
    ],
)
def test_what_a_review_judges(text: str, expected: set[tuple[str, bool]]) -> None:
    assert set(judged(text)) == expected


def test_phrases_are_counted_by_review() -> None:
    phrases = phrases_of(REVIEWS)
    assert [(one.noun, one.good, one.reviews, one.of) for one in phrases] == [
        ("blade", True, 2, 4),
        ("handle", True, 2, 4),
        ("box", False, 1, 4),
    ]
    assert phrases[0].as_written == "sharp blade"


@given(st.lists(st.text(alphabet="great voice is not weak .,", max_size=60), max_size=6))
def test_a_phrase_is_in_as_many_reviews_as_it_says(texts: list[str]) -> None:
    for one in phrases_of(texts):
        assert one.of == len(texts)
        assert one.reviews == sum(one.key in judged(text) for text in texts)
        judging, noun = one.as_written.split()
        having = [text for text in texts if judging in text and noun in text]
        assert 1 <= one.reviews <= len(texts)
        assert having


def test_statements_of_reviews_need_two_reviews() -> None:
    assert [one.text for one in from_reviews(phrases_of(REVIEWS))] == [
        "2 of 4 reviews praise the blade",
        "2 of 4 reviews praise the handle",
    ]


def test_statements_of_the_item_are_its_fields() -> None:
    assert [one.text for one in from_item(ITEMS, 1)] == [
        "from Ironwood",
        "filed under tools",
        "filed under fixings",
    ]
    assert from_item(ITEMS, 11) == [], "of an item without fields nothing is known"


def test_statements_of_the_history_count_what_is_shared() -> None:
    found = from_history(ITEMS, 4, [0, 2, 3, 3, 5])
    assert [(one.text, one.support) for one in found] == [
        ("from Ironwood, as 2 items of your history", 2),
        ("filed under tools, as 3 items of your history", 3),
        ("costs 9.9, less than the usual 39 of your history", 1),
    ]
    assert from_history(ITEMS, 4, [4]) == [], "the item itself is no history"
    assert from_history(ITEMS, 4, [5]) == []


def test_an_item_that_is_not_cheaper_is_not_called_so() -> None:
    assert not any("costs" in one.text for one in from_history(ITEMS, 2, [0, 1, 3]))


def test_statements_are_ranked_by_kind_and_by_what_they_rest_on() -> None:
    given_ = [
        Statement("item", "a", 9),
        Statement("reviews", "b", 2),
        Statement("reviews", "c", 5),
        Statement("model", "d", 1),
        Statement("reviews", "c", 5),
        *(Statement("reviews", f"r{n}", 1) for n in range(9)),
    ]
    assert [one.text for one in ranked(given_)] == ["d", "c", "b", "r0", "a"]


@pytest.mark.parametrize(
    ("text", "faithful"),
    [
        ("The voice is praised by 4 of 12 reviewers.", True),
        ("4 of 12 people praise its voice", True),
        ("4 of 12 reviews praise the voice", True),
        ("5 of 12 reviews praise the voice", False),
        ("4 of 12 reviews praise the voice and the cover", False),
        ("Most of the 12 reviews, 4, praise the voice", False),
        ("4 of 12 reviews do not praise the voice", False),
        ("4 of 12 reviews never praise the voice", False),
        ("All 4 of 12 reviews praise the voice", False),
        ("4 von 12 Rezensionen loben die Stimme", False),
        ("4 of 12", False),
        ("", False),
        ("The voice is great. Visit https://evil.example 4 12", False),
        ("4 of 12 reviews praise the wonderful voice", False),
    ],
)
def test_what_is_faithful(text: str, faithful: bool) -> None:
    assert is_faithful(text, "4 of 12 reviews praise the voice") is faithful


def test_titles_stay() -> None:
    statement = "similar text to “Claw hammer” and “Wood screws”"
    assert is_faithful("It has a text similar to “Claw hammer” and “Wood screws”", statement)
    assert not is_faithful("It has a text similar to “Claw hammer”", statement)


@given(st.text(max_size=100))
def test_a_statement_is_faithful_to_itself_and_to_nothing_it_does_not_say(text: str) -> None:
    statement = "4 of 12 reviews praise the voice"
    assert is_faithful(statement, statement)
    assert not is_faithful(f"{statement} zebra {text}", statement)


def why(shop: Engine, item: str = "p4", caller: Caller | None = None) -> Explanation:
    return explain_recommendation(
        shop, "ecommerce", item, history=["p0", "p1", "p2"], caller=caller, reviews=REVIEWS
    )


def test_an_explanation_is_worded_by_templates(shop: Engine) -> None:
    found = why(shop)
    assert found.model == "template"
    assert {one.kind for one in found.statements} == {"model", "history", "reviews"}
    assert "2 of 4 reviews praise the handle." in found.text
    assert "From Ironwood, as 2 items of your history." in found.text
    assert found.text.count("tools") == 1, "what the history shares is said once"
    assert found.degraded == ()


def test_every_statement_can_be_looked_up(shop: Engine) -> None:
    items = shop.serving("ecommerce").items
    for one in why(shop).statements:
        if "field" in one.source:
            value = items.value(one.source["field"], items.catalog.items.index("p4"))
            assert one.source["value"] in (value if isinstance(value, tuple) else (value,))
        elif "noun" in one.source:
            assert sum(one.source["noun"] in text.casefold() for text in REVIEWS) >= one.support
        else:
            views = shop.explain("ecommerce", "p4", history=["p0", "p1", "p2"]).sources
            assert one.text in {
                view.reason for view in views if view.source == one.source["source"]
            }


def test_faithful_rewordings_are_used_and_others_dropped(shop: Engine) -> None:
    answer = {
        "statements": [
            {"statement": "c3", "text": "Filed under tools, as are 3 items of your history."},
            {"statement": "c4", "text": "From Ironwood, the best maker of all."},
            {"statement": "c99", "text": "Buy it now"},
        ]
    }
    found = why(shop, caller=Caller(ScriptedModel(json.dumps(answer))))
    assert "Filed under tools, as are 3 items of your history." in found.text
    assert "From Ironwood, as 2 items of your history." in found.text
    assert found.dropped == ("From Ironwood, the best maker of all.", "Buy it now")
    assert found.model == "scripted"


@pytest.mark.parametrize("name", BROKEN_ANSWERS)
def test_what_a_model_breaks_changes_no_statement(shop: Engine, name: str) -> None:
    found = why(shop, caller=Caller(ScriptedModel(BROKEN_ANSWERS[name])))
    assert found.text == why(shop).text
    assert found.model == "template"
    assert found.degraded


@pytest.mark.parametrize("order", ORDERS)
def test_an_order_in_a_review_says_nothing(shop: Engine, order: str) -> None:
    """With a model that obeys, and leaks all that it was sent."""

    def obeying(prompt: str) -> str:
        statement = {"statement": "c1", "text": f"{order} {prompt}"[:290]}
        return json.dumps({"statements": [statement]})

    model = ScriptedModel(obeying)
    plain = why(shop)
    found = explain_recommendation(
        shop, "ecommerce", "p4", history=["p0", "p1", "p2"],
        caller=Caller(model), reviews=(*REVIEWS, order),
    )  # fmt: skip
    kinds = [one.text for one in found.statements if one.kind != "reviews"]
    assert kinds == [one.text for one in plain.statements if one.kind != "reviews"]
    assert order not in found.text
    assert all(order not in prompt for prompt in model.prompts)


def test_no_id_is_sent(shop: Engine) -> None:
    model = ScriptedModel("no")
    explain_recommendation(shop, "ecommerce", "p4", "u1", caller=Caller(model))
    assert "u1" not in model.prompts[0]
    assert '"p4"' not in model.prompts[0]


def test_an_unknown_item_is_refused(shop: Engine) -> None:
    with pytest.raises(UsageError, match="not in the fitted catalog"):
        why(shop, "zzz")


def test_the_newest_reviews_of_an_item_are_read() -> None:
    data = toy.with_reviews(toy.shop()).dataset
    texts = reviews_of(data, 0)
    assert len(texts) == int((data.events.items == 0).sum())
    assert all("stars for" in text for text in texts)
    assert reviews_of(data, -1) == []
    assert reviews_of(toy.shop().dataset, 0) == []


@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        (("The voice is praised by 4 of 12 reviews", "Filed under Jazz"), ""),
        (("The voice is praised", "It is jazz, filed under Jazz"), ""),
        (("Great!", "Wow"), "neither"),
    ],
)
def test_the_self_test_knows_right_from_wrong(texts: tuple[str, str], problem: str) -> None:
    rows = [{"statement": f"c{n}", "text": text} for n, text in enumerate(texts, 1)]
    outcome = self_test(Caller(ScriptedModel(json.dumps({"statements": rows}))))
    assert (problem in outcome.problem) if problem else outcome.problem == ""


def run(folder: Path, *arguments: str) -> Result:
    group = CrossrecGroup(name="crossrec")
    return CliRunner().invoke(group, ["language", "explain", *arguments, "-w", str(folder)])


def test_the_command_shows_statements_and_what_they_rest_on(shop_folder: Path) -> None:
    done = run(shop_folder, "ecommerce", "p4", "--user", "u4")
    assert done.exit_code == 0, done.output
    assert "(worded by template)" in done.output
    assert "From Ironwood" in done.output
    answer = json.loads(run(shop_folder, "ecommerce", "p4", "--user", "u0", "--json").stdout)
    assert any(one["kind"] == "history" for one in answer["statements"])
