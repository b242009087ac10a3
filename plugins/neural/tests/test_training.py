"""The training loop: examples, epochs, stopping, going on after a kill, heads."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.errors import CapacityError, CrossrecError, UsageError
from crossrec.numeric.ragged import Ragged
from crossrec.testing.checkpoints import MemoryCheckpoints
from crossrec_neural import settings as given
from crossrec_neural.inputs.histories import HistorySpace
from crossrec_neural.losses.heads import Heads, LabelledEvents
from crossrec_neural.losses.negatives import Negatives
from crossrec_neural.sources import registered
from crossrec_neural.sources.source import NeuralSource
from crossrec_neural.training.device import checked_device, memory_errors, torch_threads
from crossrec_neural.training.examples import Examples, held_out_users, real_targets
from crossrec_neural.training.progress import Epoch, TrainingState
from crossrec_neural.training.schedule import Schedule
from crossrec_neural.training.trainer import Trainer

SOURCES = {
    "transformer": registered.TransformerSource,
    "rnn": registered.RnnSource,
    "cnn": registered.CnnSource,
    "two-tower": registered.TwoTowerSource,
    "ncf": registered.NcfSource,
    "vae": registered.VaeSource,
}
SMALL: Mapping[str, Any] = {
    "embedding_size": 8,
    "training": {"epochs": 4, "steps": 1, "batch_size": 32},
}


def source(name: str, **more: Any) -> NeuralSource:
    cls = SOURCES[name]
    return cls(cls.settings(**{**SMALL, **more}))


def fitted(name: str, dataset: Dataset, run: RunOptions, **more: Any) -> NeuralSource:
    made = source(name, **more)
    made.fit(dataset, run)
    return made


def same_state(one: NeuralSource, other: NeuralSource) -> None:
    ours, theirs = one.state().arrays, other.state().arrays
    assert set(ours) == set(theirs)
    for name, array in ours.items():
        np.testing.assert_array_equal(array, theirs[name], err_msg=name)


@pytest.mark.parametrize("name", SOURCES)
def test_a_killed_fit_goes_on_to_the_same_result(name: str, shop: Dataset, run: RunOptions) -> None:
    """Ctrl-C after two epochs of four; then again from what was kept."""
    whole = fitted(name, shop, run)
    memory = MemoryCheckpoints(fail_after=2)
    with pytest.raises(KeyboardInterrupt):
        fitted(name, shop, replace(run, checkpoints=memory))
    memory.fail_after = 10**9
    again = fitted(name, shop, replace(run, checkpoints=memory))
    assert memory.puts == 4  # two epochs were not trained again
    same_state(again, whole)


@pytest.mark.parametrize("change", ["data", "settings", "seed"])
def test_a_checkpoint_of_something_else_is_left_alone(
    change: str, shop: Dataset, run: RunOptions
) -> None:
    memory = MemoryCheckpoints()
    fitted("rnn", shop, replace(run, checkpoints=memory))
    dataset, more, seed = shop, {}, run.seed
    if change == "data":
        dataset = shop.with_events(shop.events.take(np.arange(len(shop.events) - 8)))
    elif change == "settings":
        more = {"dropout": 0.1}
    else:
        seed += 1
    run = replace(run, seed=seed)
    expected = fitted("rnn", dataset, run, **more)
    same_state(fitted("rnn", dataset, replace(run, checkpoints=memory), **more), expected)


def test_seeds_decide_and_nothing_else(shop: Dataset, run: RunOptions) -> None:
    first = fitted("transformer", shop, run)
    torch.manual_seed(99)  # torch's own stream is not read
    torch.rand(7)
    same_state(fitted("transformer", shop, run), first)
    other = fitted("transformer", shop, replace(run, seed=8)).state().arrays
    assert not np.array_equal(other["vectors"], first.state().arrays["vectors"])


def test_the_threads_of_torch_stay_as_they_were(shop: Dataset, run: RunOptions) -> None:
    fitted("vae", shop, replace(run, threads=2), training={"epochs": 1, "steps": 1})
    assert torch.get_num_threads() == 1
    with pytest.raises(KeyboardInterrupt), torch_threads(replace(run, threads=2)):
        raise KeyboardInterrupt
    assert torch.get_num_threads() == 1


def test_progress_names_loss_validation_and_time(shop: Dataset, run: RunOptions) -> None:
    lines: list[tuple[str, int, int]] = []
    fitted("rnn", shop, replace(run, progress=lambda *line: lines.append(line)))
    assert lines[0][0] == "training rnn"
    assert "loss " in lines[-1][0]
    assert "validation ndcg@10 0." in lines[-1][0]
    assert "best 0." in lines[-1][0]
    assert " left" in lines[-1][0]
    assert [done for _, done, _ in lines] == list(range(len(lines)))
    assert {total for _, _, total in lines} == {len(lines)}


def test_training_stops_when_validation_does_not_get_better() -> None:
    state = TrainingState()
    for ndcg in (0.1, 0.3, 0.2, 0.25):
        state.add(Epoch(1.0, ndcg, 1.0, 0.5), {"at": np.array([ndcg])})
    assert (state.best, state.waited, state.best_ndcg) == (1, 2, 0.3)
    assert state.weights["at"].tolist() == [0.3]
    blind = TrainingState()
    for at in range(3):
        blind.add(Epoch(1.0, None, 1.0, 0.5), {"at": np.array([at])})
    assert (blind.best, blind.waited) == (2, 0)


def test_patience_ends_a_fit_and_the_best_epoch_serves(shop: Dataset, run: RunOptions) -> None:
    training = {"epochs": 50, "patience": 2, "learning_rate": 1e-9, "batch_size": 32}
    made = fitted("rnn", shop, run, training=training)
    report = made.report()
    assert len(report.values["epochs"]) == 3  # nothing is learnt, so no epoch beats the first
    assert report.values["best"] == 1
    assert "3 epochs, that of epoch 1 serves: ndcg@10 0." in report.lines[0]


def test_a_time_limit_ends_a_fit(shop: Dataset, run: RunOptions) -> None:
    made = fitted("rnn", shop, run, training={"epochs": 50, "seconds": 1e-6, "patience": 50})
    assert len(made.report().values["epochs"]) == 1


def test_less_effort_is_a_quarter_of_the_epochs(shop: Dataset, run: RunOptions) -> None:
    training = {"epochs": 8, "steps": 1, "patience": 8, "batch_size": 32}
    made = fitted("rnn", shop, replace(run, effort="quick"), training=training)
    assert len(made.report().values["epochs"]) == 2


def test_small_data_gets_more_epochs(run: RunOptions) -> None:
    settings = given.TrainingSettings(epochs=10, steps=400)
    assert Schedule.of(settings, 100, run, blind=False).epochs == 10
    assert Schedule.of(settings, 5, run, blind=False).epochs == 80
    assert Schedule.of(settings, 5, run, blind=True).epochs == 16
    assert Schedule.of(settings, 0, run, blind=True).epochs == 0


def test_the_learning_rate_rises_and_falls() -> None:
    schedule = Schedule(epochs=10, batches=100)
    assert schedule.share(0) == pytest.approx(0.01)
    assert schedule.share(99) == pytest.approx(1 - 0.099)
    assert schedule.share(500) == pytest.approx(0.5)
    assert 0 < schedule.share(999) < 0.01
    assert Schedule(epochs=2, batches=10).share(1) == pytest.approx(0.95)
    assert not schedule.late


def test_the_learning_rate_falls_with_the_time_that_is_left() -> None:
    began = time.monotonic() - 75.0
    schedule = Schedule(epochs=10, batches=100, seconds=100.0, began=began)
    assert schedule.share(200) == pytest.approx(0.25, abs=0.01)
    assert schedule.share(900) == pytest.approx(0.1)
    assert not schedule.late
    assert Schedule(10, 100, 70.0, began).late
    assert Schedule(10, 100, 70.0, began).share(100) == 0.0


def test_a_loss_that_is_not_finite_says_what_to_do(shop: Dataset, run: RunOptions) -> None:
    training = {"learning_rate": 1e30, "epochs": 5, "batch_size": 8}
    with pytest.raises(CrossrecError, match=r"not finite in epoch \d: lower training.learning_"):
        fitted("rnn", shop, run, training=training, loss={"cosine": False})


def test_a_device_that_is_not_there_is_named(run: RunOptions) -> None:
    for device in ("cuda:77", "toaster"):
        with pytest.raises(UsageError, match=f"device '{device}' cannot be used: name another"):
            checked_device(replace(run, device=device))


def test_too_little_memory_says_what_to_lower() -> None:
    expected = "rnn: not enough memory for training: lower training.batch_size"
    with pytest.raises(CapacityError, match=expected), memory_errors("rnn"):
        torch.empty(1 << 50)
    with pytest.raises(CapacityError, match=expected), memory_errors("rnn"):
        np.empty(1 << 50)
    with pytest.raises(RuntimeError, match="something else"), memory_errors("rnn"):
        raise RuntimeError("something else")


def test_users_are_held_out_where_there_are_enough() -> None:
    many = Ragged.from_rows([[1, 2, 3]] * 9000 + [[1]] * 100)
    assert len(held_out_users(many, 0.1, 0)) == 900
    assert held_out_users(many, 0.1, 0).max() < 9000
    assert len(held_out_users(many, 0.01, 0)) == 500
    assert len(held_out_users(Ragged.from_rows([[1, 2, 3]] * 90), 0.1, 0)) == 30
    assert len(held_out_users(Ragged.from_rows([[1, 2, 3]] * 45), 0.1, 0)) == 0
    assert len(held_out_users(many, 0.0, 0)) == 0


def examples_of(shop: Dataset, *, causal: bool = True) -> Examples:
    config = given.TransformerSettings(max_length=3)
    return Examples.of(shop, HistorySpace(), config, causal, seed=1)


def test_what_is_held_out_is_in_no_window(shop: Dataset) -> None:
    examples = examples_of(shop)
    pairs: dict[tuple[int, int], int] = {}
    for chosen in examples.order(16, np.random.default_rng(0)):
        batch = examples.batch(chosen)
        for before, after in zip(batch.histories.items.ravel(), batch.targets.ravel()):
            if after >= 0:
                pairs[before, after] = pairs.get((before, after), 0) + 1
    held = held_out_users(shop.sequences, 0.1, 1)
    expected: dict[tuple[int, int], int] = {}
    for user in range(shop.n_users):
        row = shop.sequences.row(user)[: -1 if user in held else None].tolist()
        for pair in zip(row, row[1:]):
            expected[pair] = expected.get(pair, 0) + 1
    assert pairs == expected
    assert examples.held_out.targets.tolist() == [shop.sequences.row(u)[-1] for u in held]
    assert examples.counts.sum() == len(shop.interactions) - len(held)


def test_a_bag_predicts_itself(shop: Dataset) -> None:
    examples = examples_of(shop, causal=False)
    batch = examples.batch(np.array([0, 1]))
    np.testing.assert_array_equal(batch.targets, batch.histories.items)


def test_batches_hold_similar_lengths_and_every_window_once(shop: Dataset) -> None:
    examples = examples_of(shop)
    batches = examples.order(8, np.random.default_rng(0))
    assert sorted(np.concatenate(batches)) == list(range(len(examples.starts)))
    spread = [np.ptp(examples.lengths[chosen]) for chosen in batches]
    assert np.mean(spread) < 0.5


def trainer_of(dataset: Dataset, config: given.NeuralSettings, run: RunOptions) -> Trainer:
    """Return the trainer of a source's fit, before it has trained."""
    made: list[Trainer] = []

    class HaltedError(Exception):
        pass

    def halt(self: Trainer) -> TrainingState:
        made.append(self)
        raise HaltedError

    original, Trainer.train = Trainer.train, halt  # type: ignore[method-assign]
    try:
        with pytest.raises(HaltedError):
            next(c for c in SOURCES.values() if isinstance(config, c.settings))(config).fit(
                dataset, run
            )
    finally:
        Trainer.train = original  # type: ignore[method-assign]
    return made[0]


