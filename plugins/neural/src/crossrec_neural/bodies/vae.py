"""A variational autoencoder of histories (Mult-VAE; Liang et al., 2018).

The encoder's first layer and the decoder's last are the item vectors, so that items are described
by their text and new ones take part. The prior may be RecVAE's mixture (Shenbin et al., 2020).
"""

from __future__ import annotations

from math import log, pi
from typing import ClassVar

import torch
from torch import Tensor, nn

from crossrec_neural.bodies.body import Body, Context
from crossrec_neural.bodies.layers import Noise
from crossrec_neural.settings import VaeSettings

#: Shares of the composite prior: standard normal, the code before the epoch, and a wide normal.
_SHARES = (0.15, 0.75, 0.1)
_WIDE = 10.0


class Encoder(nn.Module):
    """From the sum of a history's vectors to the mean and log variance of its code."""

    def __init__(self, settings: VaeSettings) -> None:
        super().__init__()
        self.first = nn.Linear(settings.embedding_size, settings.hidden)
        self.last = nn.Linear(settings.hidden, 2 * settings.latent)

    def forward(self, bag: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log variance, (n, latent) each."""
        mean, variance = self.last(torch.tanh(self.first(bag))).chunk(2, dim=-1)
        return mean, variance.clamp(-20.0, 10.0)


class Vae(Body):
    """Bag of the history, code, state; the state predicts the whole history."""

    causal: ClassVar[bool] = False

    def __init__(self, settings: VaeSettings, noise: Noise) -> None:
        super().__init__()
        self.settings, self.noise = settings, noise
        self.encoder = Encoder(settings)
        self.decoder = nn.Sequential(
            nn.Linear(settings.latent, settings.hidden),
            nn.Tanh(),
            nn.Linear(settings.hidden, settings.embedding_size),
        )
        self.before = Encoder(settings).requires_grad_(False)
        self.weight, self._kl = 0.0, torch.zeros(())

    def begin_epoch(self, epoch: int) -> None:
        """Raise the weight of the prior, and keep the encoder as it is now."""
        self.weight = self.settings.kl * min(1.0, epoch / self.settings.annealing)
        self.before.load_state_dict(self.encoder.state_dict())

    def forward(self, x: Tensor, context: Context) -> Tensor:
        """Return the state of the history at each of its events, (n, length, size)."""
        bag = self._bag(x, context.mask)
        mean, variance = self.encoder(bag)
        code = mean
        if self.training:
            code = mean + self.noise.normal(mean) * (variance / 2).exp()
            self._kl = self._divergence(bag, code, mean, variance)
        state: Tensor = self.decoder(code)
        return state[:, None].expand(-1, x.shape[1], -1)

    def extra_loss(self) -> Tensor | None:
        """Return the weighted divergence from the prior, summed over the batch."""
        return self.weight * self._kl

    def _bag(self, x: Tensor, mask: Tensor) -> Tensor:
        """Return the sum of the events over the root of their number, (n, size)."""
        kept = mask
        if self.training and self.settings.item_dropout:
            kept = mask & (self.noise.uniform(mask) >= self.settings.item_dropout)
        scale = kept.sum(dim=1, keepdim=True).clamp(min=1).sqrt()
        return (x * kept[..., None]).sum(dim=1) / scale

    def _divergence(self, bag: Tensor, code: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
        if self.settings.prior == "standard":
            terms: Tensor = mean.square() + variance.exp() - variance - 1.0
            return terms.sum() / 2
        zero = torch.zeros_like(mean)
        parts = ((zero, zero), self.before(bag), (zero, zero + _WIDE))
        densities = [
            log(share) + _log_normal(code, *part)
            for share, part in zip(_SHARES, parts, strict=True)
        ]
        prior = torch.logsumexp(torch.stack(densities), dim=0)
        return (_log_normal(code, mean, variance) - prior).sum()


def _log_normal(code: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
    """Return the log density of codes under normals with these log variances, (n,)."""
    terms = variance + (code - mean).square() / variance.exp() + log(2 * pi)
    return -terms.sum(dim=-1) / 2
