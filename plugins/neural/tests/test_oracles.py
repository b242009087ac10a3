"""Bodies against plain loops and torch's own layers, number for number."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from crossrec_neural import settings as given
from crossrec_neural.bodies.body import Body, Context
from crossrec_neural.bodies.choose import body_of
from crossrec_neural.bodies.cnn import Cnn
from crossrec_neural.bodies.layers import Noise, start
from crossrec_neural.bodies.ncf import Ncf
from crossrec_neural.bodies.rnn import Rnn
from crossrec_neural.bodies.transformer import Attention, Transformer
from crossrec_neural.bodies.two_tower import TwoTower
from crossrec_neural.bodies.vae import Vae
from torch.distributions import Normal, kl_divergence
from torch.nn.functional import gelu, layer_norm, scaled_dot_product_attention, silu

SIZE, LENGTH, N = 6, 5, 2
SMALL = {"embedding_size": SIZE, "max_length": LENGTH, "dropout": 0.0}


def made(settings: given.NeuralSettings) -> Body:
    """Return a body with random weights."""
    noise = Noise("cpu")
    noise.seed(5)
    body = body_of(settings, noise)
    start(body, noise)
    with torch.no_grad():
        for weight in body.parameters():
            weight.copy_(noise.normal(weight) / 2)
    return body.eval()


def inputs() -> tuple[torch.Tensor, Context]:
    x = torch.randn(N, LENGTH, SIZE, generator=torch.Generator().manual_seed(8))
    times = torch.zeros(N, LENGTH, dtype=torch.float64)
    return x, Context(torch.ones(N, LENGTH, dtype=torch.bool), times)


@torch.no_grad()
def test_attention_is_torchs_own() -> None:
    body = made(given.TransformerSettings(**SMALL, layers=1, attention_heads=2))
    assert isinstance(body, Transformer)
    layer = body.layers[0]
    assert isinstance(layer, Attention)
    x, context = inputs()
    normed = layer_norm(x, (SIZE,), layer.norm.weight, layer.norm.bias)
    query, key, value = (
        part.view(N, LENGTH, 2, SIZE // 2).transpose(1, 2)
        for part in layer.mixed(normed).chunk(3, dim=-1)
    )
    mask = torch.full((1, 2, LENGTH, LENGTH), float("-inf"))
    for to in range(LENGTH):
        for of in range(to + 1):
            mask[0, :, to, of] = layer.bias.distance.weight[to - of]
    out = scaled_dot_product_attention(query, key, value, attn_mask=mask)
    expected = x + layer.last(out.transpose(1, 2).reshape(N, LENGTH, SIZE))
    torch.testing.assert_close(layer(x, context), expected, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_gated_layers_by_a_loop() -> None:
    """HSTU: SiLU of everything, weights over the number of events, the gate after the norm."""
    body = made(given.TransformerSettings(**SMALL, layers=1, attention_heads=1, gated=True))
    assert isinstance(body, Transformer)
    layer = body.layers[0]
    assert isinstance(layer, Attention)
    assert layer.after is not None
    assert len(body.layers) == 1  # no feed-forward network
    x, context = inputs()
    normed = layer_norm(x, (SIZE,), layer.norm.weight, layer.norm.bias)
    query, key, value, gate = silu(layer.mixed(normed)).chunk(4, dim=-1)
    expected = torch.zeros_like(x)
    for row in range(N):
        for to in range(LENGTH):
            total = torch.zeros(SIZE)
            for of in range(to + 1):
                score = query[row, to] @ key[row, of] / SIZE**0.5
                total += silu(score + layer.bias.distance.weight[to - of, 0]) * value[row, of]
            gated = layer.after(total / (to + 1)) * gate[row, to]
            expected[row, to] = x[row, to] + layer.last(gated)
    torch.testing.assert_close(layer(x, context), expected, rtol=1e-4, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_recurrent_networks_step_by_step(cell: str) -> None:
    body = made(given.RnnSettings(**SMALL, cell=cell))
    assert isinstance(body, Rnn)
    kind = torch.nn.GRUCell if cell == "gru" else torch.nn.LSTMCell
    step = kind(SIZE, SIZE)
    step.load_state_dict(
        {name.removesuffix("_l0"): weight for name, weight in body.network.state_dict().items()}
    )
    x, context = inputs()
    found = body(x, context)
    hidden = None
    for at in range(LENGTH):
        hidden = step(x[:, at], hidden)
        out = hidden if cell == "gru" else hidden[0]
        torch.testing.assert_close(found[:, at], x[:, at] + body.last(out), rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_convolutions_by_a_loop() -> None:
    body = made(given.CnnSettings(**SMALL, window=3, horizontal=2, vertical=2))
    assert isinstance(body, Cnn)
    x, context = inputs()
    found = body(x, context)
    padded = torch.cat([torch.zeros(N, 2, SIZE), x], dim=1)
    for at in range(LENGTH):
        window = padded[:, at : at + 3]  # (n, 3, size)
        parts = []
        for height, conv in enumerate(body.horizontal, start=1):
            slides = [
                torch.einsum("nhs,fsh->nf", window[:, top : top + height], conv.weight) + conv.bias
                for top in range(3 - height + 1)
            ]
            parts.append(torch.stack(slides).relu().amax(dim=0))
        vertical = torch.einsum("nws,vw->nsv", window, body.vertical.weight)
        parts.append(vertical.flatten(1))
        expected = x[:, at] + body.last(torch.cat(parts, dim=1))
        torch.testing.assert_close(found[:, at], expected, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_two_towers_by_hand() -> None:
    body = made(given.TwoTowerSettings(**SMALL, decay=0.5, hidden=4))
    assert isinstance(body, TwoTower)
    x, context = inputs()
    for at in range(LENGTH):
        weights = 0.5 ** torch.arange(at, -1, -1.0)
        mean = torch.einsum("l,nls->ns", weights / weights.sum(), x[:, : at + 1])
        tower = body.user
        hidden = gelu(tower.first(layer_norm(mean, (SIZE,), tower.norm.weight, tower.norm.bias)))
        expected = mean + tower.last(hidden)
        torch.testing.assert_close(body(x, context)[:, at], expected, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_ncf_by_hand() -> None:
    body = made(given.NcfSettings(**SMALL, hidden=4))
    assert isinstance(body, Ncf)
    users, items = torch.randn(3, SIZE), torch.randn(4, SIZE)
    found = body.scores(users, items)
    for row, user in enumerate(users):
        for column, item in enumerate(items):
            hidden = torch.clamp(body.user(user) + body.item(item), min=0)
            expected = (user * item) @ body.product_weight + hidden @ body.out_weight
            assert float(found[row, column]) == pytest.approx(float(expected), abs=1e-4)


@torch.no_grad()
def test_the_divergence_is_torchs_own() -> None:
    body = made(given.VaeSettings(**SMALL, latent=3, hidden=4, kl=1.0, annealing=1))
    assert isinstance(body, Vae)
    x, context = inputs()
    bag = body._bag(x, context.mask)
    torch.testing.assert_close(bag, x.sum(dim=1) / LENGTH**0.5)
    mean, variance = body.encoder(bag)
    code = mean + 0.1
    expected = kl_divergence(Normal(mean, (variance / 2).exp()), Normal(0.0, 1.0)).sum()
    found = body._divergence(bag, code, mean, variance)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_the_composite_prior_by_densities() -> None:
    body = made(given.VaeSettings(**SMALL, latent=3, hidden=4, prior="composite"))
    assert isinstance(body, Vae)
    x, context = inputs()
    bag = body._bag(x, context.mask)
    mean, variance = body.encoder(bag)
    old_mean, old_variance = body.before(bag)
    code = mean + 0.2

    def density(center: torch.Tensor, log_variance: torch.Tensor) -> torch.Tensor:
        return Normal(center, (log_variance / 2).exp()).log_prob(code).sum(dim=1).exp().double()

    zero = torch.zeros_like(mean)
    prior = (
        0.15 * density(zero, zero)
        + 0.75 * density(old_mean, old_variance)
        + 0.1 * density(zero, zero + 10.0)
    )
    expected = (density(mean, variance).log() - prior.log()).sum()
    found = body._divergence(bag, code, mean, variance)
    assert float(found) == pytest.approx(float(expected), rel=1e-3)


def test_item_dropout_leaves_out_whole_items() -> None:
    body = made(given.VaeSettings(**SMALL, item_dropout=0.5))
    assert isinstance(body, Vae)
    body.train()
    body.noise.seed(3)
    x = torch.eye(SIZE)[None, :LENGTH]
    context = Context(torch.ones(1, LENGTH, dtype=torch.bool), inputs()[1].times[:1])
    bag = body._bag(x, context.mask)[0].numpy()
    kept = np.count_nonzero(bag)
    assert 0 < kept < LENGTH
    np.testing.assert_allclose(bag[bag > 0], 1 / kept**0.5, rtol=1e-6)
