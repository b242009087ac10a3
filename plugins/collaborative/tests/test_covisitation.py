"""Pairs within a window, counted by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.errors import ConfigError
from crossrec.numeric.ragged import Ragged
from crossrec_collaborative import item_source
from crossrec_collaborative import pairs as pairs_module
from crossrec_collaborative.covisitation import Covisitation, CovisitationConfig
from crossrec_collaborative.pairs import count_pairs
from hypothesis import given
from hypothesis import strategies as st

Build = Callable[..., Dataset]
BatchOf = Callable[..., QueryBatch]
ROWS = st.lists(st.lists(st.integers(0, 5), max_size=9), max_size=6)


def fitted(dataset: Dataset, **settings: object) -> Covisitation:
    source = Covisitation(CovisitationConfig.model_validate(settings))
    source.fit(dataset, RunOptions())
    return source


def plain(**settings: object) -> dict[str, object]:
    return {"normalise": False, "distance_decay": 0.5, "window": 2, **settings}


def test_pairs_of_one_history() -> None:
    """0 1 0 2, window 2: 01 at 1 twice; 02 at 1; 12 at 2; 00 is no pair."""
    pairs = count_pairs(Ragged.from_rows([[0, 1, 0, 2]]), 3, window=2, decay=0.5)
    assert pairs.first.tolist() == [0, 0, 1]
    assert pairs.second.tolist() == [1, 2, 2]
    assert pairs.count.tolist() == [2, 1, 1]
    assert pairs.mass.tolist() == [2.0, 1.0, 0.5]


def test_pairs_do_not_reach_from_one_user_into_the_next() -> None:
    pairs = count_pairs(Ragged.from_rows([[0, 1], [2, 3]]), 4, window=3, decay=1.0)
    assert list(zip(pairs.first, pairs.second)) == [(0, 1), (2, 3)]


def test_the_later_event_gives_a_pair_its_age() -> None:
    mass = np.array([100.0, 2.0, 3.0])
    rows = Ragged.from_rows([[0, 1, 2]])
    pairs = count_pairs(rows, 3, window=2, decay=1.0, event_mass=mass)
    assert pairs.mass.tolist() == [2.0, 3.0, 3.0]


@given(ROWS, st.integers(1, 8), st.sampled_from([1, 3, 1000]))
def test_counts_agree_with_a_loop(rows: list[list[int]], window: int, chunk: int) -> None:
    expected: Counter[tuple[int, int]] = Counter()
    mass: Counter[tuple[int, int]] = Counter()
    for row in rows:
        for i, a in enumerate(row):
            for j in range(i + 1, min(i + window, len(row) - 1) + 1):
                if a != row[j]:
                    pair = (min(a, row[j]), max(a, row[j]))
                    expected[pair] += 1
                    mass[pair] += 0.8 ** (j - i - 1)  # type: ignore[assignment]
    before = pairs_module._CHUNK
    pairs_module._CHUNK = chunk
    try:
        pairs = count_pairs(Ragged.from_rows(rows), 6, window=window, decay=0.8)
    finally:
        pairs_module._CHUNK = before
    found = list(zip(pairs.first.tolist(), pairs.second.tolist()))
    assert found == sorted(expected)
    assert pairs.count.tolist() == [expected[pair] for pair in found]
    np.testing.assert_allclose(pairs.mass, [mass[pair] for pair in found])


def test_scores_are_masses(build: Build, batch_of: BatchOf) -> None:
    source = fitted(build([[0, 1, 0, 2]], 4), **plain())
    found = source.generate(batch_of([[0]]), 5)
    assert found.index.tolist() == [[1, 2]]
    assert found.score.tolist() == [[2.0, 1.0]]


def test_both_directions(build: Build, batch_of: BatchOf) -> None:
    source = fitted(build([[0, 1]], 2), **plain())
    assert source.generate(batch_of([[0], [1]]), 1).index.tolist() == [[1], [0]]


def test_normalised_with_shrinkage(build: Build, batch_of: BatchOf) -> None:
    """Items 0, 1, 2 occur 2, 1, 1 times: 2 / (√2 + 1) and 1 / (√2 + 1)."""
    source = fitted(build([[0, 1, 0, 2]], 4), **plain(normalise=True, shrinkage=1.0))
    score = source.generate(batch_of([[0]]), 5).score
    np.testing.assert_allclose(score, [[2 / (np.sqrt(2) + 1), 1 / (np.sqrt(2) + 1)]], rtol=1e-6)


def test_normalising_keeps_the_popular_down(build: Build, batch_of: BatchOf) -> None:
    """Item 9 is next to everything, item 1 only next to item 0."""
    rows = [[0, 1], [0, 1], [0, 9], [0, 9], [0, 9], *[[i, 9] for i in range(2, 9)]]
    raw = fitted(build(rows, 10), **plain())
    normal = fitted(build(rows, 10), **plain(normalise=True, shrinkage=0.0))
    assert raw.generate(batch_of([[0]]), 1).index.tolist() == [[9]]
    assert normal.generate(batch_of([[0]]), 1).index.tolist() == [[1]]


def test_the_latest_item_weighs_most(build: Build, batch_of: BatchOf) -> None:
    source = fitted(build([[0, 1], [2, 3]], 4), **plain(decay=0.5))
    found = source.generate(batch_of([[0, 2], [2, 0]]), 1)
    assert found.index.tolist() == [[3], [1]]
    np.testing.assert_allclose(found.score, [[2 / 3], [2 / 3]], rtol=1e-6)


def test_pairs_age_with_a_clock(build: Build, batch_of: BatchOf) -> None:
    dataset = build([[0, 1], [0, 2]], 3, days=[[0, 10], [0, 20]])
    source = fitted(dataset, **plain(half_life_days=10))
    found = source.generate(batch_of([[0]]), 2)
    assert found.index.tolist() == [[2, 1]]
    np.testing.assert_allclose(found.score, [[1.0, 0.5]])


def test_without_a_clock_ageing_is_refused(build: Build) -> None:
    with pytest.raises(ConfigError, match="half_life_days needs events with real times"):
        fitted(build([[0, 1]], 2), half_life_days=10)


def test_only_the_strongest_neighbours_stay(build: Build, batch_of: BatchOf) -> None:
    rows = [[0, 1], [0, 1], [0, 2], [0, 2], [0, 3]]
    source = fitted(build(rows, 4), **plain(neighbours=2))
    assert source.generate(batch_of([[0]]), 9).index.tolist() == [[1, 2]]


def test_the_phrase_counts_truly(build: Build, batch_of: BatchOf) -> None:
    rows = [[0, 1]] * 14 + [[2, 1], [3, 4]]
    source = fitted(build(rows, 5))
    queries = batch_of([[0, 2]])
    (evidence,) = source.explain(queries, np.array([1]))
    assert evidence is not None
    assert evidence.phrase == "chosen together 15 times with items such as"
    assert evidence.history == (0, 2)
    (one,) = source.explain(batch_of([[0]]), np.array([1]))
    assert one is not None
    assert one.phrase == "chosen together 14 times with"
    (once,) = source.explain(batch_of([[3]]), np.array([4]))
    assert once is not None
    assert once.phrase == "chosen together once with"
    assert source._cells(np.array([0, 2, 3]), np.array([1]))[1].tolist() == [[14], [1], [0]]


def test_a_large_catalogue_is_answered_alike(
    random_dataset: Dataset, batch_of: BatchOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = fitted(random_dataset)
    histories = [[0, 3, 9], [], [5, 5, 2], [29]]
    queries = batch_of(histories, exclude=[[0, 3, 9, 12], [1], [], [4, 4]])
    index = np.tile(np.array([*range(30), -1, 30, 7]), (4, 1))
    expected, scores = source.generate(queries, 8), source.score(queries, index)
    monkeypatch.setattr(item_source, "LARGE_ITEMS", 1)
    found = source.generate(queries, 8)
    assert found.full is None
    assert expected.full is not None
    np.testing.assert_array_equal(found.index, expected.index)
    np.testing.assert_array_equal(found.score, expected.score)
    np.testing.assert_allclose(found.mean, expected.mean, rtol=1e-5)  # type: ignore[arg-type]
    np.testing.assert_allclose(found.std, expected.std, rtol=1e-5)  # type: ignore[arg-type]
    np.testing.assert_array_equal(source.score(queries, index), scores)
    assert not len(source.generate(batch_of([]), 8))
