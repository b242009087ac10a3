"""The e-commerce scenario: views, carts, orders and refunds of products.

Names follow Amazon Personalize's e-commerce domain, the Google Retail API and Recombee, whose event
names are aliases here; the strengths are crossrec's own choice, to be tuned on data.
"""

from __future__ import annotations

from crossrec.scenario import (
    COMMON_USER_FIELDS,
    EventType,
    ItemField,
    ItemSchema,
    Relation,
    Scenario,
    Surface,
    UserField,
)

EVENTS = (
    EventType(
        "impression",
        polarity=0,
        strength=0.0,
        consumes="soft",
        half_life_days=1.0,
        aliases=("served", "seen"),
        summary="the product was on the screen; no signal by itself",
    ),
    EventType(
        "view",
        strength=1.0,
        aliases=("detail_page_view", "adddetailview", "detail_view", "click", "pv", "page_view"),
        summary="opened the product's page",
    ),
    EventType(
        "search",
        strength=0.5,
        aliases=("search_click",),
        summary="clicked the product in search results",
    ),
    EventType(
        "add_to_list",
        kind="explicit",
        strength=2.0,
        aliases=("addbookmark", "add_to_wishlist", "wishlist", "fav", "favorite", "collect"),
        summary="added the product to a list",
    ),
    EventType(
        "remove_from_list",
        polarity=-1,
        strength=-2.0,
        cancels=("add_to_list",),
        summary="removed the product from a list; weighs as much as adding it",
    ),
    EventType(
        "add_to_cart",
        strength=3.0,
        value="count",
        aliases=("addtocart", "addcartaddition", "cart"),
        summary="added the product to the cart; the value is the quantity",
    ),
    EventType(
        "remove_from_cart",
        polarity=-1,
        strength=-1.0,
        aliases=("removefromcart",),
        cancels=("add_to_cart",),
        summary="removed the product from the cart",
    ),
    EventType(
        "purchase",
        strength=5.0,
        value="money",
        consumes="hard",
        aliases=("purchase_complete", "addpurchase", "transaction", "buy", "order", "bought"),
        summary="bought the product; the value is the price paid",
    ),
    EventType(
        "rating",
        kind="explicit",
        strength=3.0,
        value="rating",
        value_range=(1.0, 5.0),
        aliases=("addrating", "review", "stars", "rate"),
        summary="1 to 5 stars; 3 is neutral",
    ),
    EventType(
        "refund",
        polarity=-1,
        strength=-4.0,
        value="money",
        consumes="hard",
        aliases=("return", "cancellation", "cancel"),
        summary="returned the product or cancelled the order",
    ),
    EventType(
        "not_interested",
        kind="explicit",
        polarity=-1,
        strength=-4.0,
        consumes="hard",
        aliases=("dismiss", "hide", "dislike"),
        summary="does not want to see the product again",
    ),
)

