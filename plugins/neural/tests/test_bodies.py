"""What bodies may look at, how they start, and what reaches their weights."""

from __future__ import annotations

from dataclasses import replace
from math import log

import numpy as np
import pytest
import torch
from crossrec_neural import settings as given
from crossrec_neural.bodies.body import Body, Context
from crossrec_neural.bodies.choose import body_of
from crossrec_neural.bodies.layers import Dropout, Noise, decayed_mean, start
from crossrec_neural.bodies.ncf import Ncf
from crossrec_neural.bodies.transformer import AttentionBias
from crossrec_neural.bodies.vae import Vae
from pydantic import ValidationError

SIZE, LENGTH = 8, 6
SMALL = {"embedding_size": SIZE, "max_length": LENGTH, "dropout": 0.0}
CAUSAL = {
    "transformer": given.TransformerSettings(**SMALL),
    "time": given.TransformerSettings(**SMALL, time_bias=True),
    "gated": given.TransformerSettings(**SMALL, gated=True, time_bias=True),
    "gru": given.RnnSettings(**SMALL),
    "lstm": given.RnnSettings(**SMALL, cell="lstm", layers=2),
    "cnn": given.CnnSettings(**SMALL, window=3),
    "two-tower": given.TwoTowerSettings(**SMALL),
    "ncf": given.NcfSettings(**SMALL),
}
EACH = pytest.mark.parametrize("name", CAUSAL)


def made(settings: given.NeuralSettings, *, random: bool = True) -> Body:
    """Return a body; with random weights, since many start at zero."""
    noise = Noise("cpu")
    noise.seed(1)
    body = body_of(settings, noise)
    start(body, noise)
    if random:
        with torch.no_grad():
            for weight in body.parameters():
                weight.copy_(noise.normal(weight) / 3)
    return body.eval()


def inputs(n: int = 3) -> tuple[torch.Tensor, Context]:
    x = torch.randn(n, LENGTH, SIZE, generator=torch.Generator().manual_seed(3))
    times = torch.cumsum(torch.full((n, LENGTH), 3600.0, dtype=torch.float64), 1)
    return x, Context(torch.ones(n, LENGTH, dtype=torch.bool), times)


@EACH
def test_a_later_event_never_changes_an_earlier_state(name: str) -> None:
    body, (x, context) = made(CAUSAL[name]), inputs()
    before = body(x, context)
    for at in range(LENGTH):
        changed, times = x.clone(), context.times.clone()
        changed[:, at:] += 1.0
        times[:, at:] += 1e6
        after = body(changed, replace(context, times=times))
        torch.testing.assert_close(after[:, :at], before[:, :at])
        assert not torch.allclose(after[:, at], before[:, at])


@EACH
def test_gradients_come_from_the_events_before_alone(name: str) -> None:
    body, (x, context) = made(CAUSAL[name]), inputs()
    x.requires_grad_()
    body(x, context)[:, 2].square().sum().backward()
    assert x.grad is not None
    reached = (x.grad != 0).any(dim=2).all(dim=0)
    assert reached.tolist() == [True, True, True, False, False, False]


@pytest.mark.parametrize("name", ["gated", "gru", "lstm", "cnn"])
def test_before_training_the_state_is_the_latest_item(name: str) -> None:
    x, context = inputs()
    torch.testing.assert_close(made(CAUSAL[name], random=False)(x, context), x)


def test_a_transformer_starts_as_latest_item_plus_decayed_history() -> None:
    body = made(given.TransformerSettings(**SMALL, layers=1, attention_heads=1), random=False)
    x, context = inputs()
    mixed = torch.zeros(body.layers[0].mixed.weight.shape)  # type: ignore[index, union-attr]
    mixed[2 * SIZE :] = torch.eye(SIZE)
    with torch.no_grad():
        body.layers[0].mixed.weight.copy_(mixed)  # type: ignore[index, union-attr]
    normed = torch.nn.functional.layer_norm(x, (SIZE,))
    torch.testing.assert_close(body(x, context), x + decayed_mean(normed, 0.8))


def test_the_bias_knows_distance_and_time() -> None:
    bias = AttentionBias(given.TransformerSettings(**SMALL, time_bias=True))
    bias.start()
    assert bias.time is not None
    with torch.no_grad():
        bias.time.weight[:, :] = torch.arange(34.0)[:, None]
    context = Context(
        torch.ones(1, 3, dtype=torch.bool), torch.tensor([[0.0, 3.0, float("nan")]]).double()
    )
    found = bias(context)[0, 0].detach()
    assert float(found[1, 0]) == pytest.approx(log(0.8) + 3)  # 1 + log2(1 + 3 seconds)
    assert float(found[1, 1]) == pytest.approx(1.0)
    assert float(found[2, 0]) == pytest.approx(2 * log(0.8))  # time not known


