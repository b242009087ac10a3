"""The validation cut: nothing after it reaches the training part."""

import numpy as np
import pytest
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.pipeline.cut import cut_for_validation
from crossrec.scenario import ItemSchema
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
    cut = cut_for_validation(data, keep_history=keep, seed=seed, limit=30)
    assert len(cut.queries) == len(cut.targets) <= 30
    for i, user in enumerate(cut.queries.users):
        whole = data.sequences.row(user)
        before = cut.train.sequences.row(user)
        assert whole[: len(before)].tolist() == before.tolist()
        assert cut.queries.history.row(i).tolist() == before.tolist()
        after = whole[len(before) :]
        assert set(cut.targets.row(i)) <= set(after)
        assert len(cut.targets.row(i)) > 0
        if not keep:
            assert not set(cut.targets.row(i)) & set(before)
    if cut.rule == "time" and len(cut.queries):
        assert cut.train.events.times.max(initial=-1) < cut.queries.now[0]


def test_time_is_used_where_there_is_a_clock(make_shop):
    assert cut_for_validation(make_shop(), keep_history=False, seed=0).rule == "time"
    order_only = make_shop(has_clock=False)
    assert cut_for_validation(order_only, keep_history=False, seed=0).rule == "last event"


def test_few_events_after_the_moment_fall_back_to_the_last_event(make_shop):
    few = make_shop(n_users=20)
    assert cut_for_validation(few, keep_history=False, seed=0).rule == "last event"


def test_the_last_event_by_hand():
    events = Events.from_columns([0, 0, 0, 1, 1, 2], [3, 1, 2, 5, 5, 4])
    catalog = Catalog.from_records(
        Vocabulary(f"i{i}" for i in range(6)), {}, ItemSchema((), "{title}")
    )
    data = Dataset.build(Vocabulary(["a", "b", "c"]), catalog, events, has_clock=False)
    cut = cut_for_validation(data, keep_history=False, seed=0)
    assert cut.queries.users.tolist() == [0]
    assert cut.queries.history.row(0).tolist() == [3, 1]
    assert cut.targets.row(0).tolist() == [2]
    repeats = cut_for_validation(data, keep_history=True, seed=0)
    assert repeats.queries.users.tolist() == [0, 1]
    assert repeats.targets.row(1).tolist() == [5]
    assert len(repeats.queries.exclude.values) == 0


def test_sampling_is_by_seed(make_shop):
    data = make_shop(has_clock=False)
    a, b, c = (cut_for_validation(data, keep_history=False, seed=s, limit=10) for s in (1, 1, 2))
    assert a.queries.users.tolist() == b.queries.users.tolist()
    assert a.queries.users.tolist() != c.queries.users.tolist()


@pytest.mark.parametrize("has_clock", [True, False])
def test_no_events_at_all(has_clock):
    data = random_dataset(0, 0, has_clock=has_clock)
    assert len(cut_for_validation(data, keep_history=False, seed=0).queries) == 0