@pytest.mark.parametrize("name", SOURCES)
def test_every_weight_is_reached_and_no_item_outside_the_batch(
    name: str, shop: Dataset, run: RunOptions
) -> None:
    config = SOURCES[name].settings(
        embedding_size=8, heads={"category": 1.0, "engagement": 1.0, "rating": 1.0},
        loss={"negatives": 4},
    )  # fmt: skip
    trainer = trainer_of(shop, config, run)
    model, examples = trainer.model, trainer.examples
    model.begin(1)
    with torch.no_grad():  # what starts at zero stops gradients behind it
        for weight in model.body.parameters():
            weight.add_(0.1 * model.noise.normal(weight))
    model.train()
    model.body.begin_epoch(5)
    batch = examples.batch(np.array([0, 1]))
    rng = np.random.default_rng(2)
    negatives = Negatives(examples.counts, config.loss)
    sample = negatives.draw(np.random.default_rng(2))
    trainer.loss(batch, negatives, rng).backward()
    silent = {n for n, w in model.named_parameters() if w.grad is None or not w.grad.any()}
    frozen = {n for n, w in model.named_parameters() if not w.requires_grad}
    assert silent == frozen
    own = model.tower.own
    assert own is not None
    assert own.weight.grad is not None
    touched = set(torch.nonzero(own.weight.grad.any(dim=1))[:, 0].tolist())
    *_, number = examples.labelled.within(batch.starts, batch.histories.lengths)
    used = {*batch.histories.items.ravel().tolist(), *real_targets(batch).tolist()}
    used |= {*sample.items.tolist(), *examples.labelled.items[number].tolist()}
    assert touched <= used - {-1}


