"""The validation cut: nothing after it reaches the training part."""

import numpy as np
import pytest
from crossrec.components.eligibility import ALL, UNSEEN
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.pipeline.cut import cut_for_validation, query_limit
from crossrec.pipeline.fit import served_rule
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.scenario import ItemSchema
from crossrec.testing.requests import TOY
from hypothesis import given, settings
from hypothesis import strategies as st


def random_dataset(seed, n_events, *, has_clock, negatives=False):
    rng = np.random.default_rng(seed)
    items = Vocabulary(f"i{i}" for i in range(12))
    weights = rng.choice([-1.0, 1.0, 2.0], n_events) if negatives else np.ones(n_events)
    events = Events.from_columns(
        rng.integers(0, 80, n_events),
        rng.integers(0, 12, n_events),
        times=rng.integers(0, 50, n_events),
        weights=weights,
    )
    catalog = Catalog.from_records(items, {}, ItemSchema((), "{title}"))
    users = Vocabulary(f"u{u}" for u in range(80))
    return Dataset.build(users, catalog, events, has_clock=has_clock)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 400), st.booleans(), st.booleans(), st.booleans())
def test_nothing_after_the_cut_reaches_training(seed, n_events, has_clock, keep, negatives):
    data = random_dataset(seed, n_events, has_clock=has_clock, negatives=negatives)
    cut = cut_for_validation(data, ALL if keep else UNSEEN, seed=seed, limit=30)
    assert len(cut.queries) == len(cut.targets) <= 30
    found = data.interactions
    for i, user in enumerate(cut.queries.users):
        whole = data.events.items[data.events.users == user]
        before = cut.train.events.items[cut.train.events.users == user]
        assert whole[: len(before)].tolist() == before.tolist()
        history = cut.train.sequences.row(user).tolist()
        assert cut.queries.history.row(i).tolist() == history
        later = np.flatnonzero(data.events.users == user)[len(before) :]
        after = found.items[np.isin(data.interaction_rows, later)]
        assert set(cut.targets.row(i)) <= set(after)
        assert len(cut.targets.row(i)) > 0
        if not keep:
            assert not set(cut.targets.row(i)) & set(history)
    if cut.rule == "time" and len(cut.queries):
        assert cut.train.events.times.max(initial=-1) < cut.queries.now[0]


def test_what_the_served_rule_does_not_admit_is_no_target(make_shop, registry, make_config):
    """Of `TOY` a purchase is for good: a target that was bought before cannot be in a list."""
    data = make_shop()
    users = np.repeat(np.arange(data.n_users), 2)
    again = data.sequences.values[data.sequences.indptr[:-1]]
    new = np.array([min(set(range(20)) - set(data.sequences.row(u))) for u in range(data.n_users)])
    events = data.events
    longer = data.with_events(
        Events.from_columns(
            np.concatenate([events.users, users]),
            np.concatenate([events.items, np.stack([again, new], axis=1).ravel()]),
            np.concatenate([events.times, np.full(len(users), 1e6)]),
        )
    )
    everything = cut_for_validation(longer, ALL, seed=0)
    assert (everything.targets.lengths == 2).any()
    plan = resolve_pipeline(make_config("popular"), registry).main_surface
    for comes_back in (True, False):
        cut = cut_for_validation(longer, served_rule(TOY, longer.catalog, plan, comes_back), seed=0)
        assert len(cut.queries) > 50
        for row, user in enumerate(cut.queries.users.tolist()):
            bought = set(cut.queries.history.row(row).tolist())
            assert bought <= set(cut.queries.exclude.row(row).tolist())
            assert not bought & set(cut.targets.row(row).tolist())
            assert new[user] in cut.targets.row(row)


def test_time_is_used_where_there_is_a_clock(make_shop):
    assert cut_for_validation(make_shop(), UNSEEN, seed=0).rule == "time"
    order_only = make_shop(has_clock=False)
    assert cut_for_validation(order_only, UNSEEN, seed=0).rule == "last event"


def test_few_events_after_the_moment_fall_back_to_the_last_event(make_shop):
    few = make_shop(n_users=20)
    assert cut_for_validation(few, UNSEEN, seed=0).rule == "last event"


def test_the_last_event_by_hand():
    events = Events.from_columns([0, 0, 0, 1, 1, 2], [3, 1, 2, 5, 5, 4])
    catalog = Catalog.from_records(
        Vocabulary(f"i{i}" for i in range(6)), {}, ItemSchema((), "{title}")
    )
    data = Dataset.build(Vocabulary(["a", "b", "c"]), catalog, events, has_clock=False)
    cut = cut_for_validation(data, UNSEEN, seed=0)
    assert cut.queries.users.tolist() == [0]
    assert cut.queries.history.row(0).tolist() == [3, 1]
    assert cut.targets.row(0).tolist() == [2]
    repeats = cut_for_validation(data, ALL, seed=0)
    assert repeats.queries.users.tolist() == [0, 1]
    assert repeats.targets.row(1).tolist() == [5]
    assert len(repeats.queries.exclude.values) == 0


def test_sampling_is_by_seed(make_shop):
    data = make_shop(has_clock=False)
    a, b, c = (cut_for_validation(data, UNSEEN, seed=s, limit=10) for s in (1, 1, 2))
    assert a.queries.users.tolist() == b.queries.users.tolist()
    assert a.queries.users.tolist() != c.queries.users.tolist()


@pytest.mark.parametrize("has_clock", [True, False])
def test_no_events_at_all(has_clock):
    data = random_dataset(0, 0, has_clock=has_clock)
    assert len(cut_for_validation(data, UNSEEN, seed=0).queries) == 0


def test_a_quick_fit_asks_fewer_queries():
    assert query_limit("quick", 10) < query_limit("standard", 10) == query_limit("thorough", 10)


def test_a_very_large_catalogue_asks_fewer() -> None:
    assert query_limit("standard", 100_000) == query_limit("standard", 10)
    assert query_limit("standard", 200_000) == 2_000
    assert query_limit("standard", 1_000_000) == query_limit("quick", 1_000_000) == 1_000
    assert query_limit("standard", 0) > 0
