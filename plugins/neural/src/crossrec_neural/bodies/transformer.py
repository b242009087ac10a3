"""Causal self-attention (SASRec; Kang and McAuley, 2018), or gated layers (HSTU; Zhai, 2024).

Attention is moved by the distance of two events and, as an option, by the time between them. It
starts as a decayed mean of the history that the first layer adds to the latest item, so that before
any training the model proposes what is like the history.
"""

from __future__ import annotations

from math import log

import torch
from torch import Tensor, nn

from crossrec_neural.bodies.body import Body, Context, causal_mask
from crossrec_neural.bodies.layers import Dropout, FeedForward, Noise, ZeroLinear
from crossrec_neural.inputs.histories import BUCKETS
from crossrec_neural.settings import TransformerSettings

#: Weight of an event relative to the one after it, before training.
_DECAY = 0.8


class AttentionBias(nn.Module):
    """What distance and time between two events add to their attention, for each head."""

    def __init__(self, settings: TransformerSettings) -> None:
        super().__init__()
        heads = settings.attention_heads
        self.distance = nn.Embedding(settings.max_length if settings.positions else 1, heads)
        self.time = nn.Embedding(BUCKETS, heads) if settings.time_bias else None
        self.fall = 0.0 if settings.gated else log(_DECAY)

    def start(self) -> None:
        """Let softmax attention fall with the distance."""
        with torch.no_grad():
            steps = torch.arange(len(self.distance.weight), dtype=torch.float32)
            self.distance.weight.copy_(self.fall * steps[:, None])
            if self.time is not None:
                self.time.weight.zero_()

    def forward(self, context: Context) -> Tensor:
        """Return the bias, (n or 1, heads, length, length)."""
        at = torch.arange(context.mask.shape[1], device=context.mask.device)
        distance = (at[:, None] - at).clamp(0, len(self.distance.weight) - 1)
        bias: Tensor = self.distance(distance).permute(2, 0, 1)[None]
        if self.time is None:
            return bias
        since = context.times[:, :, None] - context.times[:, None, :]
        known = torch.isfinite(since)
        bucket = torch.where(known, 1 + torch.log2(1 + since.nan_to_num().abs()).long(), 0)
        time: Tensor = self.time(bucket.clamp(0, BUCKETS - 1))
        return bias + time.permute(0, 3, 1, 2)


class Attention(nn.Module):
    """Multi-head attention over the events up to each one."""

    def __init__(self, settings: TransformerSettings, dropout: Dropout, first: bool) -> None:
        super().__init__()
        size, self.heads, self.first = settings.embedding_size, settings.attention_heads, first
        self.norm, self.gated = nn.LayerNorm(size), settings.gated
        self.mixed = nn.Linear(size, (4 if self.gated else 3) * size)
        self.bias, self.last = AttentionBias(settings), ZeroLinear(size, size)
        self.after = nn.LayerNorm(size) if self.gated else None
        self.dropout = dropout

    def start(self) -> None:
        """Let the first layer begin as a decayed mean of what it reads."""
        if self.first and not self.gated:
            size = self.last.in_features
            with torch.no_grad():
                self.mixed.weight[2 * size :].copy_(torch.eye(size))
                self.last.weight.copy_(torch.eye(size))

    def forward(self, x: Tensor, context: Context) -> Tensor:
        """Return `x` and what attention adds to it, (n, length, size)."""
        mixed = self.mixed(self.norm(x))
        mixed = nn.functional.silu(mixed) if self.gated else mixed
        query, key, value, *gate = mixed.chunk(4 if self.gated else 3, dim=-1)
        query, key, value = (self._split(part) for part in (query, key, value))
        weights = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5 + self.bias(context)
        seen = causal_mask(x.shape[1], x.device)
        if self.gated:
            count = torch.arange(1, x.shape[1] + 1, device=x.device)[:, None]
            weights = (nn.functional.silu(weights) * seen) / count
        else:
            weights = weights.masked_fill(~seen, float("-inf")).softmax(dim=-1)
        out = (self.dropout(weights) @ value).transpose(1, 2).flatten(2)
        if self.after is not None:
            out = self.after(out) * gate[0]
        added: Tensor = self.dropout(self.last(out))
        return x + added

    def _split(self, x: Tensor) -> Tensor:
        n, length, size = x.shape
        return x.view(n, length, self.heads, size // self.heads).transpose(1, 2)


class Transformer(Body):
    """Layers of attention, each followed by a feed-forward network where it is not gated."""

    def __init__(self, settings: TransformerSettings, noise: Noise) -> None:
        super().__init__()
        size, dropout = settings.embedding_size, Dropout(settings.dropout, noise)
        self.dropout = dropout
        self.layers = nn.ModuleList()
        for at in range(settings.layers):
            self.layers.append(Attention(settings, dropout, first=at == 0))
            if not settings.gated:
                self.layers.append(FeedForward(size, 2 * size, dropout))

    def forward(self, x: Tensor, context: Context) -> Tensor:
        """Return the state at each event, (n, length, size)."""
        x = self.dropout(x)
        for layer in self.layers:
            x = layer(x, context) if isinstance(layer, Attention) else layer(x)
        return x