def test_what_people_have_is_no_negative_where_nobody_comes_back(
    shop: Dataset, run: RunOptions
) -> None:
    trainer = trainer_of(shop, given.RnnSettings(embedding_size=8), run)
    batch = trainer.examples.batch(np.array([0, 1]))
    items = trainer.examples.counts.nonzero()[0]
    hits = trainer._hits(batch, real_targets(batch), items)
    window = np.nonzero(batch.targets >= 0)[0]
    for row, target, at in zip(hits, real_targets(batch), window, strict=True):
        assert set(items[row]) == {target, *batch.histories.items[at]} - {-1}
    back = replace(trainer, examples=replace(trainer.examples, comes_back=True))
    hits = back._hits(batch, real_targets(batch), items)
    np.testing.assert_array_equal(items[hits.argmax(axis=1)], real_targets(batch))
    assert (hits.sum(axis=1) == 1).all()


def test_labelled_events_know_what_came_before(shop: Dataset) -> None:
    """One user: two interactions, an impression, a third one, a dislike."""
    events = Events.from_columns(
        [0, 0, 0, 0, 0], [5, 6, 7, 8, 9], [1, 2, 3, 4, 5], [1.0, 2.0, 0.0, 1.0, -1.0]
    )
    dataset = shop.with_events(events)
    found = LabelledEvents.of(dataset, dataset.sequences.indptr[1:] + 1)
    assert found.at.tolist() == [0, 1, 1, 2]
    assert found.items.tolist() == [6, 7, 8, 9]
    assert found.weights.tolist() == [1.0, 0.0, 0.5, -0.5]
    held = LabelledEvents.of(dataset, np.where(np.arange(shop.n_users) == 0, 2, 3))
    assert held.items.tolist() == [6]
    window, place, number = found.within(np.array([0, 1]), np.array([1, 1]))
    assert window.tolist() == [0, 1, 1]
    assert place.tolist() == [0, 0, 0]
    assert number.tolist() == [0, 1, 2]


