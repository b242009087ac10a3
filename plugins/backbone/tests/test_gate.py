"""The gate: plain methods against numbers by hand, and who serves when."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.query import QueryBatch
from crossrec.numeric.ragged import Ragged
from crossrec_backbone.adaptation.baselines import PLAIN, plain_gains, plain_scores
from crossrec_backbone.adaptation.gate import MIXTURE, decide
from crossrec_backbone.relations.statistics import BackboneConfig, Statistics


@pytest.fixture
def fitted(shop, config: BackboneConfig) -> Statistics:
    return Statistics.fit(shop(), config)


def queries(rows: list[list[int]]) -> QueryBatch:
    return QueryBatch.from_histories(Ragged.from_rows(rows))


def test_every_plain_method_is_there(fitted: Statistics) -> None:
    scores = plain_scores(fitted, queries([[0, 4], [1]]))
    assert tuple(scores) == PLAIN
    assert all(one.shape == (2, fitted.n_items) for one in scores.values())
    assert all(np.isfinite(one).all() for one in scores.values())


def test_plain_methods_by_hand(fitted: Statistics) -> None:
    scores = plain_scores(fitted, queries([[0, 4]]))
    decay = fitted.config.history.decay
    for method, name in (
        ("EASE", "ease"),
        ("prior-EASE", "prior_ease"),
        ("co-occurrence", "co_occurrence"),
    ):
        matrix = fitted.behaviour.relations[name].toarray()
        np.testing.assert_allclose(scores[method][0], matrix[4] + decay * matrix[0], rtol=1e-4)
    np.testing.assert_array_equal(scores["popularity"][0], fitted.behaviour.popularity)
    dense = fitted.text.relations.factor("text_dense")
    profile = dense[4] + decay * dense[0]
    order = np.argsort(-(dense @ profile))
    np.testing.assert_array_equal(np.argsort(-scores["content"][0])[:10], order[:10])


def test_the_fixed_blend_is_twice_content_on_one_scale(fitted: Statistics) -> None:
    scores = plain_scores(fitted, queries([[0, 4]]))
    open_ = np.setdiff1d(np.arange(fitted.n_items), [0, 4])

    def z(one: np.ndarray) -> np.ndarray:
        return np.asarray((one - one[open_].mean()) / one[open_].std())

    expected = z(scores["EASE"][0]) + 2 * z(scores["content"][0])
    np.testing.assert_allclose(
        scores["fixed blend"][0][open_], expected[open_], rtol=1e-3, atol=1e-4
    )


def test_only_the_methods_that_are_named(fitted: Statistics) -> None:
    assert tuple(plain_scores(fitted, queries([[0]]), ("fixed blend",))) == ("fixed blend",)


def test_without_events_only_content_and_the_graph(shop, config: BackboneConfig) -> None:
    statistics = Statistics.fit(shop(), config, sequences=Ragged.empty(3))
    assert tuple(plain_scores(statistics, queries([[0]]))) == ("content", "prior-EASE")


def test_without_vectors_content_is_words(shop, config: BackboneConfig) -> None:
    statistics = Statistics.fit(shop(vectors=False), config)
    scores = plain_scores(statistics, queries([[0]]))["content"][0]
    words = statistics.text.relations.factor("text_words").toarray()
    np.testing.assert_allclose(scores, words @ words[0], rtol=1e-4, atol=1e-6)


def test_gains_by_hand(fitted: Statistics) -> None:
    batch = queries([[0, 4], [1, 5]])
    scores = plain_scores(fitted, batch)["prior-EASE"]
    scores[[0, 0], [0, 4]] = -np.inf
    scores[[1, 1], [1, 5]] = -np.inf
    first, third = np.argsort(-scores[0])[0], np.argsort(-scores[1])[2]
    found = plain_gains(fitted, batch, np.array([first, third]))["prior-EASE"]
    np.testing.assert_allclose(found, [1.0, 1 / np.log2(4)], rtol=1e-5)


def gains(mean: float, n: int = 400, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).random(n) < mean).astype(np.float32)


def test_a_clearly_better_plain_method_serves() -> None:
    decision = decide(gains(0.1), {"EASE": gains(0.3, seed=1), "content": gains(0.05)}, 50)
    assert decision.serves == decision.best_plain == "EASE"
    assert decision.gain < -2 * decision.error < 0
    assert decision.users == 400


def test_the_mixture_serves_where_nothing_is_clear() -> None:
    mixture = gains(0.2)
    slightly = mixture.copy()
    slightly[np.flatnonzero(slightly == 0)[0]] = 1.0  # one user of 400
    decision = decide(mixture, {"EASE": slightly}, 50)
    assert decision.serves == MIXTURE
    assert decision.ndcg["EASE"] > decision.ndcg[MIXTURE]


def test_a_lead_within_two_standard_errors_is_not_clear() -> None:
    mixture = gains(0.2)
    ahead = mixture.copy()
    ahead[np.flatnonzero(ahead == 0)[:3]] = 1.0  # 3 ± 1.7 users of 400
    decision = decide(mixture, {"EASE": ahead}, 50)
    assert -2 * decision.error < decision.gain < -decision.error
    assert decision.serves == MIXTURE


def test_few_users_decide_nothing() -> None:
    decision = decide(np.zeros(20, np.float32), {"EASE": np.ones(20, np.float32)}, 50)
    assert (decision.serves, decision.users) == (MIXTURE, 0)
