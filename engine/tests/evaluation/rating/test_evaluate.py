"""The report: baselines, controls, comparisons and what they say."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from crossrec.data.dataset import Dataset
from crossrec.errors import UsageError
from crossrec.evaluation.rating.evaluate import evaluate_ratings
from crossrec.evaluation.rating.models import BIAS, FACTORS, MEAN, RatingModel
from crossrec.evaluation.rating.report import RatingResult, conclude
from crossrec.evaluation.rating.tables import rating_tables, rating_text
from crossrec.evaluation.significance import Comparison

#: What a review of the town says: the mood of its writer, which decides about the next rating.
MOODS = ("bad", "good")


def town(rated, *, honest: bool = True) -> Dataset:
    """Return people whose next rating is that of their latest review's mood, or of a coin."""
    rng = np.random.default_rng(3)
    moods = rng.integers(0, 2, (60, 12))
    rows = [
        (user, int(rng.integers(0, 15)), 100.0 * step + user, 4.5 if moods[user, step] else 1.5)
        for step in range(12)
        for user in range(60)
    ]
    dataset = rated(rows)
    events, reviews = dataset.events, dataset.events.reviews
    step = (events.times // 100).astype(int)
    said = moods[events.users, np.minimum(step + 1, 11)]
    if not honest:
        said = rng.integers(0, 2, len(said))
    changed = replace(reviews, numbers=said.astype(np.int64), texts=MOODS)
    return dataset.with_events(replace(events, reviews=changed))


def mood_reader(learnt: Dataset) -> list[RatingModel]:
    """Return a model that takes the latest review of a user for a forecast."""
    numbers = learnt.events.reviews.numbers
    latest = np.full(learnt.n_users, -1)
    latest[learnt.events.users] = numbers  # sorted by time, so that the last one stays
    means = np.array([1.5, 4.5, 3.0])

    def predict(held):
        return means[latest[held.rows.users]]

    return [RatingModel("moods", predict, 0.1)]


def no_raters(learnt: Dataset) -> list[RatingModel]:
    return []


def test_a_model_that_reads_helpful_reviews_is_better_and_its_controls_are_not(rated) -> None:
    report = evaluate_ratings(town(rated), mood_reader, scenario="town", resamples=200)
    names = [row.model for row in report.results]
    controls = ["moods (no reviews)", "moods (shuffled reviews)"]
    assert names == [MEAN, BIAS, FACTORS, "moods", *controls]
    mse = {row.model: row.metrics["mse"] for row in report.results}
    assert mse["moods"] < 0.6 * mse[BIAS]
    verdicts = {(one.model, one.against, one.metric): one.verdict for one in report.comparisons}
    assert verdicts["moods", BIAS, "mse"] == "better"
    assert verdicts["moods", controls[0], "mse"] == "better"
    assert verdicts["moods", controls[1], "mae"] == "better"
    assert verdicts[controls[1], BIAS, "mse"] == "worse"
    assert [line.split(" (")[0] for line in report.conclusions] == [
        "moods predicts better than user-item-bias",
        "reviews help moods",
    ]


def test_reviews_that_say_nothing_are_called_so(rated) -> None:
    report = evaluate_ratings(town(rated, honest=False), mood_reader, resamples=200)
    assert [line.split(" (")[0] for line in report.conclusions] == [
        "moods predicts worse than user-item-bias",
        "reviews harm moods",
    ]
    assert "95 % interval" in report.conclusions[1]


@pytest.mark.parametrize(
    ("without", "shuffled", "words"),
    [
        ("better", "better", "reviews help m"),
        ("better", "no difference", "reviews help, but at random as well, m"),
        ("no difference", "better", "reviews add nothing that shows to m"),
        ("worse", "better", "reviews harm m"),
    ],
)
def test_what_is_said_of_reviews_goes_by_both_controls(without, shuffled, words) -> None:
    def pair(against: str, verdict: str) -> Comparison:
        return Comparison("mse", "m", against, -0.1, (-0.2, 0.1), 0.5, 0.5, 0.5, verdict)

    row = RatingResult("m (no reviews)", False, "m", "no reviews", 0.0, {}, {})
    pairs = (pair("m (no reviews)", without), pair("m (shuffled reviews)", shuffled))
    (line,) = conclude((row,), pairs)
    assert line.startswith(words)


def test_no_rater_leaves_the_three_baselines(rated) -> None:
    report = evaluate_ratings(town(rated), no_raters, resamples=50)
    assert [row.model for row in report.results] == [MEAN, BIAS, FACTORS]
    assert all(row.baseline for row in report.results)
    assert report.conclusions == ()
    assert sum(report.sizes[name] for name in ("train", "validation", "test")) == 720


def test_the_mean_of_what_was_learnt_by_hand(rated) -> None:
    rows = [(at % 3, at % 2, float(at), [1.0, 5.0][at % 2]) for at in range(20)]
    report = evaluate_ratings(rated(rows), no_raters, resamples=20)
    row = report.result(MEAN)
    assert report.sizes["test"] == 2
    assert row.metrics["mse"] == pytest.approx(4.0)
    assert row.metrics["mae"] == pytest.approx(2.0)
    assert row.metrics["auc"] == 0.5


def test_a_model_that_raises_is_named_and_loses_nothing(rated) -> None:
    def broken(learnt: Dataset) -> list[RatingModel]:
        def nothing(held):
            return np.full(len(held), np.nan)

        return [RatingModel("odd", nothing, 0.0), RatingModel("short", lambda held: held, 0.0)]

    report = evaluate_ratings(town(rated), broken, resamples=20)
    assert [row.model for row in report.results] == [MEAN, BIAS, FACTORS]
    assert "predictions are not finite" in report.failed[0].error
    assert {failure.model.split(" (")[0] for failure in report.failed} == {"odd", "short"}


def test_only_the_chosen_models_with_their_controls_and_the_biases(rated) -> None:
    report = evaluate_ratings(town(rated), mood_reader, only=("moods",), resamples=20)
    names = [row.model for row in report.results]
    assert names == [BIAS, "moods", "moods (no reviews)", "moods (shuffled reviews)"]
    with pytest.raises(UsageError, match="no model 'mood' here: there are global-mean"):
        evaluate_ratings(town(rated), mood_reader, only=("mood",), resamples=20)


def test_two_models_of_one_name_are_refused(rated) -> None:
    def twins(learnt: Dataset) -> list[RatingModel]:
        return mood_reader(learnt) * 2

    with pytest.raises(UsageError, match="same name"):
        evaluate_ratings(town(rated), twins, resamples=20)


def test_predictions_are_drawn_to_the_scale(rated) -> None:
    def wild(learnt: Dataset) -> list[RatingModel]:
        return [RatingModel("wild", lambda held: np.full(len(held), 99.0), 0.0)]

    rows = [(at % 3, at % 2, float(at), 5.0) for at in range(20)]
    report = evaluate_ratings(rated(rows), wild, resamples=20)
    assert report.result("wild").metrics["mse"] == 0.0


def test_the_report_as_json_and_as_text(rated) -> None:
    report = evaluate_ratings(town(rated), mood_reader, scenario="town", resamples=20)
    found = json.loads(json.dumps(report.to_dict()))
    assert found["task"] == "rating"
    assert found["unit"] == "stars from 1 to 5"
    assert found["scale"] == [1.0, 5.0]
    assert found["results"][3]["metrics"]["mse"] == pytest.approx(
        report.result("moods").metrics["mse"]
    )
    text = rating_text(report)
    assert "town: temporal" in text
    assert "user-item-bias *" in text
    assert "note: user-item-bias: penalties" in text
    assert len(rating_tables(report)) == 2
    assert replace(report.scale, low=0, high=10).unit == "ratings from 0 to 10"


def test_without_a_clock_each_user_has_a_last_rating(rated) -> None:
    rows = [(at % 5, at % 4, float(at), 1.0 + at % 5) for at in range(40)]
    report = evaluate_ratings(rated(rows, clock=False), no_raters, resamples=20)
    assert report.protocol == "leave-one-out"
    assert report.sizes["test"] == report.sizes["users"] == 5
