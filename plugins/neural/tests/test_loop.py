"""The training loop alone, on a line that is fitted by hand: rates, the best epoch, going on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pytest
import torch
from crossrec.components.run import RunOptions
from crossrec.errors import CrossrecError
from crossrec.testing.checkpoints import MemoryCheckpoints
from crossrec_neural.settings import TrainingSettings
from crossrec_neural.training.loop import Training
from crossrec_neural.training.model import set_weights, weights_of
from crossrec_neural.training.progress import KEY, Epoch, TrainingState, keep, resumed
from crossrec_neural.training.schedule import Schedule
from torch import Tensor, nn

RUN = RunOptions(seed=5, threads=1)


class Line(nn.Module):
    """A body of one weight, and one weight around it."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(1, 1, bias=False)
        self.around = nn.Parameter(torch.zeros(1))


@dataclass(frozen=True, eq=False, kw_only=True)
class Fit(Training):
    """Fits ``body · x + around`` to ``3 · x + 1``; validation may be given epoch by epoch."""

    given: tuple[float | None, ...] = ()
    before: float | None = None
    rates: tuple[float, ...] = ()
    epochs: int = 4
    rate: float = 0.1
    bad_epoch: int = -1
    seen: list[int] = field(default_factory=list)

    @cached_property
    def module(self) -> Line:
        return Line()

    @property
    def settings(self) -> TrainingSettings:
        return TrainingSettings(learning_rate=self.rate, patience=2, weight_decay=0.01)

    def begin(self) -> float | None:
        set_weights(self.module, {"body.weight": np.ones((1, 1), np.float32)})
        set_weights(self.module, {"around": np.zeros(1, np.float32)})
        return self.before

    def schedule(self) -> Schedule:
        return Schedule(self.epochs, 3)

    def losses(self, epoch: int) -> Iterator[tuple[Tensor, int]]:
        self.seen.append(epoch)
        rng = np.random.default_rng([self.run.seed, epoch])
        for number in range(3):
            x = torch.tensor(rng.normal(size=(8, 1)), dtype=torch.float32)
            error = self.module.body(x) + self.module.around - (3 * x + 1)
            loss = error.square().mean()
            yield (loss * float("nan") if epoch == self.bad_epoch else loss), 1 + number

    def ndcg(self) -> float | None:
        return self.given[len(self.seen) - 1] if self.given else None

    def about(self) -> str:
        return "a line"

    def body_rate(self, epoch: int, epochs: int) -> float:
        return self.rates[epoch] if self.rates else 1.0


def made(**changes: object) -> Fit:
    return Fit(name="line", run=RUN, **changes)  # type: ignore[arg-type]


def test_the_loss_of_an_epoch_is_the_mean_over_its_predictions() -> None:
    (epoch,) = made(epochs=1, rate=1e-12).train().epochs
    fresh = made()
    fresh.begin()
    steps = [(float(loss.detach()), count) for loss, count in fresh.losses(0)]
    assert [count for _, count in steps] == [1, 2, 3]
    assert epoch.loss == pytest.approx(sum(loss * count for loss, count in steps) / 6, rel=1e-5)


def test_what_is_fitted_is_found() -> None:
    fit = made(epochs=150)
    losses = [epoch.loss for epoch in fit.train().epochs]
    assert losses[-1] < 0.05 * losses[0]
    weights = weights_of(fit.module)
    assert weights["body.weight"][0, 0] == pytest.approx(3.0, abs=0.3)  # it decays a little
    assert weights["around"][0] == pytest.approx(1.0, abs=0.3)


def test_a_body_at_rest_does_not_move_and_does_not_decay() -> None:
    fit = made(rates=(0.0,) * 4)
    fit.train()
    weights = weights_of(fit.module)
    assert weights["body.weight"].tolist() == [[1.0]]
    assert weights["around"][0] != 0.0


def test_a_body_moves_by_its_rate() -> None:
    moved = []
    for rate in (0.1, 1.0):
        fit = made(rates=(rate,), epochs=1)
        fit.train()
        moved.append(abs(float(weights_of(fit.module)["body.weight"][0, 0]) - 1.0))
    assert 0 < moved[0] < 0.3 * moved[1]