def test_time_moves_attention_only_where_it_is_read() -> None:
    x, context = inputs()
    later = replace(context, times=context.times * 1000)
    plain, timed = made(CAUSAL["transformer"]), made(CAUSAL["time"])
    torch.testing.assert_close(plain(x, context), plain(x, later))
    assert not torch.allclose(timed(x, context), timed(x, later))


def test_heads_have_to_divide_the_width() -> None:
    with pytest.raises(ValidationError, match="embedding_size 9 is no multiple of"):
        given.TransformerSettings(embedding_size=9)


def test_the_cnn_sees_its_window_alone() -> None:
    body, (x, context) = made(CAUSAL["cnn"]), inputs()
    x.requires_grad_()
    body(x, context)[:, 4].square().sum().backward()
    assert x.grad is not None
    assert (x.grad != 0).any(dim=2).all(dim=0).tolist() == [False, False, True, True, True, False]


def test_the_decayed_mean_by_hand() -> None:
    x = torch.tensor([[[1.0], [2.0], [4.0]]])
    found = decayed_mean(x, 0.5)[0, :, 0]
    torch.testing.assert_close(found, torch.tensor([1.0, 2.5 / 1.5, (4 + 1 + 0.25) / 1.75]))


def test_ncf_pairs_are_the_diagonal_of_its_scores() -> None:
    body = made(CAUSAL["ncf"])
    assert isinstance(body, Ncf)
    states, items = (
        torch.randn(4, SIZE, generator=torch.Generator().manual_seed(i)) for i in (1, 2)
    )
    scores = body.scores(states, items)
    torch.testing.assert_close(body.pairs(states, items), scores.diagonal())
    torch.testing.assert_close(body.pairs(states[:, None], items[None]), scores)
    plain = made(CAUSAL["ncf"], random=False)
    torch.testing.assert_close(plain.pairs(states, items), (states * items).sum(dim=1))


def test_two_towers_transform_items_too() -> None:
    body = made(CAUSAL["two-tower"])
    items = inputs()[0][0]
    assert not torch.allclose(body.items(items), items)
    torch.testing.assert_close(made(CAUSAL["two-tower"], random=False).items(items), items)


def vae(**more: object) -> Vae:
    body = made(given.VaeSettings(**SMALL, latent=4, hidden=5, **more))
    assert isinstance(body, Vae)
    return body


def test_a_vae_reads_the_history_as_a_bag() -> None:
    body, (x, context) = vae(), inputs()
    states = body(x, context)
    torch.testing.assert_close(body(x.flip(1), context), states)
    torch.testing.assert_close(states[:, 0], states[:, -1])
    padded = replace(context, mask=torch.arange(LENGTH).expand(3, -1) < 4)
    shorter = Context(context.mask[:, :4], context.times[:, :4])
    torch.testing.assert_close(body(x, padded)[:, :4], body(x[:, :4], shorter))


def test_the_standard_prior_by_hand() -> None:
    body, (x, context) = vae(kl=1.0, annealing=2), inputs()
    body.train()
    body.begin_epoch(1)
    body.noise.seed(7)
    body(x, context)
    body.noise.seed(7)
    mean, variance = body.encoder(body._bag(x, context.mask))
    terms = 0.5 * (variance.exp() + mean**2 - 1 - variance)
    torch.testing.assert_close(body.extra_loss(), 0.5 * terms.sum())  # half of it: annealing


def test_the_composite_prior_is_near_nothing_for_the_code_before() -> None:
    """A code that is as before costs about -log(0.75) at most, whatever it is."""
    body, (x, context) = vae(kl=1.0, annealing=1, prior="composite"), inputs(50)
    body.train()
    body.begin_epoch(5)
    body(x, context)
    loss = body.extra_loss()
    assert loss is not None
    assert float(loss.detach()) / 50 <= -log(0.75) + 1e-4
    with torch.no_grad():
        body.encoder.last.bias += 3.0
    body(x, context)
    loss = body.extra_loss()
    assert loss is not None
    assert float(loss.detach()) / 50 > 1.0
    assert not any(weight.requires_grad for weight in body.before.parameters())


def test_dropout_repeats_by_its_seed_and_keeps_the_mean() -> None:
    noise = Noise("cpu")
    layer, x = Dropout(0.25, noise), torch.ones(200, 200)
    noise.seed(1, 2)
    first = layer(x)
    noise.seed(1, 2)
    torch.testing.assert_close(layer(x), first)
    assert not torch.equal(layer(x), first)
    assert float(first.mean()) == pytest.approx(1.0, abs=0.02)
    np.testing.assert_allclose(np.unique(first.numpy()), [0.0, 4 / 3], rtol=1e-6)
    torch.testing.assert_close(layer.eval()(x), x)
