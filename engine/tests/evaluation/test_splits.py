"""Splits: nothing after the cut trains, everything before it does, and who gets which query."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.splits import (
    LEAKS_OVER_TIME,
    Targets,
    cross_validation,
    leave_one_out,
    temporal_split,
)
from crossrec.data.vocabulary import Vocabulary
from crossrec.errors import DataError, UsageError
from crossrec.numeric.ragged import Ragged
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

N_USERS, N_ITEMS = 5, 6


def rows(ragged: Ragged) -> list[list[int]]:
    return [ragged.row(i).tolist() for i in range(len(ragged))]


def triples(dataset: Dataset) -> list[tuple[int, int, float]]:
    events = dataset.events
    return list(zip(events.users.tolist(), events.items.tolist(), events.times.tolist()))


def build(events: Events, *, has_clock: bool) -> Dataset:
    blank = ("",) * N_ITEMS
    ids = Vocabulary(f"i{i}" for i in range(N_ITEMS))
    known = np.ones(N_ITEMS, dtype=bool)
    catalog = Catalog(ids, blank, blank, ((),) * N_ITEMS, blank, known)
    users = Vocabulary(f"u{i}" for i in range(N_USERS))
    return Dataset.build(users, catalog, events, has_clock=has_clock)


@st.composite
def random_events(draw: st.DrawFn) -> Events:
    """Events with ties in time, repeats, dislikes and impressions."""
    n = draw(st.integers(3, 40))
    integers = st.integers
    return Events.from_columns(
        draw(st.lists(integers(0, N_USERS - 1), min_size=n, max_size=n)),
        draw(st.lists(integers(0, N_ITEMS - 1), min_size=n, max_size=n)),
        times=draw(st.lists(integers(0, 12), min_size=n, max_size=n)),
        weights=draw(st.lists(st.sampled_from([1.0, 2.0, 0.0, -1.0]), min_size=n, max_size=n)),
    )


def numbered(events: Events) -> Events:
    """The same events with their place in (user, time, row) order as the type: a name for each."""
    order = np.lexsort((np.arange(len(events)), events.times, events.users))
    names = np.empty(len(events), dtype=np.int64)
    names[order] = np.arange(len(events))
    return Events(events.users, events.items, names, events.times, events.weights)


# Known right answers


def test_leave_one_out_takes_the_last_for_test_and_the_one_before_for_validation(make_dataset):
    data = make_dataset([(0, 0), (1, 3), (0, 1), (0, 2), (1, 4), (0, 3)])
    split = leave_one_out(data)
    assert triples(split.train) == [(0, 0, 0.0), (0, 1, 2.0), (1, 3, 1.0), (1, 4, 4.0)]
    assert split.validation.users.tolist() == [0]
    assert rows(split.validation.history) == [[0, 1]]
    assert rows(split.validation.targets) == [[2]]
    assert rows(split.test.history) == [[0, 1, 2]]
    assert rows(split.test.targets) == [[3]]
    assert split.test.times.tolist() == [5.0]
    assert split.refit is None


def test_leave_one_out_with_refit_gives_back_the_validation_item_alone(make_dataset):
    split = leave_one_out(make_dataset([(0, 0), (0, 1), (0, 2), (0, 3)]), refit=True)
    assert split.train.events.items.tolist() == [0, 1]
    assert split.refit is not None
    assert split.refit.events.items.tolist() == [0, 1, 2]


def test_users_with_fewer_than_three_interactions_only_train(make_dataset):
    split = leave_one_out(make_dataset([(0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (2, 5)]))
    assert split.test.users.tolist() == [1]
    assert triples(split.train) == [(0, 0, 0.0), (0, 1, 1.0), (1, 0, 2.0), (2, 5, 5.0)]


def test_leave_one_out_orders_by_time_and_ties_by_row(make_dataset):
    data = make_dataset([(0, 3, 9), (0, 0, 1), (0, 1, 5), (0, 2, 5)], has_clock=True)
    split = leave_one_out(data)
    assert rows(split.test.history) == [[0, 1, 2]]
    assert rows(split.test.targets) == [[3]]
    assert rows(split.validation.targets) == [[2]]


def test_leave_one_out_warns_that_it_leaks_over_time_only_where_there_is_a_time(make_dataset):
    events = [(0, 0, 1), (0, 1, 2), (0, 2, 3)]
    assert leave_one_out(make_dataset(events, has_clock=True)).notes == (LEAKS_OVER_TIME,)
    assert leave_one_out(make_dataset(events)).notes == ()


def test_dislikes_after_the_cut_do_not_train_and_those_before_do(make_dataset):
    data = make_dataset(
        [(0, 5, 0, -1), (0, 0, 1), (0, 1, 2), (0, 4, 3, -1), (0, 2, 4), (0, 3, 5, 0)],
        has_clock=True,
    )
    split = leave_one_out(data)
    assert rows(split.test.targets) == [[2]]
    assert rows(split.validation.targets) == [[1]]
    assert split.train.events.items.tolist() == [5, 0]


def test_leave_one_out_refuses_where_no_user_has_three(make_dataset):
    with pytest.raises(DataError, match="three interactions"):
        leave_one_out(make_dataset([(0, 0), (0, 1), (1, 0)]))
    with pytest.raises(DataError, match="three interactions"):
        leave_one_out(make_dataset([], n_users=2, n_items=2))


def test_temporal_split_cuts_at_quantiles_of_time(make_dataset):
    data = make_dataset([(i % 2, i, i) for i in range(10)], has_clock=True)
    split = temporal_split(data)
    assert sorted(split.train.events.times.tolist()) == list(range(8))
    assert split.validation.users.tolist() == [0]
    assert rows(split.validation.targets) == [[8]]
    assert rows(split.validation.history) == [[0, 2, 4, 6]]
    assert split.test.users.tolist() == [1]
    assert rows(split.test.targets) == [[9]]
    assert rows(split.test.history) == [[1, 3, 5, 7]]
    assert split.test.times.tolist() == [9.0]
    assert split.notes == ()


def test_temporal_test_histories_include_the_validation_part(make_dataset):
    data = make_dataset([(0, i, i) for i in range(10)], has_clock=True)
    split = temporal_split(data, refit=True)
    assert rows(split.test.history) == [list(range(9))]
    assert split.refit is not None
    assert sorted(split.refit.events.times.tolist()) == list(range(9))


def test_temporal_targets_are_distinct_and_in_the_order_of_their_first_time(make_dataset):
    late = [(1, 4, 100), (1, 2, 101), (1, 4, 102), (1, 3, 103)]
    data = make_dataset([(0, 0, i) for i in range(30)] + late, has_clock=True)
    split = temporal_split(data, (0.5, 0.4, 0.1))
    assert split.test.users.tolist() == [1]
    assert rows(split.test.targets) == [[4, 2, 3]]
    assert rows(split.test.history) == [[]], "a user who starts after the cut gets a query too"


def test_events_at_the_time_of_the_cut_come_after_it(make_dataset):
    times = [0, 1, 2, 3, 4, 5, 6, 8, 8, 9]
    data = make_dataset([(i, 0, t) for i, t in enumerate(times)], has_clock=True)
    split = temporal_split(data)
    assert sorted(split.train.events.times.tolist()) == [0, 1, 2, 3, 4, 5, 6]
    assert split.validation.users.tolist() == [7, 8]
    assert split.validation.times.tolist() == [8.0, 8.0]


def test_a_temporal_split_needs_a_clock_and_names_the_other_protocol(make_dataset):
    with pytest.raises(DataError, match="leave-one-out") as caught:
        temporal_split(make_dataset([(0, i) for i in range(20)]))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("times", [[], [5.0] * 20, [1.0] * 19 + [2.0], [0.0, 1.0]])
def test_a_temporal_split_refuses_too_few_distinct_times(make_dataset, times):
    data = make_dataset([(0, 0, t) for t in times], n_users=1, n_items=1, has_clock=True)
    with pytest.raises(DataError, match="too few distinct times"):
        temporal_split(data)


@pytest.mark.parametrize("fractions", [(0.5, 0.5, 0.0), (0.9, 0.2, -0.1), (0.5, 0.2, 0.2)])
def test_fractions_must_sum_to_one_and_leave_something_everywhere(make_dataset, fractions):
    data = make_dataset([(0, 0, t) for t in range(20)], has_clock=True)
    with pytest.raises(UsageError, match="fractions"):
        temporal_split(data, fractions)


def folds_of(data, folds, **options):
    """Return training set and test of each fold, where only the tested users lose something."""
    return [(s.refit, s.test) for s in cross_validation(data, folds, refit=True, **options)]


def test_a_fold_loses_only_its_users_last_interactions(make_dataset):
    data = make_dataset([(u, i) for u in range(4) for i in range(u, u + 3)])
    for train, targets in folds_of(data, 2):
        assert len(targets) == 2
        lengths = train.sequences.lengths
        assert lengths[targets.users].tolist() == [2, 2]
        assert sorted(lengths.tolist()) == [2, 2, 3, 3]
        assert rows(targets.targets) == [[u + 2] for u in targets.users]
        assert rows(targets.history) == [[u, u + 1] for u in targets.users]


def test_holdout_takes_several_of_the_last_and_never_a_whole_user(make_dataset):
    data = make_dataset([(0, i) for i in range(5)] + [(1, i) for i in range(5)] + [(2, 0), (2, 1)])
    seen = []
    for train, targets in folds_of(data, 2, holdout=2):
        seen += targets.users.tolist()
        assert rows(targets.targets) == [[3, 4]]
        assert rows(targets.history) == [[0, 1, 2]]
        assert train.sequences.lengths[2] == 2
    assert sorted(seen) == [0, 1]


def test_cross_validation_tests_every_user_once_and_validates_on_the_next_fold(make_dataset):
    data = make_dataset([(u, i) for u in range(9) for i in range(4)])
    parts = list(cross_validation(data, 3, seed=4, refit=True))
    assert sorted(u for part in parts for u in part.test.users.tolist()) == list(range(9))
    for part, following in zip(parts, [*parts[1:], parts[0]]):
        assert part.validation.users.tolist() == following.test.users.tolist()
        both = np.concatenate([part.test.users, part.validation.users])
        lengths = part.train.sequences.lengths
        assert set(lengths[both].tolist()) == {3}
        assert set(np.delete(lengths, both).tolist()) == {4}
        assert part.refit is not None
        assert set(part.refit.sequences.lengths[part.validation.users].tolist()) == {4}
        assert set(part.refit.sequences.lengths[part.test.users].tolist()) == {3}


def test_folds_differ_with_the_seed_and_not_without(make_dataset):
    data = make_dataset([(u, i) for u in range(12) for i in range(3)])

    def first(seed: int) -> list[int]:
        return next(cross_validation(data, 3, seed=seed)).test.users.tolist()

    assert first(0) == first(0)
    assert len({tuple(first(seed)) for seed in range(6)}) > 1


@pytest.mark.parametrize("folds", [0, 1, 4])
def test_folds_must_fit_the_users(make_dataset, folds):
    data = make_dataset([(u, i) for u in range(3) for i in range(2)])
    with pytest.raises(UsageError, match="folds must be between 2 and"):
        next(cross_validation(data, folds))
    with pytest.raises(UsageError, match="held out"):
        next(cross_validation(data, 2, holdout=0))


def test_sample_draws_users_once_in_order_and_all_where_there_are_fewer(make_dataset):
    data = make_dataset([(u, i) for u in range(10) for i in range(3)])
    test = leave_one_out(data).test
    drawn = test.sample(4, seed=1)
    assert len(set(drawn.users.tolist())) == 4
    assert drawn.users.tolist() == sorted(drawn.users.tolist())
    assert drawn.users.tolist() == test.sample(4, seed=1).users.tolist()
    assert test.sample(99) is test


def test_distinct_keeps_the_first_of_each_in_place():
    ragged = Ragged.from_rows([[3, 1, 3, 2, 1], [], [3, 3]])
    assert rows(ragged.distinct()) == [[3, 1, 2], [], [3]]
    assert rows(Ragged.empty(2).distinct()) == [[], []]


def test_splits_keep_vocabularies_vectors_and_the_clock(make_dataset):
    data = make_dataset([(0, i, i) for i in range(10)], has_clock=True)
    data = data.with_vectors("text", np.eye(10, dtype=np.float32))
    for split in (temporal_split(data), leave_one_out(data)):
        assert split.train.users is data.users
        assert split.train.catalog is data.catalog
        assert split.train.has_clock
        assert split.train.vectors["text"] is data.vectors["text"]


# Properties


def check_nothing_leaks(data: Dataset, train: Dataset, targets: Targets) -> None:
    """Training and query know a user's events up to one moment; every target lies behind it."""
    interactions, known = data.interactions, targets.known
    assert known is not None
    for user, history, target, when in zip(
        targets.users, rows(targets.history), rows(targets.targets), targets.times
    ):
        everything = data.events.types[data.events.users == user]
        before = known.events.types[known.events.users == user]
        assert everything[: len(before)].tolist() == before.tolist()
        learnt = train.events.types[train.events.users == user]
        assert before[: len(learnt)].tolist() == learnt.tolist()
        assert known.sequences.row(user).tolist() == history
        own = interactions.users == user
        later = own & ~np.isin(interactions.types, before)
        rest = interactions.items[later].tolist()
        assert target == list(dict.fromkeys(rest))[: len(target)]
        assert interactions.times[later][0] >= when or not data.has_clock
        assert len(target) > 0