ITEMS = ItemSchema(
    fields=(
        ItemField("title", "text", ("name", "product_name", "product_title"), "product name"),
        ItemField("categories", "category", ("category", "category_l1", "genres"), "paths A > B"),
        ItemField("brand", "category", ("brands", "manufacturer", "brand_name"), "brand or maker"),
        ItemField("description", "text", ("product_description", "desc")),
        ItemField("tags", "category", ("product_tags",)),
        ItemField("language", "category", ("language_code",)),
        ItemField("price", "number", ("unit_price",)),
        ItemField("original_price", "number", ("list_price",)),
        ItemField("currency_code", "category", ("currency",)),
        ItemField(
            "availability",
            "category",
            (
                "in_stock",
                "is_in_stock",
                "stock_status",
                "availability_status",
                "is_available",
                "available",
                "is_active",
                "active",
                "product_status",
            ),
            "IN_STOCK, OUT_OF_STOCK, PREORDER, BACKORDER",
        ),
        ItemField(
            "available_quantity",
            "number",
            ("stock", "inventory", "stock_quantity", "quantity", "qty", "inventory_quantity"),
        ),
        ItemField("available_at", "time", ("available_time",)),
        ItemField("expires_at", "time", ("expire_time",)),
        ItemField("created_at", "time", ("creation_timestamp",)),
        ItemField(
            "is_hidden",
            "flag",
            ("hidden", "sold_out", "is_sold_out", "discontinued", "is_discontinued", "is_deleted"),
        ),
        ItemField("is_adult", "flag", ("adult",), "not below 18"),
        ItemField("primary_product_id", "id", ("parent_asin", "variant_group"), "variant group"),
        ItemField("collection_member_ids", "category", ("bundle_items",), "what a bundle holds"),
        ItemField("gtin", "id", ("ean", "upc")),
        ItemField("color", "category", ("colors", "colour")),
        ItemField("sizes", "category", ("size", "package_size")),
        ItemField("materials", "category", ("material",)),
        ItemField("gender", "category"),
        ItemField("age_group", "category"),
        ItemField("condition", "category"),
        ItemField("seller_id", "id", ("seller",)),
        ItemField("rating_average", "number", ("average_rating",)),
        ItemField("rating_count", "number", ("rating_number",)),
        ItemField("margin", "number"),
        ItemField("is_consumable", "flag", (), "whether it is bought again when used up"),
        ItemField("repurchase_days", "number", (), "usual days until it is bought again"),
        ItemField("image_url", "id", ("image",)),
        ItemField("uri", "id", ("url", "link")),
    ),
    # The form of the UniSRec texts. Descriptions would crowd the name out of 64 tokens.
    text_template="{title}. {categories}. {brand}",
    creator="brand",
)

USERS = (
    *COMMON_USER_FIELDS,
    UserField("membership_status", "category", ("membership", "member_tier", "loyalty_tier")),
    UserField("price_band", "category", (), "how dear what they buy is, as the shop calls it"),
    UserField("size_profile", "category", ("user_sizes",), "the sizes that fit"),
)

SCENARIO = Scenario(
    name="ecommerce",
    summary="products of a shop: views, carts, orders, refunds",
    events=EVENTS,
    items=ITEMS,
    users=USERS,
    surfaces=(
        Surface("recommended_for_you", "user", "products for you"),
        Surface("similar_items", "item", "products like this one"),
        Surface("frequently_bought_together", "items", "what goes with these products"),
        Surface("cart_cross_sell", "items", "accessories to a cart, one of each category"),
        Surface("customers_also_viewed", "item", "what those who looked at it looked at too"),
        Surface("because_you_purchased", "user", "rows like a product that you bought lately"),
        Surface("buy_again", "user", "what is bought again and again, the likeliest now first"),
        Surface("shopping_list", "user", "the next basket: what is bought again, and what goes in"),
        Surface("recently_viewed", "user", "what you looked at and did not buy, the latest first"),
        Surface("on_sale", "user", "products for you that cost less than before"),
        Surface("new_arrivals", "user", "what came lately, nearest to your taste first"),
        Surface("best_sellers", "nothing", "what most people bought"),
        Surface("most_viewed", "nothing", "what most people looked at"),
        Surface("trending_now", "nothing", "what more people choose than a week ago"),
    ),
    pipeline="crossrec_ecommerce:pipeline.toml",
    # A table of users and items without event types is a list of orders in most shops.
    default_event="purchase",
    main_surface="recommended_for_you",
    relations=(
        Relation("brand", "brand"),
        Relation("category", "categories"),
        Relation("variant", "primary_product_id"),
        Relation("seller", "seller_id"),
    ),
    metrics=("recall@10", "ndcg@10", "mrr@10"),
    demo="crossrec_ecommerce.demo:generate",
)


def scenario() -> Scenario:
    """Return the e-commerce scenario."""
    return SCENARIO
