import pytest
from crossrec.errors import DataError, UsageError
from crossrec.ingest.columns import EVENT, EVENT_ID, ITEM, SESSION, TIME, USER, VALUE
from crossrec.ingest.mapping import compact, guess_columns, parse_map


def guess(header, kind, scenario, overrides=None):
    return guess_columns(header, kind, scenario, overrides or {}, source="file.csv")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (
            "userId movieId rating timestamp",
            {USER: "userId", ITEM: "movieId", VALUE: "rating", TIME: "timestamp"},
        ),
        (
            "timestamp visitorid event itemid transactionid",
            {USER: "visitorid", ITEM: "itemid", EVENT: "event", TIME: "timestamp"},
        ),
        (
            "InvoiceNo StockCode Description Quantity InvoiceDate UnitPrice CustomerID",
            {USER: "CustomerID", ITEM: "StockCode", VALUE: "Quantity", TIME: "InvoiceDate"},
        ),
        (
            "user_id:token item_id:token rating:float timestamp:float",
            {
                USER: "user_id:token",
                ITEM: "item_id:token",
                VALUE: "rating:float",
                TIME: "timestamp:float",
            },
        ),
        (
            "event_time event_type product_id category_id brand price user_id user_session",
            {USER: "user_id", ITEM: "product_id", EVENT: "event_type", TIME: "event_time"},
        ),
        ("uid track_id ts action", {USER: "uid", ITEM: "track_id", TIME: "ts", EVENT: "action"}),
        (
            "reviewerID asin overall unixReviewTime reviewTime",
            {USER: "reviewerID", ITEM: "asin", VALUE: "overall", TIME: "unixReviewTime"},
        ),
        (
            "event_id customer sku qty date",
            {USER: "customer", ITEM: "sku", VALUE: "qty", TIME: "date", EVENT_ID: "event_id"},
        ),
        ("Customer-ID Product-ID", {USER: "Customer-ID", ITEM: "Product-ID"}),
    ],
)
def test_headers_of_public_sets_are_understood(shop, header, expected):
    assert guess(header.split(), "events", shop).columns == expected


def test_a_transaction_is_no_event_id_because_it_has_several_items(shop):
    found = guess(["user_id", "item_id", "transaction_id", "order_id"], "events", shop)
    assert EVENT_ID not in found.columns
    assert found.columns[SESSION] == "order_id", "its items came together"
    assert found.unused == ("transaction_id",)


def test_no_column_gets_two_meanings(shop):
    found = guess(["user", "item", "event"], "events", shop)
    assert sorted(found.columns.values()) == ["event", "item", "user"]


def test_the_more_telling_name_wins(shop):
    assert guess(["user_name", "user_id", "item_id"], "events", shop).columns[USER] == "user_id"


def test_the_first_of_two_equal_names_wins(shop):
    assert guess(["user_id", "userId", "item"], "events", shop).columns[USER] == "user_id"


def test_the_schema_adds_names_for_the_item(shop):
    assert guess(["article_code", "name"], "items", shop).columns == {ITEM: "article_code"}
    assert guess(["user", "article_code"], "events", shop).columns[ITEM] == "article_code"


def test_item_fields_are_named_after_the_schema_and_the_rest_after_itself(shop):
    found = guess(
        ["asin", "Product Title", "unitPrice", "Colour", "genres:token_seq"], "items", shop
    )
    assert found.fields == {
        "title": "Product Title",
        "categories": "genres:token_seq",
        "price": "unitPrice",
        "Colour": "Colour",
    }


def test_id_alone_is_the_item_of_an_item_table_and_the_user_of_a_user_table(shop):
    assert guess(["id", "title"], "items", shop).columns == {ITEM: "id"}
    assert guess(["id", "age"], "users", shop).columns == {USER: "id"}
    assert guess(["id", "age"], "users", shop).fields == {"age": "age"}
    with pytest.raises(DataError, match="no column for the user"):
        guess(["id", "item"], "events", shop)


def test_columns_of_rejected_rows_are_no_fields(shop):
    found = guess(["rejected_line", "rejected_cause", "id", "title"], "items", shop)
    assert found.fields == {"title": "title"}


def test_overrides_win_and_leave_the_rest_to_the_guess(shop):
    overrides = parse_map(["user=buyer", "title=user_id"], shop)
    found = guess(["user_id", "buyer", "item"], "events", shop, overrides)
    assert found.columns == {USER: "buyer", ITEM: "item"}
    found = guess(["item", "title", "user_id"], "items", shop, overrides)
    assert found.fields == {"title": "user_id", "title (source)": "title"}


def test_an_override_for_another_file_does_not_disturb(shop):
    found = guess(["user", "item"], "events", shop, {USER: "customer", ITEM: "sku"})
    assert found.columns == {USER: "user", ITEM: "item"}


def test_a_mapped_title_does_not_drop_the_other_title_column(shop):
    found = guess(["id", "title", "long name"], "items", shop, {"title": "long name"})
    assert found.fields == {"title": "long name", "title (source)": "title"}


def test_fields_of_users_are_guessed_and_mapped_like_those_of_items(shop):
    header = ["user_id", "likes", "kids-profile", "shoe"]
    assert guess(header, "users", shop).fields == {
        "favourites": "likes", "is_kids": "kids-profile", "shoe": "shoe"
    }  # fmt: skip
    found = guess(header, "users", shop, parse_map(["points=shoe"], shop))
    assert found.fields["points"] == "shoe"
    assert guess(["id", "likes"], "items", shop).fields == {"likes": "likes"}


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("user", "should read NAME=COLUMN"),
        ("=x", "should read NAME=COLUMN"),
        ("user=", "should read NAME=COLUMN"),
        ("usr=customer", "did you mean 'user'"),
        ("titel=name", "did you mean 'title'"),
        ("favourite=name", "did you mean 'favourites'"),
        ("zzzzz=name", "known: user, item, event, time, value, event_id"),
    ],
)
def test_a_wrong_map_is_a_usage_error(shop, option, message):
    with pytest.raises(UsageError, match=message) as error:
        parse_map([option], shop)
    assert error.value.exit_code == 2


def test_a_map_may_hold_equals_signs_and_spaces(shop):
    assert parse_map([" title = a=b "], shop) == {"title": "a=b"}


def test_the_error_of_a_missing_column_names_the_found_ones_and_a_remedy(shop):
    with pytest.raises(DataError) as error:
        guess(["who", "what", "when"], "events", shop)
    message = str(error.value)
    assert "file.csv: no column for the user of the events" in message
    assert "found: who, what, when" in message
    assert "--map user=COLUMN" in message
    assert error.value.exit_code == 1


def test_the_error_of_a_single_column_mentions_the_delimiter(shop):
    with pytest.raises(DataError, match="only one column was found .*--delimiter"):
        guess(["user#item#time"], "events", shop)


def test_what_is_shown_uses_the_names_of_the_map_option(shop):
    found = guess(["uid", "sku", "name"], "items", shop)
    assert found.described() == {"item": "sku", "uid": "uid", "title": "name"}
    assert found.source(ITEM) == "sku"
    assert found.source(TIME) is None


def test_compact_makes_the_usual_spellings_equal():
    assert compact("movie_id:token") == compact("movieId") == compact("Movie ID") == "movieid"
    assert compact("größe") == "größe"
