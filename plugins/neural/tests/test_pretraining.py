"""One body on several scenarios: what it carries over, refusals, going on after a kill."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crossrec.artifacts import write_pretrained
from crossrec.components.run import RunOptions
from crossrec.components.source_pretraining import Pretrained
from crossrec.components.state import State
from crossrec.data.dataset import Dataset
from crossrec.errors import ConfigError, DataError, UsageError
from crossrec.testing.rings import QUARTER, ring, share_right
from crossrec_neural.inputs.text import common_axes
from crossrec_neural.pretraining.joint import JointTraining
from crossrec_neural.pretraining.scenario import ScenarioTask, batches, scarce
from crossrec_neural.settings import BodySettings, TransformerSettings
from crossrec_neural.sources.pretraining import PretrainingSource
from crossrec_neural.sources.registered import RnnSource, TransformerSource
from crossrec_neural.training.loop import BODY
from crossrec_neural.training.model import set_weights, weights_of
from hypothesis import given, settings
from hypothesis import strategies as st

RUN = RunOptions(seed=1, threads=1)
FAST: Mapping[str, Any] = {"epochs": 12, "steps": 60, "batch_size": 32, "learning_rate": 0.01}
TINY: Mapping[str, Any] = {"epochs": 4, "steps": 1, "batch_size": 32, "learning_rate": 0.01}
#: The longest of what is trained for its answers; the rest trains for the sake of going through.
LONG: Mapping[str, Any] = {**FAST, "epochs": 40}
SOURCES = {"transformer": TransformerSource, "rnn": RnnSource}


def source(name: str = "transformer", **settings: Any) -> PretrainingSource:
    cls = SOURCES[name]
    return cls(cls.settings(**{"embedding_size": 8, "training": FAST, **settings}))


def adapting(pretrained: str, name: str = "transformer", **settings: Any) -> PretrainingSource:
    """Return a source that starts from a body, whose sizes it takes."""
    cls = SOURCES[name]
    return cls(cls.settings(**{"pretrained": pretrained, "training": FAST, **settings}))


def kept(made: Pretrained, folder: Path, name: str = "transformer") -> Path:
    card = {"source": name, "sources": [{"name": "a"}, {"name": "b"}]}
    write_pretrained(folder, card, made.state)
    return folder


@pytest.fixture(scope="module")
def sources() -> dict[str, Dataset]:
    """Two rings whose people go on by a quarter of a turn."""
    return {"a": ring(1, 120), "b": ring(2, 60)}


@pytest.fixture(scope="module")
def pretrained(sources: dict[str, Dataset]) -> Pretrained:
    return source().pretrain(sources, RUN)


@pytest.fixture(scope="module")
def run(pretrained: Pretrained, tmp_path_factory: pytest.TempPathFactory) -> RunOptions:
    """Return options in which the body is at hand as ``rings``."""
    folder = tmp_path_factory.mktemp("bodies") / "rings"
    return replace(RUN, pretrained={"rings": kept(pretrained, folder)})


@dataclass
class Memory:
    """Keeps parts of a training, and is interrupted after some."""

    parts: dict[str, State] = field(default_factory=dict)
    puts: int = 0
    fail_after: int = 10**9

    def get(self, key: str) -> State | None:
        return self.parts.get(key)

    def put(self, key: str, state: State) -> None:
        self.parts[key] = State({n: np.array(a) for n, a in state.arrays.items()}, state.values)
        self.puts += 1
        if self.puts >= self.fail_after:
            raise KeyboardInterrupt


def same(one: State, other: State) -> None:
    assert set(one.arrays) == set(other.arrays)
    for name, array in one.arrays.items():
        np.testing.assert_array_equal(array, other.arrays[name], err_msg=name)


class TestWhatCarriesOver:
    @pytest.mark.parametrize("n_users", [0, 10])
    def test_a_rule_that_shows_in_texts_needs_no_events(
        self, run: RunOptions, n_users: int
    ) -> None:
        """Without pretraining a text says nothing of what comes next: like goes with like."""
        target = ring(3, n_users)
        made, alone = adapting("rings"), source()
        made.fit(target, run)
        alone.fit(target, RUN)
        assert share_right(made, target) > 0.8
        assert share_right(alone, target) < 0.1
        assert made.report().values["start"]["users"] == 0
        assert "too few people to judge by" in made.report().lines[-1]

    def test_events_of_the_target_make_it_better(self, run: RunOptions) -> None:
        made, target = adapting("rings"), ring(3, 70)
        made.fit(target, run)
        found = made.report().values["start"]
        assert found["serves"] == "pretrained"
        assert found["users"] >= 20
        assert found["ndcg@10"]["pretrained"] > found["ndcg@10"]["untrained"] > 0.2
        assert share_right(made, target) > 0.9
        assert made.report().lines[-1].startswith("pretrained body rings (a, b): ndcg@10 0.")

    def test_another_rule_is_kept_out(self, run: RunOptions) -> None:
        """Here people turn the other way, and a body that always rests can never follow."""
        target = ring(3, 300, -QUARTER)
        made = adapting("rings", tune_body=0.0, training=TINY | {"steps": 60})
        made.fit(target, run)
        found = made.report().values["start"]
        assert found["serves"] == "without pretraining"
        assert found["ndcg@10"]["untrained"] < 0.05
        assert found["difference"] < -2 * found["error"] < 0
        assert share_right(made, target, -QUARTER) > 0.8
        assert "without pretraining serves" in made.report().lines[-1]

    def test_the_winner_without_pretraining_is_the_plain_source(self, run: RunOptions) -> None:
        target = ring(3, 300, -QUARTER)
        made = adapting("rings", tune_body=0.0, training=TINY | {"steps": 60})
        alone = source(training=TINY | {"steps": 60}, max_length=50)
        made.fit(target, run)
        alone.fit(target, RUN)
        same(made.state(), alone.state())

    def test_a_recurrent_body_carries_it_over_too(
        self, sources: dict[str, Dataset], tmp_path: Path
    ) -> None:
        made = source("rnn", training=LONG).pretrain(sources, RUN)
        folder = kept(made, tmp_path / "gru", "rnn")
        adapted, target = adapting(str(folder), "rnn"), ring(3, 0)  # a path is a name as well
        adapted.fit(target, RUN)
        assert share_right(adapted, target) > 0.5

    def test_the_figures_of_each_scenario_are_reported(self, pretrained: Pretrained) -> None:
        values = pretrained.report.values
        assert set(values["ndcg@10"]) == {"a", "b"}
        for one in values["ndcg@10"].values():
            assert one["untrained"] < 0.05
            assert min(one["as a new scenario"], one["with its own parts"]) > 0.2
        assert values["losses"][-1] < values["losses"][0]
        assert any(line.startswith("b: ndcg@10 0.") for line in pretrained.report.lines)


class TestTheBodyAndItsRate:
    @pytest.mark.parametrize("rate", [0.0, 0.5])
    def test_a_body_rests_or_moves(self, run: RunOptions, rate: float) -> None:
        made = adapting("rings", tune_body=rate, training=TINY)
        made.fit(ring(3, 70), run)
        before = made.state().arrays
        body = {n.removeprefix("model:"): a for n, a in before.items() if "model:body." in n}
        stored = adapting("rings", training=TINY)
        stored.fit(ring(3, 0), run)
        first = stored.state().arrays
        moved = {n for n, a in body.items() if not np.array_equal(a, first[f"model:{n}"])}
        if made.state().values["best"] >= 0:
            assert bool(moved) == (rate > 0)
        assert body

    def test_a_body_rests_for_a_quarter_of_the_epochs(self, sources: dict[str, Dataset]) -> None:
        task = task_of(sources["a"])
        assert task.own.body_rate(0, 8) == 1.0  # in pretraining it never rests
        from crossrec_neural.training.trainer import PretrainedStart

        trainer = replace(task.own, start=PretrainedStart({}, 0.3))
        assert [trainer.body_rate(epoch, 8) for epoch in range(4)] == [0.0, 0.0, 0.3, 0.3]


class TestGoingOn:
    def test_a_killed_pretraining_goes_on_to_the_same_body(
        self, sources: dict[str, Dataset]
    ) -> None:
        whole = source(training=TINY).pretrain(sources, RUN)
        memory = Memory(fail_after=2)
        with pytest.raises(KeyboardInterrupt):
            source(training=TINY).pretrain(sources, replace(RUN, checkpoints=memory))
        memory.fail_after = 10**9
        again = source(training=TINY).pretrain(sources, replace(RUN, checkpoints=memory))
        assert memory.puts == 4  # two epochs were not trained again
        same(again.state, whole.state)
        assert again.report.values == whole.report.values

    @pytest.mark.parametrize("after", [2, 5])
    def test_a_killed_fit_from_a_body_goes_on_to_the_same_result(
        self, run: RunOptions, after: int
    ) -> None:
        """Killed in its first training, and in the second, which it is compared with."""
        target, settings = ring(3, 70), {"training": TINY}
        whole = adapting("rings", **settings)
        whole.fit(target, run)
        memory = Memory(fail_after=after)
        with pytest.raises(KeyboardInterrupt):
            adapting("rings", **settings).fit(target, replace(run, checkpoints=memory))
        memory.fail_after = 10**9
        again = adapting("rings", **settings)
        again.fit(target, replace(run, checkpoints=memory))
        assert memory.puts == 8
        same(again.state(), whole.state())
        assert again.report().values["start"] == whole.report().values["start"]

    def test_another_body_of_the_same_name_begins_anew(
        self, run: RunOptions, pretrained: Pretrained, tmp_path: Path
    ) -> None:
        memory, target = Memory(), ring(3, 70)
        adapting("rings", training=TINY).fit(target, replace(run, checkpoints=memory))
        arrays = {name: 0.5 * array for name, array in pretrained.state.arrays.items()}
        other = replace(pretrained, state=State(arrays, pretrained.state.values))
        run = replace(run, pretrained={"rings": kept(other, tmp_path / "rings")})
        fresh, resumed = (adapting("rings", training=TINY) for _ in range(2))
        fresh.fit(target, run)
        resumed.fit(target, replace(run, checkpoints=memory))
        same(resumed.state(), fresh.state())

    def test_the_seed_decides(self, sources: dict[str, Dataset]) -> None:
        one, two = (source(training=TINY).pretrain(sources, RUN) for _ in range(2))
        same(one.state, two.state)
        other = source(training=TINY).pretrain(sources, replace(RUN, seed=2)).state.arrays
        assert any(not np.array_equal(a, other[n]) for n, a in one.state.arrays.items())


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


class TestRefusals:
    def test_one_scenario_alone(self, sources: dict[str, Dataset]) -> None:
        with pytest.raises(UsageError, match="two scenarios or more"):
            source().pretrain({"a": sources["a"]}, RUN)

    def test_a_scenario_without_text(self, sources: dict[str, Dataset]) -> None:
        bare = replace(sources["b"], vectors={})
        with pytest.raises(DataError, match="b: no texts that tell items apart.*leave it out"):
            source().pretrain({**sources, "b": bare}, RUN)
        alike = replace(sources["b"], vectors={"transformer": np.ones((60, 6), np.float32)})
        with pytest.raises(DataError, match="b: no texts that tell items apart"):
            source().pretrain({**sources, "b": alike}, RUN)

    def test_vectors_of_different_widths(self, sources: dict[str, Dataset]) -> None:
        wide = np.random.default_rng(0).normal(size=(60, 9)).astype(np.float32)
        other = replace(sources["b"], vectors={"transformer": wide})
        with pytest.raises(DataError, match="a and b: vectors of different widths"):
            source().pretrain({**sources, "b": other}, RUN)

    def test_settings_that_read_no_text(self, sources: dict[str, Dataset]) -> None:
        for blind in ({"inputs": {"text": False}}, {"encoder": ""}):
            with pytest.raises(ConfigError, match="pretraining reads texts"):
                source(**blind).pretrain(sources, RUN)

    def test_pretraining_from_a_body(self, sources: dict[str, Dataset]) -> None:
        with pytest.raises(ConfigError, match="leave out `pretrained`"):
            source(pretrained="rings").pretrain(sources, RUN)
