from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from crossrec.data.catalog import Catalog, render
from crossrec.data.vocabulary import Vocabulary
from crossrec.data.weights import event_weights
from crossrec.pipeline.config import load_config
from crossrec.plugins.registry import load_registry
from crossrec_ecommerce.scenario import EVENTS, ITEMS, SCENARIO, scenario

IMPORTERS = (
    "amazon14",
    "completejourney",
    "recbole",
    "retailrocket",
    "uci-online-retail",
    "unisrec",
)


def weight(name: str, value: float = np.nan) -> float:
    """Return what one event of this name counts."""
    event = SCENARIO.event(name)
    assert event is not None
    types = np.array([EVENTS.index(event)])
    return round(float(event_weights(types, np.array([value]), SCENARIO)[0]), 6)


# The names under which Google Retail, Amazon Personalize, Recombee and public sets know the events.
@pytest.mark.parametrize(
    ("public", "name"),
    [
        ("detail-page-view", "view"),
        ("View", "view"),
        ("AddDetailView", "view"),
        ("pv", "view"),
        ("add-to-cart", "add_to_cart"),
        ("addtocart", "add_to_cart"),
        ("AddCartAddition", "add_to_cart"),
        ("cart", "add_to_cart"),
        ("remove-from-cart", "remove_from_cart"),
        ("remove_from_cart", "remove_from_cart"),
        ("add-to-list", "add_to_list"),
        ("AddBookmark", "add_to_list"),
        ("fav", "add_to_list"),
        ("remove-from-list", "remove_from_list"),
        ("purchase-complete", "purchase"),
        ("Purchase", "purchase"),
        ("AddPurchase", "purchase"),
        ("transaction", "purchase"),
        ("buy", "purchase"),
        ("AddRating", "rating"),
        ("review", "rating"),
        ("refund", "refund"),
        ("Return", "refund"),
        ("IMPRESSION", "impression"),
        ("search", "search"),
        ("not interested", "not_interested"),
    ],
)
def test_public_names(public: str, name: str) -> None:
    event = SCENARIO.event(public)
    assert event is not None
    assert event.name == name


@pytest.mark.parametrize("unknown", ["", "teleport", "purchases of gold"])
def test_unknown_names(unknown: str) -> None:
    assert SCENARIO.event(unknown) is None


def test_no_name_means_two_events() -> None:
    names = [
        name.lower().replace("-", "_").replace(" ", "_")
        for event in EVENTS
        for name in (event.name, *event.aliases)
    ]
    assert len(names) == len(set(names))


def test_strengths_have_the_sign_of_their_polarity() -> None:
    for event in EVENTS:
        assert np.sign(event.strength) == event.polarity, event.name


def test_the_ladder_from_seeing_to_buying() -> None:
    ladder = ("impression", "search", "view", "add_to_list", "add_to_cart", "purchase")
    weights = [weight(name) for name in ladder]
    assert weights == sorted(set(weights))


def test_the_ladder_down() -> None:
    ladder = ("remove_from_cart", "remove_from_list", "refund")
    weights = [weight(name) for name in ladder]
    assert weights == sorted(set(weights), reverse=True)
    assert max(weights) < 0


@pytest.mark.parametrize(("stars", "expected"), [(1, -3), (2, -1.5), (3, 0), (4, 1.5), (5, 3)])
def test_stars(stars: float, expected: float) -> None:
    # Recombee's scale: (stars - 3) / 2.
    assert weight("rating", stars) == expected


@pytest.mark.parametrize("name", ["purchase", "add_to_cart", "refund"])
def test_money_and_counts_do_not_scale(name: str) -> None:
    assert weight(name, 1000.0) == weight(name)


def test_what_is_never_shown_again() -> None:
    hard = {event.name for event in EVENTS if event.consumes == "hard"}
    assert hard == {"purchase", "refund", "not_interested"}


