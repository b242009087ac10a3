"""The steps of pretraining: whose turn it is, what a new scenario has, what one body is for all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.errors import DataError
from crossrec.testing.rings import ring
from crossrec_neural.inputs.text import common_axes
from crossrec_neural.pretraining.joint import JointTraining
from crossrec_neural.pretraining.scenario import ScenarioTask, batches, scarce
from crossrec_neural.settings import BodySettings, TransformerSettings
from crossrec_neural.training.loop import BODY
from crossrec_neural.training.model import set_weights, weights_of
from crossrec_neural.training.trainer import PretrainedStart
from hypothesis import given, settings
from hypothesis import strategies as st

RUN = RunOptions(seed=1, threads=1)
FAST: Mapping[str, Any] = {"epochs": 12, "steps": 60, "batch_size": 32, "learning_rate": 0.01}


@pytest.fixture(scope="module")
def sources() -> dict[str, Dataset]:
    """Two rings whose people go on by a quarter of a turn."""
    return {"a": ring(1, 120), "b": ring(2, 60)}


def task_of(dataset: Dataset, **changes: Any) -> ScenarioTask:
    config = settings_of(**changes)
    axes = common_axes([dataset.vectors["transformer"]], 6)
    assert axes is not None
    task = ScenarioTask.of("a", dataset, config, axes, None, RUN)
    task.begin(1)
    return task


def settings_of(**changes: Any) -> BodySettings:
    inputs = {"ids": False}
    return TransformerSettings(
        **{"embedding_size": 8, "training": FAST, "inputs": inputs, **changes}
    )


class TestScenarioTask:
    def test_the_two_models_share_the_body_and_nothing_else(
        self, sources: dict[str, Dataset]
    ) -> None:
        task = task_of(sources["a"])
        own, bare = (dict(one.model.named_parameters()) for one in (task.own, task.bare))
        for name, weight in bare.items():
            assert (own[name] is weight) == name.startswith(BODY)
            assert weight.requires_grad == name.startswith(BODY)

    def test_without_training_the_two_agree(self, sources: dict[str, Dataset]) -> None:
        """The adapter starts as the identity, and the gate open."""
        task = task_of(sources["a"])
        own, bare = task.own.model.eval(), task.bare.model.eval()
        np.testing.assert_array_equal(
            own.item_vectors().detach().numpy(), bare.item_vectors().detach().numpy()
        )
        ndcg = task.ndcg()
        assert ndcg is not None
        assert ndcg[0] == pytest.approx(ndcg[1])

    def test_a_step_as_a_new_scenario_moves_the_body_alone(
        self, sources: dict[str, Dataset]
    ) -> None:
        task, rng = task_of(sources["a"]), np.random.default_rng(0)
        set_weights(task.own.model, {"tower.adapter.bias": np.full(8, 0.5, np.float32)})
        batch, negatives = next(batches(task.own.examples, task.bare, rng))
        task.bare.loss(batch, negatives, rng).backward()
        of_body = {n for n, w in task.own.model.named_parameters() if w.grad is not None}
        assert of_body
        assert all(name.startswith(BODY) for name in of_body)
        assert all(
            weight.grad is None
            for name, weight in task.bare.model.named_parameters()
            if not name.startswith(BODY)
        )

    def test_people_with_one_event_teach_nothing(self) -> None:
        data = ring(4, 20)
        firsts = data.sequences.indptr[:-1]
        single = data.with_events(data.events.take(firsts))
        with pytest.raises(DataError, match="a: no user has two events"):
            task_of(single)

    def test_a_body_rests_for_a_quarter_of_the_epochs(self, sources: dict[str, Dataset]) -> None:
        task = task_of(sources["a"])
        assert task.own.body_rate(0, 8) == 1.0  # in pretraining it never rests
        trainer = replace(task.own, start=PretrainedStart({}, 0.3))
        assert [trainer.body_rate(epoch, 8) for epoch in range(4)] == [0.0, 0.0, 0.3, 0.3]


class TestScarcity:
    @given(seed=st.integers(0, 10_000), least=st.integers(1, 60))
    @settings(max_examples=40, deadline=None)
    def test_windows_are_parts_of_windows(self, seed: int, least: int) -> None:
        examples = EXAMPLES
        few = scarce(examples, least, np.random.default_rng(seed))
        assert min(least, len(examples.starts)) <= len(few.starts) <= len(examples.starts)
        stops = dict(zip(examples.starts + examples.lengths, examples.starts, strict=True))
        for start, length in zip(few.starts, few.lengths, strict=True):
            assert length >= 1
            assert stops[start + length] <= start  # the latest events of a window
        values, shift = examples.histories.rows.values, examples.shift
        seen = np.zeros(len(values), dtype=bool)
        for start, length in zip(few.starts, few.lengths, strict=True):
            seen[start : start + length + shift] = True
        np.testing.assert_array_equal(few.counts, np.bincount(values[seen], minlength=60))

    def test_negatives_are_items_of_the_small_scenario(self) -> None:
        few = scarce(EXAMPLES, 2, np.random.default_rng(3))
        assert len(few.starts) < len(EXAMPLES.starts)
        _, negatives = next(batches(few, TASK.bare, np.random.default_rng(0)))
        assert set(negatives.items) == set(np.flatnonzero(few.counts))

    def test_batches_never_end(self) -> None:
        stream = batches(EXAMPLES, TASK.own, np.random.default_rng(0))
        seen = sum(len(next(stream)[0].starts) for _ in range(3 * EXAMPLES.batches(32)))
        assert seen == 3 * len(EXAMPLES.starts)


TASK = task_of(ring(1, 40))
EXAMPLES = TASK.own.examples


class TestTurns:
    def joint(self, *sizes: int) -> JointTraining:
        tasks: list[ScenarioTask] = []
        for seed, size in enumerate(sizes, start=1):
            data = ring(seed, size)
            axes = common_axes([data.vectors["transformer"]], 6)
            assert axes is not None
            body = tasks[0].shared if tasks else None
            tasks.append(ScenarioTask.of(f"s{seed}", data, settings_of(), axes, body, RUN))
        made = JointTraining(name="rings", run=RUN, tasks=tuple(tasks))
        made.begin()
        return made

    def test_steps_go_by_the_root_of_the_events(self) -> None:
        joint = self.joint(640, 160)
        steps = np.bincount(joint.plan)
        assert joint.tasks[0].own.examples.targets > 3.9 * joint.tasks[1].own.examples.targets
        assert steps[0] == pytest.approx(2 * steps[1], abs=1)
        assert joint.schedule().batches == len(joint.plan)

    def test_an_epoch_has_the_planned_steps_of_both_kinds(self) -> None:
        joint = self.joint(200, 60)
        losses = list(joint.losses(0))
        assert len(losses) == len(joint.plan)
        assert all(count > 0 for _, count in losses)

    def test_the_body_is_one_in_the_module(self) -> None:
        joint = self.joint(30, 30, 30)
        names = [name for name in weights_of(joint.module) if ".body." in f".{name}"]
        assert names
        assert {name.partition(".")[0] for name in names} == {"0"}

    def test_validation_is_the_mean_over_the_scenarios(self) -> None:
        joint = self.joint(90, 60)
        found = [task.ndcg() for task in joint.tasks]
        assert joint.ndcg() == pytest.approx(np.mean(found))
        assert self.joint(8, 8).ndcg() is None
