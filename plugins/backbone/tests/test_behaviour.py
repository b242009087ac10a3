from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.state import State
from crossrec.numeric.ragged import Ragged
from crossrec_backbone.relations import behaviour as behaviour_module
from crossrec_backbone.relations.behaviour import (
    BEHAVIOUR_RELATIONS,
    Behaviour,
    count_behaviour,
    mean_position,
    smoothed,
    transitions,
)
from crossrec_backbone.relations.config import BehaviourConfig, PriorConfig
from crossrec_backbone.relations.prior_ease import co_occurrence, fit_prior_ease
from scipy.sparse import csr_matrix

ROWS = Ragged.from_rows([[0, 1, 2], [0, 1], [3, 0], [2]])
CONFIG = BehaviourConfig(shrinkage=2.0, gap_decay=0.5, window=5, kept=10)


def graph_of(n: int = 5) -> csr_matrix:
    weights = np.zeros((n, n), dtype=np.float32)
    weights[0, 1], weights[1, 0], weights[4, 0] = 0.3, 0.3, 0.3
    return csr_matrix(weights)


def count(rows: Ragged, config: BehaviourConfig = CONFIG) -> Behaviour:
    graph = graph_of()
    prior = fit_prior_ease(rows, graph, PriorConfig(reg=5.0))
    return count_behaviour(rows, graph, prior, config)


def test_counts_by_hand() -> None:
    behaviour = count(ROWS)
    assert behaviour.popularity.tolist() == [3, 2, 2, 1, 0]
    assert behaviour.n_events == 8
    joint = behaviour.joint.toarray()
    assert joint[0].tolist() == [0, 2, 1, 1, 0]
    np.testing.assert_array_equal(joint, joint.T)
    cosine = behaviour.relations["co_occurrence"].toarray()
    assert cosine[0, 1] == pytest.approx(2 / (np.sqrt(6) + 2))
    assert cosine[0, 3] == pytest.approx(1 / (np.sqrt(3) + 2))


def test_transitions_by_hand() -> None:
    matrix = transitions(ROWS, 5, CONFIG).toarray()
    # 0 is left three times less one (it ends [3, 0]); 1 follows it at once twice, 2 after 1
    assert matrix[0, 1] == pytest.approx(2 / (2 + 2))
    assert matrix[0, 2] == pytest.approx(0.5 / (2 + 2))
    assert matrix[1, 2] == pytest.approx(1 / (1 + 2))
    assert matrix[3, 0] == pytest.approx(1 / (1 + 2))
    assert matrix[1, 0] == 0
    assert transitions(ROWS, 5, CONFIG.model_copy(update={"window": 1})).toarray()[0, 2] == 0


def test_smoothing_by_hand() -> None:
    cosine = count(ROWS).relations["co_occurrence"]
    smoother = np.eye(5) * 0.5
    smoother[0, 1] += 0.5
    smoother[1, 0] += 0.5
    smoother[4, 0] += 0.5
    expected = smoother @ cosine.toarray() @ smoother.T
    np.fill_diagonal(expected, 0)
    found = smoothed(cosine, graph_of(), 10, 10**6).toarray()
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert found[4].any(), "an item without events gets what its neighbours have"


def test_smoothing_keeps_to_its_products() -> None:
    rng = np.random.default_rng(2)
    rows = Ragged.from_rows([rng.choice(40, 6, replace=False) for _ in range(60)])
    graph = np.where(rng.random((40, 40)) < 0.4, rng.random((40, 40)), 0.0).astype(np.float32)
    np.fill_diagonal(graph, 0)
    cosine = co_occurrence(rows, 40).astype(np.float32)
    whole, few = (smoothed(cosine, csr_matrix(graph), 12, n) for n in (10**6, 3 * cosine.nnz))
    assert np.diff(few.indptr).max() <= 12
    assert not few.diagonal().any()
    two = np.where(graph >= np.sort(graph, axis=1)[:, -2:-1], graph, 0.0)
    smoother = 0.5 * np.eye(40) + 0.5 * two / two.sum(axis=1, keepdims=True)
    across = cosine @ smoother.T  # the narrowest row that is kept is wider than the catalogue
    expected = smoother @ across
    np.fill_diagonal(expected, 0)
    found = few.toarray()
    np.testing.assert_allclose(found[found > 0], expected[found > 0], rtol=1e-4)
    assert (whole != few).nnz


