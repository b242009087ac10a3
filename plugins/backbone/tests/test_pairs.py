"""Relations of a history to some items, read by hand from rows: as the matrices have them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from crossrec_backbone.relations import pairs as pairs_module
from crossrec_backbone.relations.pairs import BehaviourPairs, TextPairs
from crossrec_backbone.relations.statistics import Statistics
from crossrec_backbone.relations.text import TextRelations

HISTORIES = ([3], [0, 4, 9], [9, 4, 0], [5, 5, 1], list(range(20)))
ITEMS = np.array([7, 0, 31, 12, 4, 39])


@pytest.fixture(scope="module")
def relations(shop, config) -> TextRelations:
    dataset = shop()
    return TextRelations.fit(dataset.catalog, dataset.vectors, config.text)


@pytest.fixture(scope="module")
def statistics(shop, config) -> Statistics:
    return Statistics.fit(shop(), config)


def similar(relations: TextRelations, name: str, history, items) -> np.ndarray:
    rows = relations.factor(name)
    product = rows[np.asarray(history)] @ rows[items].T
    return np.asarray(product if name in relations.dense else product.toarray())


@pytest.mark.parametrize("history", HISTORIES)
@pytest.mark.parametrize("multiplications", [1, 40, 1 << 18])
def test_text_in_slabs_of_any_size(relations, history, multiplications, monkeypatch) -> None:
    monkeypatch.setattr(pairs_module, "_ONE_THREAD", multiplications)
    pairs = TextPairs(relations)
    found = pairs.pairs(ITEMS, np.array(history))
    assert found.shape == (len(pairs.names), len(history), len(ITEMS))
    for name, block in zip(pairs.names, found, strict=True):
        np.testing.assert_allclose(block, similar(relations, name, history, ITEMS), atol=1e-5)


@pytest.mark.parametrize("history", HISTORIES)
def test_behaviour_is_read_row_by_row(statistics, history) -> None:
    behaviour, pairs = statistics.behaviour, BehaviourPairs(statistics.behaviour)
    found = pairs.pairs(ITEMS, np.array(history))
    matrices = {**behaviour.relations, "joint": behaviour.joint}
    assert pairs.names == tuple(matrices)
    for block, matrix in zip(found, matrices.values(), strict=True):
        np.testing.assert_array_equal(block, matrix[history][:, ITEMS].toarray())


def test_rows_are_those_of_the_matrices(statistics) -> None:
    pairs, history = BehaviourPairs(statistics.behaviour), np.array([0, 4, 9])
    rows = pairs.rows(history)
    for kind, matrix in enumerate(statistics.behaviour.relations.values()):
        for at, item in enumerate(history):
            columns, values = rows.row(kind * len(history) + at)
            own = matrix[item]
            np.testing.assert_array_equal(columns, own.indices)
            np.testing.assert_array_equal(values, own.data)


def test_no_history_and_no_items(relations, statistics) -> None:
    none, some = np.zeros(0, dtype=np.int64), np.array([1, 2])
    text, behaviour = TextPairs(relations), BehaviourPairs(statistics.behaviour)
    for pairs in (text, behaviour):
        assert pairs.pairs(some, none).shape == (len(pairs.names), 0, 2)
        assert pairs.pairs(none, some).shape == (len(pairs.names), 2, 0)


def test_the_rows_of_the_last_history_are_kept_and_of_no_other(statistics) -> None:
    pairs = BehaviourPairs(statistics.behaviour)
    history = np.array([0, 4, 9])
    first = pairs.rows(history)
    assert pairs.rows(history.copy()) is first
    assert pairs.rows(history[::-1]) is not first, "the order of a history matters"
    again = pairs.rows(history)
    assert again is not first
    np.testing.assert_array_equal(again.columns, first.columns)


def test_what_is_kept_is_not_the_array_of_the_caller(statistics, relations) -> None:
    history = np.array([0, 4, 9])
    behaviour, text = BehaviourPairs(statistics.behaviour), TextPairs(relations)
    behaviour.pairs(ITEMS, history)
    text.pairs(ITEMS, history)
    history[:] = [1, 2, 3]
    expected = BehaviourPairs(statistics.behaviour).pairs(ITEMS, history)
    np.testing.assert_array_equal(behaviour.pairs(ITEMS, history), expected)
    np.testing.assert_array_equal(
        text.pairs(ITEMS, history), TextPairs(relations).pairs(ITEMS, history)
    )


def test_threads_with_histories_of_their_own_do_not_disturb_one_another(
    relations, statistics
) -> None:
    behaviour, text = BehaviourPairs(statistics.behaviour), TextPairs(relations)
    histories = [np.array(history) for history in HISTORIES] * 40
    expected = {
        tuple(history): (
            BehaviourPairs(statistics.behaviour).pairs(ITEMS, np.array(history)),
            TextPairs(relations).pairs(ITEMS, np.array(history)),
        )
        for history in HISTORIES
    }

    def right(history: np.ndarray) -> bool:
        by_behaviour, by_text = expected[tuple(history.tolist())]
        return np.array_equal(behaviour.pairs(ITEMS, history), by_behaviour) and np.array_equal(
            text.pairs(ITEMS, history), by_text
        )

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(right, histories))