def test_the_category_head_by_hand() -> None:
    heads = Heads({"category": 0.5}, 2, 4, np.array([1, 3]))
    assert heads.category is not None
    with torch.no_grad():
        heads.category.weight.zero_()
        heads.category.bias.copy_(torch.tensor([9.0, 1.0, 9.0, 2.0, 9.0]))
    tags = torch.tensor([[3, 2, 0], [2, 4, 0], [1, 3, 2]])
    found = heads.next_item(torch.zeros(3, 2), tags)
    total = np.log(np.exp(1) + np.exp(2))
    rows = [2 - total, (1 - total + 2 - total) / 2]  # the second item has no category
    assert found is not None
    assert float(found.detach()) == pytest.approx(-0.5 * np.mean(rows))


def test_engagement_and_rating_by_hand() -> None:
    heads = Heads({"engagement": 2.0, "rating": 3.0}, 2, 0, np.zeros(0, dtype=np.int64))
    assert heads.engagement is not None
    assert heads.rating is not None
    with torch.no_grad():
        for head in (heads.engagement, heads.rating):
            head.weight.fill_(1.0)
            head.bias.zero_()
    states = torch.tensor([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
    found = heads.events(states, torch.ones(3, 2), torch.tensor([1.0, 0.0, -0.5]))
    entropy = -(np.log(1 / (1 + np.exp(-1))) + np.log(1 - 1 / (1 + np.exp(-2)))) / 2
    error = ((1 - 1) ** 2 + (2 - -0.5) ** 2) / 2
    assert float(found.detach()) == pytest.approx(2 * entropy + 3 * error)
    assert not Heads({}, 2, 0, np.zeros(0, dtype=np.int64)).reads_events
