"""From a dataset to a report: known right answers, and a future that never reaches training."""

from __future__ import annotations

import dataclasses
from functools import partial

import numpy as np
import pytest
from crossrec.components.candidates import Candidates
from crossrec.components.consumption import EventEffects
from crossrec.components.eligibility import ALL, UNSEEN, CandidateRule
from crossrec.components.query import QueryBatch
from crossrec.data.dataset import Dataset
from crossrec.data.splits import LEAKS_OVER_TIME, Targets
from crossrec.errors import DataError, UsageError
from crossrec.evaluation.evaluate import evaluate
from crossrec.evaluation.protocol import EvaluationProtocol
from crossrec.testing.requests import TOY

#: The research rule, which needs no scenario.
unseen = partial(EvaluationProtocol, candidates="unseen")
LOO = unseen(split="leave-one-out")


class Broken:
    name = "broken"
    fit_seconds = 0.0

    def top(self, queries: QueryBatch, k: int) -> Candidates:
        raise ZeroDivisionError("no luck")


@pytest.fixture
def build(covisitation):
    """Fit covisitation, on training and validation where there is a refit part."""

    def build_models(train: Dataset, validation: Targets, *, refit: Dataset | None = None):
        return [covisitation(refit or train)]

    return build_models


# Known right answers


def test_checkerboard_is_solved(checkerboard, build):
    """Each user's withheld item is the only unseen one of the colour; refit on all but it."""
    report = evaluate(checkerboard, build, unseen(split="leave-one-out", refit=True))
    row = report.result("covisitation")
    assert row is not None
    assert report.users == 20
    assert row.metrics["recall@10"] == 1.0
    assert row.metrics["mrr@10"] == 1.0
    assert row.ci95["ndcg@10"] == (1.0, 1.0)
    popular = report.result("popularity")
    assert popular is not None
    assert popular.metrics["mrr@10"] < 1.0


def test_popularity_and_repeat_last_stand_in_every_table(checkerboard, build):
    for candidates in ("unseen", "all"):
        for build_models in (build, lambda train, validation: []):
            protocol = EvaluationProtocol(split="leave-one-out", candidates=candidates)
            report = evaluate(checkerboard, build_models, protocol)
            names = [row.model for row in report.results]
            assert names[-2:] == ["popularity", "repeat-last"]
            assert [row.baseline for row in report.results][-2:] == [True, True]
    assert not any(row.baseline for row in evaluate(checkerboard, build, LOO).results[:-2])


def test_a_source_called_popularity_keeps_its_name_and_the_baseline_gets_another(
    checkerboard, covisitation
):
    def build_models(train, validation):
        return [covisitation(train, name="popularity")]

    names = [row.model for row in evaluate(checkerboard, build_models, LOO).results]
    assert names == ["popularity", "popularity (baseline)", "repeat-last"]


def test_repeat_last_is_right_where_all_users_repeat(make_dataset, build):
    data = make_dataset([(u, i) for u in range(6) for i in (u, u, u, u)], n_items=8)
    everything = evaluate(
        data, build, EvaluationProtocol(split="leave-one-out", candidates="all", ks=(1,))
    )
    row = everything.result("repeat-last")
    assert row is not None
    assert row.metrics["recall@1"] == 1.0
    assert row.segments["targets"]["repeat"].users == 6
    assert row.segments["targets"]["new"].users == 0
    missed = evaluate(data, build, unseen(split="leave-one-out", ks=(1,)))
    assert {row.metrics["recall@1"] for row in missed.results} == {0.0}
    assert any("6 of 6 targets are known to the user already" in note for note in missed.notes)
    assert not any("known to the user already" in note for note in everything.notes)


def test_means_are_over_all_users_and_segments_over_theirs(make_dataset, build):
    # The test is two hot users and one who is only known from a history after the training.
    rows = [(u, i, 10 * i + u) for u in range(2) for i in range(8)]
    rows += [(2, 0, 72), (2, 1, 79), (0, 8, 80), (1, 8, 81), (2, 3, 82)]
    data = make_dataset(rows, has_clock=True)
    report = evaluate(data, build, unseen(fractions=(0.7, 0.15, 0.15)))
    assert report.protocol == "temporal"
    row = report.result("popularity")
    assert row is not None
    users = row.segments["users"]
    assert {name: part.users for name, part in users.items()} == {"hot": 2, "warm": 1, "cold": 0}
    assert users["warm"].metrics["recall@10"] == 1.0
    assert users["hot"].metrics["recall@10"] == 0.0, "item 8 was never seen in training"
    assert row.metrics["recall@10"] == pytest.approx(1 / 3)
    assert np.isnan(users["cold"].metrics["recall@10"])
    assert np.isnan(users["cold"].ci95["recall@10"]).all()


def test_the_default_protocol_follows_the_clock(checkerboard, make_dataset, build):
    def rule(train):
        return UNSEEN

    assert evaluate(checkerboard, build, rule_for=rule).protocol == "leave-one-out"
    timed = make_dataset([(u, i, 10 * i + u) for u in range(3) for i in range(9)], has_clock=True)
    report = evaluate(timed, build, rule_for=rule)
    assert (report.protocol, report.candidates) == ("temporal", "served")


