"""One body on several scenarios: what it carries over, refusals, going on after a kill."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
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
from crossrec.testing.checkpoints import MemoryCheckpoints
from crossrec.testing.rings import QUARTER, ring, share_right
from crossrec_neural.sources.pretraining import PretrainingSource
from crossrec_neural.sources.registered import RnnSource, TransformerSource

RUN = RunOptions(seed=1, threads=1)
FAST: Mapping[str, Any] = {"epochs": 12, "steps": 60, "batch_size": 32, "learning_rate": 0.01}
TINY: Mapping[str, Any] = {"epochs": 4, "steps": 1, "batch_size": 32, "learning_rate": 0.01}
#: The longest of what is trained for its answers; the rest trains for the sake of going through.
LONG: Mapping[str, Any] = {**FAST, "epochs": 40, "patience": 40}
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

    def test_a_body_that_is_worse_than_none_is_not_kept(self, sources: dict[str, Dataset]) -> None:
        """A learning rate that spoils what is there: untrained, like goes with like."""
        alike = {"a": ring(1, 120, 0.0), "b": ring(2, 120, 0.0)}
        spoilt = source(training={**TINY, "learning_rate": 3.0, "patience": 2})
        made = spoilt.pretrain(alike, RUN)
        assert made.report.lines[0].endswith("epochs, none better than no training")
        assert made.report.values["best"] == 0
        for one in made.report.values["ndcg@10"].values():
            assert one["untrained"] == one["as a new scenario"] > 0.1

    def test_few_people_are_trained_on_blindly(self) -> None:
        made = source(training=TINY).pretrain({"a": ring(1, 12), "b": ring(2, 12)}, RUN)
        assert made.report.values["ndcg@10"] == {}
        assert "a: too few people to hold any out" in made.report.lines


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


class TestGoingOn:
    def test_a_killed_pretraining_goes_on_to_the_same_body(
        self, sources: dict[str, Dataset]
    ) -> None:
        whole = source(training=TINY).pretrain(sources, RUN)
        memory = MemoryCheckpoints(fail_after=2)
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
        memory = MemoryCheckpoints(fail_after=after)
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
        memory, target = MemoryCheckpoints(), ring(3, 70)
        adapting("rings", training=TINY).fit(target, replace(run, checkpoints=memory))
        arrays = {name: 0.5 * array for name, array in pretrained.state.arrays.items()}
        other = replace(pretrained, state=State(arrays, pretrained.state.values))
        run = replace(run, pretrained={"rings": kept(other, tmp_path / "rings")})
        fresh, resumed = (adapting("rings", training=TINY) for _ in range(2))
        fresh.fit(target, run)
        resumed.fit(target, replace(run, checkpoints=memory))
        same(resumed.state(), fresh.state())

    @pytest.mark.parametrize("change", ["texts", "name", "settings"])
    def test_a_checkpoint_of_something_else_is_left_alone(
        self, sources: dict[str, Dataset], change: str
    ) -> None:
        memory, more = MemoryCheckpoints(), dict(TINY)
        source(training=TINY).pretrain(sources, replace(RUN, checkpoints=memory))
        other = dict(sources)
        if change == "texts":
            vectors = sources["b"].vectors["transformer"][::-1].copy()
            other["b"] = sources["b"].with_vectors("transformer", vectors)
        elif change == "name":
            other = {"a": sources["a"], "c": sources["b"]}
        else:
            more["batch_size"] = 16
        expected = source(training=more).pretrain(other, RUN)
        found = source(training=more).pretrain(other, replace(RUN, checkpoints=memory))
        same(found.state, expected.state)
        assert memory.puts == 8  # it began anew, and kept its own four epochs

    def test_the_seed_decides(self, sources: dict[str, Dataset]) -> None:
        one, two = (source(training=TINY).pretrain(sources, RUN) for _ in range(2))
        same(one.state, two.state)
        other = source(training=TINY).pretrain(sources, replace(RUN, seed=2)).state.arrays
        assert any(not np.array_equal(a, other[n]) for n, a in one.state.arrays.items())


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
