"""Rows about parts of a history: "because you watched", and mixes of what is alike."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from crossrec.components.query import Query
from crossrec.components.run import RunOptions
from crossrec.components.user_state import UserState
from crossrec.data.catalog import Catalog
from crossrec.data.user_events import UserEvents
from crossrec.errors import ConfigError, UsageError
from crossrec.pipeline.config import RowsConfig
from crossrec.pipeline.fit import fit_pipeline
from crossrec.pipeline.history_rows import History, row_of
from crossrec.pipeline.languages import in_language
from crossrec.pipeline.request import answer
from crossrec.pipeline.requested import all_rows
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.scenario import ItemField, ItemSchema
from crossrec.testing.requests import TOY, serve, with_every_source
from hypothesis import given
from hypothesis import strategies as st

DAY = 86_400.0
NOW = 1_000 * DAY
SCHEMA = ItemSchema(
    (ItemField("title"), ItemField("categories", "category")), "{title}", creator=""
)
SHOP = dataclasses.replace(TOY, items=SCHEMA)
SURFACES = {
    "user": {},
    "because": {
        "rows": {"by": "item", "most": 2, "days": 30, "weight": 1.0},
        "heading": "because you watched {titles}",
        "sources": ["together"],
        "fallback": [],
        "history": "keep",
        "consumed": "keep",
    },
    "mix": {
        "rows": {"by": "cluster", "most": 3, "days": 0},
        "heading": "a mix around {titles}",
        "sources": ["together"],
        "fallback": [],
        "history": "keep",
        "consumed": "keep",
    },
}


@pytest.fixture(scope="module")
def shop(registry, make_config, make_shop):
    """The toy shop; even items are jazz and odd ones rock."""
    data = make_shop()
    ids = [data.catalog.items.id(at) for at in range(len(data.catalog))]
    records = {
        name: {"title": f"item {name}", "categories": ["Rock" if at % 2 else "Jazz"]}
        for at, name in enumerate(ids)
    }
    catalog = Catalog.from_records(data.catalog.items, records, SCHEMA)
    data = dataclasses.replace(data, catalog=catalog)
    config = make_config("popular", "together", surfaces=SURFACES)
    fitted = fit_pipeline(SHOP, data, resolve_pipeline(config, registry, "user"), RunOptions())
    return serve(with_every_source(fitted, data), SHOP)


def viewer(*events, user_id="u"):
    """Somebody who viewed items so many days ago, each with a weight, oldest first."""
    ids, days, weights = zip(*events, strict=True) if events else ((), (), ())
    n = len(ids)
    past = UserEvents(
        tuple(ids), np.full(n, 2, dtype=np.int64), np.full(n, np.nan),
        np.array(weights, dtype=np.float32), NOW - DAY * np.array(days, dtype=np.float64),
    )  # fmt: skip
    return UserState(user_id, past, known=n > 0)


def on(shop, name, user, **fields):
    return answer(shop, Query(now=NOW, **{"k": 5, **fields}), user, name)


def test_a_row_is_like_the_latest_strong_item_and_says_which(shop):
    user = viewer(("i0", 20, 3.0), ("i3", 10, 2.0), ("i4", 1, 0.5))
    slate = on(shop, "because", user)
    assert [one.item_id for one in slate.about] == ["i3"], "i4 is later, and too weak"
    assert slate.heading == "because you watched “item i3”"
    assert slate.path == "stored history"
    assert all(int(one[1:]) % 2 for one in slate.item_ids)
    assert "i3" not in slate.item_ids
    named = {one for item in slate.items for reason in item.reasons for one in reason.history}
    assert named == {"i3"}
    assert slate.to_dict()["about"] == [{"item_id": "i3", "title": "item i3"}]


def test_the_next_row_is_about_the_item_before(shop):
    user = viewer(("i0", 20, 3.0), ("i3", 10, 2.0), ("i0", 5, 2.0), ("i3", 4, 2.0))
    abouts = [on(shop, "because", user, row=row).about[0].item_id for row in (1, 2)]
    assert abouts == ["i3", "i0"], "different ones, though both were seen twice"


def test_a_row_is_what_the_surface_about_the_item_says(shop):
    """The same items in the same order as for the item itself."""
    user = viewer(("i3", 1, 2.0))
    row = on(shop, "because", user, k=20)
    served = shop.pipeline.surfaces["because"]
    config = served.plan.config.model_copy(update={"rows": None, "input": "item"})
    served = dataclasses.replace(served, plan=dataclasses.replace(served.plan, config=config))
    pipeline = dataclasses.replace(shop.pipeline, surfaces={"because": served})
    other = dataclasses.replace(shop, pipeline=pipeline)
    query = Query(now=NOW, item_ids=("i3",), k=20)
    assert answer(other, query, user, "because").item_ids == row.item_ids


@pytest.mark.parametrize(
    "user",
    [viewer(), viewer(("i3", 40, 3.0)), viewer(("i3", 1, 0.5)), viewer(("gone", 1, 3.0))],
    ids=["nothing", "too long ago", "too weak", "not in the catalog"],
)
def test_without_such_an_item_the_row_is_empty_and_says_why(shop, user):
    slate = on(shop, "because", user)
    assert slate.items == slate.about == ()
    assert slate.heading == slate.next_cursor == ""
    assert slate.short_because == (
        "only 0 of 5: the history of the last 30 days makes 0 of these rows"
    )


def test_rows_beyond_the_last_are_refused_and_others_have_one(shop):
    with pytest.raises(UsageError, match="there is no row 3: the surface has 2"):
        on(shop, "because", viewer(("i3", 1, 2.0)), row=3)
    with pytest.raises(UsageError, match="surface 'user' has one row"):
        on(shop, "user", viewer(("i3", 1, 2.0)), row=2)
    with pytest.raises(UsageError, match="row must be 1 or more, not 0"):
        Query(row=0)
    with pytest.raises(UsageError, match="row must be a whole number"):
        Query(row="x")


def mixed_tastes():
    jazz = [(f"i{at}", 30 - at, 1.0) for at in range(0, 14, 2)]
    rock = [(f"i{at}", 30 - at, 3.0) for at in range(1, 14, 2)]
    return viewer(*sorted(jazz + rock, key=lambda event: -event[1]))


def test_each_mix_is_of_one_kind_the_one_with_most_evidence_first(shop):
    user = mixed_tastes()
    for row, parity in ((1, 1), (2, 0)):
        slate = on(shop, "mix", user, row=row, k=20)
        assert {int(one.item_id[1:]) % 2 for one in slate.about} == {parity}
        assert len(slate.about) == 3
        assert {int(one[1:]) % 2 for one in slate.item_ids} == {parity}
        known = {f"i{at}" for at in range(parity, 14, 2)}
        assert known & set(slate.item_ids), "a mix has known items"
        assert set(slate.item_ids) - known, "and new ones"


def test_a_short_history_makes_one_mix(shop):
    user = viewer(("i0", 3, 1.0), ("i1", 2, 1.0))
    assert on(shop, "mix", user).about
    empty = on(shop, "mix", user, row=2)
    assert empty.items == ()
    assert empty.short_because == "only 0 of 5: the history makes 1 of these rows"


def test_all_rows_of_a_page_share_no_item(shop):
    user, requests = mixed_tastes(), []

    def ask(**request):
        requests.append(request)
        return on(shop, "because", user, **request)

    found = all_rows(ask, RowsConfig(most=2), {"k": 3, "exclude": ["i5"]})
    assert [slate.about[0].item_id for slate in found] == ["i13", "i12"]
    ids = [one for slate in found for one in slate.item_ids]
    assert len(set(ids)) == len(ids)
    assert "i5" not in ids
    assert len(requests) == 2


def test_rows_end_with_the_history(shop):
    user = viewer(("i3", 1, 2.0))
    found = all_rows(lambda **one: on(shop, "because", user, **one), RowsConfig(most=2), {})
    assert len(found) == 1
    assert all_rows(lambda **one: on(shop, "because", viewer(), **one), RowsConfig(), {}) == []
    plain = all_rows(lambda **one: on(shop, "user", user, **one), None, {"k": 2})
    assert [len(slate.items) for slate in plain] == [2]


def test_a_deleted_item_makes_no_row(shop):
    gone = dataclasses.replace(shop, deleted=np.array([3]))
    slate = on(gone, "because", viewer(("i0", 2, 2.0), ("i3", 1, 2.0)))
    assert [one.item_id for one in slate.about] == ["i0"]


def test_the_heading_in_german(shop):
    model = shop.pipeline.resolved.language_model
    slate = in_language(on(shop, "because", viewer(("i3", 1, 2.0))), "de", model)
    assert slate.heading == "weil du “item i3” gesehen hast"


def test_rows_are_of_users_alone(make_config):
    with pytest.raises(ConfigError, match="rows are parts of a history"):
        make_config("popular", surfaces={"user": {}, "x": {"input": "item", "rows": {}}})


EVENTS = st.lists(st.tuples(st.integers(0, 19), st.floats(0.5, 4), st.floats(0, 100)), max_size=30)


@given(EVENTS, st.sampled_from(["item", "cluster"]), st.integers(1, 4))
def test_rows_share_no_item_and_leave_none_out(shop, events, by, most):
    events = sorted(events, key=lambda event: -event[2])
    history = History(
        np.array([item for item, _, _ in events], dtype=np.int64),
        np.array([weight for _, weight, _ in events], dtype=np.float64),
        np.array([age for _, _, age in events], dtype=np.float64),
    )
    rows = RowsConfig(by=by, most=most, days=0)
    found = [row_of(shop, rows, history, number) for number in range(1, most + 1)]
    parts = [row for row in found if not isinstance(row, str)]
    items = [item for row in parts for item in row.items.tolist()]
    assert len(set(items)) == len(items)
    assert set(items) <= set(history.items.tolist())
    assert all(set(row.named.tolist()) <= set(row.items.tolist()) for row in parts)
    if by == "cluster":
        assert set(items) == set(history.items.tolist())
    else:
        assert len(parts) == min(most, len(set(history.items.tolist())))


def test_without_a_clock_nothing_is_too_old(shop):
    history = History.of(np.array([3]), np.array([2.0]), np.array([1.0]), None)
    assert np.isnan(history.ages).all()
    row = row_of(shop, RowsConfig(days=1), history, 1)
    assert not isinstance(row, str)
