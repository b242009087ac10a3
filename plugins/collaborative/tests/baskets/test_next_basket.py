"""The next basket: known answers, what is said of them, and learning without a fit."""

from __future__ import annotations

from copy import copy
from dataclasses import replace

import numpy as np
import pytest
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.data.event_change import EventChange
from crossrec.data.events import Events
from crossrec.errors import RefitNeededError
from crossrec.numeric.ragged import Ragged
from crossrec_collaborative.baskets.next_basket import NextBasket, NextBasketConfig
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

RUN = RunOptions(threads=1)
#: Of these only the user's own baskets count.
OWN = {"following": 0.0, "popular": 0.0}


def fitted(dataset, **config):
    source = NextBasket(NextBasketConfig(**config))
    source.fit(dataset, RUN)
    return source


def test_the_staple_comes_before_what_was_bought_once(shop_of, ask):
    dataset = shop_of([[[0, 1], [0, 2], [0, 3]]], 5)
    found = fitted(dataset, **OWN).generate(ask(dataset), 5).row(0)
    assert found.tolist() == [0, 3, 2, 1], "then the latest"


def test_the_score_is_the_formula(shop_of, ask):
    dataset = shop_of([[[0, 1], [0]]], 3)
    scores = fitted(dataset, **OWN, decay=0.5, prior_baskets=1.0).score(
        ask(dataset), np.array([[0, 1, 2]])
    )
    rates = fitted(dataset, **OWN).habits.rates
    wanted = [1.5 / 2.5 * rates[0], 0.5 / 2.5 * rates[1]]
    assert scores[0, :2].tolist() == pytest.approx(wanted)
    assert np.isnan(scores[0, 2])


def test_what_everybody_buys_again_comes_first_of_equals(shop_of, ask):
    staple = [[[0], [0]] for _ in range(40)] + [[[1], [2]] for _ in range(40)]
    dataset = shop_of([*staple, [[1, 0]]], 4)
    found = fitted(dataset, **OWN).generate(ask(dataset), 2)
    assert found.row(80).tolist() == [0, 1]


def test_what_others_bought_next_is_explored(shop_of, ask):
    """After pasta 0 comes sauce 1; most people buy bread 2, after anything."""
    others = [[[0], [1]] for _ in range(30)] + [[[3], [2]] for _ in range(40)]
    dataset = shop_of([*others, [[0]]], 5)
    found = fitted(dataset, following=6.0, popular=0.01, shrinkage=1.0).generate(ask(dataset), 3)
    assert found.row(70).tolist()[:2] == [1, 0]
    assert found.row(70)[2] in (2, 3)


def test_the_latest_basket_tells_most_of_what_follows(shop_of, ask):
    others = [[[0], [1]] for _ in range(30)] + [[[3], [2]] for _ in range(30)]
    dataset = shop_of([*others, [[0], [3]], [[3], [0]]], 5)
    alone = {"following": 6.0, "popular": 0.0, "shrinkage": 1.0}
    nothing_known = Ragged.from_rows([[0, 3]] * 62)
    found = fitted(dataset, **alone).generate(ask(dataset, exclude=nothing_known), 2)
    assert found.row(60).tolist() == [2, 1]
    assert found.row(61).tolist() == [1, 2]


def test_popularity_breaks_ties_and_fills_the_list(shop_of, ask):
    dataset = shop_of([[[0, 1]], [[1]], [[2]], [[2]], [[2]], []], 4)
    found = fitted(dataset).generate(ask(dataset), 4)
    assert found.row(0).tolist() == [1, 0, 2], "never what nobody has bought"
    assert found.row(5).tolist() == [2, 1, 0], "also where nothing is known of a user"


def test_weaker_events_are_not_bought(shop_of, ask):
    dataset = shop_of([[[0], [1]], [[1]]], 3, types=[0, 1, 1], weights=[1.0, 5.0, 5.0])
    found = fitted(dataset, least_strength=5.0).generate(ask(dataset), 3)
    assert found.row(0).tolist() == [1]


def test_reasons_say_how_often_and_when(shop_of, ask):
    dataset = shop_of([[[0], [0, 1], [0], [2]], [[1], [3]]], 5, [[0, 7, 14, 20], [0, 7]])
    source = fitted(dataset, shrinkage=1.0)
    query = ask(dataset, now=21.0).take(np.array([0]))
    found = source.explain(query, np.array([0, 1, 2, 3, 4]))
    assert [one and one.phrase for one in found] == [
        "bought 3 times, last 7 days ago",
        "bought once, last 14 days ago",
        "bought once, last yesterday",
        "often bought after",
        None,
    ]
    assert found[0].values == {"times": 3, "days": 7.0}
    assert found[3].history == (1,)


