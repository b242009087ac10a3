"""What is due again: known answers, what fields declare, and what is said of it."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.numeric.ragged import Ragged
from crossrec_collaborative.baskets.buy_again import BuyAgain, BuyAgainConfig
from crossrec_collaborative.baskets.consumables import declared_of

RUN = RunOptions(threads=1)
COFFEE, SOAP, LAMP, TEA = range(4)
#: Coffee every 10 days, soap every 30, a lamp once, by 20 people who stopped at different days.
PEOPLE = 20


def regulars(shop_of, **fields):
    """Return the shop; its last events are of day 120."""
    users, days = [], []
    for user in range(PEOPLE):
        own = sorted(
            [(user % 10 + 10 * at, COFFEE) for at in range(12)]
            + [(user % 10 + 30 * at, SOAP) for at in range(4)]
            + [(50, LAMP)]
        )
        users.append([[item] for _, item in own])
        days.append([day for day, _ in own])
    return shop_of(users, 5, days, **fields)


def fitted(dataset, **config):
    source = BuyAgain(BuyAgainConfig(**config))
    source.fit(dataset, RUN)
    return source


def of(shop_of, ask, *purchases, now):
    """Return a query of one user who bought (day, item) …, at a day."""
    ordered = sorted(purchases)
    days = [[day for day, _ in ordered]]
    return ask(shop_of([[[item] for _, item in ordered]], 5, days), now=now)


def test_what_was_used_up_is_due(shop_of, ask):
    """Coffee after 11 of 10 days, soap after 11 of 30 not; the lamp never."""
    source = fitted(regulars(shop_of))
    query = of(shop_of, ask, (0, COFFEE), (0, SOAP), (0, LAMP), now=11.0)
    assert source.generate(query, 5).row(0).tolist() == [COFFEE]
    later = of(shop_of, ask, (0, COFFEE), (0, SOAP), (0, LAMP), now=29.0)
    assert set(source.generate(later, 5).row(0).tolist()) == {COFFEE, SOAP}


@pytest.mark.parametrize(
    ("day", "due"), [(2, False), (7, False), (8.1, True), (29, True), (31, False)]
)
def test_due_is_from_early_until_late(shop_of, ask, day, due):
    """From 8 to 30 days after a purchase of what lasts 10."""
    source = fitted(regulars(shop_of))
    found = source.generate(of(shop_of, ask, (0, COFFEE), now=day), 5).row(0).tolist()
    assert found == ([COFFEE] if due else [])


def test_ones_own_interval_counts_more(shop_of, ask):
    """Who drinks a package a month has enough after ten days."""
    source = fitted(regulars(shop_of))
    slow = [(30 * at, COFFEE) for at in range(6)]
    assert source.generate(of(shop_of, ask, *slow, now=150 + 11.0), 5).index.shape[1] == 0
    assert source.generate(of(shop_of, ask, *slow, now=150 + 25.0), 5).row(0).tolist() == [COFFEE]


def test_an_interval_of_ones_own_is_enough(shop_of, ask):
    """Nobody else has bought tea twice."""
    source = fitted(regulars(shop_of))
    once = of(shop_of, ask, (0, TEA), now=12.0)
    assert source.generate(once, 5).index.shape[1] == 0
    often = of(shop_of, ask, (0, TEA), (12, TEA), (24, TEA), now=37.0)
    assert source.generate(often, 5).row(0).tolist() == [TEA]


def test_fields_say_what_is_used_up_and_when(shop_of, ask):
    """Tea lasts 20 days by its field; coffee is said to be none that is used up."""
    dataset = regulars(
        shop_of,
        is_consumable=("false", None, None, None, None),
        repurchase_days=(None, None, None, 20, "soon"),
    )
    source = fitted(dataset)
    query = of(shop_of, ask, (0, TEA), (0, COFFEE), now=19.0)
    assert source.generate(query, 5).row(0).tolist() == [TEA]
    (evidence,) = source.explain(query, np.array([TEA]))
    assert evidence is not None
    assert evidence.values["interval_days"] == 20.0
    assert source.generate(of(shop_of, ask, (0, TEA), now=11.0), 5).index.shape[1] == 0
    assert source.report().values["declared"] == 1


def test_what_cannot_be_read_says_nothing(shop_of):
    dataset = shop_of(
        [[[0]]],
        5,
        [[0.0]],
        is_consumable=("yes", "", None, "no", "true"),
        repurchase_days=("14", "-3", "x", 30.0, None),
    )
    declared = declared_of(dataset.catalog)
    assert declared.consumable.tolist() == [True, False, False, False, True]
    assert declared.durable.tolist() == [False, False, False, True, False]
    np.testing.assert_array_equal(declared.days, [14.0, np.nan, np.nan, 30.0, np.nan])
    plain = declared_of(shop_of([[[0]]], 3, [[0.0]]).catalog)
    assert not plain.consumable.any()
    assert not plain.durable.any()


def test_the_likelier_comes_first(shop_of, ask):
    """Overdue for two thirds of the time is less likely than due today."""
    source = fitted(regulars(shop_of))
    query = of(shop_of, ask, (0, SOAP), (18, COFFEE), now=28.0)
    found = source.generate(query, 5)
    scores = source.score(query, np.array([[COFFEE, SOAP, LAMP]]))[0]
    assert found.row(0).tolist() == [[COFFEE, SOAP][int(np.argmax(scores[:2]))],
                                     [COFFEE, SOAP][int(np.argmin(scores[:2]))]]  # fmt: skip
    assert np.isnan(scores[2])
    assert (scores[:2] > 0).all()
    assert (scores[:2] <= 1).all()


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (8.2, "bought twice, lasts about 10 days, last 8 days ago: due in 2 days"),
        (9.1, "bought twice, lasts about 10 days, last 9 days ago: due in 1 day"),
        (10.0, "bought twice, lasts about 10 days, last 10 days ago: due today"),
        (14.0, "bought twice, lasts about 10 days, last 14 days ago: due since 4 days"),
    ],
)
def test_reasons_say_when_it_is_due(shop_of, ask, day, words):
    source = fitted(regulars(shop_of))
    query = of(shop_of, ask, (0, COFFEE), (10, COFFEE), now=10 + day)
    (evidence, nothing) = source.explain(query, np.array([COFFEE, LAMP]))
    assert evidence is not None
    assert evidence.phrase == words
    assert evidence.values["times"] == 2
    assert evidence.values["due_in_days"] == 10 - round(day)
    assert nothing is None


def test_nothing_is_due_without_times(shop_of, ask):
    dataset = shop_of([[[0], [0], [0]]] * 9, 3)
    source = fitted(dataset)
    assert source.generate(ask(dataset), 5).index.shape[1] == 0
    assert source.report().lines == ("events have no times: nothing is ever due",)
    timed = fitted(regulars(shop_of))
    assert timed.generate(ask(dataset), 5).index.shape[1] == 0, "of a history of bare ids neither"


def test_excluded_items_are_left_out_and_lists_are_short(shop_of, ask):
    source = fitted(regulars(shop_of))
    query = of(shop_of, ask, (0, COFFEE), (0, SOAP), now=28.0)
    assert source.generate(query, 1).index.shape == (1, 1)
    barred = ask(
        shop_of([[[COFFEE], [SOAP]]], 5, [[0.0, 0.0]]),
        now=28.0,
        exclude=Ragged.from_rows([[COFFEE]]),
    )
    assert source.generate(barred, 5).row(0).tolist() == [SOAP]
    assert source.generate(query, 0).index.shape[1] == 0


def test_viewing_is_not_buying(shop_of, ask):
    baskets = [[[COFFEE]] * 8] * 9
    days = [[10.0 * at for at in range(8)]] * 9
    n = 72
    viewed = shop_of(baskets, 2, days, types=np.zeros(n, np.int64), weights=np.ones(n))
    source = fitted(viewed, least_strength=5.0)
    assert source.generate(ask(viewed, now=80.0), 5).index.shape[1] == 0
    bought = shop_of(baskets, 2, days, types=np.ones(n, np.int64), weights=np.full(n, 5.0))
    source = fitted(bought, least_strength=5.0)
    assert source.generate(ask(bought, now=80.0), 5).row(0).tolist() == [COFFEE]


def test_the_report_counts_what_was_learnt_from(shop_of):
    report = fitted(regulars(shop_of)).report()
    assert report.values == {
        "clock": True, "intervals": PEOPLE * (11 + 3), "items": 2, "declared": 0
    }  # fmt: skip
    assert report.lines == ("2 items come back, learnt from 280 intervals; 0 have a declared one",)


def test_a_restored_source_says_the_same(shop_of, ask):
    source, other = fitted(regulars(shop_of)), BuyAgain()
    state = source.state()
    frozen = {name: np.array(value) for name, value in state.arrays.items()}
    for array in frozen.values():
        array.flags.writeable = False
    other.restore(State(frozen, dict(state.values)), regulars(shop_of).catalog)
    query = of(shop_of, ask, (0, COFFEE), (0, SOAP), now=28.0)
    items = source.generate(query, 5).row(0)
    assert other.generate(query, 5).row(0).tolist() == items.tolist()
    assert other.explain(query, items) == source.explain(query, items)
    assert other.report() == source.report()
