"""The languages of a catalogue, and the encoder that it gets."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from crossrec.components.run import RunOptions
from crossrec.data.catalog import Catalog
from crossrec_text.language import auto
from crossrec_text.language.auto import AutoConfig, AutoEncoder, installed
from crossrec_text.language.mix import LanguageMix, language_mix, latin_language, scripts_of
from crossrec_text.language.words import BLOCKS, ENGLISH, FUNCTION_WORDS, MARKED
from hypothesis import given
from hypothesis import strategies as st

CatalogOf = Callable[..., Catalog]
ENGLISH_TEXTS = [
    "Steel rake for the garden",
    "Set of brushes",
    "Nail polish",
    "A lamp with a dimmer",
]
GERMAN_TEXTS = ["Rechen für den Garten", "Pinsel und Farbe", "Nagellack", "Lampe mit Schalter"]
CHINESE_TEXTS = ["花园钢耙", "刷子套装", "指甲油", "可调光台灯"]


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Steel drill", "Latin"),
        ("Bücher", "Latin"),
        ("无线鼠标 iPhone", "Chinese"),
        ("ワイヤレスマウス 東京", "Japanese"),
        ("東京の地図", "Japanese"),
        ("무선 마우스", "Korean"),
        ("беспроводная мышь", "Russian"),
        ("ασύρματο ποντίκι", "Greek"),
        ("فأرة لاسلكية", "Arabic"),
        ("עכבר אלחוטי", "Hebrew"),
        ("वायरलेस माउस", "Hindi"),
        ("เมาส์ไร้สาย", "Thai"),
        ("12 × 30 %", ""),
        ("🔥🔥", ""),
        ("", ""),
    ],
)
def test_scripts(text: str, script: str) -> None:
    assert scripts_of([text]) == [script]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Steel rake for the garden", ENGLISH),
        ("Rechen für den Garten und die Terrasse", "German"),
        ("Lampe avec une ampoule", "French"),
        ("El perro y los gatos del barrio", "Spanish"),
        ("Il gatto e gli uccelli della casa", "Italian"),
        ("O gato não está em casa, você sabe", "Portuguese"),
        ("Het boek is niet voor een kind", "Dutch"),
        ("En bok för barn och vuxna", "Scandinavian"),
        ("Książka dla dzieci oraz dorosłych", "Polish"),
        ("Bir kedi ve bir köpek için", "Turkish"),
        ("Steel drill bit set", ""),
        ("Amélie", ""),
        ("Crème brûlée", MARKED),
        ("The Vie de la Bohème of the city", ENGLISH),
    ],
)
def test_latin_languages(text: str, language: str) -> None:
    assert latin_language(text) == language


def test_all_texts_at_once_are_as_each_alone() -> None:
    texts = ["Steel\nrake", "无线鼠标", "", "мышь", "東京の"]
    assert scripts_of(texts) == [scripts_of([text])[0] for text in texts]
    assert scripts_of([]) == []


@given(st.lists(st.text(max_size=30), max_size=20))
def test_any_texts_have_a_mix(texts: list[str]) -> None:
    mix = language_mix(texts)
    assert mix.texts <= len(texts)
    assert 0 <= mix.foreign <= 1
    assert list(mix.shares.values()) == sorted(mix.shares.values(), reverse=True)
    if mix.texts:
        assert sum(mix.shares.values()) == pytest.approx(1)
    else:
        assert mix.foreign == 0


def test_undecided_texts_count_as_the_others() -> None:
    mix = language_mix(GERMAN_TEXTS)
    assert mix.shares == {"German": 1.0}
    mixed = language_mix([*ENGLISH_TEXTS, *GERMAN_TEXTS])
    assert mixed.foreign == pytest.approx(1 / 2)
    assert mixed.languages == ("German",)


def test_marked_letters_alone_show_a_language_where_they_are_many() -> None:
    """Hungarian is in no table; Björk and Motörhead are names."""
    hungarian = ["Kerti gereblye és ásó", "Körömlakk piros színű", "Asztali lámpa kapcsolóval"]
    assert language_mix([*hungarian] * 3).foreign == 1
    names = ["Björk Guðmundsdóttir", "Motörhead Live"]
    assert language_mix([*ENGLISH_TEXTS * 5, *names]).foreign == 0


def test_names_and_brands_alone_are_english() -> None:
    """A catalogue of names shows next to nothing: one foreign word does not decide over it."""
    mix = language_mix(["Acme 3000", "Drill bit", "Bosch", "Vortex", "Los Lobos", *["Sony"] * 20])
    assert mix.shares[ENGLISH] > 0.9


def test_an_even_sample_of_a_large_catalogue_decides() -> None:
    texts = [*["Set of brushes"] * 30_000, *CHINESE_TEXTS * 2_500]
    mix = language_mix(texts)
    assert mix.foreign == pytest.approx(0.25, abs=0.01)
    assert mix.texts < 5_000


def test_the_table_of_words_is_sound() -> None:
    english = FUNCTION_WORDS[ENGLISH]
    for language, words in FUNCTION_WORDS.items():
        assert language == ENGLISH or not english & words, language
        assert all(word == word.lower() and word.isalpha() for word in words)
    starts = [start for start, _ in BLOCKS]
    assert starts == sorted(set(starts))
    assert starts[0] == 0


@pytest.fixture
def everything(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let only some encoders be installed."""

    def only(*names: str) -> None:
        monkeypatch.setattr(auto, "installed", lambda name: name in names)

    only("transformer", "minilm-int8", "use", "e5")
    return only


