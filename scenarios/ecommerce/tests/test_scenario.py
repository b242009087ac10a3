"""The declared scenario against the answers that are known of it."""

from __future__ import annotations

from typing import ClassVar

from crossrec.data.catalog import Catalog
from crossrec.data.vocabulary import Vocabulary
from crossrec.testing import ScenarioPackageTests
from crossrec_ecommerce.scenario import ITEMS


class TestEcommerce(ScenarioPackageTests):
    component = "ecommerce"
    default_event = "purchase"
    # The names under which Google Retail, Amazon Personalize, Recombee and public sets know them.
    public_events: ClassVar = {
        "detail-page-view": "view",
        "View": "view",
        "AddDetailView": "view",
        "pv": "view",
        "add-to-cart": "add_to_cart",
        "addtocart": "add_to_cart",
        "AddCartAddition": "add_to_cart",
        "cart": "add_to_cart",
        "remove-from-cart": "remove_from_cart",
        "remove_from_cart": "remove_from_cart",
        "add-to-list": "add_to_list",
        "AddBookmark": "add_to_list",
        "fav": "add_to_list",
        "remove-from-list": "remove_from_list",
        "purchase-complete": "purchase",
        "Purchase": "purchase",
        "AddPurchase": "purchase",
        "transaction": "purchase",
        "buy": "purchase",
        "AddRating": "rating",
        "review": "rating",
        "refund": "refund",
        "Return": "refund",
        "IMPRESSION": "impression",
        "search": "search",
        "not interested": "not_interested",
    }
    unknown_events = ("", "teleport", "purchases of gold")
    # Item columns of Amazon Personalize's ECOMMERCE domain and of Google Retail.
    public_fields: ClassVar = {
        "price": "price",
        "category_l1": "categories",
        "product_description": "description",
        "creation_timestamp": "created_at",
        "age_group": "age_group",
        "gender": "gender",
        "brands": "brand",
        "original_price": "original_price",
        "availability": "availability",
    }
    public_user_fields: ClassVar = {"loyalty_tier": "membership_status", "sex": "gender"}
    weights: ClassVar = {
        # Recombee's scale: (stars - 3) / 2.
        "rating": {1: -3, 2: -1.5, 3: 0, 4: 1.5, 5: 3},
        "purchase": {1000.0: 5, None: 5},
        "add_to_cart": {1000.0: 3, None: 3},
        "refund": {1000.0: -4, None: -4},
    }
    ladders = (
        ("impression", "search", "view", "add_to_list", "add_to_cart", "purchase"),
        ("refund", "remove_from_list", "remove_from_cart", "impression"),
    )
    never_again: ClassVar = {"purchase", "refund", "not_interested"}
    texts = (
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
    )
    surfaces: ClassVar = {
        "recommended_for_you": "user",
        "similar_items": "item",
        "frequently_bought_together": "items",
        "cart_cross_sell": "items",
        "customers_also_viewed": "item",
        "because_you_purchased": "user",
        "buy_again": "user",
        "shopping_list": "user",
        "recently_viewed": "user",
        "on_sale": "user",
        "new_arrivals": "user",
        "best_sellers": "nothing",
        "most_viewed": "nothing",
        "trending_now": "nothing",
    }
    sources = (
        "content",
        "ease",
        "covisitation",
        "popularity",
        "next-basket",
        "buy-again",
        "bought-together",
        "event-count",
        "event-count",
        "trending",
        "newest",
        "own-history",
    )
    main_sources = ("content", "ease", "covisitation", "popularity")
    own_sources: ClassVar = {
        "shopping_list": ("next-basket",),
        "buy_again": ("buy-again",),
        "frequently_bought_together": ("bought-together",),
        "cart_cross_sell": ("bought-together",),
        "customers_also_viewed": ("covisitation",),
        "recently_viewed": ("own-history",),
        "new_arrivals": ("newest",),
        "best_sellers": ("best-sellers",),
        "most_viewed": ("most-viewed",),
        "trending_now": ("trending",),
    }
    importers = (
        "amazon14",
        "completejourney",
        "recbole",
        "retailrocket",
        "tafeng",
        "uci-online-retail",
        "unisrec",
    )


def test_catalog_of_records() -> None:
    records = {"d1": {"title": "Drill", "categories": "Tools|Power", "brand": "B", "price": 9.5}}
    catalog = Catalog.from_records(Vocabulary(["d1", "d2"]), records, ITEMS)
    assert catalog.titles == ("Drill", "")
    assert catalog.categories == (("Tools", "Power"), ())
    assert catalog.creators == ("B", "")
    assert catalog.attributes["price"] == (9.5, None)
    assert catalog.known.tolist() == [True, False]
