"""Training on all events for as long as validation chose on fewer of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crossrec.artifacts import write_pretrained
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.testing.base import through_disk
from crossrec.testing.checkpoints import MemoryCheckpoints
from crossrec.testing.rings import ring
from crossrec_neural import settings as given
from crossrec_neural.sources import registered
from crossrec_neural.sources.fitting import events_digest
from crossrec_neural.sources.pretraining import WITH, WITHOUT
from crossrec_neural.sources.source import NeuralSource
from crossrec_neural.training.schedule import Schedule
from crossrec_neural.training.trainer import Trainer

SMALL: dict[str, Any] = {
    "embedding_size": 8,
    "training": {"epochs": 6, "steps": 1, "batch_size": 32, "learning_rate": 0.01},
}


def source(name: str = "Rnn", **more: Any) -> NeuralSource:
    cls: Any = getattr(registered, f"{name}Source")
    return cls(cls.settings(**{**SMALL, **more}))


def fewer(dataset: Dataset) -> Dataset:
    """Return the dataset without the last event of each user."""
    events = dataset.events
    last = np.append(events.users[1:] != events.users[:-1], True)
    return dataset.with_events(events.take(~last))


def same(one: NeuralSource, other: NeuralSource) -> None:
    ours, theirs = one.state().arrays, other.state().arrays
    assert set(ours) == set(theirs)
    for name, array in ours.items():
        np.testing.assert_array_equal(array, theirs[name], err_msg=name)


def test_it_trains_as_many_epochs_as_validation_chose(
    shop: Dataset, run: RunOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = source()
    made.fit(fewer(shop), run)
    before, memory = made._trained, MemoryCheckpoints()
    assert before.epochs[before.best].ndcg is not None
    held: list[int] = []
    begin = Trainer.begin

    def looked(self: Trainer) -> float | None:
        held.append(len(self.examples.held_out))
        return begin(self)

    monkeypatch.setattr(Trainer, "begin", looked)
    again = copy(made)
    again.refit(shop, replace(run, checkpoints=memory))
    assert memory.puts == before.best + 1
    assert held == [0], "all events are learnt"
    assert made._trained is before, "what serves stays as it is"
    after = again._trained
    assert (after.epochs, after.best, after.refitted) == (before.epochs, before.best, True)
    assert after.chosen == before.chosen
    assert not np.array_equal(after.vectors, before.vectors)
    assert "; then trained on all events for as many" in again.report().lines[0]
    assert "on held-out events" in again.report().lines[0]
    assert (again.report().values["refitted"], made.report().values["refitted"]) == (True, False)


@pytest.mark.parametrize("best", [1, 3, 6])
def test_the_learning_rate_falls_as_it_fell_before_the_best_epoch(best: int) -> None:
    whole = Schedule(epochs=6, batches=10)
    left = whole.left(best * 10)
    again = Schedule(best, 10, fall=best * 10 / max(1.0 - left, 1e-6))
    shares = [whole.share(done) for done in range(best * 10)]
    np.testing.assert_allclose([again.share(done) for done in range(best * 10)], shares)


def test_the_rate_falls_by_the_time_that_a_limited_fit_had() -> None:
    """A fit that its time ended after two of 100 epochs had come to the end of its rate."""
    limited = Schedule(epochs=100, batches=10, seconds=5.0, began=time.monotonic() - 4.0)
    left = limited.left(20)
    assert left == pytest.approx(0.2, abs=0.02)
    again = Schedule(2, 10, fall=20 / (1.0 - left))
    assert again.left(20) == pytest.approx(left)
    assert again.left(0) == 1.0
    assert not again.late


def test_a_schedule_without_a_fall_is_what_it_was() -> None:
    plain = Schedule(epochs=4, batches=25)
    assert plain.left(0) == 1.0
    assert plain.left(100) == 0.0
    assert plain.left(500) == 0.0
    assert plain.share(50) == pytest.approx(0.5)


def test_the_same_events_change_nothing(shop: Dataset, run: RunOptions, tmp_path: Path) -> None:
    made, stored = source(), source()
    made.fit(shop, run)
    before = made._trained
    made.refit(shop, run)
    assert made._trained is before
    stored.restore(through_disk(made.state(), tmp_path), shop.catalog)
    held = stored._trained
    stored.refit(shop, run)
    assert stored._trained is held


def test_other_events_have_another_digest(shop: Dataset) -> None:
    events = shop.events
    heavier = replace(events, weights=events.weights * 2)
    later = replace(events, times=events.times + 1)
    digests = {events_digest(shop.with_events(one)) for one in (events, heavier, later)}
    assert len(digests | {events_digest(fewer(shop))}) == 4
    assert events_digest(shop.with_events(events)) == events_digest(shop)


def test_a_restored_source_learns_what_the_fitted_one_learns(
    shop: Dataset, run: RunOptions, tmp_path: Path
) -> None:
    made, stored = source("Transformer"), source("Transformer")
    made.fit(fewer(shop), run)
    stored.restore(through_disk(made.state(), tmp_path), shop.catalog)
    for one in (made, stored):
        one.refit(shop, run)
    same(made, stored)


def test_a_killed_refit_goes_on_to_the_same_result(shop: Dataset, run: RunOptions) -> None:
    made = source(training={**SMALL["training"], "patience": 1})
    made.fit(fewer(shop), run)
    made._fitted = replace(made._trained, best=3)  # enough epochs to be stopped between two
    whole, stopped = copy(made), copy(made)
    whole.refit(shop, run)
    memory = MemoryCheckpoints(fail_after=2)
    with pytest.raises(KeyboardInterrupt):
        stopped.refit(shop, replace(run, checkpoints=memory))
    memory.fail_after = 10**9
    stopped.refit(shop, replace(run, checkpoints=memory))
    assert memory.puts == 4
    same(stopped, whole)


def test_a_fit_of_nothing_chose_nothing(
    shop: Dataset, run: RunOptions, batch_of: Callable[..., QueryBatch]
) -> None:
    """Then the events that came are fitted, with a choice of their own."""
    made, expected = source(), source()
    made.fit(shop.with_events(shop.events.take(np.zeros(0, dtype=np.int64))), run)
    assert made._trained.epochs == ()
    made.refit(shop, run)
    expected.fit(shop, run)
    same(made, expected)
    assert not made._trained.refitted


def test_a_fit_that_could_hold_out_nothing_trains_as_long_again(run: RunOptions) -> None:
    few, more = ring(3, 30), ring(3, 45)
    made = source("TwoTower")
    made.fit(few, run)
    assert [one.ndcg for one in made._trained.epochs] == [None] * len(made._trained.epochs)
    memory = MemoryCheckpoints()
    made.refit(more, replace(run, checkpoints=memory))
    assert memory.puts == len(made._trained.epochs)


@pytest.fixture(scope="module")
def at_hand(tmp_path_factory: pytest.TempPathFactory) -> RunOptions:
    """Return options in which a body of two rings is at hand as ``rings``."""
    run = RunOptions(seed=1, threads=1)
    settings = given.TransformerSettings(**SMALL)
    made = registered.TransformerSource(settings).pretrain(
        {"a": ring(1, 80), "b": ring(2, 60)}, run
    )
    folder = tmp_path_factory.mktemp("bodies") / "rings"
    card = {"source": "transformer", "sources": [{"name": "a"}, {"name": "b"}]}
    write_pretrained(folder, card, made.state)
    return replace(run, pretrained={"rings": folder})


class TestPretrained:
    def fitted(self, dataset: Dataset, run: RunOptions) -> registered.TransformerSource:
        made = registered.TransformerSource(
            given.TransformerSettings(pretrained="rings", training=SMALL["training"])
        )
        made.fit(dataset, run)
        return made

    def test_what_serves_is_trained_again_and_the_choice_stays(self, at_hand: RunOptions) -> None:
        whole = ring(3, 90)
        made = self.fitted(fewer(whole), at_hand)
        start, memory = dict(made._trained.start), MemoryCheckpoints()
        assert start["users"] > 0
        made.refit(whole, replace(at_hand, checkpoints=memory))
        assert made._trained.start == start
        assert memory.puts == made._trained.best + 1, "one model is trained, not two"
        assert any("pretrained body rings" in line for line in made.report().lines)

    def test_a_model_that_was_better_without_needs_no_body(self, at_hand: RunOptions) -> None:
        whole = ring(3, 90)
        made = self.fitted(fewer(whole), at_hand)
        alone = given.TransformerSettings(**SMALL)
        other = registered.TransformerSource(alone)
        other.fit(fewer(whole), at_hand)
        made._fitted = replace(other._trained, start={**made._trained.start, "serves": WITHOUT})
        made.refit(whole, replace(at_hand, pretrained={}))
        assert made._trained.start["serves"] == WITHOUT
        assert made._trained.refitted

    def test_one_that_serves_untrained_stays_untrained(self, at_hand: RunOptions) -> None:
        made = self.fitted(ring(3, 12), at_hand)
        before = made._trained
        assert (before.best, before.start["serves"]) == (-1, WITH)
        made.refit(ring(3, 20), at_hand)
        after = made._trained
        for name, weight in before.model.named_parameters():
            if name.startswith("body."):
                np.testing.assert_array_equal(
                    weight.detach(), dict(after.model.named_parameters())[name].detach()
                )
        assert after.best == -1
