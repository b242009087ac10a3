"""Whole reports on scenarios whose right answer is known: shared tastes, and nothing shared."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from crossrec.components.run import RunOptions
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.errors import UsageError
from crossrec_backbone.adaptation.adapter import AdapterConfig
from crossrec_backbone.pretraining.low_data_tasks import LowDataConfig
from crossrec_backbone.pretraining.pretrain import PretrainConfig, pretrain
from crossrec_backbone.ranking.trees import RankerConfig
from crossrec_backbone.relations.config import GraphConfig, PriorConfig, TextConfig
from crossrec_backbone.relations.statistics import BackboneConfig
from crossrec_backbone.transfer import TransferSettings, transfer
from crossrec_backbone.transfer.methods import METHODS

TASTES = 8
BELOW = BackboneConfig(
    text=TextConfig(encoder="enc"), graph=GraphConfig(neighbours=10), prior=PriorConfig(reg=5.0)
)
PRETRAIN = PretrainConfig(
    tasks=LowDataConfig(levels=(0, 200), queries=200),
    ranker=RankerConfig(rounds=30, min_leaf=50),
    positives=120,
)
SETTINGS = TransferSettings(
    events=(0, 100, "all"),
    seeds=1,
    users=150,
    backbone=BELOW,
    adapter=AdapterConfig(folds=2, rounds=20),
    pretrain=PRETRAIN,
    resamples=300,
)
RUN = RunOptions(threads=1)


def tastes(
    seed: int, prefix: str, *, by_text: bool = True, n_items: int = 80, n_users: int = 250
) -> Dataset:
    """Users of one taste each.

    The words of an item's text name its taste; its title and its vectors are noise. Without
    `by_text`, tastes are dealt out regardless of the words. Words of different prefixes differ, so
    scenarios have none in common.
    """
    rng = np.random.default_rng(seed)
    named = rng.permutation(n_items) % TASTES
    taste = named if by_text else rng.permutation(n_items) % TASTES

    def letters() -> str:
        return "".join(rng.choice(list("abcdefghijklmnop"), 9))

    titles = [letters() for _ in range(n_items)]
    texts = [
        f"{prefix}taste{named[i]} " + " ".join(f"{prefix}w{w}" for w in rng.integers(0, 40, 3))
        for i in range(n_items)
    ]
    catalog = Catalog(
        Vocabulary([f"{prefix}{i}" for i in range(n_items)]),
        tuple(titles),
        tuple(texts),
        ((),) * n_items,
        ("",) * n_items,
        np.ones(n_items, dtype=bool),
    )
    rows = [
        rng.choice(np.flatnonzero(taste == rng.integers(TASTES)), 5, replace=False)
        for _ in range(n_users)
    ]
    events = Events.from_columns(np.repeat(np.arange(n_users), 5), np.concatenate(rows))
    names = Vocabulary([f"u{u}" for u in range(n_users)])
    data = Dataset.build(names, catalog, events, has_clock=False)
    for name in ("enc", "enc:title"):
        noise = rng.normal(size=(n_items, 12)).astype(np.float32)
        data = data.with_vectors(name, noise)
    return data


@pytest.fixture(scope="module")
def source() -> Dataset:
    return tastes(1, "a")


@pytest.fixture(scope="module")
def backbone(source):
    config = PRETRAIN.model_copy(update={"backbone": BELOW, "leave_one_out": False})
    return pretrain([("a", "shops", source)], config, RUN)


@pytest.fixture(scope="module")
def shared(backbone):
    """A target whose taste shows in its words, as the source's does; no word is common."""
    return transfer(tastes(2, "b"), name="b", backbone=backbone, settings=SETTINGS, run=RUN)


@pytest.fixture(scope="module")
def unrelated(backbone):
    """A target whose words do not show the taste."""
    target = tastes(3, "c", by_text=False)
    return transfer(target, name="c", backbone=backbone, settings=SETTINGS, run=RUN)


class TestRightAnswers:
    @pytest.mark.parametrize("level", [0, 100])
    def test_a_taste_shared_through_text_is_carried_over(self, shared, level):
        assert shared.verdict(level).verdict == "helps"
        assert shared.verdict(level).difference > 0.05
        full, content = shared.mean("crossrec", level), shared.mean("content", level)
        assert full.metrics["ndcg@10"] > content.metrics["ndcg@10"]

    @pytest.mark.parametrize("level", [0, 100, "all"])
    def test_where_nothing_is_shared_the_verdict_does_not_say_that_it_helps(self, unrelated, level):
        assert unrelated.verdict(level).verdict != "helps"

    def test_the_target_learns_by_itself_where_nothing_is_shared(self, unrelated):
        full = unrelated.mean("crossrec", "all").metrics["ndcg@10"]
        assert full > 2 * unrelated.mean("content", "all").metrics["ndcg@10"]
        assert full > 2 * unrelated.mean("crossrec", 0).metrics["ndcg@10"]

    def test_the_regimes_are_named(self, shared):
        assert [shared.mean("crossrec", level).regime for level in shared.levels] == [
            "Z0",
            "Z1",
            "trained",
        ]


