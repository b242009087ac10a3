from __future__ import annotations

import numpy as np
import pytest
from crossrec.numeric.ragged import Ragged
from crossrec_backbone.relations.config import PriorConfig
from crossrec_backbone.relations.prior_ease import (
    PriorEase,
    co_occurrence,
    fit_prior_ease,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

N = 12
HISTORIES = st.lists(st.lists(st.integers(0, N - 1), max_size=7), min_size=0, max_size=10)
PLAIN = PriorConfig(reg=5.0, proximity=1.0, kept=N)
NEAR = PriorConfig(reg=5.0, proximity=0.8, kept=N)


def graph_of(seed: int = 0, n: int = N, mass: float = 0.3) -> csr_matrix:
    rng = np.random.default_rng(seed)
    weights = rng.random((n, n)) * (rng.random((n, n)) < 0.3)
    np.fill_diagonal(weights, 0)
    total = np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    return csr_matrix((mass * weights / total).astype(np.float32))


def histories(seed: int, users: int = 30, n: int = N) -> Ragged:
    rng = np.random.default_rng(seed)
    return Ragged.from_rows([rng.choice(n, rng.integers(1, 6)) for _ in range(users)])


def constrained_solve(gram: np.ndarray, prior: np.ndarray, reg: float) -> np.ndarray:
    """Column by column: the variable on the diagonal is struck out, the rest is a ridge."""
    n = len(gram)
    out = np.zeros((n, n))
    for j in range(n):
        others = np.flatnonzero(np.arange(n) != j)
        left = gram[np.ix_(others, others)] + reg * np.eye(n - 1)
        out[others, j] = np.linalg.solve(left, gram[others, j] + reg * prior[others, j])
    return out


def fit(sequences: Ragged, graph: csr_matrix, config: PriorConfig) -> PriorEase:
    return fit_prior_ease(sequences, graph, config)


@pytest.mark.parametrize("config", [PLAIN, NEAR])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_equals_the_constrained_solve_by_hand(config: PriorConfig, seed: int) -> None:
    sequences, graph = histories(seed), graph_of(seed)
    gram = co_occurrence(sequences, N, config.proximity).toarray()
    expected = constrained_solve(gram, graph.toarray(), config.reg)
    fitted = fit(sequences, graph, config)
    np.testing.assert_allclose(fitted.weights.toarray(), expected, atol=2e-5)


def test_equals_ease_without_a_prior() -> None:
    sequences = histories(3)
    nothing = csr_matrix((N, N), dtype=np.float32)
    fitted = fit(sequences, nothing, PLAIN)
    seen = [np.isin(np.arange(N), sequences.row(u)) for u in range(len(sequences))]
    users = np.array(seen, dtype=float)
    inverse = np.linalg.inv(users.T @ users + PLAIN.reg * np.eye(N))
    expected = -inverse / np.diag(inverse)
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(fitted.weights.toarray(), expected, atol=1e-5)
    np.testing.assert_allclose(fitted.ease.toarray(), expected, atol=1e-5)


def test_equals_the_text_graph_without_events() -> None:
    graph = graph_of()
    fitted = fit(Ragged.empty(4), graph, NEAR)
    np.testing.assert_allclose(fitted.weights.toarray(), graph.toarray(), atol=1e-7)
    assert fitted.ease.nnz == 0
    assert fitted.items.tolist() == []


def test_many_events_outweigh_the_prior() -> None:
    some = histories(4, users=40)
    many = Ragged.from_rows([some.row(u) for u in range(40)] * 200)
    with_prior = fit(many, graph_of(), PLAIN)
    apart = np.abs(with_prior.weights - with_prior.ease).max()
    few = fit(some, graph_of(), PLAIN)
    assert apart < 0.1 * np.abs(few.weights - few.ease).max()


def test_items_without_events_keep_their_graph_rows_and_take_no_part() -> None:
    rows = [[0, 1, 2], [1, 2], [0, 2]] * 3
    graph = graph_of(5)
    fitted = fit(Ragged.from_rows(rows), graph, PLAIN)
    assert fitted.items.tolist() == [0, 1, 2]
    unseen = np.arange(3, N)
    np.testing.assert_allclose(fitted.weights[unseen].toarray(), graph[unseen].toarray(), atol=1e-7)
    gram = co_occurrence(Ragged.from_rows(rows), N).toarray()
    expected = constrained_solve(gram, graph.toarray(), PLAIN.reg)
    np.testing.assert_allclose(fitted.weights.toarray(), expected, atol=1e-5)


@given(HISTORIES, st.sampled_from([0.0, 0.5, 0.9, 1.0]))
@settings(max_examples=60, deadline=None)
def test_the_diagonal_is_empty_and_weights_are_finite(
    rows: list[list[int]], proximity: float
) -> None:
    config = PriorConfig(reg=1.0, proximity=proximity, kept=N)
    fitted = fit(Ragged.from_rows(rows), graph_of(), config)
    for matrix in (fitted.weights, fitted.ease):
        assert not matrix.diagonal().any()
        assert np.isfinite(matrix.data).all()
        assert matrix.has_sorted_indices


@given(HISTORIES, st.permutations(range(N)))
@settings(max_examples=40, deadline=None)
def test_the_order_of_the_catalogue_does_not_matter(
    rows: list[list[int]], order: list[int]
) -> None:
    graph = graph_of()
    place = np.argsort(order)
    turned = Ragged.from_rows([place[np.array(row, dtype=int)] for row in rows])
    plain = fit(Ragged.from_rows(rows), graph, NEAR).weights.toarray()
    other = fit(turned, graph[order][:, order], NEAR).weights.toarray()
    np.testing.assert_allclose(other, plain[np.ix_(order, order)], atol=2e-5)


def test_co_occurrence_by_hand() -> None:
    rows = Ragged.from_rows([[0, 1, 2], [2, 0], [1]])
    flat = co_occurrence(rows, 4).toarray()
    assert flat.tolist() == [[2, 1, 2, 0], [1, 2, 1, 0], [2, 1, 2, 0], [0, 0, 0, 0]]
    near = co_occurrence(rows, 4, 0.5).toarray()
    assert near[0, 1] == 0.5
    assert near[0, 2] == 0.25 + 0.5
    assert near[1, 2] == 0.5
    np.testing.assert_array_equal(np.diag(near), [2, 2, 2, 0])
    alone = co_occurrence(rows, 4, 0.0).toarray()
    np.testing.assert_array_equal(alone, np.diag([2, 2, 2, 0]))


def test_a_repeated_item_counts_once_at_its_last_place() -> None:
    rows = Ragged.from_rows([[3, 1, 3, 2], [], [0, 0]])
    distinct = rows.distinct(last=True)
    assert [distinct.row(i).tolist() for i in range(3)] == [[1, 3, 2], [], [0]]
    assert co_occurrence(rows, 4).toarray().max() == 1


@pytest.mark.parametrize("proximity", [0.3, 0.85, 0.97])
def test_co_occurrence_stays_positive_definite_on_long_histories(proximity: float) -> None:
    rng = np.random.default_rng(1)
    rows = Ragged.from_rows([rng.permutation(300) for _ in range(3)])
    gram = co_occurrence(rows, 300, proximity).toarray()
    assert np.linalg.eigvalsh(gram).min() > 0


def test_only_the_largest_weights_are_kept() -> None:
    sequences, graph = histories(6), graph_of(6)
    whole = fit(sequences, graph, NEAR).weights.toarray()
    cut = fit(sequences, graph, NEAR.model_copy(update={"kept": 4})).weights
    assert np.diff(cut.indptr).max() <= 4
    for i in range(N):
        largest = np.sort(np.abs(whole[i]))[-4:]
        np.testing.assert_allclose(np.sort(np.abs(cut[i].toarray()))[0, -4:], largest, atol=1e-6)


def test_beyond_the_limit_columns_are_exact_regressions_on_the_solved_items() -> None:
    sequences, graph = histories(10, users=60), graph_of(10)
    config = PLAIN.model_copy(update={"exact_up_to": 8})
    fitted = fit(sequences, graph, config)
    assert len(fitted.items) == 8
    gram = co_occurrence(sequences, N).toarray()
    head, prior = fitted.items, graph.toarray()
    tail = np.setdiff1d(np.arange(N), head)
    weights = fitted.weights.toarray()
    inner = gram[np.ix_(head, head)] + config.reg * np.eye(8)
    expected = np.linalg.solve(
        inner, gram[np.ix_(head, tail)] + config.reg * prior[np.ix_(head, tail)]
    )
    np.testing.assert_allclose(weights[np.ix_(head, tail)], expected, atol=1e-5)
    small = constrained_solve(gram[np.ix_(head, head)], prior[np.ix_(head, head)], config.reg)
    np.testing.assert_allclose(weights[np.ix_(head, head)], small, atol=1e-5)


def test_beyond_the_limit_rows_take_one_step_from_the_prior() -> None:
    sequences, graph = histories(11, users=60), graph_of(11)
    config = PLAIN.model_copy(update={"exact_up_to": 5})
    fitted = fit(sequences, graph, config)
    gram = co_occurrence(sequences, N).toarray()
    counts = np.diag(gram).copy()
    np.fill_diagonal(gram, 0)
    for i in np.setdiff1d(np.arange(N), fitted.items):
        step = (gram[i] + config.reg * graph.toarray()[i]) / (counts[i] + config.reg)
        np.testing.assert_allclose(fitted.weights[i].toarray()[0], step, atol=1e-6)
    assert not set(np.setdiff1d(np.arange(N), fitted.items)) & set(fitted.items)
    popular = counts[fitted.items].min()
    assert popular >= np.delete(counts, fitted.items).max()


def test_large_catalogues_solve_fewer_items_and_keep_fewer_weights() -> None:
    config = PriorConfig()
    assert config.solved_in(25_000) == 8_000
    assert config.solved_in(100_000) == 2_000
    assert config.solved_in(1_000_000) == config.solved_in(10_000_000) == 1_000
    assert PriorConfig(exact_up_to=5).solved_in(1_000_000) == 5
    assert config.kept_in(100_000) == config.kept_in(0) == 300
    assert config.kept_in(1_000_000) == 40
