"""The repeat rate of the training events decides whether histories are candidates."""

from __future__ import annotations

import numpy as np
from crossrec.components.query import QueryBatch
from crossrec.numeric.ragged import Ragged
from crossrec_backbone.adaptation.folds import held_out_folds
from crossrec_backbone.adaptation.repeats import exclude_history
from hypothesis import given, settings
from hypothesis import strategies as st

ROWS = st.lists(st.lists(st.integers(0, 6), max_size=7), min_size=1, max_size=12)


def test_the_history_is_excluded_unless_repeats_are_candidates() -> None:
    history = Ragged.from_rows([[1, 2], [3]])
    own = Ragged.from_rows([[7], []])
    queries = QueryBatch.from_histories(history, exclude=own)
    closed = exclude_history(queries, repeats=False).exclude
    assert [closed.row(i).tolist() for i in range(2)] == [[1, 2, 7], [3]]
    assert [exclude_history(queries, repeats=True).exclude.row(i).tolist() for i in (0, 1)] == [
        [7],
        [],
    ]


@settings(max_examples=80, deadline=None)
@given(ROWS, st.booleans(), st.integers(1, 4), st.integers(0, 5))
def test_folds_never_leak(rows: list[list[int]], repeats: bool, folds: int, seed: int) -> None:
    """A held-out event is in no statistics of its fold; everything else is."""
    sequences = Ragged.from_rows(rows)
    parts = held_out_folds(sequences, folds, seed, limit=100, repeats=repeats)
    users: list[int] = []
    for fold in parts:
        assert len(fold.sequences.values) == len(sequences.values) - len(fold.targets)
        for at, user in enumerate(fold.queries.users):
            whole = sequences.row(int(user)).tolist()
            assert fold.sequences.row(int(user)).tolist() == whole[:-1]
            assert fold.queries.history.row(at).tolist() == whole[:-1]
            assert fold.targets[at] == whole[-1]
            if not repeats:
                assert whole[-1] not in whole[:-1]
                assert fold.queries.exclude.row(at).tolist() == whole[:-1]
        users += fold.queries.users.tolist()
    assert len(set(users)) == len(users), "a user is held out twice"
    able = [
        u for u, row in enumerate(rows) if len(row) >= 3 and (repeats or row[-1] not in row[:-1])
    ]
    assert sorted(users) == able


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 40), max_size=45), min_size=1, max_size=6),
    st.booleans(),
    st.integers(1, 3),
    st.integers(1, 30),
)
def test_long_histories_give_more_than_one_target(
    rows: list[list[int]], repeats: bool, folds: int, limit: int
) -> None:
    sequences = Ragged.from_rows(rows)
    parts = held_out_folds(sequences, folds, 0, limit=limit, repeats=repeats)
    total, owner = 0, {}
    for number, fold in enumerate(parts):
        total += len(fold.targets)
        assert len(fold.sequences.values) == len(sequences.values) - len(fold.targets)
        for at, user in enumerate(fold.queries.users.tolist()):
            assert owner.setdefault(user, number) == number, "a user belongs to one fold"
            whole, rest = rows[user], fold.sequences.row(user).tolist()
            history = fold.queries.history.row(at).tolist()
            assert rest[: len(history)] == history, "what came before, without the held-out"
            assert len(history) >= 1
            assert repeats or fold.targets[at] not in history
            assert int(fold.targets[at]) in whole
    assert total <= limit


def test_every_tenth_event_of_a_long_history_is_held_out() -> None:
    sequences = Ragged.from_rows([list(range(25)), [90, 91, 92]])
    fold = held_out_folds(sequences, 1, 0, limit=100, repeats=False)[0]
    histories = {
        int(target): fold.queries.history.row(at).tolist() for at, target in enumerate(fold.targets)
    }
    assert histories == {
        92: [90, 91],
        24: [*range(4), *range(5, 14), *range(15, 24)],
        14: [*range(4), *range(5, 14)],
        4: list(range(4)),
    }
    assert fold.sequences.row(0).tolist() == [*range(4), *range(5, 14), *range(15, 24)]


def test_with_as_many_users_as_the_limit_only_their_last_events_are_held_out() -> None:
    sequences = Ragged.from_rows([list(range(30)) for _ in range(5)])
    parts = held_out_folds(sequences, 2, 0, limit=5, repeats=False)
    assert [target for fold in parts for target in fold.targets.tolist()] == [29] * 5
    more = held_out_folds(sequences, 2, 0, limit=6, repeats=False)
    targets = sorted(target for fold in more for target in fold.targets.tolist())
    assert targets == [19, 29, 29, 29, 29, 29], "the last ones come first"


def test_with_repeats_the_history_is_open() -> None:
    sequences = Ragged.from_rows([[1, 2, 1], [3, 4, 5]])
    fold = held_out_folds(sequences, 1, 0, limit=10, repeats=True)[0]
    assert fold.queries.exclude.lengths.tolist() == [0, 0]
    assert sorted(fold.targets.tolist()) == [1, 5]


def test_the_limit_is_kept() -> None:
    sequences = Ragged.from_rows([[u, u + 1, u + 2] for u in range(50)])
    parts = held_out_folds(sequences, 4, 0, limit=10, repeats=False)
    assert sum(len(fold.targets) for fold in parts) == 10
    assert np.unique([len(fold.targets) for fold in parts]).tolist() == [2, 3]


def test_too_few_held_out_events_give_no_folds() -> None:
    sequences = Ragged.from_rows([[u, u + 1, u + 2] for u in range(9)])
    assert held_out_folds(sequences, 2, 0, limit=100, least=10) == []
    assert len(held_out_folds(sequences, 2, 0, limit=100, least=9)) == 2
