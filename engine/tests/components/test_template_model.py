"""The language model that fills templates: German by hand, one's own files, and what it refuses."""

from __future__ import annotations

import re
import string
import tomllib
from importlib.resources import files

import pytest
from crossrec.components.protocols import LanguageModel
from crossrec.components.template_model import TemplateConfig, TemplateModel
from crossrec.components.wording import WordingRequest, in_english
from crossrec.errors import ConfigError, DataError
from hypothesis import given
from hypothesis import strategies as st

TEMPLATES = files("crossrec.components").joinpath("templates")


def book(language):
    return tomllib.loads(TEMPLATES.joinpath(f"{language}.toml").read_text(encoding="utf-8"))


def word(text, language="de", code="", values=None, *, most=80, folder=""):
    prompt = WordingRequest(language, text, code, values or {}).prompt()
    model = TemplateModel(TemplateConfig(folder=str(folder)))
    (answer,) = model.complete([prompt], max_tokens=most, seed=0)
    return answer


def test_is_a_language_model():
    assert isinstance(TemplateModel(), LanguageModel)


@pytest.mark.parametrize(
    ("english", "german"),
    [
        ("often together with “Rake”", "oft zusammen mit “Rake”"),
        (
            "often chosen together with “Rake” and “Hose”",
            "oft zusammen gewählt mit “Rake” und “Hose”",
        ),
        ("chosen together once with “Rake”", "einmal zusammen gewählt mit “Rake”"),
        (
            "chosen together 131 times with items such as “A” and “B”",
            "131-mal zusammen gewählt mit Artikeln wie “A” und “B”",
        ),
        ("together 3 times with “A”", "3-mal zusammen mit “A”"),
        ("popular: 1 person", "beliebt: 1 Person"),
        ("popular: 12 people, none lately", "beliebt: 12 Personen, zuletzt niemand"),
        ("popular: 3 people in the last day", "beliebt: 3 Personen am letzten Tag"),
        ("popular: 3 people in the last 7 days", "beliebt: 3 Personen in den letzten 7 Tagen"),
        (
            "rising: 5 people in the last 7 days, 2 in the 7 days before",
            "im Kommen: 5 Personen in den letzten 7 Tagen, 2 in den 7 Tagen davor",
        ),
        (
            "rising: 1 person in the last day, 0 in the day before",
            "im Kommen: 1 Person am letzten Tag, 0 am Tag davor",
        ),
        (
            "chosen by one person with similar taste, such as for “A”",
            "eine Person mit ähnlichem Geschmack, etwa für “A”, hat gewählt",
        ),
        (
            "chosen by 4 people with similar taste, such as for “A”",
            "4 Personen mit ähnlichem Geschmack, etwa für “A”, haben gewählt",
        ),
        ("shares “red wine” with “A”", "gemeinsam mit “A”: “red wine”"),
        ("from Ironwood, like “A”", "von Ironwood, wie “A”"),
        ("known already, and nothing new is left", "schon bekannt, und nichts Neues ist übrig"),
        ("a phrase that no template knows", ""),
        ("often together with", ""),
        ("popular: 20 events", ""),
        ("chosen together again and again with “A”", ""),
    ],
)  # fmt: skip
def test_evidence_in_german(english, german):
    assert word(english) == german
    request = WordingRequest("de", english)
    assert request.is_kept_by(german) == (german != "")


def test_codes_in_german():
    at = {"at": "2023-11-14 22:13 UTC"}
    assert word("expired at …", code="expired", values=at) == "abgelaufen seit 2023-11-14 22:13 UTC"
    assert word("out of stock", code="out_of_stock") == "nicht vorrätig"
    assert word("expired", code="expired") == "", "without its number there is no wording"
    assert word("paid for", code="paid_for") == ""


def test_english_stays_as_it_is():
    assert (
        word("often together with “Rake” and “Hose”", "en")
        == "often together with “Rake” and “Hose”"
    )
    assert word("…", "en", "consumed_before", {"factor": 0.5}) == in_english(
        "consumed_before", {"factor": 0.5}
    )


def test_a_region_takes_the_templates_of_its_language():
    assert word("popular: 2 people", "de-AT") == "beliebt: 2 Personen"


@given(st.text(alphabet=string.printable, min_size=1), st.integers(0, 10**9))
def test_any_title_and_number_are_kept(title, people):
    english = f"chosen by {people} people with similar taste, such as for “{title}”"
    assert WordingRequest("de", english).is_kept_by(word(english))


def test_the_german_file_words_every_code_with_the_same_numbers():
    english, german = book("en")["codes"], book("de")["codes"]
    assert english.keys() == german.keys()
    for code, words in english.items():
        assert re.findall(r"\{\w+\}", words) == re.findall(r"\{\w+\}", german[code])


def test_what_is_longer_than_wanted_is_no_answer():
    assert word("popular: 2 people", most=3) == "beliebt: 2 Personen"
    assert word("popular: 2 people", most=2) == ""


def test_own_files_go_before_the_shipped_ones(tmp_path):
    (tmp_path / "de.toml").write_text('[codes]\nhidden = "weg"\n', encoding="utf-8")
    (tmp_path / "fr.toml").write_text(
        'and = "et"\n[phrases]\n"often together with {titles}" = "souvent avec {titles}"\n',
        encoding="utf-8",
    )
    assert word("hidden", code="hidden", folder=tmp_path) == "weg"
    assert word("out of stock", code="out_of_stock", folder=tmp_path) == "nicht vorrätig"
    assert (
        word("often together with “A” and “B”", "fr", folder=tmp_path) == "souvent avec “A” et “B”"
    )


def test_a_language_without_templates_says_what_to_do():
    with pytest.raises(DataError, match=r"language 'fr', only for de, en: put fr\.toml into"):
        word("hidden", "fr")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("[codes", r"de\.toml is not valid TOML"),
        ("codes = 3", r"\[codes\] holds texts"),
        ("[phrases]\na = 3", r"\[phrases\] holds texts"),
        ("parts = 3", r"\[parts\] holds texts"),
        ("[parts]\na = 'b'", r"\[parts\.a\] holds texts"),
        ('[phrases]\n"with {a}" = "mit {b}"', r"\{b\} is not in 'with \{a\}'"),
    ],
)
def test_a_bad_file_is_named(tmp_path, text, error):
    (tmp_path / "de.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=error):
        word("hidden", code="hidden", folder=tmp_path)
