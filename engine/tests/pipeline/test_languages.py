"""Answers in other languages: what is worded, what stays English, and that it is named."""

from __future__ import annotations

import pytest
from crossrec.components.evidence import Reason
from crossrec.components.slate import Change, Slate, SlateItem
from crossrec.components.wording import WordingRequest
from crossrec.errors import UsageError
from crossrec.pipeline.config_files import parse_config
from crossrec.pipeline.languages import checked_language, in_language
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.testing.toy_sources import Popular, registry_of

SLATE = Slate(
    (
        SlateItem(0, "a", 1.0, "A", (Reason("s", "popular: 7 people", values={"people": 7}),)),
        SlateItem(1, "b", 0.5, "B", (Reason("t", "similar text to “A”", ("a",)),)),
        SlateItem(2, "c", 0.3, "C", (Reason("s", "popular: 7 people", values={"people": 7}),)),
    ),
    changes=(
        Change("availability", "d", "dropped", "expired", {"at": 1_700_000_000.0}),
        Change("availability", "e", "dropped", "hidden"),
    ),
)


class Caps:
    """Capital letters, as a language of its own."""

    name, cost = "caps-1", 0.0

    def complete(self, prompts, *, max_tokens, seed):
        found = [WordingRequest.parse(prompt) for prompt in prompts]
        return [f" {one.text.upper()}\n" for one in found]


class Counting(Caps):
    """Remembers what it was given."""

    built = 0

    def __init__(self):
        type(self).built += 1
        type(self).prompts = []

    def complete(self, prompts, *, max_tokens, seed):
        self.prompts.append(list(prompts))
        return super().complete(prompts, max_tokens=max_tokens, seed=seed)


class Costly(Caps):
    """Is paid for by the word."""

    cost = 2.0


class Inventive(Caps):
    """Gives other numbers and titles."""

    def complete(self, prompts, *, max_tokens, seed):
        return ["beliebt: 8 Personen, wie “B”"] * len(prompts)


class Raises(Caps):
    """Is out of order."""

    def complete(self, prompts, *, max_tokens, seed):
        raise OSError("no line to the model")


class Exits(Caps):
    """Ends the process."""

    def complete(self, prompts, *, max_tokens, seed):
        raise SystemExit(2)


class Short(Caps):
    """Answers the first prompt only."""

    def complete(self, prompts, *, max_tokens, seed):
        return super().complete(prompts[:1], max_tokens=max_tokens, seed=seed)


class Wordless(Caps):
    """Gives nothing."""

    def complete(self, prompts, *, max_tokens, seed):
        return [None] * len(prompts)


class Unbuilt(Caps):
    """Cannot be built."""

    def __init__(self):
        raise MemoryError("the model needs 80 GB")


MODELS = {
    "caps": Caps, "counting": Counting, "costly": Costly, "inventive": Inventive, "raises": Raises,
    "exits": Exits, "short": Short, "wordless": Wordless, "unbuilt": Unbuilt,
}  # fmt: skip


@pytest.fixture(scope="module")
def resolve():
    registry = registry_of(candidate_generators={"popular": Popular}, language_models=MODELS)

    def resolve(name=None, **settings):
        values = {"sources": [{"name": "popular"}]}
        if name:
            values["wording"] = {"language_model": name, "settings": settings}
        return resolve_pipeline(parse_config(values, "test"), registry)

    return resolve


@pytest.fixture(scope="module")
def word(resolve):
    def word(name=None, language="de", slate=SLATE):
        return in_language(slate, language, resolve(name).language_model)

    return word


def texts(slate):
    return [reason.text for item in slate.items for reason in item.reasons] + [
        change.why for change in slate.changes
    ]


def test_by_the_shipped_templates_unless_the_pipeline_says_otherwise(word):
    after = word()
    assert texts(after) == [
        "beliebt: 7 Personen",
        "ähnlich beschrieben wie “A”",
        "beliebt: 7 Personen",
        "abgelaufen seit 2023-11-14 22:13 UTC",
        "verborgen",
    ]
    assert after.degraded == ()
    assert after.to_dict()["changes"][0]["why"] == "abgelaufen seit 2023-11-14 22:13 UTC"
    assert after.item_ids == SLATE.item_ids
    assert [c.code for c in after.changes] == ["expired", "hidden"], "codes stay for programs"
    assert texts(SLATE)[4] == "hidden", "the answer that was given is a value"


def test_the_configured_model_words_each_text_once(word):
    after = word("counting")
    assert texts(after)[:2] == ["POPULAR: 7 PEOPLE", "SIMILAR TEXT TO “A”"]
    ((*prompts,),) = Counting.prompts
    assert len(prompts) == 4
    first = WordingRequest.parse(prompts[0])
    assert first == WordingRequest("de", "popular: 7 people", values={"people": 7})
    assert WordingRequest.parse(prompts[2]).values == {"at": "2023-11-14 22:13 UTC"}


def test_a_model_is_built_once_and_only_where_a_language_is_wanted(resolve):
    Counting.built = 0
    resolved = resolve("counting")
    resolved.refuse_unusable()
    assert Counting.built == 0
    for _ in range(3):
        in_language(SLATE, "de", resolved.language_model)
    assert Counting.built == 1


def test_what_it_cost_is_noted(word):
    (note,) = word("costly").notes
    assert note.startswith("worded by caps-1 for about $0.")
    assert word("caps").notes == ()


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("raises", "OSError: no line to the model"),
        ("exits", "SystemExit: 2"),
        ("short", "1 texts for 4 prompts"),
        ("wordless", "no list of texts"),
        ("unbuilt", "the model needs 80 GB"),
    ],
)
def test_a_model_that_fails_leaves_english_and_is_named(word, name, error):
    after = word(name)
    assert texts(after) == texts(SLATE)
    ((component, said),) = [(one.component, one.error) for one in after.degraded]
    assert component == f"language model {name}"
    assert error in said


def test_wording_that_changes_a_number_or_a_title_is_not_believed(word):
    after = word("inventive")
    assert texts(after)[:4] == texts(SLATE)[:4]
    (one,) = after.degraded
    assert one.error == (
        "3 of 4 texts stay English: no faithful wording in 'de', such as of 'popular: 7 people'"
    )


def test_a_language_without_templates_is_named(word):
    after = word(language="fr")
    assert texts(after) == texts(SLATE)
    assert "no templates for the language 'fr'" in after.degraded[0].error


def test_an_answer_without_texts_needs_no_model(word):
    assert word("raises", slate=Slate(())) == Slate(())


def test_an_unknown_model_is_refused_at_the_fit(resolve):
    with pytest.raises(UsageError, match="unknown language model 'cups': did you mean 'caps'"):
        resolve("cups").refuse_unusable()


@pytest.mark.parametrize("tag", ["de", "pt-BR", "zh-Hant-TW", "deu"])
def test_languages(tag):
    assert checked_language(tag) == tag


@pytest.mark.parametrize("tag", ["", "german language", "../de", "d", "de_DE", "de\n", 3])
def test_what_is_no_language(tag):
    with pytest.raises(UsageError, match="is no language: write a tag such as de or pt-BR"):
        checked_language(tag)
