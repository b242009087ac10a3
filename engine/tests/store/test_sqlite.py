import numpy as np
import pytest
from crossrec.errors import DataError
from crossrec.scenario import EventType, ItemField, ItemSchema, Scenario, Surface
from crossrec.store.base import Counts, Store
from crossrec.store.rows import Coded, EventRows
from crossrec.store.sqlite import SqliteStore
from hypothesis import given
from hypothesis import strategies as st

SHOP = Scenario(
    name="shop",
    summary="",
    events=(
        EventType("view", strength=1.0),
        EventType("buy", strength=5.0, aliases=("purchase",)),
        EventType("star", strength=2.0, value="rating", value_range=(1, 5)),
    ),
    items=ItemSchema((ItemField("title"),), "{title}"),
    surfaces=(Surface("home"),),
    pipeline="",
    default_event="view",
    main_surface="home",
)


def rows(events, *, clock=True, first_key=0):
    """Build rows from tuples of user, item, type, time and value; keys count up."""
    users, items, types, times, values = zip(*events, strict=True)
    return EventRows(
        users=Coded.of(users),
        items=Coded.of(items),
        types=Coded.of(types),
        times=np.array(times, dtype=np.float64) if clock else None,
        values=np.array(values, dtype=np.float64),
        keys=np.arange(first_key, first_key + len(events), dtype=np.int64),
    )


def listed(events):
    """Return the columns of a user's events as (item, type, time, weight)."""
    names = [SHOP.events[kind].name for kind in events.types]
    return list(
        zip(events.item_ids, names, events.times.tolist(), events.weights.tolist(), strict=True)
    )


NONE = float("nan")
EVENTS = [
    ("u2", "i1", "view", 50.0, NONE),
    ("u1", "i2", "buy", 10.0, 3.0),
    ("u1", "i1", "star", 5.0, 1.0),
    ("u2", "i3", "view", 50.0, NONE),
]


@pytest.fixture
def store(tmp_path):
    store = SqliteStore.create(tmp_path / "crossrec.db")
    yield store
    store.close()


def test_it_is_a_store(store):
    assert isinstance(store, Store)


def test_events_come_back_in_the_order_of_ingestion(store):
    assert store.add_events("shop", rows(EVENTS)) == 4
    events = store.events(SHOP)
    users, _ = store.users("shop")
    items, _ = store.items("shop")
    assert list(users.ids) == ["u2", "u1"]
    assert list(items.ids) == ["i1", "i2", "i3"]
    assert [users.id(user) for user in events.users] == ["u2", "u1", "u1", "u2"]
    assert [items.id(item) for item in events.items] == ["i1", "i2", "i1", "i3"]
    assert events.types.tolist() == [0, 1, 2, 0]
    assert events.times.tolist() == [50.0, 10.0, 5.0, 50.0]
    assert events.weights.tolist() == [1.0, 5.0, -2.0, 1.0]


def test_known_keys_change_nothing(store):
    store.add_events("shop", rows(EVENTS))
    assert store.add_events("shop", rows(EVENTS)) == 0
    assert store.add_events("shop", rows(EVENTS, first_key=2)) == 2
    assert store.counts("shop").events == 6


def test_of_equal_keys_in_one_batch_the_first_is_kept(store):
    batch = rows(EVENTS)
    batch.keys[:] = 7
    assert store.add_events("shop", batch) == 1
    assert store.events(SHOP).times.tolist() == [50.0]


keyed = st.lists(st.integers(0, 15), min_size=1, max_size=12)


@given(st.lists(keyed, min_size=1, max_size=5))
def test_a_store_holds_each_key_once_in_the_order_of_its_first_arrival(tmp_path_factory, batches):
    store = SqliteStore.create(tmp_path_factory.mktemp("store") / "s.db")
    expected: list[int] = []
    for keys in batches:
        batch = rows([("u", f"i{key}", "view", 1.0, NONE) for key in keys])
        batch.keys[:] = keys
        fresh = [key for key in dict.fromkeys(keys) if key not in expected]
        assert store.add_events("shop", batch) == len(fresh)
        expected += fresh
    items, _ = store.items("shop")
    assert [items.id(item) for item in store.events(SHOP).items] == [f"i{key}" for key in expected]
    store.close()


@pytest.mark.parametrize("n", [1, 149, 150, 151, 900, 1_000])
def test_batches_of_any_size_are_whole(store, n):
    batch = rows([(f"u{i % 7}", f"i{i}", "view", float(-i % 5), i) for i in range(n)])
    batch.values[::3] = np.nan
    assert store.add_events("shop", batch) == n
    events = store.events(SHOP)
    assert events.items.tolist() == list(range(n))
    assert events.times.tolist() == [-i % 5 for i in range(n)]
    read = store._read('SELECT "id", "value" FROM shop_events ORDER BY "id"')
    assert read == [(i + 1, None if i % 3 == 0 else float(i)) for i in range(n)]