def test_served_candidates_need_a_scenario_and_say_so(checkerboard, build):
    calls = []

    def build_models(train, validation):
        calls.append(train)
        return build(train, validation)

    with pytest.raises(UsageError, match="give rule_for, or take 'unseen'"):
        evaluate(checkerboard, build_models)
    assert calls == [], "before anything is fitted"


def test_the_rule_is_made_of_the_training_part_of_each_split(checkerboard, build):
    seen = []

    def rule(train):
        seen.append(len(train.events))
        return ALL

    protocol = EvaluationProtocol(split="cross-validation", folds=4)
    report = evaluate(checkerboard, build, protocol, rule_for=rule)
    assert seen == [20 * 10 - 10] * 4
    assert report.candidates == "served"


def test_what_was_bought_is_a_miss_where_it_is_served_and_what_was_viewed_is_none(
    make_dataset, build
):
    """Users come back to their first item; it is a target wherever the rule admits it."""
    data = make_dataset([(u, i) for u in range(6) for i in (u, 6, 7, u)], n_items=8)
    figures = {}
    for consumes in ("hard", "none"):
        event = dataclasses.replace(TOY.events[0], consumes=consumes)
        scenario = dataclasses.replace(TOY, events=(event, *TOY.events[1:]))

        def rule(train, scenario=scenario):
            return CandidateRule("served", True, EventEffects.of(scenario))

        report = evaluate(
            data, build, EvaluationProtocol(split="leave-one-out", ks=(3,)), rule_for=rule
        )
        row = report.result("repeat-last")
        assert row is not None
        figures[consumes] = row.metrics["recall@3"]
        assert any("6 of 6 targets" in note for note in report.notes) == (consumes == "hard")
        assert row.segments["targets"]["repeat"].users == 6
    assert figures == {"hard": 0.0, "none": 1.0}


def test_cross_validation_tests_every_user_once_and_adds_up_the_seconds(checkerboard, build):
    protocol = unseen(split="cross-validation", folds=4)
    calls = []

    def counted(train, validation):
        calls.append(len(train.events))
        return build(train, validation)

    report = evaluate(checkerboard, counted, protocol)
    assert calls == [20 * 10 - 10] * 4
    assert report.protocol == "cross-validation"
    assert report.users == 20
    row = report.result("covisitation")
    assert row is not None
    assert row.metrics["recall@10"] == 1.0
    assert row.fit_seconds > 0


def test_a_sample_of_users_is_drawn_with_the_seed_and_noted(checkerboard, build):
    protocol = unseen(split="leave-one-out", users=7, seed=3)
    report = evaluate(checkerboard, build, protocol)
    assert report.users == 7
    assert any("sample" in note and "seed 3" in note for note in report.notes)
    again = evaluate(checkerboard, build, protocol)
    timeless = [
        [{k: v for k, v in row.items() if "seconds" not in k} for row in one.to_dict()["results"]]
        for one in (report, again)
    ]
    assert timeless[0] == timeless[1]


def test_the_refit_part_is_passed_only_with_refit_and_noted(checkerboard, build):
    seen = []

    def watched(train, validation, **more):
        seen.append((len(train.events), {name: len(part.events) for name, part in more.items()}))
        return build(train, validation, **more)

    plain = evaluate(checkerboard, watched, LOO)
    again = evaluate(checkerboard, watched, unseen(split="leave-one-out", refit=True))
    assert seen == [(160, {}), (160, {"refit": 180})]
    assert not any("again" in note for note in plain.notes)
    assert any("fitted again on training and validation" in note for note in again.notes)


def test_leave_one_out_warns_on_sets_with_a_clock(make_dataset, build):
    timed = make_dataset([(u, i, 10 * i + u) for u in range(3) for i in range(4)], has_clock=True)
    assert LEAKS_OVER_TIME in evaluate(timed, build, LOO).notes


def test_the_basis_of_diversity_is_noted(make_dataset, build):
    rows = [(u, i) for u in range(3) for i in range(4)]
    data = make_dataset(rows, categories=[("a",), ("b",), ("a",), ("b",)])
    report = evaluate(data, build, LOO)
    assert "diversity is measured on categories" in report.notes
    assert "diversity@10" in report.results[0].metrics
    bare = evaluate(make_dataset(rows), build, LOO)
    assert "diversity@10" not in bare.results[0].metrics


def test_a_better_model_is_called_so_and_equal_ones_are_not(make_dataset, covisitation):
    # 400 users walk one of two circles of items; who learns the circle finds the next step.
    rng = np.random.default_rng(0)
    rows = []
    for user in range(400):
        start, circle = rng.integers(0, 10), user % 2
        rows += [(user, circle * 10 + (start + step) % 10) for step in range(5)]
    data = make_dataset(rows)

    def build_models(train, validation):
        return [covisitation(train), covisitation(train, name="twin")]

    report = evaluate(data, build_models, unseen(split="leave-one-out", ks=(3,)))
    verdicts = {(p.model, p.against, p.metric): p.verdict for p in report.comparisons}
    assert verdicts["covisitation", "popularity", "recall@3"] == "better"
    assert verdicts["covisitation", "twin", "recall@3"] == "no difference"
    assert len(verdicts) == 2 * 6