def test_the_best_epoch_serves() -> None:
    fit = made(given=(0.1, 0.3, 0.2, 0.1))
    state = fit.train()
    assert state.best == 1
    assert len(state.epochs) == 4  # two epochs after the best one
    for name, weight in weights_of(fit.module).items():
        np.testing.assert_array_equal(weight, state.weights[name])


def test_untrained_weights_serve_where_no_epoch_is_better() -> None:
    fit = made(given=(0.1, 0.2, 0.2, 0.2), before=0.4)
    state = fit.train()
    assert (state.best, len(state.epochs), state.best_ndcg) == (-1, 2, 0.4)
    assert weights_of(fit.module)["body.weight"].tolist() == [[1.0]]
    better = made(given=(0.1, 0.5, 0.2, 0.2), before=0.4)
    assert better.train().best == 1
    assert weights_of(better.module)["body.weight"].tolist() != [[1.0]]


def test_untrained_weights_are_nothing_where_they_may_not_serve() -> None:
    state = made(given=(0.1, 0.2, 0.2, 0.2)).train()
    assert state.before is None
    assert state.best == 1


@pytest.mark.parametrize("before", [None, 0.15])
def test_a_killed_training_goes_on(before: float | None) -> None:
    given = (0.1, 0.2, 0.3, 0.25)
    whole = made(given=given, before=before)
    expected = whole.train()
    memory = MemoryCheckpoints(fail_after=2)
    run = replace(RUN, checkpoints=memory)
    with pytest.raises(KeyboardInterrupt):
        Fit(name="line", run=run, given=given, before=before, key="mine").train()
    memory.fail_after = 10**9
    again = Fit(name="line", run=run, given=given[2:], before=before, key="mine")
    state = again.train()
    assert again.seen == [2, 3]
    assert set(memory.parts) == {"mine"}
    assert (state.best, state.before) == (expected.best, before)
    for name, weight in weights_of(whole.module).items():
        np.testing.assert_array_equal(weights_of(again.module)[name], weight)


def test_a_loss_that_is_not_finite_names_the_epoch() -> None:
    with pytest.raises(CrossrecError, match="line: the loss is not finite in epoch 2"):
        made(bad_epoch=1).train()


def test_no_epochs_leave_the_first_weights() -> None:
    fit = made(epochs=0, before=0.2)
    state = fit.train()
    assert (state.epochs, state.best) == ([], -1)
    assert weights_of(fit.module)["body.weight"].tolist() == [[1.0]]


def test_progress_says_what_was_best() -> None:
    state = TrainingState(before=0.4)
    state.add(Epoch(1.0, 0.3, 2.0, 0.5), {})
    assert "best 0.4000 before training" in state.line("line", 3)
    state.add(Epoch(1.0, 0.5, 2.0, 0.5), {})
    assert "best 0.5000 in epoch 2" in state.line("line", 3)
    assert state.best_ndcg == 0.5


def test_trainings_of_one_fit_are_kept_apart() -> None:
    memory = MemoryCheckpoints()
    for key, best in (("one", 0), ("two", -1)):
        state = TrainingState([Epoch(1.0, 0.2, 1.0, 0.5)], best, {}, 0.1)
        keep(memory, state, {"w": np.ones(2)}, {"w:step": np.zeros(1)}, "about", key)
    found = {key: resumed(memory, "about", key) for key in ("one", "two")}
    assert [one[0].best for one in found.values() if one] == [0, -1]
    assert all(one is not None and one[0].before == 0.1 for one in found.values())
    assert resumed(memory, "about", KEY) is None
    assert resumed(memory, "something else", "one") is None


def test_setting_some_weights_leaves_the_others() -> None:
    line = Line()
    before = weights_of(line)
    set_weights(line, {"around": np.array([7.0], np.float32)})
    after = weights_of(line)
    assert after["around"].tolist() == [7.0]
    np.testing.assert_array_equal(after["body.weight"], before["body.weight"])
    with pytest.raises(KeyError):
        set_weights(line, {"nothing": np.zeros(1)})
