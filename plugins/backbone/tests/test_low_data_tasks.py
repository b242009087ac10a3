"""Low-data tasks: no target is in the statistics, and thinning keeps whole users."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.numeric.ragged import Ragged
from crossrec_backbone.pretraining.low_data_tasks import (
    LowDataConfig,
    hold_out,
    levels_of,
    make_task,
    thinned,
    windows,
)
from hypothesis import given, settings
from hypothesis import strategies as st

CONFIG = LowDataConfig(longest=12, windows=3, shortest_window=4, extra=3)


def unique_rows(lengths: list[int]) -> Ragged:
    """Rows in which every event of the whole set has a number of its own."""
    ends = np.cumsum(lengths)
    return Ragged.from_rows(
        [np.arange(end - length, end) for end, length in zip(ends, lengths, strict=True)]
    )


def test_hold_out_by_hand() -> None:
    held = hold_out(Ragged.from_rows([[1, 2, 3, 4], [5, 6], [7, 8, 9], [1, 2, 1]]))
    assert [held.known.row(i).tolist() for i in range(4)] == [[1, 2], [], [7], [1]]
    assert [held.queries.history.row(i).tolist() for i in range(2)] == [[1, 2, 3], [7, 8]]
    assert held.targets.tolist() == [4, 9]  # the last row repeats an item, the second is short


def test_short_sequences_are_not_cut() -> None:
    rows = Ragged.from_rows([[1, 2, 3], list(range(12))])
    cut = windows(rows, CONFIG, np.random.default_rng(0))
    assert cut.values.tolist() == rows.values.tolist()
    assert cut.indptr.tolist() == rows.indptr.tolist()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 80), min_size=1, max_size=8), st.integers(0, 1000))
def test_windows_never_overlap(lengths: list[int], seed: int) -> None:
    """Every event is in one window at most, so no target leaks into another's statistics."""
    rows = unique_rows(lengths)
    cut = windows(rows, CONFIG, np.random.default_rng(seed))
    assert len(np.unique(cut.values)) == len(cut.values)
    for i in range(len(cut)):
        assert (np.diff(cut.row(i)) == 1).all(), "a window is not a stretch of its sequence"
        owners = np.unique(rows.row_of[np.isin(rows.values, cut.row(i))])
        assert len(owners) <= 1, "a window holds events of two users"
    long = sum(length > CONFIG.longest for length in lengths)
    assert len(cut) <= len(lengths) - long + CONFIG.windows * long


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=10), st.integers(0, 200), st.integers(0, 9)
)
def test_no_target_is_in_the_statistics(lengths: list[int], level: int, seed: int) -> None:
    """Events are unique here, so a target that is found in the statistics would be a leak."""
    held = hold_out(windows(unique_rows(lengths), CONFIG, np.random.default_rng(seed)))
    task = make_task(held, level, CONFIG, seed)
    assert not np.isin(task.targets, task.sequences.values).any()
    last = task.queries.last_items()
    assert not np.isin(last, task.sequences.values).any(), "the last but one belongs to the query"
    assert len(task.targets) == len(task.queries)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=12), st.integers(0, 120), st.integers(0, 9))
def test_thinning_keeps_whole_users(lengths: list[int], events: int, seed: int) -> None:
    rows = unique_rows(lengths)
    thin = thinned(rows, events, np.random.default_rng(seed))
    assert len(thin.values) == min(events, len(rows.values))
    whole = {tuple(rows.row(i).tolist()) for i in range(len(rows))}
    kept = [tuple(thin.row(i).tolist()) for i in range(len(thin))]
    assert all(row in whole for row in kept[:-1])  # only the last one may be cut
    if kept and kept[-1]:
        assert any(row[: len(kept[-1])] == kept[-1] for row in whole)


def test_thinning_draws_users_at_random() -> None:
    rows = unique_rows([2] * 50)
    draws = [thinned(rows, 20, np.random.default_rng(seed)).values.tolist() for seed in (1, 1, 2)]
    assert draws[0] == draws[1]
    assert draws[0] != draws[2]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (0, (0,)),
        (500, (0, 500)),
        (4_000, (0, 1_000, 3_000, 4_000)),
        (9**9, (0, 1_000, 3_000, 10_000, 50_000)),
    ],
)
def test_levels_end_with_all_that_there_is(events: int, expected: tuple[int, ...]) -> None:
    assert levels_of(events, LowDataConfig()) == expected


def test_a_task_has_so_many_queries_at_most() -> None:
    held = hold_out(unique_rows([4] * 40))
    task = make_task(held, 50, LowDataConfig(queries=15), 0)
    again = make_task(held, 50, LowDataConfig(queries=15), 0)
    assert len(task.targets) == 15
    assert task.targets.tolist() == again.targets.tolist()
    assert task.sequences.values.tolist() == again.sequences.values.tolist()
