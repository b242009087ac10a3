"""Budgets: what methods may see, what they never see, and that the test users stay the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.errors import CrossrecError, DataError, UsageError
from crossrec_backbone.transfer.budgets import cut, drawn
from crossrec_backbone.transfer.settings import TransferSettings, parse_events
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

sequences = st.lists(st.lists(st.integers(0, 14), max_size=8), min_size=1, max_size=12)


def dataset_of(rows: list[list[int]], n_items: int = 15) -> Dataset:
    catalog = Catalog(
        Vocabulary([f"i{i}" for i in range(n_items)]),
        tuple(f"title {i}" for i in range(n_items)),
        tuple(f"text {i}" for i in range(n_items)),
        ((),) * n_items,
        ("",) * n_items,
        np.ones(n_items, dtype=bool),
    )
    users = [user for user, row in enumerate(rows) for _ in row]
    items = [item for row in rows for item in row]
    events = Events.from_columns(users, items)
    names = Vocabulary([f"u{u}" for u in range(len(rows))])
    return Dataset.build(names, catalog, events, has_clock=False)


def rows_of(dataset: Dataset) -> list[list[int]]:
    return [dataset.sequences.row(i).tolist() for i in range(dataset.n_users)]


class TestCut:
    def test_the_ends_of_three_users(self):
        split = cut(dataset_of([[1, 2, 3, 4], [5, 6], [7, 8, 7]]), users=None, unseen=True)
        assert rows_of(split.train) == [[1, 2], [5, 6], [7]]
        assert [split.queries.history.row(i).tolist() for i in range(2)] == [[1, 2, 3], [7, 8]]
        assert split.targets.tolist() == [4, 7]
        assert split.repeat.tolist() == [False, True]
        assert split.n_train == 5

    def test_unseen_excludes_the_history_and_all_nothing(self):
        data = dataset_of([[1, 2, 3, 4]])
        assert cut(data, users=None, unseen=True).queries.exclude.row(0).tolist() == [1, 2, 3]
        assert cut(data, users=None, unseen=False).queries.exclude.row(0).tolist() == []

    def test_nobody_with_three_events_is_an_error(self):
        with pytest.raises(DataError, match="three interactions"):
            cut(dataset_of([[1, 2], [3]]), users=None, unseen=True)

    def test_the_sample_of_users_is_always_the_same(self):
        data = dataset_of([[u % 15, (u + 1) % 15, (u + 2) % 15] for u in range(100)])
        first = cut(data, users=10, unseen=True)
        again = cut(data, users=10, unseen=False)
        assert len(first.targets) == 10
        assert first.queries.users.tolist() == again.queries.users.tolist()

    def test_a_sample_leaves_the_training_part_whole(self):
        data = dataset_of([[u % 15, (u + 1) % 15, (u + 2) % 15] for u in range(100)])
        assert cut(data, users=10, unseen=True).n_train == 100

    @given(sequences)
    def test_neither_target_nor_the_item_before_it_is_in_the_training_part(self, rows):
        data = dataset_of(rows)
        if max(map(len, rows)) < 3:
            return
        split = cut(data, users=None, unseen=True)
        for row, left in zip(rows, rows_of(split.train), strict=True):
            assert left == (row[:-2] if len(row) >= 3 else row)
        users = split.queries.users.tolist()
        assert users == [user for user, row in enumerate(rows) if len(row) >= 3]
        for at, user in enumerate(users):
            assert split.queries.history.row(at).tolist() == rows[user][:-1]
            assert split.targets[at] == rows[user][-1]
            assert split.repeat[at] == (rows[user][-1] in rows[user][:-1])


class TestDrawn:
    @given(sequences, st.integers(0, 40), st.integers(0, 5))
    def test_the_number_is_met_by_whole_users(self, rows, level, seed):
        data = dataset_of(rows)
        got = rows_of(drawn(data, level, seed))
        assert sum(map(len, got)) == min(level, sum(map(len, rows)))
        short = 0
        for whole, row in zip(rows, got, strict=True):
            assert row == whole[: len(row)]  # oldest first, nothing moved, nothing added
            short += 0 < len(row) < len(whole)
        assert short <= 1

    @given(sequences, st.integers(0, 20), st.integers(0, 20), st.integers(0, 5))
    def test_smaller_budgets_lie_in_larger_ones(self, rows, one, other, seed):
        data = dataset_of(rows)
        small, large = sorted((one, other))
        inner, outer = (rows_of(drawn(data, level, seed)) for level in (small, large))
        assert all(a == b[: len(a)] for a, b in zip(inner, outer, strict=True))

    def test_the_same_seed_draws_the_same_and_another_seed_others(self):
        data = dataset_of([[u % 15, (u + 3) % 15] for u in range(60)])
        assert rows_of(drawn(data, 20, 0)) == rows_of(drawn(data, 20, 0))
        assert rows_of(drawn(data, 20, 0)) != rows_of(drawn(data, 20, 1))

    def test_all_and_more_than_there_is_are_the_training_part_itself(self):
        data = dataset_of([[1, 2], [3, 4, 5]])
        assert drawn(data, "all", 0) is data
        assert drawn(data, 5, 0) is data

    def test_users_items_and_vectors_stay(self):
        data = dataset_of([[1, 2], [3, 4, 5]])
        data = data.with_vectors("enc", np.ones((15, 2), dtype=np.float32))
        got = drawn(data, 2, 0)
        assert got.users is data.users
        assert got.catalog is data.catalog
        assert got.vectors["enc"] is data.vectors["enc"]

    def test_dislikes_are_no_events_of_a_budget(self):
        data = dataset_of([[1, 2, 3], [4, 5, 6]])
        weights = np.array([1, -1, 1, 1, 1, 1], dtype=np.float32)
        data = data.with_events(replace(data.events, weights=weights))
        assert len(drawn(data, 4, 0).interactions) == 4
        assert len(drawn(data, 4, 0).events) == 4

    def test_no_event_of_the_test_reaches_a_budget(self):
        rows = [[u % 7, 7 + u % 4, 11 + u % 2, 13 + u % 2] for u in range(50)]
        split = cut(dataset_of(rows), users=None, unseen=True)
        for level in (0, 1, 10, 60, "all"):
            for seed in range(3):
                seen = drawn(split.train, level, seed).interactions.items
                assert not len(seen) or seen.max() < 11  # 11, 12: the query's own; 13, 14: targets


class TestSettings:
    def test_budgets_are_sorted_and_all_is_last(self):
        settings = TransferSettings(events=("all", 1000, 0, 10, 0))
        assert settings.events == (0, 10, 1000, "all")

    @pytest.mark.parametrize("events", [(), (-1,), (0, -5, "all")])
    def test_bad_budgets(self, events):
        with pytest.raises(ValidationError, match="budgets are numbers"):
            TransferSettings(events=events)

    def test_the_command_line_form(self):
        assert parse_events("0, 10,1_000,all") == (0, 10, 1000, "all")

    @pytest.mark.parametrize("text", ["", " , ", "ten", "-1", "1.5", "0,alle", "²"])
    def test_what_is_no_budget(self, text):
        with pytest.raises(UsageError, match="--events") as error:
            parse_events(text)
        assert isinstance(error.value, CrossrecError)
