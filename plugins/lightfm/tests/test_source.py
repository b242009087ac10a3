"""LightFM as a source: hybrid answers, cold items, folding in, evidence, errors."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from crossrec.components.candidates import PAD
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.errors import CrossrecError, NotFittedError, PluginError
from crossrec.plugins.registration import Registration
from crossrec_lightfm import plugin
from crossrec_lightfm import training as training_module
from crossrec_lightfm.config import LightFmConfig
from crossrec_lightfm.source import LightFm

BatchOf = Callable[..., QueryBatch]
RUN = RunOptions(seed=1)
SMALL = LightFmConfig(embedding_size=8)


def fitted(dataset: Dataset, config: LightFmConfig = SMALL, seed: int = 1) -> LightFm:
    source = LightFm(config)
    source.fit(dataset, RunOptions(seed=seed))
    return source


@pytest.fixture(scope="module")
def cache() -> dict[str, LightFm]:
    return {}


@pytest.fixture
def source(shop: Dataset, cache: dict[str, LightFm]) -> LightFm:
    if "shop" not in cache:
        cache["shop"] = fitted(shop)
    return cache["shop"]


def test_people_get_what_their_kind_buys(source: LightFm, shop: Dataset, batch_of: BatchOf) -> None:
    histories = [shop.sequences.row(u).tolist() for u in range(60)]
    for users in (range(60), [-1] * 60):
        found = source.generate(batch_of(histories, users=users), 3)
        for user in range(60):
            assert {item % 2 for item in found.row(user)} == {user % 2}


def test_items_that_no_one_chose_come_through_their_features(
    source: LightFm, batch_of: BatchOf
) -> None:
    scores = source.score(batch_of([[0, 2, 4], [1, 3, 5]]), np.array([[20, 21, 22]] * 2))
    assert scores[0, 0] > scores[0, 1]
    assert scores[1, 1] > scores[1, 0]
    assert np.isnan(scores[:, 2]).all()  # nothing at all is known of item 22


def test_an_untouched_identity_adds_nothing(source: LightFm) -> None:
    """Items 20 and 18 have the same features: 20 is exactly their mean, 18 has its own part."""
    arrays = source.state().arrays
    features = source._features
    assert features.rows.row(20).tolist() == features.rows.row(18).tolist()
    own = arrays["items"][18] - arrays["items"][20]
    assert np.abs(own).max() > 0.01
    assert not arrays["items"][22].any()


def test_a_history_of_cold_items_is_a_history(source: LightFm, batch_of: BatchOf) -> None:
    found = source.generate(batch_of([[20], [21]]), 3)
    assert {item % 2 for item in found.row(0)} == {0}
    assert {item % 2 for item in found.row(1)} == {1}


def test_without_a_history_there_is_no_evidence(source: LightFm, batch_of: BatchOf) -> None:
    queries = batch_of([[], [22], []], users=[-1, -1, 0])
    assert source.generate(queries, 3).index.shape == (3, 0)
    assert np.isnan(source.score(queries, np.zeros((3, 1), dtype=np.int64))).all()
    assert source.explain(queries.take(np.array([0])), np.array([0, 1])) == [None, None]


def test_a_new_user_is_the_scaled_mean(source: LightFm, batch_of: BatchOf) -> None:
    arrays = source.state().arrays
    vectors, known = source.user_vectors(batch_of([[0, 2, 2, 22]]))
    mean = arrays["items"][[0, 2, 2], :-1].mean(axis=0)
    np.testing.assert_allclose(vectors[0, :-1], arrays["scale"][0] * mean, rtol=1e-5)
    assert vectors[0, -1] == 1
    assert known.tolist() == [True]


def test_the_scale_is_the_least_squares_one(source: LightFm, shop: Dataset) -> None:
    arrays = source.state().arrays
    means = np.stack([arrays["items"][shop.sequences.row(u), :-1].mean(axis=0) for u in range(60)])

    def distance(scale: float) -> float:
        return float(np.square(arrays["users"] - scale * means).sum())

    best = float(arrays["scale"][0])
    assert distance(best) < min(distance(best * 0.99), distance(best * 1.01))


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0])
def test_a_known_user_is_a_blend(shop: Dataset, batch_of: BatchOf, weight: float) -> None:
    source = fitted(shop, LightFmConfig(embedding_size=4, epochs=2, own_weight=weight))
    row = shop.sequences.row(3).tolist()
    vectors, _ = source.user_vectors(batch_of([row, row, [*row, 1]], users=[3, -1, 3]))
    own = source.state().arrays["users"][3]
    expected = weight * own + (1 - weight) * vectors[1, :-1]
    np.testing.assert_allclose(vectors[0, :-1], expected, rtol=1e-5)
    newer, _ = source.user_vectors(batch_of([[*row, 1]]))
    np.testing.assert_array_equal(vectors[2], newer[0])  # the history moved on


def test_same_seed_same_factors(shop: Dataset) -> None:
    first, second, third = (fitted(shop, seed=s).state().arrays for s in (1, 1, 2))
    for key in first:
        np.testing.assert_array_equal(first[key], second[key])
    assert not np.array_equal(first["items"], third["items"])


def test_batch_equals_single_and_score_equals_generate(
    source: LightFm, shop: Dataset, batch_of: BatchOf
) -> None:
    queries = batch_of([*(shop.sequences.row(u).tolist() for u in range(60)), [], [20]])
    batch = source.generate(queries, 6)
    scores = source.score(queries, batch.index)
    there = batch.index != PAD
    np.testing.assert_allclose(scores[there], batch.score[there], rtol=1e-4, atol=1e-6)
    for row in range(len(queries)):
        one = source.generate(queries.take(np.array([row])), 6)
        assert one.row(0).tolist() == batch.row(row).tolist()


def test_large_batches_go_in_blocks(
    source: LightFm, shop: Dataset, batch_of: BatchOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = batch_of([shop.sequences.row(u).tolist() for u in range(60)])
    whole = source.generate(queries, 4)
    monkeypatch.setattr("crossrec_lightfm.source.block_rows", lambda width: 2 * 7)
    parts = source.generate(queries, 4)
    np.testing.assert_array_equal(parts.index, whole.index)
    assert whole.full is not None
    assert parts.full is None


def test_state_comes_back_read_only(source: LightFm, shop: Dataset, batch_of: BatchOf) -> None:
    state = source.state()
    arrays = {key: np.array(value) for key, value in state.arrays.items()}
    for array in arrays.values():
        array.flags.writeable = False
    other = LightFm(SMALL)
    other.restore(State(arrays, dict(state.values)), shop.catalog)
    queries = batch_of([[0, 2], [1], [20]])
    np.testing.assert_array_equal(
        other.generate(queries, 9).score, source.generate(queries, 9).score
    )
    one = queries.take(np.array([0]))
    assert other.explain(one, np.arange(23)) == source.explain(one, np.arange(23))


def test_a_catalog_that_grew_changes_nothing(source: LightFm, batch_of: BatchOf) -> None:
    queries = batch_of([[0, 99]], exclude=[[0, 99]])
    assert (source.generate(queries, 50).index < 23).all()
    assert np.isnan(source.score(queries, np.array([[99, PAD]]))).all()
    assert source.explain(queries, np.array([99])) == [None]


def test_the_reason_names_what_is_shared_by_all_it_names(
    source: LightFm, batch_of: BatchOf
) -> None:
    (evidence,) = source.explain(batch_of([[0, 2, 1]]), np.array([4]))
    assert evidence is not None
    assert set(evidence.history) == {0, 2}
    assert evidence.phrase.startswith("shares ")
    assert evidence.phrase.endswith(" with")
    for name in evidence.phrase.removeprefix("shares ").removesuffix(" with").split(" and "):
        assert name in {"wrench", "tools", "Ironwood"}
    assert list(evidence.strengths) == sorted(evidence.strengths, reverse=True)


def test_strengths_and_bias_make_the_score(source: LightFm, batch_of: BatchOf) -> None:
    queries = batch_of([[0, 2]])
    (evidence,) = source.explain(queries, np.array([4]))
    assert evidence is not None
    bias = source.state().arrays["items"][4, -1]
    score = source.score(queries, np.array([[4]]))[0, 0]
    assert sum(evidence.strengths) + bias == pytest.approx(score, rel=1e-4)


def test_without_texts_it_is_a_factor_model(shop: Dataset, batch_of: BatchOf) -> None:
    bare = replace(shop.catalog, texts=("",) * 23, creators=("",) * 23, categories=((),) * 23)
    source = fitted(replace(shop, catalog=bare))
    found = source.generate(batch_of([[0, 2, 4], [1, 3]]), 3)
    assert {item % 2 for item in found.row(0)} == {0}
    (evidence,) = source.explain(batch_of([[0, 2]]), np.array([4]))
    assert evidence is not None
    assert evidence.phrase == "fits the taste shown by"
    assert np.isnan(source.score(batch_of([[0]]), np.array([[20, 22]]))).all()


def test_no_events_at_all(shop: Dataset, batch_of: BatchOf) -> None:
    source = fitted(shop.with_events(Events.empty()))
    assert source.generate(batch_of([[0], []]), 3).index.shape == (2, 0)
    assert source.explain(batch_of([[0]]), np.array([1])) == [None]


def test_progress_counts_epochs(shop: Dataset) -> None:
    seen: list[tuple[str, int, int]] = []
    run = RunOptions(progress=lambda *args: seen.append(args))
    LightFm(LightFmConfig(embedding_size=2, epochs=3)).fit(shop, run)
    assert seen == [("lightfm", 1, 3), ("lightfm", 2, 3), ("lightfm", 3, 3)]


def test_unfitted_says_what_to_do(batch_of: BatchOf) -> None:
    with pytest.raises(NotFittedError, match="'lightfm' is not fitted: run `crossrec fit`"):
        LightFm().generate(batch_of([[0]]), 3)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_divergence_says_what_to_do(shop: Dataset) -> None:
    with pytest.raises(CrossrecError, match="lightfm diverged: lower learning_rate"):
        fitted(shop, LightFmConfig(embedding_size=4, learning_rate=1e30))


def test_a_missing_library_names_the_package(
    shop: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "lightfm", None)
    with pytest.raises(PluginError, match="pip install crossrec-lightfm"):
        fitted(shop)
    monkeypatch.undo()
    assert training_module.library().LightFM


def test_registered_lightly() -> None:
    found: list[Registration] = []

    def register(name: str, factory: Any, **rest: Any) -> None:
        found.append(Registration("candidate_generators", name, factory, **rest))

    plugin.register_candidate_generators(register)
    (one,) = found
    assert one.name == LightFm.name
    assert one.build({"epochs": 2}).config == LightFmConfig(epochs=2)
    code = (
        "import sys, crossrec_lightfm.plugin as p; "
        "p.register_candidate_generators(lambda *a, **k: None); "
        "print([m for m in ('lightfm', 'scipy', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