def test_threads_and_blocks_smooth_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    cosine = count(ROWS).relations["co_occurrence"]
    whole = smoothed(cosine, graph_of(), 10, 10**6).toarray()
    monkeypatch.setattr(behaviour_module, "_PRODUCTS", 3)
    np.testing.assert_array_equal(smoothed(cosine, graph_of(), 10, 10**6, 3).toarray(), whole)


def test_mean_position_is_drawn_to_the_middle() -> None:
    late = mean_position(ROWS, 5)
    assert late[0] == pytest.approx((1.5 + 0 + 0 + 1) / 6)
    assert late[2] == pytest.approx((1.5 + 1) / 4)
    assert late[4] == 0.5
    many = Ragged.from_rows([[0, 1]] * 500)
    assert mean_position(many, 2) == pytest.approx([0.0, 1.0], abs=0.01)


def test_percentile_shares_places() -> None:
    share = count(ROWS).percentile
    assert share.tolist() == pytest.approx([0.9, 0.6, 0.6, 0.3, 0.1])
    assert not count(Ragged.empty(2)).percentile.any()


def test_without_events_only_the_graph_remains() -> None:
    behaviour = count(Ragged.empty(3))
    assert tuple(behaviour.relations) == ("prior_ease",)
    np.testing.assert_allclose(behaviour.relations["prior_ease"].toarray(), graph_of().toarray())
    assert behaviour.n_events == 0
    assert behaviour.joint.nnz == 0
    assert (behaviour.late == 0.5).all()


def test_repeats_within_a_history_count_once() -> None:
    twice = Ragged.from_rows([[0, 1, 0, 1, 2], [0, 1], [3, 0], [2]])
    once = Ragged.from_rows([[0, 1, 2], [0, 1], [3, 0], [2]])
    left, right = count(twice), count(once)
    for name in BEHAVIOUR_RELATIONS:
        np.testing.assert_allclose(
            left.relations[name].toarray(), right.relations[name].toarray(), atol=1e-6
        )


def test_kept_cuts_rows_and_joint_counts() -> None:
    behaviour = count(ROWS, CONFIG.model_copy(update={"kept": 1}))
    assert np.diff(behaviour.relations["co_occurrence"].indptr).max() == 1
    assert behaviour.joint[0].nnz == 1


def test_state_brings_back_the_same() -> None:
    behaviour = count(ROWS)
    state = behaviour.state()
    back = Behaviour.restored(State(dict(state.arrays), dict(state.values)))
    assert tuple(back.relations) == tuple(behaviour.relations)
    for name, matrix in behaviour.relations.items():
        np.testing.assert_array_equal(back.relations[name].toarray(), matrix.toarray())
    np.testing.assert_array_equal(back.joint.toarray(), behaviour.joint.toarray())
    assert back.n_events == behaviour.n_events


def test_new_items_have_the_graph_only() -> None:
    fresh = np.zeros((7, 7), dtype=np.float32)
    fresh[5, 0], fresh[6, 2] = 0.3, 0.2
    behaviour = count(ROWS)
    longer = behaviour.extended(7, csr_matrix(fresh))
    assert longer.n_items == 7
    assert longer.popularity[5:].tolist() == [0, 0]
    assert longer.late[5:].tolist() == [0.5, 0.5]
    weights = longer.relations["prior_ease"].toarray()
    assert weights[5, 0] == pytest.approx(0.3)
    np.testing.assert_allclose(weights[:5, :5], behaviour.relations["prior_ease"].toarray())
    assert longer.relations["co_occurrence"].shape == (7, 7)
