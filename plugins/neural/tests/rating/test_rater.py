"""The rater as a whole: what it learns, what it does not, and what it does with odd input."""

from __future__ import annotations

from copy import copy
from dataclasses import replace

import numpy as np
import pytest
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.errors import ConfigError, CrossrecError, DataError, NotFittedError, UsageError
from crossrec.evaluation.rating.evaluate import evaluate_ratings
from crossrec.evaluation.rating.models import BIAS, RatingModel
from crossrec.numeric.ragged import Ragged
from crossrec_neural.rating.rater import RatingFeatures
from crossrec_neural.rating.settings import RatingSettings, RatingTraining

QUICK = RatingSettings(
    text_size=4, training=RatingTraining(epochs=25, batch_size=64, learning_rate=5e-3)
)


def queries_of(dataset: Dataset, users: np.ndarray) -> QueryBatch:
    return QueryBatch.from_histories(dataset.sequences.take(users), users=users)


def fitted(dataset: Dataset, run: RunOptions, settings: RatingSettings = QUICK) -> RatingFeatures:
    one = RatingFeatures(settings)
    one.fit(dataset, run)
    return one


def builder(run: RunOptions, settings: RatingSettings = QUICK):
    """Return what fits the rater for an evaluation."""

    def build(learnt: Dataset) -> list[RatingModel]:
        one = fitted(learnt, run, settings)

        def predict(held):
            return one.rate(queries_of(learnt, held.rows.users), held.rows.items[:, None])[:, 0]

        return [RatingModel("rating", predict, 0.0)]

    return build


def test_where_reviews_tell_something_the_rater_beats_the_biases_and_at_random_it_does_not(
    town, run
) -> None:
    report = evaluate_ratings(town(), builder(run), resamples=300)
    mse = {row.model: row.metrics["mse"] for row in report.results}
    assert mse["rating"] < 0.9 * mse[BIAS]
    assert mse["rating (no reviews)"] > 0.97 * mse[BIAS]
    assert mse["rating (shuffled reviews)"] > 0.97 * mse[BIAS]
    assert report.conclusions[0].startswith("rating predicts better than user-item-bias")
    assert report.conclusions[1].startswith("reviews help rating")


def test_where_reviews_tell_nothing_it_says_so(town, run) -> None:
    report = evaluate_ratings(town(honest=False), builder(run), resamples=300)
    mse = {row.model: row.metrics["mse"] for row in report.results}
    assert mse["rating"] < 1.03 * mse[BIAS]
    assert report.conclusions[0].startswith("rating is not shown to predict better")
    assert report.conclusions[1].startswith("reviews add nothing that shows")


def test_the_reviews_of_what_is_predicted_change_no_prediction(town, run) -> None:
    """Whatever the people of the test write, their ratings are predicted as before."""
    dataset = town(n_users=120)
    reviews = dataset.events.reviews
    late = dataset.events.times >= np.quantile(dataset.events.times, 0.9)
    vectors = np.array(reviews.vectors["transformer"])
    vectors[reviews.numbers[late]] *= -1.0
    other = dataset.with_reviews(reviews.with_vectors("transformer", vectors))
    found = []

    def keeping(learnt: Dataset) -> list[RatingModel]:
        (model,) = builder(run)(learnt)

        def predict(held):
            found.append(model.predict(held))
            return found[-1]

        return [replace(model, predict=predict)]

    for one in (dataset, other):
        evaluate_ratings(one, keeping, split="temporal", resamples=5)
    # With the reviews and without any; the shuffled ones were dealt out among what was learnt.
    assert len(found) == 6
    for before, after in zip(found[:3], found[3:], strict=True):
        np.testing.assert_array_equal(before, after)


def test_an_untrained_rater_is_the_bias_model(town, run) -> None:
    dataset = town(n_users=5)  # fifteen ratings: none can be held out
    one = fitted(dataset, run)
    assert one.state().values["errors"] == []
    arrays, values = one.state().arrays, one.state().values
    users, items = np.arange(5), np.array([3, 1, 4, 1, 5])
    expected = values["mean"] + arrays["table.user_bias"] + arrays["table.item_bias"][items]
    found = one.rate(queries_of(dataset, users), items[:, None])[:, 0]
    np.testing.assert_allclose(found, np.clip(expected, 0, 10), rtol=1e-6)


def test_training_keeps_the_best_epoch_and_never_less_than_the_biases(town, run) -> None:
    for honest in (True, False):
        values = fitted(town(honest=honest), run).state().values
        assert values["errors"][values["best"]] in (min(values["errors"]), values["errors"][0])
        assert len(values["errors"]) > 1
        assert (values["best"] > 0) == honest


