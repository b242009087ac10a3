"""Free words as conditions and preferences: by rules, on catalogues of known names."""

from __future__ import annotations

from typing import Any

import pytest
from crossrec.components.live_items import LiveItems
from crossrec.data.catalog import Catalog
from crossrec.data.vocabulary import Vocabulary
from crossrec.expressions import Scope, parse_expression
from crossrec.expressions.values import TRUE
from crossrec.scenario import ItemField, ItemSchema
from crossrec.testing import toy
from crossrec_language.features.intent.parse import parse_wish
from crossrec_language.features.intent.ranges import number
from crossrec_language.features.intent.vocabulary import catalog_words, folded_words
from crossrec_language.features.intent.wish import LESS, PREFERRED, Wish, has_one, quoted
from hypothesis import given, settings
from hypothesis import strategies as st

SHOP = LiveItems(toy.shop().dataset.catalog, toy.SCHEMA)
FILMS_SCHEMA = ItemSchema(
    (
        ItemField("title"),
        ItemField("categories", "category"),
        ItemField("production_year", "number"),
        ItemField("duration_s", "number"),
        ItemField("persons", "category"),
        ItemField("language", "category"),
    ),
    "{title}. {categories}",
)
FILMS = {
    "scream": ("Scream", ["Horror", "Thriller"], 1996, 111, ["Neve Campbell"]),
    "alien": ("Alien", ["Horror", "Science Fiction"], 1979, 117, ["Sigourney Weaver"]),
    "heat": ("Heat", ["Crime", "Thriller"], 1995, 170, ["Al Pacino", "Robert De Niro"]),
    "elf": ("Elf", ["Comedy"], 2003, 97, ["Will Ferrell"]),
    "up": ("Up", ["Animation", "Comedy"], 2009, 96, []),
    "lola": ("Run Lola Run", ["Thriller"], 1998, 81, ["Franka Potente"]),
    "blank": ("Untitled", [], None, None, []),
}


def films() -> LiveItems:
    names = ("title", "categories", "production_year", "minutes", "persons")
    records: dict[str, dict[str, Any]] = {}
    for key, row in FILMS.items():
        fields = dict(zip(names, row, strict=True))
        minutes = fields.pop("minutes")
        records[key] = {**fields, "duration_s": None if minutes is None else minutes * 60}
    ids = Vocabulary(records)
    return LiveItems(Catalog.from_records(ids, records, FILMS_SCHEMA), FILMS_SCHEMA)


VIDEO = films()


def wish(text: str, items: LiveItems = VIDEO) -> Wish:
    return parse_wish(text, catalog_words(items))


def admitted(text: str, items: LiveItems = VIDEO) -> set[str]:
    """Return the ids that the conditions of a wish admit."""
    import numpy as np

    found = wish(text, items).filter
    ids = items.catalog.items.ids
    if not found:
        return set(ids)
    expression = parse_expression(found)
    expression.check(items)
    scope = Scope(items, 0.0, None, np.zeros(0, dtype=np.int64), {}, {})
    state = np.broadcast_to(expression.true(scope), (len(ids),))
    return {one for one, value in zip(ids, state.tolist(), strict=True) if value == TRUE}