def kept_before(data: Dataset, drop: int, users: list[int]) -> list[int]:
    """Return the names of all events but those from these users' last interactions on."""
    cut = {}
    for user in users:
        own = data.interactions.types[data.interactions.users == user]
        cut[user] = int(own[-drop])
    return [
        int(name)
        for user, name in zip(data.events.users.tolist(), data.events.types.tolist())
        if user not in cut or name < cut[user]
    ]


def test_what_was_taken_back_is_no_target_and_a_query_does_not_know_it_yet(make_dataset):
    data = make_dataset(
        [(0, 1, 1, 1), (0, 2, 2, 1), (0, 3, 3, 1), (0, 4, 4, 1), (0, 4, 5, -1), (0, 1, 6, -2)],
        has_clock=True,
    )
    assert rows(data.sequences) == [[2, 3]]
    with pytest.raises(DataError, match="three interactions"):
        leave_one_out(data)
    split = temporal_split(
        make_dataset(
            [
                *((1, 0, t) for t in range(8)),
                (0, 1, 1, 1),
                (0, 2, 8.5, 1),
                (0, 1, 9, -2),
                (0, 4, 9.5),
            ],
            has_clock=True,
        ),
        (0.5, 0.3, 0.2),
    )
    at = split.test.users.tolist().index(0)
    assert rows(split.test.targets)[at] == [2, 4]
    assert rows(split.test.history)[at] == [1], "it is taken back only later"


