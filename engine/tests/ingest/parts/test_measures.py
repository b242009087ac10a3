"""What columns measure, which events they belong to, and what takes an event back."""

import pytest
from crossrec.ingest.measures import event_for, measure_of, reverse_of
from crossrec.scenario import EventType, ItemSchema, Scenario


@pytest.mark.parametrize(
    ("column", "kind", "factor"),
    [
        ("Quantity", "count", 1),
        ("qty", "count", 1),
        ("plays", "count", 1),
        ("listen_count", "count", 1),
        ("playCount", "count", 1),
        ("rating:float", "rating", 1),
        ("review_overall", "rating", 1),
        ("watch_ratio", "portion", 1),
        ("watch_percent", "portion", 0.01),
        ("percentPlayed", "portion", 0.01),
        ("ms_played", "seconds", 0.001),
        ("msPlayed", "seconds", 0.001),
        ("duration_ms", "seconds", 0.001),
        ("dwell_time", "seconds", 1),
        ("watch_time", "seconds", 1),
        ("minutes_watched", "seconds", 60),
        ("hours", "seconds", 3600),
        ("UnitPrice", "money", 1),
        ("total_amount", "money", 1),
    ],
)
def test_names_tell_what_columns_hold(column, kind, factor):
    measure = measure_of(column)
    assert (measure.kind, measure.factor) == (kind, factor)


@pytest.mark.parametrize(
    "column", ["value", "event_value", "weight", "time", "x", "", "items", "sms"]
)
def test_other_names_tell_nothing(column):
    assert measure_of(column) is None


def scenario(*events, default):
    return Scenario("s", "", events, ItemSchema((), ""), (), "", default, "")


PLAY = EventType("play", value="seconds", value_cap=30.0)
PLAYS = EventType("play_count", value="count", aliases=("plays",))
RATING = EventType("rating", value="rating", value_range=(1, 5))
MUSIC = scenario(PLAY, PLAYS, RATING, default="play")
BUY = EventType("purchase", value="money")
CART = EventType("cart", value="count")
UNCART = EventType("uncart", polarity=-1, strength=-1, cancels=("cart",))
REFUND = EventType("refund", polarity=-1, strength=-1, value="money")
SHOP = scenario(BUY, CART, UNCART, REFUND, RATING, default="purchase")


@pytest.mark.parametrize(
    ("known", "column", "event"),
    [
        (MUSIC, "plays", "play_count"),
        (MUSIC, "listen_count", "play_count"),
        (MUSIC, "quantity", "play_count"),
        (MUSIC, "ms_played", "play"),
        (MUSIC, "value", "play"),
        (MUSIC, "stars", "rating"),
        (SHOP, "quantity", "purchase"),
        (SHOP, "price", "purchase"),
        (SHOP, "rating", "rating"),
        (SHOP, "watch_time", "purchase"),
    ],
)
def test_events_without_a_type_are_what_their_values_are_of(known, column, event):
    default = known.event(known.default_event)
    assert event_for(known, column, default).name == event


def test_what_takes_an_event_back():
    assert reverse_of(CART, SHOP) is UNCART
    assert reverse_of(BUY, SHOP) is REFUND
    assert reverse_of(PLAY, MUSIC) is None
