"""Popular of all time, popular lately, rising: hand-counted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from crossrec.components.candidates import PAD
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.numeric.ragged import Ragged
from crossrec_collaborative.popularity import (
    Board,
    DecayedPopularity,
    DecayedPopularityConfig,
    Popularity,
    Trending,
    TrendingConfig,
)
from hypothesis import given
from hypothesis import strategies as st

Build = Callable[..., Dataset]
BatchOf = Callable[..., QueryBatch]
RUN = RunOptions()


def fitted(source, dataset: Dataset):  # type: ignore[no-untyped-def]
    source.fit(dataset, RUN)
    return source


def said(source, queries: QueryBatch, *items: int) -> list[str | None]:  # type: ignore[no-untyped-def]
    return [
        None if evidence is None else evidence.phrase
        for evidence in source.explain(queries, np.array(items))
    ]


def test_popularity_sums_strengths(build: Build, batch_of: BatchOf) -> None:
    """Item 0: three views of .5; item 1: one purchase of 4; item 2: disliked; item 3: nothing."""
    dataset = build([[0, 1], [0], [0, 2]], 4, weights=[[0.5, 4], [0.5], [0.5, -1]])
    source = fitted(Popularity(), dataset)
    found = source.generate(batch_of([[]]), 10)
    assert found.index.tolist() == [[1, 0]]
    assert found.score.tolist() == [[4.0, 1.5]]
    assert said(source, batch_of([[]]), 1, 0, 2, 3) == [
        "popular: 1 person",
        "popular: 3 people",
        None,
        None,
    ]


def test_ties_go_by_index(build: Build, batch_of: BatchOf) -> None:
    source = fitted(Popularity(), build([[3, 1, 2], [0]], 5))
    assert source.generate(batch_of([[]]), 3).index.tolist() == [[0, 1, 2]]


def test_each_query_has_exclusions_of_its_own(build: Build, batch_of: BatchOf) -> None:
    source = fitted(Popularity(), build([[0, 1, 2], [0, 1], [0]], 3))
    queries = batch_of([[], [], [], []], exclude=[[], [0], [0, 0, 1], [2, 1, 0]])
    found = source.generate(queries, 2)
    assert found.index.tolist() == [[0, 1], [1, 2], [2, PAD], [PAD, PAD]]
    assert found.score.tolist() == [[3, 2], [2, 1], [1, -np.inf], [-np.inf, -np.inf]]


def test_statistics_are_over_what_is_admitted(build: Build, batch_of: BatchOf) -> None:
    source = fitted(Popularity(), build([[0, 1, 2], [0, 1], [0]], 3))
    found = source.generate(batch_of([[], []], exclude=[[], [0, 0]]), 2)
    assert found.mean.tolist() == [2.0, 1.5]
    np.testing.assert_allclose(found.std, [np.sqrt(2 / 3), 0.5], rtol=1e-6)


@given(
    counts=st.lists(st.integers(0, 5), min_size=1, max_size=9),
    exclude=st.lists(st.lists(st.integers(0, 8), max_size=6), min_size=1, max_size=4),
    k=st.integers(1, 12),
)
def test_agrees_with_a_sort_of_what_is_admitted(
    counts: list[int], exclude: list[list[int]], k: int
) -> None:
    n = len(counts)
    rows = [{i for i in row if i < n} for row in exclude]
    away = Ragged.from_rows([[i for i in row if i < n] for row in exclude])
    source = Popularity()
    source._board = Board(np.array(counts, dtype=np.float64), np.zeros((2, n), np.int64), False)
    found = source.generate(QueryBatch.from_histories(Ragged.empty(len(rows)), exclude=away), k)
    for at, gone in enumerate(rows):
        admitted = [i for i in range(n) if i not in gone]
        best = sorted((i for i in admitted if counts[i] > 0), key=lambda i: (-counts[i], i))[:k]
        assert found.row(at).tolist() == best
        assert found.score[at][: len(best)].tolist() == [counts[i] for i in best]
        values = [counts[i] for i in admitted] or [0]
        assert found.mean[at] == pytest.approx(np.mean(values), abs=1e-5)
        assert found.std[at] == pytest.approx(np.std(values), abs=1e-3)


def test_an_event_halves_with_every_half_life(build: Build, batch_of: BatchOf) -> None:
    """Last event on day 60. Item 0: ages 60, 60, 60 → 3/4; item 1: age 30 → 1/2; item 2: 1."""
    dataset = build([[0, 1], [0, 2], [0]], 3, days=[[0, 30], [0, 60], [0]])
    source = fitted(DecayedPopularity(DecayedPopularityConfig(half_life_days=30)), dataset)
    found = source.generate(batch_of([[]]), 3)
    assert found.index.tolist() == [[2, 0, 1]]
    np.testing.assert_allclose(found.score, [[1.0, 0.75, 0.5]])
    assert said(source, batch_of([[]]), 2, 0, 1) == [
        "popular: 1 person in the last 30 days",
        "popular: 3 people, none lately",
        "popular: 1 person in the last 30 days",
    ]


def test_strength_and_age_multiply(build: Build, batch_of: BatchOf) -> None:
    dataset = build([[0, 1]], 2, weights=[[8, 3]], days=[[0, 1]])
    source = fitted(DecayedPopularity(DecayedPopularityConfig(half_life_days=1)), dataset)
    np.testing.assert_allclose(source.generate(batch_of([[]]), 2).score, [[4.0, 3.0]])


def test_without_a_clock_age_is_the_number_of_later_events(build: Build, batch_of: BatchOf) -> None:
    """The times of a set without clock are positions in a file: they must not count as seconds."""
    dataset = build([[0, 1, 2], [0, 2]], 3)
    source = fitted(DecayedPopularity(DecayedPopularityConfig(half_life_events=1)), dataset)
    found = source.generate(batch_of([[]]), 3)
    assert found.index.tolist() == [[2, 0, 1]]
    np.testing.assert_allclose(found.score, [[2.0, 0.75, 0.5]])
    assert said(source, batch_of([[]]), 2) == ["popular: 2 people at the end of histories"]


def test_the_order_of_users_without_a_clock_does_not_matter(
    build: Build, batch_of: BatchOf
) -> None:
    there, back = build([[0, 1], [2, 1, 0]], 3), build([[2, 1, 0], [0, 1]], 3)
    first, second = fitted(DecayedPopularity(), there), fitted(DecayedPopularity(), back)
    np.testing.assert_allclose(first.board.scores, second.board.scores)


def test_trending_compares_two_windows(build: Build, batch_of: BatchOf) -> None:
    """Windows (3, 10] and (-4, 3] of days; item 0 rises 1 → 4, item 1 falls, item 2 is new."""
    dataset = build(
        [[0, 0, 0, 0, 0], [1, 1, 1, 1], [2, 2]],
        4,
        days=[[2, 7, 8, 9, 10], [0, 1, 2, 9], [5, 6]],
    )
    source = fitted(Trending(TrendingConfig(window_days=7, smoothing=1)), dataset)
    found = source.generate(batch_of([[]]), 10)
    assert found.index.tolist() == [[2, 0]]
    np.testing.assert_allclose(found.score, [[2.0, 1.5]])
    assert said(source, batch_of([[]]), 0, 1) == [
        "rising: 1 person in the last 7 days, 1 in the 7 days before",
        None,
    ]


def test_smoothing_holds_back_small_numbers(build: Build, batch_of: BatchOf) -> None:
    """0 → 2 is a higher rate than 10 → 30, until smoothing says how little it is."""
    days = [[5.0] * 10 + [10.0] * 30, [10.0, 10.0]]
    dataset = build([[0] * 40, [1, 1]], 2, days=days)
    hasty = fitted(Trending(TrendingConfig(window_days=3, smoothing=0.1)), dataset)
    calm = fitted(Trending(TrendingConfig(window_days=3, smoothing=10)), dataset)
    assert hasty.generate(batch_of([[]]), 1).index.tolist() == [[1]]
    assert calm.generate(batch_of([[]]), 1).index.tolist() == [[0]]


def test_trending_without_a_clock_looks_at_the_ends_of_histories(
    build: Build, batch_of: BatchOf
) -> None:
    dataset = build([[0, 0, 1, 1], [0, 2, 2, 1]], 3)
    source = fitted(Trending(TrendingConfig(window_events=2, smoothing=1)), dataset)
    assert source.generate(batch_of([[]]), 3).index.tolist() == [[1]]
    assert source.score(batch_of([[]]), np.array([[1]])).tolist() == [[3.0]]
    assert said(source, batch_of([[]]), 1) == [
        "rising: 2 people at the end of histories, 0 just before"
    ]


@pytest.mark.parametrize("days", [1, 2.5])
def test_days_read_well(build: Build, batch_of: BatchOf, days: float) -> None:
    source = fitted(Trending(TrendingConfig(window_days=days)), build([[0]], 1, days=[[3]]))
    words = "day" if days == 1 else "2.5 days"
    expected = f"rising: 1 person in the last {words}, 0 in the {words} before"
    assert said(source, batch_of([[]]), 0) == [expected]
