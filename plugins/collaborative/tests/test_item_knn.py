"""Cosine of item columns with shrinkage, worked by hand and against a dense product."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec_collaborative import item_knn as module
from crossrec_collaborative.item_knn import ItemKnn, ItemKnnConfig

Build = Callable[..., Dataset]
BatchOf = Callable[..., QueryBatch]


def fitted(dataset: Dataset, **settings: object) -> ItemKnn:
    source = ItemKnn(ItemKnnConfig.model_validate(settings))
    source.fit(dataset, RunOptions())
    return source


def dense(source: ItemKnn, n: int) -> np.ndarray:
    every = np.arange(n)
    return source.relation.between(every, every)


def test_hand_worked_cosine(build: Build, batch_of: BatchOf) -> None:
    """Item columns (1,1,1), (1,1,0), (0,0,1): cosines 2/√6 and 1/√3 with the first."""
    source = fitted(build([[0, 1], [0, 1], [0, 2]], 3), shrinkage=0)
    found = source.generate(batch_of([[0]]), 5)
    assert found.index.tolist() == [[1, 2]]
    np.testing.assert_allclose(found.score, [[2 / np.sqrt(6), 1 / np.sqrt(3)]], rtol=1e-6)


def test_shrinkage_is_added_to_the_norms(build: Build, batch_of: BatchOf) -> None:
    source = fitted(build([[0, 1], [0, 1], [0, 2]], 3), shrinkage=2)
    expected = [[2 / (np.sqrt(6) + 2), 1 / (np.sqrt(3) + 2)]]
    np.testing.assert_allclose(source.generate(batch_of([[0]]), 5).score, expected, rtol=1e-6)


def test_strengths_count(build: Build, batch_of: BatchOf) -> None:
    """Columns (3, 1) and (1, 2): (3 + 2) / (√10 · √5)."""
    source = fitted(build([[0, 1], [0, 1]], 2, weights=[[3, 1], [1, 2]]), shrinkage=0)
    expected = [[5 / np.sqrt(50)]]
    np.testing.assert_allclose(source.generate(batch_of([[0]]), 5).score, expected, rtol=1e-6)


@pytest.mark.parametrize("rows", [1, 4, 512])
def test_blocks_make_no_difference(
    rows: int, random_dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ROWS", rows)
    matrix = random_dataset.matrix().toarray().astype(np.float64)
    norms = np.linalg.norm(matrix, axis=0)
    expected = matrix.T @ matrix / (np.outer(norms, norms) + 10.0)
    np.fill_diagonal(expected, 0.0)
    source = fitted(random_dataset, neighbours=100)
    np.testing.assert_allclose(dense(source, 30), expected, rtol=1e-5, atol=1e-7)


def test_each_item_keeps_its_nearest(random_dataset: Dataset) -> None:
    full = dense(fitted(random_dataset, neighbours=100), 30)
    kept = dense(fitted(random_dataset, neighbours=3), 30)
    assert (np.count_nonzero(kept, axis=1) <= 3).all()
    for row in range(30):
        assert kept[row].sum() == pytest.approx(np.sort(full[row])[-3:].sum(), rel=1e-6)


def test_the_reason_names_the_items(build: Build, batch_of: BatchOf) -> None:
    source = fitted(build([[0, 1, 2], [0, 1], [2, 3]], 4), shrinkage=0)
    (evidence,) = source.explain(batch_of([[3, 0]]), np.array([2]))
    assert evidence is not None
    assert evidence.phrase == "chosen by the same people as"
    assert evidence.history == (3, 0) or evidence.history == (0, 3)


def test_progress_is_reported(random_dataset: Dataset) -> None:
    seen: list[tuple[str, int, int]] = []
    ItemKnn().fit(random_dataset, RunOptions(progress=lambda *args: seen.append(args)))
    assert seen == [("item-knn", 30, 30)]