# What goes wrong


def test_a_broken_model_is_left_out_and_named_and_costs_no_other(checkerboard, build):
    def build_models(train, validation):
        return [Broken(), *build(train, validation)]

    report = evaluate(checkerboard, build_models, LOO)
    names = [row.model for row in report.results]
    assert names == ["covisitation", "popularity", "repeat-last"]
    assert [(f.model, f.error) for f in report.failed] == [("broken", "ZeroDivisionError: no luck")]


def test_a_model_that_fails_in_one_fold_is_left_out_of_all(checkerboard, build):
    folds = iter(range(4))

    def build_models(train, validation):
        models = build(train, validation)
        if next(folds) == 2:
            models[0].top = Broken().top
        return models

    report = evaluate(checkerboard, build_models, unseen(split="cross-validation", folds=4))
    assert [row.model for row in report.results] == ["popularity", "repeat-last"]
    assert [failure.model for failure in report.failed] == ["covisitation"]
    assert report.users == 20


def test_a_model_that_shows_excluded_items_is_noted(checkerboard, covisitation):
    class Forgetful(covisitation):
        def top(self, queries, k):
            anything = QueryBatch(queries.users, queries.history, queries.exclude.tail(0))
            return super().top(anything, k)

    report = evaluate(checkerboard, lambda train, validation: [Forgetful(train)], LOO)
    assert any("covisitation returned" in note and "excluded" in note for note in report.notes)


def test_two_models_of_one_name_are_refused(checkerboard, covisitation):
    def build_models(train, validation):
        return [covisitation(train), covisitation(train)]

    with pytest.raises(UsageError, match="two models have the same name"):
        evaluate(checkerboard, build_models, LOO)


def test_an_empty_set_is_refused_in_one_line(make_dataset, build):
    with pytest.raises(DataError) as caught:
        evaluate(make_dataset([], n_users=1, n_items=1), build, LOO)
    assert "\n" not in str(caught.value)


# Nothing after the cut reaches training


@pytest.fixture
def planted(make_dataset):
    """Items 8 and 9 are met together only at the end: whoever connects them has seen the future.

    Users 0 to 9 walk 0 … 7 and then, after everybody's cut, 8 followed by 9. Users 10 to 19 stand
    at the cut with 8 in their history (met alone, early) and turn to 9.
    """
    rows = []
    for user in range(10):
        rows += [(user, item, 10 * item + user) for item in range(8)]
        rows += [(user, 8, 200 + user), (user, 9, 220 + user)]
    for user in range(10, 20):
        rows += [(user, 8, user), (user, 0, 20 + user), (user, 1, 40 + user), (user, 9, 240 + user)]
    return make_dataset(rows, has_clock=True)


def leaky(model_type, whole: Dataset, train: Dataset, validation: Targets, **refit: Dataset):
    """What a careless pipeline does: it fits on everything that it was given once."""
    return [model_type(whole)]


@pytest.mark.parametrize(
    "protocol",
    [
        unseen(fractions=(0.6, 0.16, 0.24)),
        unseen(fractions=(0.6, 0.16, 0.24), refit=True),
        unseen(split="leave-one-out"),
        unseen(split="cross-validation", folds=2),
    ],
    ids=["temporal", "temporal refit", "leave-one-out", "cross-validation"],
)
def test_a_pair_that_only_occurs_after_the_cut_is_never_recommended(
    planted, build, covisitation, protocol
):
    honest = evaluate(planted, build, protocol).result("covisitation")
    cheating = evaluate(planted, partial(leaky, covisitation, planted), protocol)
    peeked = cheating.result("covisitation")
    assert honest is not None
    assert peeked is not None
    # 9 is a target of all twenty users, and nothing in any training knows it.
    assert honest.segments["items"]["cold"].users == 20
    assert honest.segments["items"]["cold"].metrics["recall@10"] == 0.0
    # The same model with the future in it finds it every time: the test can fail.
    assert peeked.segments["items"]["cold"].metrics["recall@10"] == 1.0


def test_the_lists_themselves_never_hold_the_future(planted, covisitation):
    shown: set[int] = set()

    class Watched(covisitation):
        def top(self, queries, k):
            answer = super().top(queries, k)
            shown.update(answer.index[answer.index >= 0].tolist())
            return answer

    evaluate(planted, lambda train, validation: [Watched(train)], LOO)
    assert shown
    assert not shown & {8, 9}
    evaluate(planted, partial(leaky, Watched, planted), LOO)
    assert 9 in shown


def test_validation_targets_are_not_in_what_models_are_fitted_on(planted):
    def build_models(train: Dataset, validation: Targets):
        for user, targets in zip(validation.users, range(len(validation))):
            own = train.sequences.row(int(user)).tolist()
            assert own == validation.history.row(targets).tolist()
        return []

    evaluate(planted, build_models, LOO)
    evaluate(planted, build_models, unseen(fractions=(0.6, 0.16, 0.24)))