@given(random_events())
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_leave_one_out_never_trains_on_what_it_asks(events):
    data = build(numbered(events), has_clock=False)
    assume((data.sequences.lengths >= 3).any())
    split = leave_one_out(data, refit=True)
    check_nothing_leaks(data, split.train, split.validation)
    check_nothing_leaks(data, split.train, split.test)
    assert split.refit is not None
    check_nothing_leaks(data, split.refit, split.test)
    # What is left is exactly what came before what was held out.
    users = split.test.users.tolist()
    assert split.train.events.types.tolist() == kept_before(data, 2, users)
    assert split.refit.events.types.tolist() == kept_before(data, 1, users)


def test_a_temporal_split_needs_evidence_before_the_first_cut():
    """Two dislikes outweigh what was liked until then; only the later likes make it count."""
    users = items = np.zeros(10, dtype=np.int64)
    weights = np.array([1, 1, 1, -1, -1, -1, 1, 1, 1, 1], np.float32)
    times = np.array([0, 0, 0, 0, 0, 0, 1, 2, 3, 4], np.float64)
    data = build(Events(users, items, users, times, weights), has_clock=True)
    assert len(data.interactions) == 7
    with pytest.raises(DataError, match="too few distinct times"):
        temporal_split(data, (0.5, 0.2, 0.3))


