import pytest
from crossrec.scenario import EventType, ItemField, ItemSchema, Scenario, Surface, UserField


@pytest.fixture
def shop():
    """A scenario with every kind of field and event that reading has to tell apart."""
    return Scenario(
        name="shop",
        summary="",
        events=(
            EventType("view", strength=1.0, aliases=("click",)),
            EventType("purchase", strength=5.0, value="money", aliases=("buy", "order-placed")),
            EventType("rating", strength=3.0, value="rating", value_range=(1, 5)),
        ),
        items=ItemSchema(
            fields=(
                ItemField("item_id", "id", ("article_code",)),
                ItemField("title", "text", ("name", "product_title")),
                ItemField("categories", "category", ("genres",)),
                ItemField("price", "number", ("unit_price",)),
                ItemField("hidden", "flag"),
                ItemField("released", "time", ("release_date",)),
            ),
            text_template="{title}. {categories}",
        ),
        surfaces=(Surface("home"),),
        pipeline="",
        default_event="view",
        main_surface="home",
        users=(
            UserField("favourites", "category", ("likes",)),
            UserField("is_kids", "flag", ("kids_profile",)),
            UserField("points", "number"),
        ),
    )