class TestReport:
    def test_all_methods_budgets_and_users(self, shared):
        assert shared.users == 150
        assert shared.levels == (0, 100, "all")
        assert {p.method for p in shared.points} == set(METHODS)
        assert len(shared.points) == 3 * len(METHODS)
        assert shared.sources == ("a",)
        budgets = shared.to_dict()["budgets"]
        assert [b["interactions"] for b in budgets] == [0, 100, 750]

    def test_figures_do_not_depend_on_events_that_they_may_not_see(self, backbone):
        """Swap the test items of the users who are not tested: nothing may change."""
        data = tastes(2, "b", n_users=60)
        settings = SETTINGS.model_copy(update={"events": (30,), "users": 20})
        before = transfer(data, name="b", backbone=backbone, settings=settings, run=RUN)
        items = data.events.items.copy()
        ends = data.sequences.indptr[1:] - 1
        from crossrec_backbone.transfer.budgets import cut

        tested = cut(data, users=20, unseen=True).queries.users
        others = np.setdiff1d(np.arange(60), tested)
        for back in (0, 1):  # s[-1] and s[-2] of everybody else
            items[ends[others] - back] = np.random.default_rng(back).integers(0, 80, len(others))
        moved = data.with_events(replace(data.events, items=items))
        after = transfer(moved, name="b", backbone=backbone, settings=settings, run=RUN)
        assert [p.metrics for p in before.points] == [p.metrics for p in after.points]

    def test_the_same_call_gives_the_same_report(self, backbone):
        data = tastes(2, "b", n_users=60)
        settings = SETTINGS.model_copy(update={"events": (0, 50), "seeds": 2})
        reports = [
            transfer(data, name="b", backbone=backbone, settings=settings, run=RUN).to_dict()
            for _ in range(2)
        ]
        for one in reports:
            for budget in one["budgets"]:
                budget.pop("seconds")
        assert json.dumps(reports[0]) == json.dumps(reports[1])

    def test_seeds_draw_others_but_not_at_0(self, backbone):
        data = tastes(2, "b", n_users=60)
        settings = SETTINGS.model_copy(update={"events": (0, 40), "seeds": 2})
        report = transfer(data, name="b", backbone=backbone, settings=settings, run=RUN)
        own = {(p.events, p.seed): p.metrics for p in report.points if p.method == "ease"}
        assert own[40, 0] != own[40, 1]
        full = {(p.events, p.seed): p.metrics for p in report.points if p.method == "crossrec"}
        assert full[0, 0] == full[0, 1]

    def test_budgets_beyond_the_target_are_left_out_and_named(self, backbone):
        data = tastes(2, "b", n_users=60)
        settings = SETTINGS.model_copy(update={"events": (0, 1000)})
        report = transfer(data, name="b", backbone=backbone, settings=settings, run=RUN)
        assert report.levels == (0,)
        assert any("left out: 1000 events, the training part has 180" in n for n in report.notes)

    def test_no_budget_left_is_an_error(self, backbone):
        settings = SETTINGS.model_copy(update={"events": (1000,)})
        with pytest.raises(UsageError, match="--events all"):
            transfer(
                tastes(2, "b", n_users=60), name="b", backbone=backbone, settings=settings, run=RUN
            )


class TestCache:
    def test_a_stopped_run_goes_on_to_the_same_report(self, backbone, tmp_path):
        data = tastes(2, "b", n_users=60)
        settings = SETTINGS.model_copy(update={"events": (0, 50)})

        class StopError(Exception):
            pass

        def stop(message, done, total):
            if done == 1:
                raise StopError

        arguments = {"name": "b", "backbone": backbone, "settings": settings, "cache": tmp_path}
        with pytest.raises(StopError):
            transfer(data, run=replace(RUN, progress=stop), **arguments)
        kept = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
        assert len(kept) == 1
        went_on = transfer(data, run=RUN, **arguments)
        assert all((tmp_path / name).stat().st_mtime_ns == at for name, at in kept.items())
        whole = transfer(data, name="b", backbone=backbone, settings=settings, run=RUN)
        assert went_on.points == whole.points
        assert went_on.verdicts == whole.verdicts

    def test_other_settings_are_other_results(self, backbone, tmp_path):
        data = tastes(2, "b", n_users=60)
        for candidates in ("unseen", "all"):
            settings = SETTINGS.model_copy(update={"events": (0,), "candidates": candidates})
            transfer(data, name="b", backbone=backbone, settings=settings, run=RUN, cache=tmp_path)
        assert len(list(tmp_path.glob("*.safetensors"))) == 2


class TestRefusals:
    def test_neither_sources_nor_backbone(self):
        with pytest.raises(UsageError, match="scenarios to learn from, or a backbone"):
            transfer(tastes(2, "b", n_users=20), name="b", settings=SETTINGS)

    def test_a_backbone_that_saw_the_target(self, backbone, source):
        with pytest.raises(UsageError, match="pretrained on 'a', the target"):
            transfer(source, name="a", backbone=backbone, settings=SETTINGS)

    def test_a_source_that_is_the_target_under_another_name(self, source):
        with pytest.raises(UsageError, match="very items of the target"):
            transfer(source, name="b", sources=[("a", "shops", source)], settings=SETTINGS)

    def test_a_card_that_looks_like_the_target_is_named(self, backbone, source):
        settings = SETTINGS.model_copy(update={"events": (0,)})
        report = transfer(source, name="renamed", backbone=backbone, settings=settings, run=RUN)
        assert any("'a' has as many items, users and events" in note for note in report.notes)

    def test_the_target_among_the_sources(self, source):
        with pytest.raises(UsageError, match="leave it out"):
            transfer(
                tastes(2, "b", n_users=20),
                name="a",
                sources=[("a", "shops", source)],
                settings=SETTINGS,
            )

    def test_pretraining_on_sources_is_the_same_as_the_backbone_of_them(self, backbone, source):
        data = tastes(2, "b", n_users=60)
        settings = SETTINGS.model_copy(update={"events": (0,)})
        one = transfer(data, name="b", backbone=backbone, settings=settings, run=RUN)
        other = transfer(
            data, name="b", sources=[("a", "shops", source)], settings=settings, run=RUN
        )
        assert one.points == other.points