def test_reasons_without_a_clock_count_baskets(shop_of, ask):
    dataset = shop_of([[[0], [0, 1], [2]], [[3]]], 4)
    query = ask(dataset).take(np.array([0]))
    found = fitted(dataset).explain(query, np.array([0, 2, 3]))
    assert found[0].phrase == "bought twice, last 2 baskets ago"
    assert found[0].values == {"times": 2, "baskets": 3, "baskets_ago": 2}
    assert found[1].phrase == "bought once, last in the latest basket"
    assert found[2].phrase == "popular: 1 person"


def test_generate_and_score_agree_in_blocks(shop_of, ask, monkeypatch):
    rng = np.random.default_rng(3)
    users = [
        [rng.integers(0, 30, rng.integers(1, 6)).tolist() for _ in range(rng.integers(0, 5))]
        for _ in range(40)
    ]
    dataset = shop_of(users, 32)
    source, queries = fitted(dataset), ask(dataset)
    whole = source.generate(queries, 10)
    monkeypatch.setattr("crossrec_collaborative.base.block_rows", lambda width: 6)
    parts = source.generate(queries, 10)
    np.testing.assert_array_equal(whole.index, parts.index)
    scores = source.score(queries, whole.index)
    real = whole.index >= 0
    np.testing.assert_allclose(scores[real], whole.score[real], rtol=1e-5)


USERS = st.lists(
    st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=3), max_size=4),
    min_size=1,
    max_size=5,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=USERS, after=USERS)
def test_an_update_is_a_fit_on_all_events(shop_of, ask, before, after):
    """Every user of the shorter list may change, and more users may come."""
    n = max(len(before), len(after))
    old, new = (shop_of([*rows, *[[]] * (n - len(rows))], 6) for rows in (before, after))
    source = fitted(old)
    updated = copy(source)
    kept = {name: np.array(value) for name, value in source.state().arrays.items()}
    updated.update(
        EventChange.between(new.users, new.catalog, old.events, new.events, has_clock=False)
    )
    whole = fitted(new)
    for name, values in whole.state().arrays.items():
        np.testing.assert_allclose(
            updated.state().arrays[name], values, rtol=1e-5, atol=1e-7, err_msg=name
        )
    for name, values in source.state().arrays.items():
        np.testing.assert_array_equal(values, kept[name], err_msg="the original was written into")


def test_a_forgotten_user_leaves_nothing(shop_of):
    dataset, rest = shop_of([[[0], [1]], [[2], [3]]], 4), shop_of([[], [[2], [3]]], 4)
    own = dataset.events.take(dataset.events.users == 0)
    source = fitted(dataset)
    source.forget(
        EventChange.between(dataset.users, dataset.catalog, own, Events.empty(), has_clock=False)
    )
    for name, values in fitted(rest).state().arrays.items():
        np.testing.assert_allclose(source.state().arrays[name], values, err_msg=name)


def test_beyond_what_is_kept_a_fit_is_due(shop_of):
    dataset = shop_of([[[0], [1], [2]]], 3)
    source = fitted(dataset, update_pairs=1)
    assert "starts" not in source.state().arrays
    change = EventChange(dataset, dataset)
    with pytest.raises(RefitNeededError, match="update_pairs = 1"):
        source.update(change)


def test_a_restored_source_learns_on(shop_of, ask):
    dataset = shop_of([[[0], [1]], [[2], [3]]], 5, types=[1, 1, 1, 0], weights=[5, 5, 5, 1])
    source = fitted(dataset, least_strength=5.0)
    state = source.state()
    other = NextBasket(NextBasketConfig(least_strength=5.0))
    frozen = {name: np.array(value) for name, value in state.arrays.items()}
    for array in frozen.values():
        array.flags.writeable = False
    other.restore(State(frozen, dict(state.values)), dataset.catalog)
    first, second = (one.generate(ask(dataset), 5) for one in (source, other))
    np.testing.assert_array_equal(first.index, second.index)
    empty = dataset.with_events(Events.empty())
    for one in (source, other):
        one.update(EventChange(empty, dataset))
    np.testing.assert_array_equal(
        source.state().arrays["popular_share"], other.state().arrays["popular_share"]
    )


def test_columns_that_do_not_fit_the_history_are_left_alone(shop_of, ask):
    """A query whose history was replaced may still have the times of the old one."""
    dataset = shop_of([[[0], [1]], [[1], [2]]], 4)
    queries = replace(ask(dataset), history=Ragged.from_rows([[2], []]))
    assert fitted(dataset).generate(queries, 3).row(0)[0] == 2
