"""A trained model as it serves: growing, storing, scoring, for every body."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from crossrec.components.candidates import PAD
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.testing.base import through_disk
from crossrec_neural.sources import registered
from crossrec_neural.sources.source import NeuralSource

BatchOf = Callable[..., QueryBatch]
NAMES = ("Transformer", "Rnn", "Cnn", "TwoTower", "Ncf", "Vae")
EACH = pytest.mark.parametrize("name", NAMES)
RUN = RunOptions(seed=3, threads=1)


@pytest.fixture(scope="module")
def cache() -> dict[str, NeuralSource]:
    return {}


@pytest.fixture
def fitted(shop: Dataset, cache: dict[str, NeuralSource]) -> Callable[[str], NeuralSource]:
    """Return a maker of fitted sources; each is fitted once."""

    def make(name: str) -> NeuralSource:
        if name not in cache:
            cls: Any = getattr(registered, f"{name}Source")
            training = {"epochs": 2, "steps": 1, "batch_size": 16}
            cache[name] = cls(cls.settings(embedding_size=8, max_length=5, training=training))
            cache[name].fit(shop, RUN)
        return cache[name]

    return make


def longer(shop: Dataset, like: list[int]) -> Dataset:
    """Return the shop with new items, each with the text, tags and vector of another."""
    twins = shop.catalog.take(like)
    twins = replace(twins, items=Vocabulary(f"new {at}" for at in range(len(like))))
    catalog: Catalog = shop.catalog.followed_by(twins)
    old = shop.vectors["transformer"]
    rows = np.concatenate([np.zeros_like(old), old[like]])
    return Dataset(shop.users, catalog, Events.empty(), True, {"transformer": rows})


def queries_of(shop: Dataset, batch_of: BatchOf) -> QueryBatch:
    rows = [shop.sequences.row(user).tolist() for user in range(0, shop.n_users, 7)]
    return batch_of([*rows, [], [24], list(range(24))])


@EACH
def test_all_scores_are_the_single_ones(
    name: str, fitted: Callable[[str], NeuralSource], shop: Dataset, batch_of: BatchOf
) -> None:
    source, queries = fitted(name), queries_of(shop, batch_of)
    everything = source._trained.all_scores(queries)
    index = np.tile(np.arange(26)[::-1], (len(queries), 1))
    some = source._trained.some_scores(queries, index)[:, ::-1]
    known = np.isfinite(everything)
    np.testing.assert_allclose(some[known], everything[known], rtol=1e-4, atol=1e-5)
    assert np.isnan(some[~known]).all()
    assert (everything[~known] == -np.inf).all()


@EACH
def test_two_new_items_are_as_good_as_one_after_the_other(
    name: str, fitted: Callable[[str], NeuralSource], shop: Dataset, batch_of: BatchOf
) -> None:
    at_once, one_by_one = copy(fitted(name)), copy(fitted(name))
    at_once.add_items(longer(shop, [0, 1]))
    one_by_one.add_items(longer(shop, [0]))
    both = longer(shop, [0, 1])
    one_by_one.add_items(both)
    queries = batch_of([[0, 2], [1, 26], [27]])
    first, second = (source._trained.all_scores(queries) for source in (at_once, one_by_one))
    np.testing.assert_allclose(first, second, rtol=1e-4, atol=1e-5)
    assert first.shape == (3, 28)
    assert fitted(name)._trained.table.shape[0] == 26  # what serves stays as it is


@EACH
def test_new_items_with_one_text_have_one_score(
    name: str, fitted: Callable[[str], NeuralSource], shop: Dataset, batch_of: BatchOf
) -> None:
    """Item 24 has no events either, so nothing but its text and tags tells."""
    source = copy(fitted(name))
    source.add_items(longer(shop, [24]))
    scores = source._trained.all_scores(batch_of([[0, 2, 4], [1, 3]]))
    np.testing.assert_allclose(scores[:, 26], scores[:, 24], rtol=1e-4, atol=1e-5)
    assert not np.allclose(scores[:, 26], scores[:, 25])


@EACH
def test_new_items_are_read_in_histories(
    name: str, fitted: Callable[[str], NeuralSource], shop: Dataset, batch_of: BatchOf
) -> None:
    source = copy(fitted(name))
    source.add_items(longer(shop, [24, 25]))
    with_old, with_new, without = batch_of([[24]]), batch_of([[26]]), batch_of([[27]])
    scores = [source._trained.all_scores(one)[0, :24] for one in (with_old, with_new, without)]
    np.testing.assert_allclose(scores[0], scores[1], rtol=1e-4, atol=1e-5)
    assert not np.allclose(scores[1], scores[2])


@EACH
def test_a_grown_source_goes_through_an_artifact(
    name: str,
    fitted: Callable[[str], NeuralSource],
    shop: Dataset,
    batch_of: BatchOf,
    tmp_path: Path,
) -> None:
    source = copy(fitted(name))
    dataset = longer(shop, [3, 24])
    source.add_items(dataset)
    other = type(source)(source.config)
    other.restore(through_disk(source.state(), tmp_path), dataset.catalog)
    queries = queries_of(shop, batch_of)
    np.testing.assert_allclose(
        other._trained.all_scores(queries),
        source._trained.all_scores(queries),
        rtol=1e-4,
        atol=1e-5,
    )
    again = longer(shop, [3, 24, 7])
    for one in (source, other):  # a restored source grows as the fitted one does
        one.add_items(again)
    np.testing.assert_allclose(
        other._trained.all_scores(queries),
        source._trained.all_scores(queries),
        rtol=1e-4,
        atol=1e-5,
    )


@EACH
def test_answering_leaves_torch_as_it_was(
    name: str, fitted: Callable[[str], NeuralSource], shop: Dataset, batch_of: BatchOf
) -> None:
    source, queries = fitted(name), queries_of(shop, batch_of)
    threads, stream = torch.get_num_threads(), torch.random.get_rng_state()
    first = source.generate(queries, 5)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.random.get_rng_state(), stream)
    np.testing.assert_array_equal(source.generate(queries, 5).score, first.score)


def test_blocks_of_queries_make_no_difference(
    fitted: Callable[[str], NeuralSource],
    shop: Dataset,
    batch_of: BatchOf,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, queries = fitted("Transformer"), queries_of(shop, batch_of)
    index = np.tile(np.array([3, PAD, 24, 99]), (len(queries), 1))
    whole, scores = source.generate(queries, 6), source.score(queries, index)
    monkeypatch.setattr("crossrec_neural.sources.source.block_rows", lambda width: 4)
    monkeypatch.setattr("crossrec_neural.sources.source._CELLS", 3 * 4 * 8)
    parts = source.generate(queries, 6)
    np.testing.assert_array_equal(parts.index, whole.index)
    np.testing.assert_allclose(source.score(queries, index), scores, rtol=1e-4, atol=1e-5)
    assert np.isnan(scores[:, [1, 3]]).all()


def test_the_time_of_the_fit_is_in_the_report(
    fitted: Callable[[str], NeuralSource],
) -> None:
    report = fitted("Rnn").report()
    assert [set(epoch) for epoch in report.values["epochs"]] == [{"loss", "ndcg", "seconds"}] * 2
    assert report.values["best"] in (1, 2)
    assert report.lines[0].startswith("2 epochs, that of epoch ")
