"""The benchmark of whom to follow: its splits, its queries and figures, and its table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crossrec.testing.scripts import imported
from follow_tables import follow_table

ROOT = Path(__file__).resolve().parent.parent
PEOPLE = 24


@pytest.fixture(scope="module")
def follows() -> Iterator[Any]:
    """Return benchmarks/follows.py, and leave nothing of it behind."""
    with imported(ROOT / "benchmarks", "follows", "common") as script:
        yield script


def circles() -> np.ndarray:
    """Return the edges of two circles in which everybody follows everybody, with ids from 100."""
    pairs = [(a, b) for a in range(PEOPLE) for b in range(PEOPLE) if a != b and a % 2 == b % 2]
    return np.array(pairs, dtype=np.int64) + 100


def keys(edges: np.ndarray) -> set[tuple[int, int]]:
    return {(a, b) for a, b in edges.tolist()}


def test_one_edge_of_each_person_is_left_out_for_each_purpose(follows: Any) -> None:
    parts = follows.split(circles(), mutual=False)
    assert parts.n_people == PEOPLE
    for held in (parts.validation, parts.test):
        assert sorted(held[:, 0].tolist()) == list(range(PEOPLE))
    train, held = keys(parts.train), keys(parts.validation) | keys(parts.test)
    assert not train & held
    assert len(train) + len(held) == len(circles())


def test_both_directions_of_a_friendship_are_left_out(follows: Any) -> None:
    parts = follows.split(circles(), mutual=True)
    turned = {(b, a) for a, b in keys(parts.validation) | keys(parts.test)}
    assert turned
    assert not turned & keys(parts.train)


def test_who_follows_few_is_left_out_of_no_figure(follows: Any) -> None:
    edges = np.array([(1, 2), (1, 3), (1, 4), (1, 5), (2, 1)])
    parts = follows.split(edges, mutual=False)
    assert len(parts.train) == len(edges)
    assert len(parts.test) == len(parts.validation) == 0


def test_in_circles_the_graph_finds_what_popularity_cannot(follows: Any) -> None:
    parts = follows.split(circles(), mutual=False)
    data = follows.graph(parts)
    graph = follows.figures(follows.source_of("who-to-follow", data), data, parts.test)
    popular = follows.figures(follows.source_of("popularity", data), data, parts.test)
    assert graph["recall@10"] == 1.0, "two of the circle are left, and both are proposed"
    assert popular["recall@10"] < 1.0
    assert graph["ndcg@10"] > 0.6


def test_a_query_excludes_what_is_followed_and_the_person(follows: Any) -> None:
    parts = follows.split(circles(), mutual=False)
    data = follows.graph(parts)
    batch = follows.queries(data, np.array([3, 8]))
    for row, person in enumerate((3, 8)):
        mine = parts.train[parts.train[:, 0] == person][:, 1].tolist()
        assert sorted(batch.exclude.row(row).tolist()) == sorted([*mine, person])


def test_the_weights_are_those_with_the_best_mean_of_all_sets(follows: Any) -> None:
    def trial(*values: float) -> dict[tuple[float, float], dict[str, float]]:
        return {(float(at), 0.0): {"ndcg@10": value} for at, value in enumerate(values)}

    assert follows.best_of({"a": trial(0.3, 0.2, 0.1), "b": trial(0.0, 0.2, 0.2)}) == (1.0, 0.0)


def test_all_of_it_on_two_small_graphs(follows: Any) -> None:
    sets = {name: follows.split(circles(), mutual=mutual) for name, mutual in
            (("one", False), ("two", True))}  # fmt: skip
    found = follows.measured(sets)
    assert set(found["chosen"]) == {"through", "back"}
    for one in found["sets"].values():
        assert set(one["test"]) == {"popularity", "same followers alone", "who-to-follow"}
        assert len(one["validation"]) == len(follows.THROUGH) * len(follows.BACK)
    text = follow_table(found)
    assert "| one | 24 | `who-to-follow` |" in text
    assert f"through {found['chosen']['through']:g}" in text
    assert follow_table({}) == ""
