"""ndcg on what was held out, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from crossrec.components.candidates import PAD
from crossrec.numeric.ragged import Ragged
from crossrec_neural.inputs.histories import HistoryBatch
from crossrec_neural.training import validation
from crossrec_neural.training.examples import HeldOut
from crossrec_neural.training.validation import held_out_gains


class NextItem(torch.nn.Module):
    """Scores items by how near they follow the last one: the next is the best."""

    def item_vectors(self) -> torch.Tensor:
        return torch.arange(12.0)[:, None]

    def candidates(self, vectors: torch.Tensor) -> torch.Tensor:
        return vectors

    def last_states(self, batch: HistoryBatch, vectors: torch.Tensor) -> torch.Tensor:
        last = batch.items[np.arange(len(batch)), batch.lengths - 1]
        return vectors[torch.from_numpy(last)]

    def scores(self, states: torch.Tensor, items: torch.Tensor) -> torch.Tensor:
        return -((items.T - states - 1) % 12)


def held_out(exclude: list[list[int]]) -> HeldOut:
    items = np.array([[1, 2, PAD], [5, 6, 7], [0, PAD, PAD]])
    none = np.zeros_like(items)
    batch = HistoryBatch(items, none, none, np.full(items.shape, np.nan), none[:, :0])
    return HeldOut(batch, np.array([3, 10, 4]), Ragged.from_rows(exclude))


def gains(held: HeldOut, known: Any = None) -> list[float]:
    everything = np.ones(12, dtype=bool)
    found = held_out_gains(NextItem(), held, everything if known is None else known)  # type: ignore[arg-type]
    return found.tolist()


def test_gains_by_hand() -> None:
    """The targets are at places 0, 2 and 3 of all items."""
    expected = [1.0, 1 / np.log2(4), 1 / np.log2(5)]
    np.testing.assert_allclose(gains(held_out([[], [], []])), expected)


def test_what_is_no_candidate_makes_room() -> None:
    expected = [1.0, 1 / np.log2(3), 1 / np.log2(4)]
    np.testing.assert_allclose(gains(held_out([[0], [9], [2]])), expected)
    known = np.ones(12, dtype=bool)
    known[[9, 2]] = False
    np.testing.assert_allclose(gains(held_out([[], [], []]), known), expected)


def test_a_target_that_was_there_before_still_counts() -> None:
    """It is held out for what it is, though the history has it."""
    np.testing.assert_allclose(gains(held_out([[3], [10], [4]])), gains(held_out([[], [], []])))


def test_a_target_without_evidence_is_a_miss() -> None:
    known = np.ones(12, dtype=bool)
    known[3] = False
    assert gains(held_out([[], [], []]), known)[0] == 0.0


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = gains(held_out([[0], [8, 9], []]))
    monkeypatch.setattr(validation, "_CELLS", 12)
    assert gains(held_out([[0], [8, 9], []])) == whole


def test_the_model_goes_on_learning_afterwards() -> None:
    model, seen = NextItem(), []
    model.register_module("part", torch.nn.Identity())
    original = NextItem.last_states

    def watched(self: Any, batch: HistoryBatch, vectors: torch.Tensor) -> torch.Tensor:
        seen.append((self.training, torch.is_grad_enabled()))
        return original(self, batch, vectors)

    model.last_states = watched.__get__(model)  # type: ignore[method-assign]
    held_out_gains(model, held_out([[], [], []]), np.ones(12, dtype=bool))  # type: ignore[arg-type]
    assert seen == [(False, False)]
    assert model.training
    assert torch.is_grad_enabled()
