"""The weights of the parts: chosen by what the last baskets of users hold."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.candidates import PAD
from crossrec.components.run import RunOptions
from crossrec_collaborative.baskets.counts import BasketCounts
from crossrec_collaborative.baskets.habits import Habits
from crossrec_collaborative.baskets.lines import basket_lines, lines_of_users
from crossrec_collaborative.baskets.next_basket import NextBasket, NextBasketConfig
from crossrec_collaborative.baskets.weighing import (
    FOLLOWING,
    POPULAR,
    Parts,
    Weights,
    all_options,
    choose_weights,
)
from hypothesis import given
from hypothesis import strategies as st

RUN = RunOptions(threads=1, seed=3)


def weights_of(dataset, run=RUN, **config):
    source = NextBasket(NextBasketConfig(**config))
    source.fit(dataset, run)
    return Weights(**source.report().values)


def loyal(rng, n=120):
    """Everybody buys their own two items again and again; a popular one was bought once."""
    return [[[9], *[[2 * (user % 4), 2 * (user % 4) + 1]] * 4] for user in range(n)]


def explorers(rng, n=120):
    """Everybody goes on from 0 to 1, 2, 3 … and never returns."""
    return [[[at + user % 3] for at in range(5)] for user in range(n)]


def test_the_loyal_need_nothing_else_and_explorers_what_follows(shop_of):
    rng = np.random.default_rng(0)
    own = weights_of(shop_of(loyal(rng), 10))
    new = weights_of(shop_of(explorers(rng), 10))
    assert own.following < new.following
    assert new.following >= 2.0


def test_where_all_try_what_is_popular_it_weighs_more(shop_of):
    """The last basket has what most people buy now and then, none of it twice."""
    rng = np.random.default_rng(1)
    users = []
    for _ in range(300):
        common = rng.permutation(6)[:3]
        users.append([[int(common[0]), int(rng.integers(6, 40))], [int(common[1])],
                      [int(common[2])]])  # fmt: skip
    assert weights_of(shop_of(users, 40), following=0.0).popular == max(POPULAR)


def test_what_is_given_stays(shop_of):
    dataset = shop_of(loyal(np.random.default_rng(0)), 10)
    assert weights_of(dataset, following=1.5, popular=0.3) == Weights(1.5, 0.3)
    assert weights_of(dataset, following=1.5).following == 1.5
    assert weights_of(dataset, popular=0.3).popular == 0.3


@pytest.mark.parametrize("n", [0, 10, 49])
def test_too_few_users_choose_nothing(shop_of, n):
    dataset = shop_of([*explorers(None, n), *[[[0]]] * 60], 10)
    assert weights_of(dataset) == Weights(2.0, 0.05)
    assert weights_of(dataset, popular=0.3) == Weights(2.0, 0.3)


def test_one_seed_one_choice(shop_of):
    dataset = shop_of(explorers(None), 10)
    assert weights_of(dataset) == weights_of(dataset)


def test_the_future_is_not_looked_at(shop_of):
    """What is learnt for the choice has no last basket of the users who are predicted."""
    seen = []
    dataset = shop_of([[[0], [1], [7]] for _ in range(60)] + [[[2]]], 8)
    lines = lines_of_users(dataset, None, 6.0)

    def learn(some):
        seen.append(some)
        return Habits.of(BasketCounts.of(some, 8, 0.9), 1.0, 5)

    source = NextBasket()
    choose_weights(lines, learn, source._parts, all_options(None, None), 0)
    assert 7 not in seen[0].items
    assert 2 in seen[0].items, "who has one basket is learnt from"
    assert seen[0].per_row.tolist() == [2] * 60 + [1]


def test_of_a_large_catalogue_fewer_users_are_predicted(shop_of, monkeypatch):
    monkeypatch.setattr("crossrec_collaborative.baskets.weighing.CELLS", 8 * 100)
    monkeypatch.setattr("crossrec_collaborative.baskets.weighing.FEW_USERS", 60)
    lines = lines_of_users(shop_of([[[0], [1]]] * 300 + [[[8]]], 9), None, 6.0)
    left = []

    def learn(some):
        left.append(int((some.per_row == 1).sum()) - 1)
        return Habits.of(BasketCounts.of(some, 9, 0.9), 1.0, 5)

    choose_weights(lines, learn, NextBasket()._parts, all_options(None, None), 0)
    assert left == [100]


def test_options_are_all_pairs_but_of_what_is_given():
    assert len(all_options(None, None)) == len(FOLLOWING) * len(POPULAR)
    assert all_options(0.5, 0.2) == [Weights(0.5, 0.2)]
    assert {option.popular for option in all_options(1.0, None)} == set(POPULAR)


def test_scores_are_the_weighted_sum():
    index = np.array([[0, 1, PAD]])
    parts = Parts(
        index,
        np.array([[1, 0, 9]], dtype=np.float32),
        np.array([[0, 2, 9]], dtype=np.float32),
        np.array([[1, 1, 9]], dtype=np.float32),
    )
    assert parts.scores(Weights(0.5, 0.25)).tolist() == [[1.25, 1.25, -np.inf]]


def test_chosen_weights_are_kept_and_restored(shop_of):
    dataset = shop_of(explorers(None), 10)
    source, other = NextBasket(), NextBasket()
    source.fit(dataset, RUN)
    other.restore(source.state(), dataset.catalog)
    assert other.report() == source.report()
    assert "what follows weighs 2," in source.report().lines[0]


@given(
    events=st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 9), st.integers(0, 4)), max_size=30
    ),
    rows=st.sets(st.integers(0, 3)),
)
def test_rows_and_baskets_can_be_taken_out(events, rows):
    events.sort(key=lambda event: event[:2])
    row, time, item = (np.array([e[at] for e in events], dtype=np.int64) for at in range(3))
    lines = basket_lines(row, item, time.astype(np.float64), 4, 0.0)
    chosen = np.array(sorted(rows), dtype=np.int64)
    some = lines.take(chosen)
    assert some.n_rows == len(chosen)
    for place, one in enumerate(chosen.tolist()):
        own, whole = (x.items[x.rows == at].tolist() for x, at in ((some, place), (lines, one)))
        assert own == whole
        assert some.per_row[place] == lines.per_row[one]
    last, rest = lines.where(lines.ages == 0), lines.where(lines.ages > 0)
    assert len(last) + len(rest) == len(lines)
    assert (last.per_row <= 1).all()
    np.testing.assert_array_equal(last.per_row + rest.per_row, lines.per_row)