def test_soft_consumption_wears_off() -> None:
    for event in EVENTS:
        assert (event.half_life_days is not None) == (event.consumes == "soft"), event.name


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (
            {
                "title": "Cordless drill",
                "categories": ["Tools", "Power tools"],
                "brand": "Boschmann",
                "description": "left out",
                "price": 99.0,
            },
            "Cordless drill. Tools Power tools. Boschmann",
        ),
        ({"title": "Cordless drill", "brand": "Boschmann"}, "Cordless drill. Boschmann"),
        ({"title": "Cordless drill", "categories": []}, "Cordless drill"),
        ({"categories": ["Tools > Drills"]}, "Tools > Drills"),
        ({}, ""),
    ],
)
def test_text_of_an_item(row: dict[str, object], text: str) -> None:
    assert render(ITEMS.text_template, row) == text


def test_catalog_of_records() -> None:
    records = {"d1": {"title": "Drill", "categories": "Tools|Power", "brand": "B", "price": 9.5}}
    catalog = Catalog.from_records(Vocabulary(["d1", "d2"]), records, ITEMS)
    assert catalog.titles == ("Drill", "")
    assert catalog.categories == (("Tools", "Power"), ())
    assert catalog.creators == ("B", "")
    assert catalog.attributes["price"] == (9.5, None)
    assert catalog.known.tolist() == [True, False]


def test_fields_named_by_schema_template_and_relations_exist() -> None:
    for name in (ITEMS.title, ITEMS.categories, ITEMS.creator):
        assert ITEMS.field(name) is not None
    for relation in SCENARIO.relations:
        assert ITEMS.field(relation.field) is not None, relation


def test_no_field_name_means_two_fields() -> None:
    names = [name for field in ITEMS.fields for name in (field.name, *field.aliases)]
    assert len(names) == len(set(names))


# Required and optional item columns of Amazon Personalize's ECOMMERCE domain and of Google Retail.
@pytest.mark.parametrize(
    ("public", "field"),
    [
        ("price", "price"),
        ("category_l1", "categories"),
        ("product_description", "description"),
        ("creation_timestamp", "created_at"),
        ("age_group", "age_group"),
        ("gender", "gender"),
        ("brands", "brand"),
        ("original_price", "original_price"),
        ("availability", "availability"),
    ],
)
def test_public_fields(public: str, field: str) -> None:
    found = next(f for f in ITEMS.fields if public in (f.name, *f.aliases))
    assert found.name == field


def test_surfaces() -> None:
    assert {s.name: s.input for s in SCENARIO.surfaces} == {
        "recommended_for_you": "user",
        "similar_items": "item",
    }
    assert SCENARIO.surface(SCENARIO.main_surface) is not None
    assert SCENARIO.surface("sidebar") is None


def test_the_default_event_is_a_purchase() -> None:
    event = SCENARIO.event(SCENARIO.default_event)
    assert event is not None
    assert event.name == "purchase"


def test_default_pipeline() -> None:
    config = load_config(SCENARIO)
    assert [source.name for source in config.sources] == [
        "content",
        "ease",
        "covisitation",
        "popularity",
    ]
    assert config.history == "exclude"
    assert "popularity" not in config.item_sources


def test_everything_in_the_default_pipeline_is_installed() -> None:
    config = load_config(SCENARIO)
    registry = load_registry()
    assert config.encoder in registry.names("encoders")
    assert {source.name for source in config.sources} <= set(registry.names("candidate_generators"))
    assert {policy.name for policy in config.policies} <= set(registry.names("policies"))
    assert config.sources[0].settings["encoder"] == config.encoder


def test_registered() -> None:
    registry = load_registry()
    assert registry.scenario("ecommerce") is SCENARIO
    assert scenario() is SCENARIO
    mine = {r.name for r in registry.all("importers") if r.plugin == "ecommerce"}
    assert mine == set(IMPORTERS)


@pytest.mark.parametrize("name", IMPORTERS)
def test_importers_can_be_built(name: str) -> None:
    registration = load_registry().get("importers", name)
    assert callable(registration.build())
    assert registration.summary


def test_the_plugin_is_light() -> None:
    code = (
        "import sys, crossrec_ecommerce.plugin; "
        "print(*({'pandas', 'torch', 'scipy', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
