"""Filters and boosts of a request, on a shop of twenty items whose fields are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crossrec.components.user_state import UserState
from crossrec.errors import ConfigError, UsageError
from crossrec.pipeline.config_files import parse_config
from crossrec.testing.requests import ask, resolved, user_with
from hypothesis import given
from hypothesis import strategies as st

N = 20


@pytest.fixture
def priced(pipeline):
    """The pipeline with a price for all items but the last, and three makers."""
    prices = (*range(N - 1), None)
    makers = tuple(f"maker {at % 3}" for at in range(N))
    catalog = replace(pipeline.catalog, attributes={"price": prices, "maker": makers})
    return replace(pipeline, catalog=catalog)


def with_plan(pipeline, **fields):
    """Return the pipeline with other conditions on its surfaces."""
    surfaces = {
        name: replace(one, plan=replace(one.plan, **fields))
        for name, one in pipeline.surfaces.items()
    }
    return replace(pipeline, surfaces=surfaces)


def numbers(slate):
    return [int(item[1:]) for item in slate.item_ids]


def test_a_filter_admits_only_what_meets_it(priced):
    slate = ask(priced, history=("i0",), k=20, filter="price < 7 AND maker = 'maker 1'")
    assert sorted(numbers(slate)) == [1, 4]
    assert "only 2 of 20" in slate.short_because
    assert "17 do not meet the filter, 1 lack what the filter reads" in slate.short_because


def test_the_pool_is_filled_with_what_meets_it(priced):
    """A filter is no cut of the usual list: also what stood far behind comes up."""
    plain = ask(priced, history=("i0",), k=3)
    wanted = sorted({*range(1, N - 1)} - {*numbers(plain)})[-3:]
    found = ask(priced, history=("i0",), k=3, filter=f"price IN ({', '.join(map(str, wanted))})")
    assert sorted(numbers(found)) == wanted
    assert found.short_because == ""


def test_it_holds_about_items_and_for_sessions_too(priced):
    assert numbers(ask(priced, item_ids=("i2",), k=20, filter="price = 4")) == [4]
    assert numbers(ask(priced, session=("i2",), k=20, filter="price = 4")) == [4]


def test_it_reads_the_user_the_history_and_the_context(priced):
    user = replace(user_with(("i1", "i4"), user_id="u1"), profile={"most": 9})

    def found_by(text, **more):
        return sorted(numbers(ask(priced, user, user_id="u1", k=20, filter=text, **more)))

    assert found_by("maker IN history.maker AND price < user.most") == [7]
    assert found_by("price > context.least", context={"least": 17}) == [18]
    assert found_by("price > context.nothing") == []


def test_surface_and_request_both_hold(priced):
    kept = with_plan(priced, filter="price > 5")
    assert sorted(numbers(ask(kept, history=(), k=20, filter="price < 9"))) == [6, 7, 8]
    assert 3 not in numbers(ask(kept, history=(), k=20))


def test_no_policy_may_put_in_what_a_filter_leaves_out(priced):
    found = resolved(priced, history=("i0",), filter="price < 3")
    assert set(range(3, N)) <= set(found.barred.tolist())


@given(least=st.integers(0, N), factor=st.floats(0, 4))
def test_a_boost_changes_the_order_and_says_so(pipeline, least, factor):
    prices = tuple(range(N))
    catalog = replace(pipeline.catalog, attributes={"price": prices})
    priced = replace(pipeline, catalog=catalog)
    text = f"CASE WHEN price >= {least} THEN {factor:.3f} ELSE 1 END"
    plain, slate = (ask(priced, history=("i0",), k=N, boost=one) for one in ("", text))
    assert sorted(numbers(plain)) == sorted(numbers(slate))
    changed = {int(one.item_id[1:]): one for one in slate.changes if one.policy == "boost"}
    round_factor = round(factor, 3)
    wanted = {item for item in numbers(plain) if item >= least} if round_factor != 1 else set()
    assert set(changed) == wanted
    for one in changed.values():
        assert one.code == "boosted"
        assert one.action == ("demoted" if round_factor < 1 else "moved")


def test_a_boost_lifts_what_it_names(priced):
    plain = numbers(ask(priced, history=("i0",), k=5))
    other = next(item for item in numbers(ask(priced, history=("i0",), k=10)) if item not in plain)
    slate = ask(priced, history=("i0",), k=5, boost=f"CASE WHEN price = {other} THEN 9 ELSE 1 END")
    assert numbers(slate)[0] == other
    both = ask(
        with_plan(priced, boost=f"CASE WHEN price = {plain[0]} THEN 0 ELSE 1 END"),
        history=("i0",),
        k=5,
        boost="2",
    )
    assert plain[0] not in numbers(both)[:4]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"filter": "prices < 3"}, "no item has a field 'prices'"),
        ({"filter": "price <"}, "something is missing"),
        ({"filter": "price"}, "a filter is a condition"),
        ({"boost": "maker = 'maker 1'"}, "a boost is a number"),
        ({"boost": "cost"}, "no item has a field 'cost'"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_answered(priced, fields, message):
    with pytest.raises(UsageError, match=message):
        ask(priced, UserState("u1"), user_id="u1", **fields)


def test_conditions_stand_in_a_pipeline_file():
    values = {
        "sources": ["popularity"],
        "filter": "price < 3",
        "boost": "2",
        "surfaces": {"home": {"filter": ""}, "shelf": {"boost": "price"}},
    }
    config = parse_config(values, "own.toml")
    assert (config.filter_of("home"), config.boost_of("home")) == ("", "2")
    assert (config.filter_of("shelf"), config.boost_of("shelf")) == ("price < 3", "price")
    with pytest.raises(ConfigError, match=r"own.toml: filter.*character 7: something is missing"):
        parse_config({**values, "filter": "price <"}, "own.toml")
    with pytest.raises(ConfigError, match=r"surfaces: home: boost"):
        parse_config({**values, "surfaces": {"home": {"boost": "1 +"}}}, "own.toml")


def test_an_empty_answer_is_no_error(priced):
    slate = ask(priced, history=("i0",), k=3, filter="FALSE")
    assert slate.items == ()
    assert "20 do not meet the filter" in slate.short_because
    assert np.isfinite([change.values.get("factor", 1.0) for change in slate.changes]).all()
