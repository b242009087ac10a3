"""Complements: known answers, substitutes and variants, and learning without a fit."""

from __future__ import annotations

from copy import copy

import numpy as np
import pytest
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.data.event_change import EventChange
from crossrec.data.events import Events
from crossrec.errors import ConfigError, RefitNeededError
from crossrec.numeric.ragged import Ragged
from crossrec.plugins.registry import load_registry
from crossrec_collaborative.baskets.bought_together import BoughtTogether, BoughtTogetherConfig
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

RUN = RunOptions(threads=1)
#: Printer, its ink, a cable, another printer, paper that everybody buys.
PRINTER, INK, CABLE, RIVAL, PAPER = range(5)
ORDERS = [
    *[[[PRINTER, INK]]] * 12,
    *[[[PRINTER, CABLE, PAPER]]] * 6,
    *[[[RIVAL, INK]]] * 5,
    *[[[PRINTER, RIVAL]]] * 3,
    *[[[PAPER]]] * 60,
    *[[[PRINTER, PAPER]]] * 4,
]
CATEGORIES = (("Printers",), ("Ink",), ("Cables",), ("Printers",), ("Paper",))


def fitted(dataset, **config):
    source = BoughtTogether(BoughtTogetherConfig(**config))
    source.fit(dataset, RUN)
    return source


def about(*items):
    return QueryBatch.from_histories(Ragged.from_rows([list(items)]))


@pytest.fixture
def shop(shop_of):
    return shop_of(ORDERS, 6, categories=(*CATEGORIES, ()))


def test_what_goes_with_a_printer(shop):
    """Ink and cable; not paper, that everybody buys, and not the other printer."""
    assert fitted(shop).generate(about(PRINTER), 5).row(0).tolist() == [INK, CABLE]


def test_the_score_is_what_a_basket_with_it_adds(shop):
    source = fitted(shop)
    scores = source.score(about(PRINTER), np.array([[INK, CABLE, PAPER, RIVAL]]))[0]
    assert scores[0] == pytest.approx(12 / 25 - 17 / 90)
    assert scores[1] == pytest.approx(6 / 25 - 6 / 90)
    assert np.isnan(scores[2:]).all()


def test_popular_is_not_together(shop):
    """Paper is in 10 of 25 baskets with a printer, and in 70 of all 90."""
    table = fitted(shop)._table
    assert table is not None
    assert table.pairs[PRINTER, PAPER] == 10
    assert PAPER not in fitted(shop, confidence=0.0).generate(about(PRINTER), 9).row(0)


def test_substitutes_are_of_one_leaf_and_hardly_ever_in_one_basket(shop_of):
    """Two teas that a third of their buyers take together complement each other."""
    users = [*[[[0, 1]]] * 9, *[[[0]]] * 9, *[[[1]]] * 9, *[[[2, 3]]] * 9, *[[[2]]] * 95]
    users += [*[[[3]]] * 95, *[[[4]]] * 3000]
    dataset = shop_of(users, 5, categories=(("Tea",), ("Tea",), ("TV",), ("TV",), ()))
    source = fitted(dataset)
    assert source.generate(about(0), 5).row(0).tolist() == [1]
    assert source.generate(about(2), 5).row(0).tolist() == []
    assert fitted(dataset, substitute_share=0.0).generate(about(2), 5).row(0).tolist() == [3]


def test_variants_of_one_product_are_no_pair(shop_of):
    users = [[[0, 1]]] * 9 + [[[2]]] * 90
    plain = shop_of(users, 3)
    one_group = shop_of(users, 3, primary_product_id=("g", "g", None))
    assert fitted(plain).generate(about(0), 5).row(0).tolist() == [1]
    assert fitted(one_group).generate(about(0), 5).row(0).tolist() == []


@pytest.mark.parametrize(("times", "found"), [(2, []), (3, [1])])
def test_a_pair_needs_support(shop_of, times, found):
    dataset = shop_of([[[0, 1]]] * times + [[[2]]] * 200, 3)
    assert fitted(dataset).generate(about(0), 5).row(0).tolist() == found


def test_a_cart_is_about_all_of_it(shop):
    source = fitted(shop)
    cart = about(PRINTER, INK)
    alone = [source.score(about(one), np.array([[CABLE]]))[0, 0] for one in (PRINTER, INK)]
    together = source.score(cart, np.array([[CABLE]]))[0, 0]
    assert together == pytest.approx(np.nansum(alone) / 2)
    assert source.generate(cart, 5).row(0).tolist() == [RIVAL, CABLE]
    assert source.generate(about(INK, PRINTER), 5).row(0).tolist() == [RIVAL, CABLE]


