"""One model on one split: lists are checked, every column is what its name says."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.candidates import PAD, Candidates
from crossrec.components.eligibility import ALL, UNSEEN
from crossrec.components.query import QueryBatch
from crossrec.data.splits import leave_one_out
from crossrec.errors import PluginError
from crossrec.evaluation.baselines import Popularity, RepeatLast
from crossrec.evaluation.measure import Bench, checked, measure
from crossrec.evaluation.protocol import EvaluationProtocol
from crossrec.numeric.ragged import Ragged


class Fixed:
    """Shows the same list to everybody."""

    def __init__(self, *items: int, name: str = "fixed") -> None:
        self.name, self.fit_seconds, self.items = name, 1.5, items
        self.sizes: list[int] = []

    def top(self, queries: QueryBatch, k: int) -> Candidates:
        self.sizes.append(len(queries))
        index = np.tile(np.array(self.items, dtype=np.int64), (len(queries), 1))
        return Candidates(index, np.zeros(index.shape, np.float32), self.name)


def bench_of(data, *, candidates="unseen", **settings) -> Bench:
    protocol = EvaluationProtocol(split="leave-one-out", candidates=candidates, **settings)
    rule = ALL if candidates == "all" else UNSEEN
    split = leave_one_out(data)
    return Bench.of(protocol, rule, split.test, split.train, Popularity(split.train))


@pytest.fixture
def data(make_dataset):
    """Three users; the last items are 3, 3 and 0, and user 2 has met 0 before."""
    return make_dataset(
        [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (1, 1), (1, 3), (2, 0), (2, 4), (2, 0)]
    )


def ask(exclude: list[list[int]]) -> QueryBatch:
    return QueryBatch.from_histories(Ragged.from_rows(exclude))


# Checking


def test_good_lists_pass_unchanged():
    lists = np.array([[1, 2, PAD], [0, 3, 4]])
    kept, broken = checked(lists, ask([[0], []]), 3, 5, "m")
    assert kept.tolist() == lists.tolist()
    assert broken == 0


def test_excluded_items_lose_their_slot_and_the_rest_stay_in_place():
    kept, broken = checked(np.array([[1, 2, 3], [1, 2, 3]]), ask([[2], [1, 3]]), 3, 5, "m")
    assert kept.tolist() == [[1, PAD, 3], [PAD, 2, PAD]]
    assert broken == 3


def test_of_a_repeated_item_only_the_first_place_counts():
    kept, broken = checked(np.array([[4, 1, 4, 4], [PAD, PAD, 2, 2]]), ask([[], []]), 4, 5, "m")
    assert kept.tolist() == [[4, 1, PAD, PAD], [PAD, PAD, 2, PAD]]
    assert broken == 3


def test_lists_longer_than_k_are_cut():
    assert checked(np.array([[0, 1, 2]]), ask([[]]), 2, 5, "m")[0].tolist() == [[0, 1]]


@pytest.mark.parametrize("index", [[[5]], [[-2]]])
def test_an_index_outside_of_the_catalog_names_the_model(index):
    with pytest.raises(PluginError, match="^wild returned an item index outside of the 5 items"):
        checked(np.array(index), ask([[]]), 1, 5, "wild")


@pytest.mark.parametrize("shape", [(1, 3), (2,), (3, 3)])
def test_there_must_be_one_list_for_each_query(shape):
    with pytest.raises(PluginError, match="lists for 2 queries"):
        checked(np.zeros(shape, np.int64), ask([[], []]), 3, 5, "m")


# Columns


def test_columns_by_hand(data):
    bench = bench_of(data, candidates="all", ks=(1, 2))
    got = measure(Fixed(3, 0), bench)
    columns = {name: values.tolist() for name, values in got.columns.items()}
    assert columns["recall@1"] == [1, 1, 0]
    assert columns["recall@2"] == [1, 1, 1]
    assert columns["ndcg@2"] == pytest.approx([1, 1, 1 / np.log2(3)])
    assert columns["mrr@2"] == [1, 1, 0.5]
    # Trained on 0 1 · 0 · 0: the head is item 0 alone, so that 3 is long tail.
    assert columns["longtail_recall@1"] == pytest.approx([1, 1, np.nan], nan_ok=True)
    assert columns["targets.repeat:recall@1"] == pytest.approx([np.nan, np.nan, 0], nan_ok=True)
    assert columns["targets.new:recall@1"] == pytest.approx([1, 1, np.nan], nan_ok=True)
    assert columns["items.cold:recall@1"] == pytest.approx([1, 1, np.nan], nan_ok=True)
    assert columns["users.hot:ndcg@1"] == [1, 1, 0]
    assert np.isnan(columns["users.cold:ndcg@1"]).all()
    assert (got.name, got.fit_seconds, got.broken) == ("fixed", 1.5, 0)


def test_list_metrics_by_hand(data):
    bench = bench_of(data, candidates="all", ks=(1, 2))
    lists = measure(Fixed(3, 0), bench).lists
    assert lists["coverage@1"] == pytest.approx(1 / 5)
    assert lists["coverage@2"] == pytest.approx(2 / 5)
    assert lists["gini@1"] == pytest.approx(4 / 5)
    assert lists["popular_overlap@1"] == 0  # popularity shows 0 first
    assert lists["popular_overlap@2"] == 0.5  # and 0, 1 after it
    assert not any(name.startswith("diversity") for name in lists)


def test_a_target_in_the_history_is_a_counted_miss_among_unseen_candidates(data):
    bench = bench_of(data, candidates="unseen", ks=(2,))
    got = measure(Fixed(0, 3), bench)
    assert got.columns["recall@2"].tolist() == [1, 1, 0]
    assert got.broken == 3, "every user has met item 0"
    # Its place stays empty: the next item does not move up.
    assert got.columns["mrr@2"].tolist() == [0.5, 0.5, 0]


def test_repeat_and_new_are_apart_only_where_history_may_come_back(data):
    for candidates, expected in (("all", True), ("unseen", False)):
        columns = measure(Fixed(0), bench_of(data, candidates=candidates)).columns
        assert any(name.startswith("targets.") for name in columns) == expected


def test_popularity_overlaps_with_itself_entirely_and_repeat_last_shows_nothing_unseen(data):
    bench = bench_of(data, candidates="unseen")
    train = leave_one_out(data).train
    popular = measure(Popularity(train), bench, baseline=True)
    assert popular.baseline
    assert popular.lists["popular_overlap@10"] == 1.0
    repeat = measure(RepeatLast(train), bench, baseline=True)
    assert repeat.columns["recall@50"].tolist() == [0, 0, 0]
    assert repeat.lists["coverage@50"] == 0
    assert np.isnan(repeat.lists["gini@50"])
    assert np.isnan(repeat.lists["popular_overlap@50"])


def test_repeat_last_finds_what_is_bought_again(data):
    bench = bench_of(data, candidates="all", ks=(2,))
    got = measure(RepeatLast(leave_one_out(data).train), bench)
    assert got.columns["mrr@2"].tolist() == [0, 0, 0.5]  # user 2: last 4, before it 0


def test_diversity_is_measured_where_there_is_something_to_measure_it_on(make_dataset):
    rows = [(0, 0), (0, 1), (0, 2), (0, 3)]
    data = make_dataset(rows, categories=[("a",), ("a",), ("b",), ("b",)])
    lists = measure(Fixed(0, 1, 2), bench_of(data, candidates="all", ks=(2, 3))).lists
    assert lists["diversity@2"] == pytest.approx(0.0)
    assert lists["diversity@3"] == pytest.approx(2 / 3)


def test_blocks_change_nothing_and_are_no_larger_than_configured(checkerboard, covisitation):
    train = leave_one_out(checkerboard).train
    model = covisitation(train)
    whole = measure(model, bench_of(checkerboard, block=512))
    parts = measure(model, bench_of(checkerboard, block=7))
    for name, values in whole.columns.items():
        assert parts.columns[name].tolist() == pytest.approx(values.tolist(), nan_ok=True)
    assert parts.lists == pytest.approx(whole.lists, nan_ok=True)
    fixed = Fixed(0)
    measure(fixed, bench_of(checkerboard, block=7))
    assert fixed.sizes == [7, 7, 6]


def test_progress_is_reported_after_each_block(checkerboard):
    steps = []
    step = lambda done, total: steps.append((done, total))  # noqa: E731
    measure(Fixed(0), bench_of(checkerboard, block=8), step=step)
    assert steps == [(8, 20), (16, 20), (20, 20)]
