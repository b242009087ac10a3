import math

import numpy as np
import pytest
from crossrec.data.weights import event_weights
from crossrec.scenario import EventType, ItemField, ItemSchema, Scenario, Surface

SCENARIO = Scenario(
    name="all",
    summary="",
    events=(
        EventType("view", strength=1.0),
        EventType("star", strength=2.0, value="rating", value_range=(1, 5)),
        EventType("watch", strength=1.5, value="portion"),
        EventType("dwell", strength=1.0, value="seconds", value_cap=30),
        EventType("buy", strength=5.0, value="money"),
        EventType("cart", strength=3.0, value="count"),
        EventType("hide", strength=-4.0, polarity=-1),
        EventType("seen", strength=0.0, polarity=0),
        EventType("loose", strength=2.0, value="rating"),
        EventType("endless", strength=2.0, value="seconds"),
    ),
    items=ItemSchema((ItemField("title"),), "{title}"),
    surfaces=(Surface("home"),),
    pipeline="",
    default_event="view",
    main_surface="home",
)
INDEX = {event.name: index for index, event in enumerate(SCENARIO.events)}


@pytest.mark.parametrize(
    ("name", "value", "weight"),
    [
        ("view", math.nan, 1.0),
        ("view", 9.0, 1.0),
        ("star", 5.0, 2.0),
        ("star", 3.0, 0.0),
        ("star", 1.0, -2.0),
        ("star", 4.0, 1.0),
        ("star", 11.0, 2.0),
        ("star", math.nan, 2.0),
        ("watch", 0.5, 0.75),
        ("watch", 1.7, 1.5),
        ("watch", -0.2, 0.0),
        ("dwell", 15.0, 0.5),
        ("dwell", 300.0, 1.0),
        ("buy", 99.9, 5.0),
        ("cart", 12.0, 3.0),
        ("hide", math.nan, -4.0),
        ("seen", 1.0, 0.0),
        ("loose", 3.0, 2.0),
        ("endless", 7.0, 2.0),
    ],
)
def test_known_weights(name, value, weight):
    found = event_weights(np.array([INDEX[name]]), np.array([value]), SCENARIO)
    assert found.dtype == np.float32
    assert found.tolist() == pytest.approx([weight])


def test_a_mixture_weighs_each_row_for_itself():
    types = np.array([INDEX["star"], INDEX["view"], INDEX["dwell"], INDEX["star"]])
    values = np.array([1.0, 1.0, 3.0, 5.0])
    assert event_weights(types, values, SCENARIO).tolist() == pytest.approx([-2.0, 1.0, 0.1, 2.0])


def test_no_events_have_no_weights():
    assert event_weights(np.zeros(0, np.int64), np.zeros(0), SCENARIO).tolist() == []