@given(random_events())
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_a_temporal_split_never_trains_on_anything_from_after_the_cut(events):
    data = build(numbered(events), has_clock=True)
    try:
        split = temporal_split(data, (0.6, 0.2, 0.2), refit=True)
    except DataError:
        assume(False)
    validation, test = split.validation, split.test
    assert len(split.train.interactions)
    assert len(validation)
    assert len(test)
    assert split.train.events.times.max() < validation.times.min()
    assert split.refit is not None
    assert split.refit.events.times.max() < test.times.min()
    check_nothing_leaks(data, split.train, validation)
    check_nothing_leaks(data, split.refit, test)
    assert len(split.train.events) == (data.events.times < validation.times[0]).sum()
    tested = set(test.users.tolist())
    after = data.interactions.users[data.interactions.times >= test.times[0]]
    assert tested == set(after.tolist())


@given(random_events(), st.integers(1, 2), st.integers(0, 3))
@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
def test_folds_partition_the_users_and_never_leak(events, holdout, seed):
    data = build(numbered(events), has_clock=False)
    eligible = np.flatnonzero(data.sequences.lengths > holdout)
    assume(len(eligible) >= 2)
    tested = []
    for part in cross_validation(data, 2, holdout=holdout, seed=seed, refit=True):
        tested += part.test.users.tolist()
        check_nothing_leaks(data, part.train, part.test)
        check_nothing_leaks(data, part.train, part.validation)
        assert part.refit is not None
        check_nothing_leaks(data, part.refit, part.test)
    assert sorted(tested) == eligible.tolist()
