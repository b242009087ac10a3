"""Places of all methods against plain loops, and what three of them learn against `fit_adapter`."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.run import RunOptions
from crossrec_backbone.adaptation.adapter import AdapterConfig, fit_adapter
from crossrec_backbone.pretrained.model import GENERAL
from crossrec_backbone.ranking.features import COLUMN_NAMES
from crossrec_backbone.relations.scores import text_scores
from crossrec_backbone.relations.statistics import Statistics
from crossrec_backbone.transfer.budgets import cut, drawn
from crossrec_backbone.transfer.learning import learn
from crossrec_backbone.transfer.methods import BARE, FULL, METHODS, places

SMALL = AdapterConfig(folds=2, rounds=8, floor=20)
RUN = RunOptions(threads=1)


def loop_place(scores: np.ndarray, target: int) -> float:
    """Place of a target, candidate by candidate."""
    own = scores[target]
    if not np.isfinite(own):
        return np.inf
    place = 0.0
    for item, score in enumerate(scores):
        if item != target and np.isfinite(score):
            place += 1.0 if score > own else 0.5 if score == own else 0.0
    return place


class TestPlaces:
    def measured(self, shop, config, backbone, level="all", unseen=True):
        split = cut(shop(40, 90, seed=1), users=None, unseen=unseen)
        dataset = drawn(split.train, level, 0)
        learnt = learn(dataset, backbone, config, RUN, family="shops", settings=SMALL)
        statistics = Statistics.fit(dataset, config)
        return split, statistics, places(statistics, split.queries, split.targets, learnt)

    def test_plain_methods_against_loops(self, shop, config, backbone):
        split, statistics, got = self.measured(shop, config, backbone)
        relations = statistics.behaviour.relations
        dense = {
            "ease": relations["ease"].toarray(),
            "co-occurrence": relations["co_occurrence"].toarray(),
            "prior-ease": relations["prior_ease"].toarray(),
            "tgh": relations["transitions"].toarray(),
        }
        xd = statistics.text.relations.dense["text_dense"]
        dense["content"] = xd @ xd.T
        for i in range(len(split.targets)):
            history = split.queries.history.row(i)
            weights = 0.8 ** np.arange(len(history) - 1, -1, -1)
            for method, matrix in dense.items():
                scores = (weights @ matrix[history]).astype(np.float64)
                scores[np.abs(scores) < 1e-9] = -np.inf
                scores[history] = -np.inf
                expected = loop_place(np.round(scores, 5), int(split.targets[i]))
                if np.isfinite(expected) or np.isfinite(got.of[method][i]):
                    assert got.of[method][i] == pytest.approx(expected, abs=1.0), method

    def test_popularity(self, shop, config, backbone):
        split, statistics, got = self.measured(shop, config, backbone)
        for i in range(5):
            scores = statistics.behaviour.popularity.astype(float)
            scores[scores == 0] = -np.inf
            scores[split.queries.history.row(i)] = -np.inf
            assert got.of["popularity"][i] == loop_place(scores, int(split.targets[i]))

    def test_every_method_answers_every_user(self, shop, config, backbone):
        split, _, got = self.measured(shop, config, backbone)
        assert tuple(got.of) == METHODS
        assert all(len(place) == len(split.targets) for place in got.of.values())
        assert got.no_scores == {"repeat-last"}

    def test_without_events_text_alone_counts(self, shop, config, backbone):
        split, statistics, got = self.measured(shop, config, backbone, level=0)
        assert got.no_scores == {
            "target-only", "ease", "co-occurrence", "tgh", "repeat-last", "popularity"
        }  # fmt: skip
        assert np.isinf(got.of["ease"]).all()
        assert (got.of["fixed-blend"] == got.of["content"]).all()
        assert (got.of[FULL] == got.of["zero-shot"]).all()
        scores = text_scores(
            statistics.text.relations, split.queries, config.consensus, config.history
        )
        pe = statistics.behaviour.relations["prior_ease"]
        for i in range(len(split.targets)):
            history = split.queries.history.row(i)
            weights = 0.8 ** np.arange(len(history) - 1, -1, -1)
            total = scores[i] + config.consensus.kappa * (weights @ pe[history].toarray())
            total[history] = -np.inf
            expected = loop_place(total, int(split.targets[i]))
            assert got.of[BARE][i] == pytest.approx(expected, abs=1.0)

    def test_excluded_items_are_nobodys_answer(self, shop, config, backbone):
        split, _, got = self.measured(shop, config, backbone)
        inside = np.array([t in split.queries.history.row(i) for i, t in enumerate(split.targets)])
        for method in METHODS:
            assert np.isinf(got.of[method][inside]).all()


class TestRepeats:
    def test_repeat_last_shows_the_latest_first(self, shop, config, backbone):
        data = shop(40, 90, seed=1)
        split = cut(data, users=None, unseen=False)
        targets = np.array([split.queries.history.row(i)[0] for i in range(len(split.targets))])
        learnt = learn(split.train, backbone, config, RUN, family="", settings=SMALL)
        got = places(Statistics.fit(split.train, config), split.queries, targets, learnt)
        expected = [
            len(set(split.queries.history.row(i).tolist())) - 1 for i in range(len(targets))
        ]
        assert got.of["repeat-last"].tolist() == expected
        assert "repeat-last" not in got.no_scores

    def test_where_nothing_repeats_no_other_method_proposes_the_history(
        self, shop, config, backbone
    ):
        split = cut(shop(40, 90, seed=1), users=None, unseen=False)
        first = np.array([split.queries.history.row(i)[0] for i in range(len(split.targets))])
        learnt = learn(split.train, backbone, config, RUN, family="", settings=SMALL)
        assert not learnt.full.repeats
        got = places(Statistics.fit(split.train, config), split.queries, first, learnt)
        for method in METHODS:
            assert np.isinf(got.of[method]).all() == (method != "repeat-last"), method


class TestLearning:
    @pytest.mark.parametrize("pretrained", [True, False])
    def test_it_is_what_fit_adapter_learns(self, shop, config, backbone, pretrained):
        data = shop(40, 120, seed=2)
        learnt = learn(data, backbone, config, RUN, family="shops", settings=SMALL)
        own = learnt.full if pretrained else learnt.bare
        used = backbone if pretrained else None
        expected = fit_adapter(data, used, config, RUN, family="shops", settings=SMALL)
        assert own.mixture == expected.mixture
        assert own.serves == expected.serves
        assert own.repeats == expected.repeats
        assert own.report["gate"] == expected.report["gate"]
        for part in ("head", "target"):
            ours, theirs = getattr(own, part), getattr(expected, part)
            assert (ours and ours.text) == (theirs and theirs.text)

    def test_too_few_users_train_nothing(self, shop, config, backbone):
        learnt = learn(shop(40, 10), backbone, config, RUN, family="", settings=SMALL)
        assert not learnt.trained
        assert learnt.alone is None
        assert learnt.full.mixture == learnt.zero.mixture
        assert learnt.full.mixture.head == GENERAL
        assert (learnt.bare.mixture.head, learnt.bare.head) == ("", None)

    def test_the_zero_shot_head_is_that_of_the_family(self, shop, config, backbone):
        learnt = learn(shop(40, 60), backbone, config, RUN, family="shops", settings=SMALL)
        assert learnt.zero.mixture.head == "shops"
        assert learnt.zero.target is None
        assert learnt.trained
        assert learnt.alone is not None
        assert learnt.alone.columns == COLUMN_NAMES