ALL = set(FILMS)
HORROR, THRILLER, COMEDY = {"scream", "alien"}, {"scream", "heat", "lola"}, {"elf", "up"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("something funny", ALL),
        ("no horror", ALL - HORROR),
        ("No Horror, please", ALL - HORROR),
        ("not horror", ALL - HORROR),
        ("I don't like horror", ALL - HORROR),
        ("anything but thrillers", ALL - THRILLER),
        ("without horror or thriller", ALL - HORROR - THRILLER),
        ("no horror, thriller or crime", ALL - HORROR - THRILLER),
        ("no horror, thriller, or crime", ALL - HORROR - THRILLER),
        ("no horror, comedy", ALL - HORROR),
        ("no horror and no comedies", ALL - HORROR - COMEDY),
        ("nothing with Al Pacino", ALL - {"heat"}),
        ("no science fiction", ALL - {"alien"}),
        ("kein Horror", ALL - HORROR),
        ("ohne Thriller", ALL - THRILLER),
        ("nicht Horror, aber lustig", ALL - HORROR),
        ("sin horror", ALL - HORROR),
        ("only comedy", COMEDY),
        ("only comedy or crime", COMEDY | {"heat"}),
        ("nur Comedy", COMEDY),
        ("only thriller, no horror", THRILLER - HORROR),
        ("not only comedy", ALL),
        ("nothing but horror after 1990", {"scream"}),
        ("no films called Heat", ALL),
        ("not Heat", ALL - {"heat"}),
        ("after 1998", {"elf", "up"}),
        ("nothing before 1998", {"elf", "up", "lola"}),
        ("nothing made before 1998, no horror", {"elf", "up", "lola"}),
        ("not longer than 100 minutes", {"elf", "up", "lola"}),
        ("since 1998", {"elf", "up", "lola"}),
        ("before 1980", {"alien"}),
        ("older than 1980", {"alien"}),
        ("from the 90s", {"scream", "heat", "lola"}),
        ("in the 1970s", {"alien"}),
        ("from the 2000s", {"elf", "up"}),
        ("90er", {"scream", "heat", "lola"}),
        ("between 1979 and 1996", {"alien", "scream", "heat"}),
        ("under 100 minutes", {"elf", "up", "lola"}),
        ("at most 96 min", {"up", "lola"}),
        ("shorter than 1.5 hours", {"lola"}),
        ("longer than 2 hours", {"heat"}),
        ("at least 117 minutes", {"alien", "heat"}),
        ("90-100 minutes", {"elf", "up"}),
        ("weniger als 90 Minuten", {"lola"}),
        ("a thriller under 2 hours, no horror", ALL - HORROR - {"heat", "blank"}),
        ("no horror, under 100 minutes, after 2000", {"elf", "up"}),
    ],
)
def test_what_a_wish_admits(text: str, expected: set[str]) -> None:
    assert admitted(text) == expected


def test_what_names_nothing_is_said() -> None:
    found = wish("no zebras")
    assert found.filter == ""
    assert "names nothing here" in found.notes[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("under 20 euro", {"p0", "p1", "p4", "p7", "p9"}),
        ("under €20", {"p0", "p1", "p4", "p7", "p9"}),
        ("up to 19 €", {"p0", "p1", "p4", "p7", "p9"}),
        ("unter 10 Euro", {"p1", "p4"}),
        ("bis 9,90 Euro", {"p1", "p4"}),
        ("over 40 dollars", {"p2", "p6"}),
        ("between 20 and 30 euros", {"p3", "p8", "p10"}),
        ("20 to 30 euro", {"p3", "p8", "p10"}),
        ("no tools, under 20 euro", {"p7", "p9"}),
        ("by Voltary", {"p2", "p10"}),
        ("something for the kitchen by Greenleaf under 20", {"p7", "p9"}),
        ("kitchen, not by Maison Rouge", {f"p{n}" for n in range(12)} - {"p5", "p6"}),
        ("no hammer", {f"p{n}" for n in range(12)} - {"p0"}),
        ("only fixings", {"p1"}),
    ],
)
def test_what_a_wish_admits_in_a_shop(text: str, expected: set[str]) -> None:
    assert admitted(text, SHOP) == expected


def test_what_is_liked_is_a_preference_and_part_of_the_description() -> None:
    found = wish("a thriller with rain, no horror")
    kinds = [(part.kind, part.words) for part in found.parts]
    assert kinds == [("prefer", "thriller"), ("avoid", "no horror")]
    assert found.text == "a thriller with rain"
    assert found.boost == f"CASE WHEN categories IN ('Thriller') THEN {PREFERRED} ELSE 1 END"