def test_extreme_keys_fit(store):
    batch = rows(EVENTS[:2])
    batch.keys[:] = [np.iinfo(np.int64).min, np.iinfo(np.int64).max]
    assert store.add_events("shop", batch) == 2
    assert store.add_events("shop", batch) == 0


def test_without_a_clock_times_are_positions(store):
    store.add_events("shop", rows(EVENTS, clock=False))
    store.add_events("shop", rows(EVENTS[:1], clock=False, first_key=100))
    assert store.events(SHOP).times.tolist() == [1, 2, 3, 4, 5]
    assert store.user_events(SHOP, "u2").item_ids == ("i1", "i3", "i1")
    assert store.user_events(SHOP, "u2").times.tolist() == [1, 4, 5]
    assert store.counts("shop").has_clock is False


@pytest.mark.parametrize("first", [True, False])
def test_events_with_and_without_a_clock_do_not_mix(store, first):
    store.add_events("shop", rows(EVENTS, clock=first))
    with pytest.raises(DataError, match="holds events with"):
        store.add_events("shop", rows(EVENTS, clock=not first, first_key=50))
    assert store.counts("shop") == Counts(2, 3, 0, 4, first)


def test_items_are_updated_field_by_field(store):
    assert store.add_items("shop", {"a": {"title": "A", "tags": ["x"]}, "b": {}}) == 2
    assert store.add_items("shop", {"a": {"tags": ["y"], "price": 1}, "c": {"title": "C"}}) == 1
    vocabulary, records = store.items("shop")
    assert list(vocabulary.ids) == ["a", "b", "c"]
    assert records == {"a": {"title": "A", "tags": ["y"], "price": 1}, "b": {}, "c": {"title": "C"}}


def test_items_known_from_events_keep_their_place_when_they_get_a_row(store):
    store.add_events("shop", rows(EVENTS))
    assert store.known_items("shop") == set()
    assert store.add_items("shop", {"i3": {"title": "three"}, "i9": {}}) == 2
    assert store.known_items("shop") == {"i3", "i9"}
    assert list(store.items("shop")[0].ids) == ["i1", "i2", "i3", "i9"]
    assert store.counts("shop") == Counts(2, 4, 2, 4, True)


def test_users_too(store):
    store.add_users("shop", {"u1": {"age": 3}})
    store.add_events("shop", rows(EVENTS))
    vocabulary, records = store.users("shop")
    assert list(vocabulary.ids) == ["u1", "u2"]
    assert records == {"u1": {"age": 3}}


@pytest.mark.parametrize("id_", ["007", "a b", "a/b", "it's", 'x"y', "🎧", "x" * 1024, "NULL", "0"])
def test_all_kinds_of_ids(store, id_):
    store.add_items("shop", {id_: {"title": id_}})
    store.add_events("shop", rows([(id_, id_, "view", 1.0, NONE)]))
    assert store.items("shop")[1] == {id_: {"title": id_}}
    assert listed(store.user_events(SHOP, id_)) == [(id_, "view", 1.0, 1.0)]


