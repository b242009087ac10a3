"""The sources at work: what they learn, new users and items, and input that is amiss."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from crossrec.components.candidates import PAD
from crossrec.components.cost import DatasetSize
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.errors import ConfigError, DataError, NotFittedError
from crossrec_neural.settings import TransformerSettings
from crossrec_neural.sources import registered
from crossrec_neural.sources.source import NeuralSource

BatchOf = Callable[..., QueryBatch]
ORDERED = ("TransformerSource", "RnnSource", "CnnSource")
ALL = (*ORDERED, "TwoTowerSource", "NcfSource", "VaeSource")
RUN = RunOptions(seed=3, threads=1)


def fitted(name: str, dataset: Dataset, **settings: Any) -> NeuralSource:
    """Return a fitted source: 15 epochs of large steps, or the `training` that is given."""
    cls = getattr(registered, name)
    training = {"epochs": 15, "patience": 30, "batch_size": 16, "learning_rate": 2e-2, "steps": 1}
    training |= settings.pop("training", {})
    made: NeuralSource = cls(cls.settings(embedding_size=16, training=training, **settings))
    made.fit(dataset, RUN)
    return made


@pytest.fixture(scope="module")
def cache() -> dict[str, NeuralSource]:
    return {}


@pytest.fixture
def transformer(shop: Dataset, cache: dict[str, NeuralSource]) -> NeuralSource:
    if "transformer" not in cache:
        cache["transformer"] = fitted("TransformerSource", shop)
    return cache["transformer"]


@pytest.mark.parametrize("name", ORDERED)
def test_bodies_with_order_learn_what_comes_next(
    name: str, shop: Dataset, batch_of: BatchOf
) -> None:
    """Texts tell tools from pots only; that ``i + 2`` follows ``i`` is in the events."""
    made = fitted(name, shop, inputs={"gaps": False, "types": False})
    histories = [[(first + 2 * step) % 24 for step in range(4)] for first in range(24)]
    found = made.generate(batch_of(histories), 1).index[:, 0]
    right = [(first + 8) % 24 for first in range(24)]
    assert (found == right).mean() > 0.9


def first_of_the_kind(made: NeuralSource, shop: Dataset, batch_of: BatchOf) -> float:
    """Return how many people get a tool first who choose tools, or a pot who choose pots."""
    histories = [shop.sequences.row(user).tolist() for user in range(shop.n_users)]
    found = made.generate(batch_of(histories), 1).index[:, 0]
    return float(np.mean([item % 2 == row[0] % 2 for item, row in zip(found, histories)]))


@pytest.mark.parametrize("name", ALL)
def test_every_body_learns(name: str, shop: Dataset, batch_of: BatchOf) -> None:
    """Ids alone: before training, tools and pots look alike."""
    made = fitted(name, shop, inputs={"text": False, "tags": False})
    assert first_of_the_kind(made, shop, batch_of) > 0.9


@pytest.mark.parametrize("loss", ["softmax", "bce", "gbce", "bpr"])
def test_every_loss_teaches(loss: str, shop: Dataset, batch_of: BatchOf) -> None:
    inputs = {"text": False, "tags": False}
    given = {"name": loss, "negatives": 12, "per_positive": 6, "temperature": 0.1}
    made = fitted("RnnSource", shop, inputs=inputs, loss=given, training={"epochs": 30})
    assert first_of_the_kind(made, shop, batch_of) > 0.9


def test_a_history_is_no_candidate_where_nobody_comes_back(
    transformer: NeuralSource, shop: Dataset, batch_of: BatchOf
) -> None:
    queries = replace(batch_of([[0, 2, 4]]), exclude=batch_of([[8]]).history)
    found = transformer.generate(queries, 30)
    assert not {0, 2, 4, 8} & set(found.row(0))
    scores = transformer.score(queries, np.array([[0, 6, 8]]))
    assert np.isnan(scores[0]).tolist() == [True, False, False]
    twice = Events.from_columns(
        *(np.concatenate([column, column]) for column in (shop.events.users, shop.events.items)),
        np.concatenate([shop.events.times, shop.events.times + 1e7]),
    )
    again = fitted("TransformerSource", shop.with_events(twice), training={"epochs": 1})
    assert {0, 2, 4} <= set(again.generate(queries, 30).row(0))


def test_items_without_events_are_candidates_by_their_text(
    shop: Dataset, batch_of: BatchOf
) -> None:
    made = fitted("TransformerSource", shop, training={"learning_rate": 1e-3})
    scores = made.score(batch_of([[0, 2, 4], [1, 3, 5]]), np.array([[24, 25]] * 2))
    assert scores[0, 0] > scores[0, 1]
    assert scores[1, 1] > scores[1, 0]


def test_without_text_and_tags_they_are_not(shop: Dataset, batch_of: BatchOf) -> None:
    made = fitted("RnnSource", shop, inputs={"text": False, "tags": False}, training={"epochs": 1})
    queries = batch_of([[0, 2], [24], [24, 0]])
    assert np.isnan(made.score(queries, np.array([[24]] * 3))).all()
    assert made.generate(queries, 3).row(1).tolist() == []  # nothing is known of its history
    alone = made.generate(batch_of([[0]]), 3)
    assert made.generate(queries, 3).row(2).tolist() == alone.row(0).tolist()


def test_types_and_times_are_read(transformer: NeuralSource, batch_of: BatchOf) -> None:
    queries = batch_of([[0, 2, 4]])
    index = np.array([[6, 8]])
    plain = transformer.score(queries, index)
    for more in (
        {"types": np.array([0, 1, 1])},
        {"times": np.array([0.0, 3600.0, 7200.0])},
    ):
        assert not np.allclose(transformer.score(replace(queries, **more), index), plain)


def test_a_history_that_is_too_long_is_read_from_its_end(shop: Dataset, batch_of: BatchOf) -> None:
    made = fitted("TransformerSource", shop, max_length=3, training={"epochs": 1})
    queries = batch_of([[1, 3, 5, 7, 9, 0, 2, 4], [0, 2, 4]])
    index = np.array([[6, 20, 21], [6, 20, 21]])
    scores = made.score(queries, index)
    np.testing.assert_allclose(scores[0], scores[1], rtol=1e-5)


def test_empty_and_unknown_histories_have_no_candidates(
    transformer: NeuralSource, batch_of: BatchOf
) -> None:
    queries = batch_of([[], [999, -1], [0]])
    found = transformer.generate(queries, 3)
    assert [len(found.row(row)) for row in range(3)] == [0, 0, 3]
    scores = transformer.score(queries, np.array([[6], [6], [6]]))
    assert np.isnan(scores[:, 0]).tolist() == [True, True, False]
    nobody = batch_of([[], []])
    assert transformer.generate(nobody, 3).index.shape == (2, 0)
    assert np.isnan(transformer.score(nobody, np.array([[1], [PAD]]))).all()


def test_vectors_with_nan_are_no_text(shop: Dataset, batch_of: BatchOf) -> None:
    broken = np.array(shop.vectors["transformer"])
    broken[3], broken[24, 0] = np.nan, np.inf
    made = fitted("CnnSource", shop.with_vectors("transformer", broken), training={"epochs": 2})
    found = made.generate(batch_of([[1, 3, 5]]), 30)
    assert np.isfinite(found.score).all()
    assert 24 in found.row(0)  # by its tags


def test_one_item_and_one_user_are_enough(shop: Dataset, batch_of: BatchOf) -> None:
    one = shop.with_events(Events.from_columns([0, 0, 0], [5, 5, 5]))
    for name in ALL:
        made = fitted(name, one, training={"epochs": 10})
        assert made.generate(batch_of([[5]]), 3).index.shape == (1, 3)


def test_no_events_leave_what_reads_alike(shop: Dataset, batch_of: BatchOf) -> None:
    made = fitted("TransformerSource", shop.with_events(Events.empty()))
    assert made.report().lines == ("nothing to train on",)
    found = made.generate(batch_of([[0], [1]]), 5)
    assert (found.index % 2 == np.array([[0], [1]])).all()


def test_no_text_at_all_is_an_id_model(shop: Dataset, batch_of: BatchOf) -> None:
    bare = replace(shop.catalog, texts=("",) * 26, creators=("",) * 26, categories=((),) * 26)
    made = fitted("RnnSource", replace(shop, catalog=bare, vectors={}))
    found = made.generate(batch_of([[0, 2, 4]]), 3).row(0)
    assert found[0] == 6


def test_vectors_of_another_encoder_are_named(shop: Dataset) -> None:
    other = replace(shop, vectors={"tfidf-svd": shop.vectors["transformer"]})
    with pytest.raises(ConfigError, match="set encoder to one of: tfidf-svd"):
        fitted("RnnSource", other)


def test_new_items_of_another_width_are_refused(transformer: NeuralSource, shop: Dataset) -> None:
    wide = np.zeros((26, 13), dtype=np.float32)
    wide[25] = 1.0
    shorter = copy(transformer)
    shorter._fitted = replace(  # as it was when the last item was not there
        transformer._trained,
        known=transformer._trained.known[:25],
        vectors=transformer._trained.vectors[:25],
        table=transformer._trained.table[:25],
    )
    with pytest.raises(DataError, match="13 wide, the fitted ones 12: use the encoder of the fit"):
        shorter.add_items(replace(shop, vectors={"transformer": wide}))
    shorter.add_items(replace(shop, vectors={}))  # no vectors: its tags are enough
    assert shorter._trained.known[25]


def test_the_state_is_plain_and_comes_back_read_only(
    transformer: NeuralSource, shop: Dataset, batch_of: BatchOf
) -> None:
    state = transformer.state()
    arrays = {name: np.array(array) for name, array in state.arrays.items()}
    assert not [name for name in arrays if "tower.own" in name]  # item vectors hold them
    for array in arrays.values():
        array.flags.writeable = False
    other = registered.TransformerSource(transformer.config)  # type: ignore[arg-type]
    other.restore(State(arrays, dict(state.values)), shop.catalog)
    queries = batch_of([[0, 2], [1, 5, 7]])
    np.testing.assert_array_equal(
        other.generate(queries, 9).score, transformer.generate(queries, 9).score
    )
    assert other.report() == transformer.report()


def test_unfitted_says_what_to_do(batch_of: BatchOf) -> None:
    with pytest.raises(NotFittedError, match="'vae' is not fitted: run `crossrec fit`"):
        registered.VaeSource().generate(batch_of([[0]]), 3)


def test_a_longer_training_costs_more() -> None:
    size = DatasetSize(users=1000, items=500, events=9000, interactions=9000, active_items=500)
    few, many = (
        registered.TransformerSource(TransformerSettings(training={"epochs": epochs}))  # type: ignore[arg-type]
        for epochs in (10, 100)
    )
    assert few.estimate(size, RUN).total < many.estimate(size, RUN).total
    quick = replace(RUN, effort="quick")
    assert many.estimate(size, quick).total < many.estimate(size, RUN).total


def test_importing_the_plugin_imports_no_torch() -> None:
    code = (
        "import sys, crossrec_neural.plugin as p, crossrec_neural.settings; "
        "p.register_candidate_generators(lambda *a, **k: None); "
        "print([m for m in ('torch', 'scipy', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_nothing_is_logged_in_a_good_fit(shop: Dataset, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        fitted("RnnSource", shop, training={"epochs": 1})
    assert not caplog.records
