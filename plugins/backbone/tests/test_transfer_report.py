"""From places to figures, intervals and verdicts: right answers known by hand."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from crossrec_backbone.transfer.figures import BudgetResult, build_report, gains
from crossrec_backbone.transfer.methods import BARE, FULL, METHODS

N = 400
NEVER = np.full(N, np.inf, dtype=np.float32)


def result(level=1000, seed=0, events=1000, trained=True, no_scores=(), **places) -> BudgetResult:
    """All methods miss, but for those given; `_` stands for `-` in their names."""
    own = {name.replace("_", "-"): np.asarray(value, np.float32) for name, value in places.items()}
    full = {method: own.get(method, NEVER) for method in METHODS}
    return BudgetResult(level, seed, events, full, frozenset(no_scores), {"trained": trained}, 1.0)


def report(*results: BudgetResult, candidates="unseen", repeat=None, **settings):
    repeat = np.zeros(N, dtype=bool) if repeat is None else repeat
    options = {"resamples": 500, "alpha": 0.05, **settings}
    return build_report(
        results, target="t", sources=("a", "b"), candidates=candidates, repeat=repeat, **options
    )


def hits(share: float, seed: int = 0) -> np.ndarray:
    """Place 0 for a random share of the users, a miss for the others."""
    return np.where(np.random.default_rng(seed).random(N) < share, 0.0, np.inf)


class TestGains:
    def test_places_by_hand(self):
        got = gains(np.array([0, 1, 9, 9.5, 10, np.inf], dtype=np.float32))
        assert got[:, 0].tolist() == [1, 1, 1, 1, 0, 0]
        expected = [1, 1 / np.log2(3), 1 / np.log2(11), 1 / np.log2(11.5), 0, 0]
        assert got[:, 1] == pytest.approx(expected)


class TestFigures:
    def test_means_and_intervals(self):
        place = np.where(np.arange(N) < 100, 1.0, np.inf)
        point = report(result(crossrec=place)).mean(FULL, 1000)
        assert point.metrics["recall@10"] == pytest.approx(0.25)
        assert point.metrics["ndcg@10"] == pytest.approx(0.25 / np.log2(3))
        low, high = point.ci95["recall@10"]
        error = np.sqrt(0.25 * 0.75 / N)
        assert low == pytest.approx(0.25 - 1.96 * error, abs=0.012)
        assert high == pytest.approx(0.25 + 1.96 * error, abs=0.012)

    def test_a_point_for_each_seed_and_their_mean(self):
        made = report(
            result(seed=0, crossrec=np.zeros(N)),
            result(seed=1),
            result(seed=2, crossrec=np.zeros(N)),
        )
        own = [p for p in made.points if p.method == FULL]
        assert [(p.seed, p.metrics["recall@10"]) for p in own] == [(0, 1.0), (1, 0.0), (2, 1.0)]
        assert made.mean(FULL, 1000).metrics["recall@10"] == pytest.approx(2 / 3)
        assert made.mean(FULL, 1000).seed is None

    def test_levels_are_in_the_order_of_the_results(self):
        made = report(result(0, events=0), result(10, events=10), result("all", events=99))
        assert made.levels == (0, 10, "all")

    def test_regimes(self):
        made = report(
            result(0, events=0, trained=False),
            result(10, events=10, trained=False),
            result("all", events=99, trained=True),
        )
        regimes = [made.mean(FULL, level).regime for level in made.levels]
        assert regimes == ["Z0", "Z1", "trained"]
        assert [made.mean("ease", level).regime for level in made.levels] == ["Z0", "Z1", "Z1"]
        assert made.mean("target-only", "all").regime == "trained"
        assert made.mean("zero-shot", "all").regime == "Z1"

    def test_a_method_has_no_scores_where_it_has_none_under_every_seed(self):
        made = report(
            result(seed=0, no_scores=("ease", "tgh")), result(seed=1, no_scores=("ease",))
        )
        assert made.mean("ease", 1000).no_scores
        assert not made.mean("tgh", 1000).no_scores

    def test_new_and_repeat_targets_apart_where_repeats_count(self):
        repeat = np.arange(N) < 100
        place = np.where(repeat, 0.0, np.inf)
        made = report(result(crossrec=place), candidates="all", repeat=repeat)
        point = made.mean(FULL, 1000)
        assert point.apart["repeat"]["recall@10"] == 1.0
        assert point.apart["new"]["recall@10"] == 0.0
        assert report(result(crossrec=place), repeat=repeat).mean(FULL, 1000).apart == {}

    def test_without_repeats_there_are_no_figures_of_them(self):
        made = report(result(), candidates="all")
        assert list(made.mean(FULL, 1000).apart) == ["new"]


class TestVerdicts:
    def test_a_clear_gain_helps_and_a_clear_loss_hurts(self):
        made = report(result(crossrec=hits(0.5), ease=hits(0.2, 1), content=hits(0.8, 2)))
        assert made.verdict(1000, "ease").verdict == "helps"
        assert made.verdict(1000, "content").verdict == "hurts"
        assert made.verdict(1000, "ease").difference == pytest.approx(0.3, abs=0.07)
        low, high = made.verdict(1000, "ease").ci95
        assert 0 < low < made.verdict(1000, "ease").difference < high

    def test_the_same_places_are_no_difference(self):
        same = hits(0.3)
        verdict = report(result(crossrec=same, without_pretraining=same)).verdict(1000)
        assert (verdict.against, verdict.verdict) == (BARE, "no difference")
        assert (verdict.difference, verdict.p, verdict.ci95) == (0.0, 1.0, (0.0, 0.0))

    def test_noise_is_no_difference(self):
        wrong = 0
        for seed in range(20):
            pair = {"crossrec": hits(0.3, seed), "without_pretraining": hits(0.3, 100 + seed)}
            wrong += report(result(**pair)).verdict(1000).verdict != "no difference"
        assert wrong <= 3

    def test_pairs_show_more_than_their_intervals(self):
        less = hits(0.5)
        more = less.copy()
        more[np.flatnonzero(np.isinf(less))[:12]] = 0.0
        made = report(result(crossrec=more, without_pretraining=less))
        intervals = [made.mean(method, 1000).ci95["ndcg@10"] for method in (FULL, BARE)]
        assert intervals[0][0] < intervals[1][1]  # they overlap
        assert made.verdict(1000).verdict == "helps"

    def test_many_comparisons_are_corrected_but_the_question_of_pretraining_is_one(self):
        less = hits(0.5)
        more = less.copy()
        more[np.flatnonzero(np.isinf(less))[:6]] = 0.0  # p is near .015
        others = {method.replace("-", "_"): less for method in METHODS if method != FULL}
        made = report(result(crossrec=more, **others))
        assert made.verdict(1000).verdict == "helps"
        assert 0.005 < made.verdict(1000).p < 0.05
        assert made.verdict(1000, "ease").verdict == "no difference"
        assert made.verdict(1000, "ease").p == pytest.approx(10 * made.verdict(1000).p, rel=0.01)

    def test_verdicts_are_on_means_over_seeds(self):
        up, down = hits(1.0), hits(0.0)
        made = report(
            result(seed=0, crossrec=up, ease=down), result(seed=1, crossrec=down, ease=up)
        )
        assert made.verdict(1000, "ease").verdict == "no difference"
        assert made.verdict(1000, "ease").difference == 0.0


class TestJson:
    def test_the_agreed_keys(self):
        made = report(result(0, events=0, crossrec=hits(0.4)), result("all", crossrec=hits(0.6)))
        values = json.loads(json.dumps(made.to_dict(), allow_nan=False))
        assert values["target"] == "t"
        assert values["sources"] == ["a", "b"]
        assert values["candidates"] == "unseen"
        assert values["users"] == N
        assert values["protocol"].startswith("leave-one-out")
        point = next(p for p in values["points"] if p["method"] == "crossrec")
        assert {"method", "events", "seed", "metrics", "ci95"} <= set(point)
        assert set(point["metrics"]) == set(point["ci95"]) == {"recall@10", "ndcg@10"}
        verdict = values["verdicts"][0]
        assert {"events", "against", "verdict", "difference", "ci95"} <= set(verdict)
        assert {p["events"] for p in values["points"]} == {0, "all"}
        assert {p["method"] for p in values["points"]} == set(METHODS)

    def test_what_was_learnt_is_reported_for_each_budget(self):
        values = report(result(seed=0), result(seed=1)).to_dict()
        assert [(b["events"], b["seed"], b["trained"]) for b in values["budgets"]] == [
            (1000, 0, True),
            (1000, 1, True),
        ]

    def test_repeats_are_misses_by_rule_and_counted(self):
        repeat = np.arange(N) < 7
        notes = report(result(), repeat=repeat).notes
        assert any("7 of 400 targets are in the history" in note for note in notes)
        assert not any("are in the history" in note for note in report(result()).notes)


class TestBodies:
    """A body and itself without pretraining, beside the other methods."""

    def both(self, level=1000, with_=0.9, without=0.5, trained=True) -> BudgetResult:
        made = result(level, crossrec=hits(0.7, 1))
        places = {"body": hits(with_, 2), "body-without-pretraining": hits(without, 3)}
        learnt = {**made.learnt, "bodies": {name: {"trained": trained} for name in places}}
        return replace(made, places={**made.places, **places}, learnt=learnt)

    def test_they_stand_behind_the_other_methods(self):
        made = report(self.both())
        assert made.methods == (*METHODS, "body", "body-without-pretraining")
        assert made.mean("body", 1000).metrics["recall@10"] == pytest.approx(0.9, abs=0.05)

    def test_without_one_nothing_is_said_of_it(self):
        made = report(result(crossrec=hits(0.7)))
        assert made.methods == METHODS
        assert {verdict.method for verdict in made.verdicts} == {FULL}

    def test_what_its_pretraining_is_worth_is_a_verdict_of_its_own(self):
        verdict = report(self.both()).verdict(1000, "body-without-pretraining", "body")
        assert verdict.verdict == "helps"
        assert verdict.difference == pytest.approx(0.4, abs=0.06)
        worse = report(self.both(with_=0.3, without=0.6))
        assert worse.verdict(1000, "body-without-pretraining", "body").verdict == "hurts"
        same = report(self.both(with_=0.5, without=0.5))
        verdict = same.verdict(1000, "body-without-pretraining", "body")
        assert abs(verdict.difference) < 0.1

    def test_it_is_not_corrected_and_the_full_method_is_compared_with_both(self):
        made = report(self.both())
        pairs = [(verdict.method, verdict.against) for verdict in made.verdicts]
        assert pairs[-1] == ("body", "body-without-pretraining")
        assert {(FULL, "body"), (FULL, "body-without-pretraining")} < set(pairs)
        assert made.verdict(1000, "body").verdict == "hurts"
        values = made.to_dict()["verdicts"][-1]
        assert (values["method"], values["against"]) == pairs[-1]

    @pytest.mark.parametrize(("trained", "regime"), [(True, "trained"), (False, "Z1")])
    def test_the_regime_says_whether_anything_was_trained(self, trained, regime):
        assert report(self.both(trained=trained)).mean("body", 1000).regime == regime

    def test_the_picture_has_its_curve(self):
        pytest.importorskip("matplotlib")
        from crossrec_backbone.transfer import plot as drawing

        figure = drawing._figure_class()()
        drawing._curve(figure.subplots(), report(self.both()), "body", "ndcg@10", 12)
        assert figure.axes[0].get_legend_handles_labels()[1] == ["body"]