@pytest.mark.parametrize(
    ("texts", "name", "why"),
    [
        (ENGLISH_TEXTS, "transformer", "100% of 4 texts are in English"),
        (CHINESE_TEXTS, "use", "100% of 4 texts are not in English (Chinese)"),
        (GERMAN_TEXTS, "use", "100% of 4 texts are not in English (German)"),
        (["En bok för barn och vuxna"], "e5", "100% of 1 texts are not in English (Scandinavian)"),
        (["ασύρματο ποντίκι"], "e5", "100% of 1 texts are not in English (Greek)"),
        ([*ENGLISH_TEXTS * 5, "指甲油"], "transformer", "95% of 21 texts are in English"),
        (
            [*ENGLISH_TEXTS * 2, *CHINESE_TEXTS],
            "use",
            "33% of 12 texts are not in English (Chinese)",
        ),
        (["", " "], "transformer", "no texts"),
        ([], "transformer", "no texts"),
    ],
)
def test_the_languages_choose(
    texts: list[str], name: str, why: str, catalog_of: CatalogOf, everything: Callable[..., None]
) -> None:
    chosen = AutoEncoder().choose(catalog_of(texts))
    assert (chosen.name, chosen.why) == (name, why)
    assert chosen == AutoEncoder().choose(catalog_of(texts))


def test_the_share_is_a_setting(catalog_of: CatalogOf, everything: Callable[..., None]) -> None:
    catalog = catalog_of([*ENGLISH_TEXTS * 2, *CHINESE_TEXTS])
    assert AutoEncoder(AutoConfig(foreign=0.5)).choose(catalog).name == "transformer"
    assert AutoEncoder(AutoConfig(foreign=0.3)).choose(catalog).name == "use"


def test_what_is_not_installed_is_named(
    catalog_of: CatalogOf, everything: Callable[..., None]
) -> None:
    everything("transformer")
    chosen = AutoEncoder().choose(catalog_of(CHINESE_TEXTS))
    assert chosen.name == "transformer"
    assert chosen.why == (
        "100% of 4 texts are not in English (Chinese), but use is not installed: "
        "`crossrec install 'crossrec-text[multilingual]'`"
    )
    everything("minilm-int8", "e5")
    chosen = AutoEncoder().choose(catalog_of(ENGLISH_TEXTS))
    assert chosen.name == "minilm-int8"
    assert "but transformer is not installed: `crossrec install" in chosen.why
    assert AutoEncoder().choose(catalog_of(CHINESE_TEXTS)).name == "e5"
    assert "installed" not in AutoEncoder().choose(catalog_of(CHINESE_TEXTS)).why


def test_where_nothing_is_installed_the_first_choice_says_so_itself(
    catalog_of: CatalogOf, everything: Callable[..., None]
) -> None:
    everything()
    assert AutoEncoder().choose(catalog_of(ENGLISH_TEXTS)).name == "transformer"
    assert AutoEncoder().choose(catalog_of(CHINESE_TEXTS)).name == "use"


def test_every_encoder_that_is_chosen_is_registered_and_can_be_looked_for() -> None:
    from crossrec.plugins.registry import load_registry

    registered = {one.name for one in load_registry().all("encoders")}
    for names in (auto.FOR_ENGLISH, auto.FOR_LANGUAGES_OF_USE, auto.FOR_OTHERS):
        assert set(names) <= registered
        assert all(isinstance(installed(name), bool) for name in names)
    named = {*FUNCTION_WORDS, *(script for _, script in BLOCKS)}
    assert named >= auto.LANGUAGES_OF_USE, "a language that the mix never names is never read"


def test_it_encodes_as_what_it_chooses(catalog_of: CatalogOf, monkeypatch) -> None:
    from crossrec_text.tfidf_svd import TfidfSvdEncoder

    monkeypatch.setattr(auto, "FOR_ENGLISH", ("tfidf-svd",))
    monkeypatch.setattr(auto, "installed", lambda name: True)
    catalog, run = catalog_of(ENGLISH_TEXTS), RunOptions(threads=1)
    np.testing.assert_array_equal(
        AutoEncoder().encode(catalog, run), TfidfSvdEncoder().encode(catalog, run)
    )


def test_a_mix_without_texts_is_not_foreign() -> None:
    assert LanguageMix(0, {}).foreign == 0
    assert LanguageMix(3, {"German": 1.0}).foreign == 1