def test_the_same_seed_gives_the_same_ratings(town, run) -> None:
    dataset = town()
    queries, index = queries_of(dataset, np.arange(9)), np.tile(np.arange(25), (9, 1))
    one, two = (fitted(dataset, run).rate(queries, index) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    other = fitted(dataset, replace(run, seed=4)).rate(queries, index)
    assert (other != one).any()


def test_a_history_moves_the_rating_of_a_stranger(town, run) -> None:
    one = fitted(town(), run, replace_settings(factors=0))
    if one.state().values["best"] == 0:
        pytest.fail("nothing was learnt")
    queries = QueryBatch.from_histories(Ragged.from_rows([[], [3, 4], [20]]))
    found = one.rate(queries, np.tile(np.arange(25), (3, 1)))
    assert np.abs(found[0] - found[1]).max() > 1e-4
    assert np.abs(found[1] - found[2]).max() > 1e-4


def replace_settings(**changes) -> RatingSettings:
    return QUICK.model_copy(update=changes)


def test_a_new_text_is_rated_by_what_it_reads_like(town, run) -> None:
    dataset = town()
    one = fitted(dataset, run)
    vectors = dataset.vectors["transformer"]
    queries = queries_of(dataset, np.arange(3))
    found = one.rate_texts(queries, vectors[:4])
    assert found.shape == (3, 4)
    assert np.ptp(found) > 0
    with pytest.raises(DataError, match="use the encoder of the fit"):
        one.rate_texts(queries, np.ones((1, 99), np.float32))


def test_forgetting_takes_out_what_a_user_wrote_about_items(town, run) -> None:
    from crossrec.testing.ratings import change_of

    dataset = town(n_users=120)
    one = fitted(dataset, run)
    fresh = copy(one)
    fresh.forget(change_of(dataset, 7))
    gone = dataset.events.users == 7
    rest = dataset.with_events(dataset.events.take(~gone))
    before, after = one.state().arrays, fresh.state().arrays
    items = dataset.events.items[gone]
    assert (after["table.others"][items] != before["table.others"][items]).any(axis=1).all()
    counts = np.bincount(rest.events.items, minlength=25)
    np.testing.assert_allclose(after["table.others"][:, -1], counts)
    np.testing.assert_array_equal(after["table.item_ratings"], counts)
    for name in ("user_bias", "liked", "own", "user_ratings"):
        assert not after[f"table.{name}"][7].any(), name
    assert not after["network.own.users.weight"][7].any()
    assert not (after["table.pairs"] // 25 == 7).any()
    assert len(after["table.pairs"]) == len(before["table.pairs"]) - gone.sum()


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0])
def test_vectors_that_are_not_finite_count_as_no_text(town, run, bad) -> None:
    dataset = town(n_users=60)
    reviews = dataset.events.reviews
    said, items = np.array(reviews.vectors["transformer"]), np.array(dataset.vectors["transformer"])
    said[:7], items[:3] = bad, bad
    odd = dataset.with_vectors("transformer", items)
    odd = odd.with_reviews(reviews.with_vectors("transformer", said))
    one = fitted(odd, run)
    found = one.rate(queries_of(odd, np.arange(60)), np.tile(np.arange(25), (60, 1)))
    assert np.isfinite(found).all()
    assert one.state().arrays["table.own"][:, -1].sum() == len(reviews) - 7


def test_one_rating_is_enough_to_serve(town, run) -> None:
    dataset = town(n_users=20)
    single = dataset.with_events(dataset.events.take(np.array([5])))
    one = fitted(single, run)
    rating = single.ratings.ratings[0]
    found = one.rate(queries_of(single, np.arange(20)), np.tile(np.arange(25), (20, 1)))
    np.testing.assert_allclose(found, rating, rtol=1e-6)


def test_ratings_at_one_time_leave_the_biases(town, run) -> None:
    dataset = town(n_users=60)
    level = replace(dataset.events, times=np.zeros(len(dataset.events)))
    one = fitted(replace(dataset, events=level), run)
    assert one.state().values["errors"] == []
    assert np.isfinite(one.rate(queries_of(dataset, np.arange(4)), np.zeros((4, 1), int))).all()


def test_no_vectors_at_all_leave_biases_and_own_vectors(town, run) -> None:
    dataset = town(n_users=120)
    bare = replace(dataset, vectors={}).with_reviews(dataset.events.reviews.compact())
    one = fitted(bare, run)
    assert one.state().arrays["table.own"].shape == (120, 1)
    assert np.isfinite(one.rate(queries_of(bare, np.arange(4)), np.zeros((4, 1), int))).all()


def test_vectors_of_another_encoder_are_named(town, run) -> None:
    with pytest.raises(ConfigError, match="set encoder to one of: transformer"):
        fitted(town(n_users=20), run, replace_settings(encoder="other"))


def test_a_device_that_is_not_there_is_named(town) -> None:
    with pytest.raises(UsageError, match="device 'nowhere' cannot be used"):
        fitted(town(n_users=20), RunOptions(device="nowhere"))


def test_a_loss_that_is_not_finite_says_what_to_do(town, run) -> None:
    wild = QUICK.training.model_copy(update={"learning_rate": 1e30})
    with pytest.raises(CrossrecError, match=r"lower training\.learning_rate"):
        fitted(town(n_users=120), run, replace_settings(training=wild))


def test_before_the_fit_there_is_nothing(town) -> None:
    with pytest.raises(NotFittedError, match="crossrec fit"):
        RatingFeatures().rate(queries_of(town(n_users=5), np.arange(2)), np.zeros((2, 1), int))
