"""The protocol's settings, its splits, and how targets become queries."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.eligibility import ALL, UNSEEN, queries_of
from crossrec.data.splits import leave_one_out, temporal_split
from crossrec.errors import DataError, UsageError
from crossrec.evaluation.protocol import EvaluationProtocol


@pytest.fixture
def data(make_dataset):
    rows = [(u, i, 10 * i + u) for u in range(8) for i in range(5)]
    return make_dataset(rows, has_clock=True)


def test_temporal_is_the_default_where_there_is_a_clock(data, make_dataset):
    assert EvaluationProtocol.default_for(data).split == "temporal"
    assert EvaluationProtocol.default_for(make_dataset([(0, 0)])).split == "leave-one-out"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ks": ()}, "ks must"),
        ({"ks": (50, 10)}, "ks must"),
        ({"ks": (10, 10)}, "ks must"),
        ({"ks": (0, 10)}, "ks must"),
        ({"users": 0}, "number of users"),
        ({"candidates": "some"}, "one of served, unseen, all, not 'some'"),
        ({"resamples": 0}, "1 or more"),
        ({"block": 0}, "1 or more"),
    ],
)
def test_impossible_settings_are_refused_in_one_line(settings, message):
    with pytest.raises(UsageError, match=message) as caught:
        EvaluationProtocol(**settings)
    assert "\n" not in str(caught.value)


def test_each_name_gives_its_split(data):
    for name, count in (("temporal", 1), ("leave-one-out", 1), ("cross-validation", 4)):
        splits = list(EvaluationProtocol(split=name, folds=4).splits(data))
        assert [split.protocol for split in splits] == [name] * count
    with pytest.raises(UsageError, match="no split"):
        next(EvaluationProtocol(split="random").splits(data))


def test_a_temporal_protocol_without_a_clock_is_refused(make_dataset):
    with pytest.raises(DataError, match="leave-one-out"):
        next(EvaluationProtocol().splits(make_dataset([(0, i) for i in range(9)])))


def test_refit_reaches_the_split(data):
    for name in ("temporal", "leave-one-out", "cross-validation"):
        plain = next(EvaluationProtocol(split=name).splits(data))
        again = next(EvaluationProtocol(split=name, refit=True).splits(data))
        assert plain.refit is None
        assert again.refit is not None
        assert len(again.refit.events) > len(again.train.events)


def test_only_test_users_are_drawn(data):
    protocol = EvaluationProtocol(split="leave-one-out", users=3, seed=2)
    (split,) = protocol.splits(data)
    assert len(split.test) == 3
    assert len(split.validation) == 8
    (again,) = protocol.splits(data)
    assert again.test.users.tolist() == split.test.users.tolist()


def test_folds_share_the_number_of_users(data):
    protocol = EvaluationProtocol(split="cross-validation", folds=4, users=6)
    tested = [len(split.test) for split in protocol.splits(data)]
    assert tested == [2, 2, 1, 1]
    few = EvaluationProtocol(split="cross-validation", folds=4, users=3)
    assert [len(split.test) for split in few.splits(data)] == [1, 1, 1], "no fold without users"


def test_unseen_excludes_the_history_and_all_excludes_nothing(data):
    split = leave_one_out(data)
    unseen = queries_of(split.test, split.train, UNSEEN)
    everything = queries_of(split.test, split.train, ALL)
    assert unseen.exclude.row(0).tolist() == [0, 1, 2, 3]
    assert everything.exclude.lengths.tolist() == [0] * 8
    for queries in (unseen, everything):
        assert queries.history.row(0).tolist() == [0, 1, 2, 3]
        assert queries.users.tolist() == list(range(8))


def test_users_without_training_are_unknown_and_keep_their_history(make_dataset):
    rows = [(0, i, i) for i in range(20)] + [(1, 3, 16.5), (1, 4, 19.5), (2, 5, 19.7)]
    split = temporal_split(make_dataset(rows, has_clock=True), (0.7, 0.15, 0.15))
    queries = queries_of(split.test, split.train, UNSEEN)
    assert split.test.users.tolist() == [0, 1, 2]
    assert queries.users.tolist() == [0, -1, -1]
    assert [queries.history.row(i).tolist() for i in (1, 2)] == [[3], []]


def test_queries_carry_a_time_only_where_there_is_a_clock(data, make_dataset):
    split = temporal_split(data)
    now = queries_of(split.test, split.train, UNSEEN).now
    assert now is not None
    assert (now == split.test.times).all()
    assert split.train.events.times.max() < now.min()
    clockless = leave_one_out(make_dataset([(0, i) for i in range(3)]))
    assert queries_of(clockless.test, clockless.train, UNSEEN).now is None


def test_served_is_what_is_measured_unless_said_otherwise(data):
    assert EvaluationProtocol().candidates == "served"
    assert EvaluationProtocol.default_for(data).candidates == "served"


def test_queries_can_be_taken_in_blocks(data):
    queries = queries_of(leave_one_out(data).test, data, UNSEEN)
    blocks = queries.blocks(3)
    assert [len(block) for block in blocks] == [3, 3, 2]
    assert np.concatenate([queries.take(block).users for block in blocks]).tolist() == list(
        range(8)
    )