def test_reasons_are_numbers_of_baskets(shop):
    (ink, paper) = fitted(shop).explain(about(PRINTER), np.array([INK, PAPER]))
    assert ink is not None
    assert ink.phrase == "in 12 of 25 baskets with"
    assert ink.history == (PRINTER,)
    assert ink.values == {"together": 12, "baskets": 25}
    assert paper is None


def test_single_items_tell_nothing_and_cost_nothing(shop_of):
    """Where there is an order alone, every event is a basket of its own."""
    dataset = shop_of([[[at % 7] for at in range(50)]] * 40, 7)
    source = fitted(dataset)
    assert source.generate(about(1), 5).index.shape[1] == 0
    assert len(source.state().arrays["indices"]) == 0


def test_views_are_no_purchases(shop_of):
    """They are looked at together and bought alone."""
    users = [[[0, 1], [2, 3]]] * 20 + [[[4], [4]]] * 90
    n = 20 * 4 + 90 * 2
    types = np.array(([0, 0, 1, 1] * 20) + [1] * 180)
    dataset = shop_of(users, 5, types=types, weights=np.where(types == 1, 5.0, 1.0))
    assert len(dataset.events) == n
    source = fitted(dataset, least_strength=5.0)
    assert source.generate(about(2), 5).row(0).tolist() == [3]
    assert source.generate(about(0), 5).row(0).tolist() == []


def test_a_setting_out_of_range_is_named():
    registration = load_registry().get("candidate_generators", "bought-together")
    with pytest.raises(ConfigError, match="support"):
        registration.build({"support": 0})


USERS = st.lists(
    st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=4), max_size=3),
    min_size=1,
    max_size=5,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=USERS, after=USERS)
def test_an_update_is_a_fit_on_all_events(shop_of, before, after):
    n = max(len(before), len(after))
    leaves = (("a",), ("a",), ("b",), (), ())
    old, new = (
        shop_of([*rows, *[[]] * (n - len(rows))], 5, categories=leaves) for rows in (before, after)
    )
    easy = {"support": 1, "confidence": 0.0}
    source = fitted(old, **easy)
    kept = {name: np.array(value) for name, value in source.state().arrays.items()}
    updated = copy(source)
    updated.update(
        EventChange.between(new.users, new.catalog, old.events, new.events, has_clock=False)
    )
    for name, values in fitted(new, **easy).state().arrays.items():
        np.testing.assert_allclose(updated.state().arrays[name], values, rtol=1e-5, err_msg=name)
    for name, values in source.state().arrays.items():
        np.testing.assert_array_equal(values, kept[name], err_msg="the original was written into")


def test_a_forgotten_user_leaves_nothing(shop):
    own = shop.events.take(shop.events.users == 0)
    source = fitted(shop)
    source.forget(
        EventChange.between(shop.users, shop.catalog, own, Events.empty(), has_clock=False)
    )
    rest = fitted(shop.with_events(shop.events.take(shop.events.users != 0)))
    for name, values in rest.state().arrays.items():
        np.testing.assert_array_equal(source.state().arrays[name], values, err_msg=name)


def test_beyond_what_is_kept_a_fit_is_due(shop):
    source = fitted(shop, update_pairs=3)
    with pytest.raises(RefitNeededError, match="update_pairs = 3"):
        source.update(EventChange(shop, shop))
    assert "baskets" not in source.state().arrays


def test_a_restored_source_answers_and_explains_alike(shop):
    source, other = fitted(shop), BoughtTogether()
    state = source.state()
    frozen = {name: np.array(value) for name, value in state.arrays.items()}
    for array in frozen.values():
        array.flags.writeable = False
    other.restore(State(frozen, dict(state.values)), shop.catalog)
    items = source.generate(about(PRINTER, INK), 5).row(0)
    assert other.generate(about(PRINTER, INK), 5).row(0).tolist() == items.tolist()
    assert other.explain(about(PRINTER, INK), items) == source.explain(about(PRINTER, INK), items)
    other.update(EventChange(shop, shop))
    assert other.generate(about(PRINTER, INK), 5).row(0).tolist() == items.tolist()