def test_less_and_more_move_without_excluding() -> None:
    found = wish("less thriller, more comedy")
    assert [part.kind for part in found.parts] == ["less", "prefer"]
    assert found.filter == ""
    assert found.boost.count(f"THEN {LESS}") == 1
    assert found.text == "comedy"


def test_cheaper_compares_with_the_history() -> None:
    import numpy as np

    found = wish("something cheaper", SHOP)
    expression = parse_expression(found.filter)
    own = np.array([5, 6])  # 39 and 45
    state = expression.true(Scope(SHOP, 0.0, None, own, {}, {}))
    prices = SHOP.numbers("price", float_or_nan)
    assert [value == TRUE for value in state.tolist()] == [price < 42 for price in prices]
    assert admitted("something cheaper", SHOP) == {f"p{n}" for n in range(12)}, "no history"


def float_or_nan(value: Any) -> float:
    return float("nan") if value is None else float(value)


@pytest.mark.parametrize("text", ["under 20 euro", "cheaper", "120 bpm or more than 120 bpm"])
def test_what_cannot_be_checked_is_said(text: str) -> None:
    found = wish(text)
    assert found.filter == ""
    assert "cannot be checked" in found.notes[0]


def test_a_name_with_quotes_is_quoted() -> None:
    assert quoted("Rock 'n' Roll") == "'Rock ''n'' Roll'"
    schema = ItemSchema((ItemField("title"), ItemField("categories", "category")), "{title}")
    records = {"a": {"title": "x", "categories": ["Rock 'n' Roll"]}, "b": {"title": "y"}}
    catalog = Catalog.from_records(Vocabulary(records), records, schema)
    assert admitted("no rock 'n' roll", LiveItems(catalog, schema)) == {"b"}


def test_a_field_with_spaces_is_quoted() -> None:
    schema = ItemSchema((ItemField("title"), ItemField("mood of day", "category")), "{title}")
    records = {"a": {"title": "x", "mood of day": ["calm"]}, "b": {"title": "y"}}
    items = LiveItems(Catalog.from_records(Vocabulary(records), records, schema), schema)
    assert admitted("nothing calm", items) == {"b"}


def test_the_last_part_of_a_path_names_it() -> None:
    schema = ItemSchema((ItemField("title"), ItemField("categories", "category")), "{title}")
    records = {
        "a": {"title": "x", "categories": ["Music > Jazz"]},
        "b": {"title": "y", "categories": ["Vinyl > Jazz"]},
        "c": {"title": "z", "categories": ["Vinyl > Rock"]},
    }
    items = LiveItems(Catalog.from_records(Vocabulary(records), records, schema), schema)
    assert admitted("no jazz", items) == {"c"}
    assert catalog_words(items).names["jazz"].values == ("Music > Jazz", "Vinyl > Jazz")
    assert has_one("categories", ("a", "b")) == "categories IN ('a', 'b')"


@pytest.mark.parametrize(
    ("text", "value"),
    [("20", 20), ("19.99", 19.99), ("19,99", 19.99), ("1,000", 1000), ("€ 1.500", 1500),
     ("$12", 12), ("1,250.50", 1250.5)],
)  # fmt: skip
def test_numbers_as_people_write_them(text: str, value: float) -> None:
    assert number(text) == value


def test_words_are_folded() -> None:
    found = folded_words("Comedies' Thrillers GLASS Café movies movie")
    assert found == ["comedy", "thriller", "glass", "cafe", "movy", "movy"]


@settings(deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_read_and_its_filter_can_be_computed(text: str) -> None:
    admitted(text)


PIECES = (
    "no", "not by", "only", "less", "horror", "comedy", "and", "or", ",", "under 20 euro", "%",
    "after 1990", "Al Pacino", "cheaper", "by", "between 3 and", "'", "(", "a lamp", "nothing but",
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=9))
def test_any_mixture_of_the_grammar_is_read(pieces: list[str]) -> None:
    text = " ".join(pieces)
    admitted(text)
    assert wish(text).words == text