def test_the_latest_events_of_a_user_come_oldest_first(store):
    many = [("u1", f"i{n}", "view", float(n // 2), NONE) for n in range(20)]
    store.add_events("shop", rows(many[::-1]))
    found = store.user_events(SHOP, "u1", limit=5)
    # Equal times keep the order of ingestion, which ran backwards.
    assert found.item_ids == ("i14", "i17", "i16", "i19", "i18")
    assert found.times.tolist() == [7.0, 8.0, 8.0, 9.0, 9.0]
    assert len(store.user_events(SHOP, "u1")) == 20


def test_the_events_of_a_user_have_types_values_and_weights(store):
    store.add_events("shop", rows(EVENTS))
    found = store.user_events(SHOP, "u1")
    assert listed(found) == [("i1", "star", 5.0, -2.0), ("i2", "buy", 10.0, 5.0)]
    assert found.values.tolist() == [1.0, 3.0]
    assert np.isnan(store.user_events(SHOP, "u2").values).all()


def plan_of(store, read):
    """Return the steps by which SQLite answers what `read` reads."""
    seen = []
    connection = store._connections.reader()
    connection.set_trace_callback(seen.append)
    read()
    connection.set_trace_callback(None)
    select = next(sql for sql in seen if "ORDER BY" in sql)
    return [step for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {select}").fetchall()]


def test_a_history_reads_one_range_and_no_table(store):
    store.add_events("shop", rows(EVENTS))
    plan = plan_of(store, lambda: store.user_events(SHOP, "u1"))
    assert not [step for step in plan if step.startswith("SCAN") or "TEMP B-TREE" in step]


def test_what_acts_reads_one_range_and_no_table(store):
    store.add_events("shop", rows(EVENTS))
    plan = plan_of(store, lambda: store.acting_events(SHOP, "u1", ("buy",), 99.0))
    events = [step for step in plan if "SCAN" in step and "shop" in step]
    assert not events, plan
    assert any("user=?" in step for step in plan)


def test_of_what_acts_the_latest_of_each_item_and_type_is_kept(store):
    many = [
        ("u1", "i1", "star", 9.0, 5.0),  # ingested first, and the latest
        ("u1", "i1", "star", 5.0, 1.0),
        ("u1", "i1", "buy", 4.0, NONE),
        ("u1", "i2", "buy", 3.0, NONE),
        ("u1", "i2", "buy", 6.0, NONE),
        ("u1", "i3", "view", 7.0, NONE),
        ("u2", "i3", "buy", 1.0, NONE),
        ("u1", "i4", "buy", 8.0, NONE),
    ]
    store.add_events("shop", rows(many))
    found = store.acting_events(SHOP, "u1", ("buy", "star"), 9.0)
    assert listed(found) == [
        ("i1", "buy", 4.0, 5.0), ("i2", "buy", 6.0, 5.0), ("i4", "buy", 8.0, 5.0),
        ("i1", "star", 9.0, 2.0),
    ]  # fmt: skip
    assert found.values[-1] == 5.0


def test_what_acts_is_looked_for_up_to_a_time_and_without_a_limit(store):
    many = [("u1", f"i{n}", "buy", float(n), NONE) for n in range(3000)]
    store.add_events("shop", rows(many))
    assert len(store.acting_events(SHOP, "u1", ("buy",), 1e9)) == 3000
    assert store.acting_events(SHOP, "u1", ("buy",), 2.0).item_ids == ("i0", "i1", "i2")
    assert len(store.acting_events(SHOP, "u1", ("buy",), -1.0)) == 0


def test_equal_times_of_what_acts_keep_the_order_of_ingestion(store):
    many = [("u1", f"i{9 - n}", "buy", 1.0, NONE) for n in range(5)]
    store.add_events("shop", rows(many))
    found = store.acting_events(SHOP, "u1", ("buy",), 1.0)
    assert found.item_ids == ("i9", "i8", "i7", "i6", "i5")


@pytest.mark.parametrize("types", [(), ("star",), ("nonsense",)])
def test_types_that_nobody_has_act_on_nothing(store, types):
    store.add_events("shop", rows([("u1", "i1", "buy", 1.0, NONE)]))
    assert len(store.acting_events(SHOP, "u1", types, 9.0)) == 0


def test_the_row_of_a_user(store):
    store.add_users("shop", {"u1": {"age": 3, "likes": ["tea"]}, "u2": {}})
    store.add_events("shop", rows(EVENTS))
    assert store.user_fields("shop", "u1") == {"age": 3, "likes": ["tea"]}
    store.add_users("shop", {"u1": {"age": 4}})
    assert store.user_fields("shop", "u1") == {"age": 4, "likes": ["tea"]}
    for nobody in ("u2", "nobody"):
        assert store.user_fields("shop", nobody) == {}
    assert store.user_fields("other", "u1") == {}


def test_unknown_users_and_scenarios_have_nothing(store):
    assert len(store.user_events(SHOP, "u1")) == 0
    assert len(store.acting_events(SHOP, "u1", ("buy",), 9.0)) == 0
    assert store.user_fields("shop", "u1") == {}
    assert store.items_changed("shop", 0) == {}
    assert store.withdraw_items("shop", ()) == 0
    assert len(store.events(SHOP)) == 0
    assert len(store.items("shop")[0]) == len(store.users("shop")[0]) == 0
    assert store.known_items("shop") == set()
    assert store.counts("shop") == Counts()
    assert store.scenarios() == []
    store.add_events("shop", rows(EVENTS))
    assert len(store.user_events(SHOP, "nobody")) == 0
    assert len(store.acting_events(SHOP, "nobody", ("buy",), 99.0)) == 0


def test_adding_nothing_leaves_no_trace(store):
    assert store.add_events("shop", rows(EVENTS).take(np.zeros(4, dtype=bool))) == 0
    assert store.add_items("shop", {}) == store.add_users("shop", {}) == 0
    assert store.scenarios() == []


def test_scenarios_do_not_see_each_other(store):
    store.add_events("shop", rows(EVENTS))
    store.add_events('an "odd" name', rows(EVENTS[:1], clock=False))
    assert store.scenarios() == ['an "odd" name', "shop"]
    assert store.counts('an "odd" name') == Counts(1, 1, 0, 1, False)
    assert store.counts("shop").events == 4


def test_an_event_type_that_the_scenario_dropped_is_named(store):
    store.add_events("shop", rows([("u", "i", "buy", 1.0, NONE)]))
    renamed = Scenario(
        **{**vars(SHOP), "events": (EventType("view"), EventType("get", aliases=("buy",)))}
    )
    assert store.events(renamed).types.tolist() == [1]
    dropped = Scenario(**{**vars(SHOP), "events": (EventType("view"),)})
    for read in (
        lambda s: s.events(dropped),
        lambda s: s.user_events(dropped, "u"),
        lambda s: s.acting_events(dropped, "u", ("view",), 9.0),
    ):
        fresh = SqliteStore(store._connections.path)
        with pytest.raises(DataError, match="events of type 'buy'"):
            read(fresh)
        fresh.close()
