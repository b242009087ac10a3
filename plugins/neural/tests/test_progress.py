"""Where a training stands: kept on disk, taken back, and said in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from crossrec.components.run import NoCheckpoints
from crossrec.components.state import State
from crossrec.pipeline.kept_fits import StateFolder
from crossrec_neural.training.progress import KEY, Epoch, TrainingState, keep, resumed

WEIGHTS = {"body.first": np.arange(6, dtype=np.float32).reshape(2, 3), "scale": np.ones(1)}
MOMENTS = {"body.first:exp_avg": np.full((2, 3), 0.5, np.float32), "scale:step": np.array(7.0)}


def trained() -> TrainingState:
    state = TrainingState()
    state.add(Epoch(4.0, 0.10, 2.0, 0.5), {"body.first": np.zeros((2, 3), np.float32)})
    state.add(Epoch(3.0, 0.20, 4.0, 0.5), WEIGHTS)
    state.add(Epoch(2.5, 0.15, 3.0, 0.5), {"body.first": np.ones((2, 3), np.float32)})
    return state


def test_what_was_kept_on_disk_comes_back(tmp_path: Path) -> None:
    folder, now = StateFolder(tmp_path), {"body.first": np.full((2, 3), 9.0, np.float32)}
    keep(folder, trained(), now, MOMENTS, "this data")
    found = resumed(folder, "this data")
    assert found is not None
    state, weights, moments = found
    assert state.epochs == trained().epochs
    assert (state.best, state.waited, state.best_ndcg) == (1, 1, 0.20)
    for ours, theirs in ((state.weights, WEIGHTS), (weights, now), (moments, MOMENTS)):
        assert set(ours) == set(theirs)
        for name, array in ours.items():
            np.testing.assert_array_equal(array, theirs[name])


def test_a_later_epoch_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    folder, state = StateFolder(tmp_path), TrainingState()
    for at in range(3):
        state.add(Epoch(1.0, None, 1.0, 0.5), WEIGHTS)
        keep(folder, state, WEIGHTS, {}, "this data")
        found = resumed(folder, "this data")
        assert found is not None
        assert len(found[0].epochs) == at + 1


@pytest.mark.parametrize("about", ["other data", ""])
def test_what_belongs_to_other_data_is_not_taken(tmp_path: Path, about: str) -> None:
    folder = StateFolder(tmp_path)
    keep(folder, trained(), WEIGHTS, MOMENTS, "this data")
    assert resumed(folder, about) is None
    assert resumed(folder, "this data") is not None


def test_nothing_kept_is_nothing_to_go_on_from(tmp_path: Path) -> None:
    assert resumed(StateFolder(tmp_path / "none"), "this data") is None
    keep(NoCheckpoints(), trained(), WEIGHTS, MOMENTS, "this data")
    assert resumed(NoCheckpoints(), "this data") is None


def test_a_damaged_part_is_left_out(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path)
    keep(folder, trained(), WEIGHTS, MOMENTS, "this data")
    (tensors,) = tmp_path.rglob("*.safetensors")
    tensors.write_bytes(tensors.read_bytes()[:-8])
    assert resumed(folder, "this data") is None


def test_a_part_of_something_else_is_left_alone(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path)
    folder.put(KEY, State({"rows": np.zeros(3)}, {"version": 1}))
    assert resumed(folder, "this data") is None


def test_one_line_says_where_it_stands() -> None:
    assert TrainingState().line("rnn", 9) == "training rnn"
    line = trained().line("rnn", 9)
    assert line.startswith("training rnn: loss 2.500, validation ndcg@10 0.1500, ")
    assert "best 0.2000 in epoch 2, at most 18 s left" in line  # six more of three seconds
    blind = TrainingState()
    blind.add(Epoch(1.25, None, 60.0, 0.5), WEIGHTS)
    assert "ndcg" not in blind.line("rnn", 2)
    assert "loss 1.250, at most " in blind.line("rnn", 2)


def test_equal_figures_keep_the_earlier_epoch() -> None:
    state = TrainingState()
    for at in range(3):
        state.add(Epoch(1.0, 0.5, 1.0, 0.5), {"at": np.array([at])})
    assert (state.best, state.waited) == (0, 2)
    assert state.weights["at"].tolist() == [0]
