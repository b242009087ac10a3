"""A transformer's top layers learn from items that are consumed together. Imports torch.

What lies below the layers that learn never changes, so every text passes it once; its token states
are kept in memory, half a kilobyte to a kilobyte a token, and each step starts from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from crossrec.components.encoder_training import EncoderTraining
from crossrec.components.joint_items import JointItems
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.errors import ConfigError
from crossrec.numeric.ragged import offsets
from numpy.typing import NDArray

from crossrec_text.sentence_model import SentenceModel, pooled

#: Share of the steps in which the rate rises to its full height; it falls to 0 from there.
_WARM = 0.1
_BATCH = 64
#: Below any score: what may not be taken for a negative.
_NEVER = -1e4


@dataclass(frozen=True, eq=False)
class TokenStates:
    """What the frozen layers make of some texts.

    Attributes
    ----------
    states : float16 array, shape (tokens, dim)
        One text after the other.
    indptr : int64 array, shape (texts + 1,)
    """

    states: NDArray[np.float16]
    indptr: NDArray[np.int64]

    def batch(
        self, rows: NDArray[np.int64], device: str, longest: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the padded states of some texts, float32 (n, ≤ longest, dim), and their mask."""
        lengths = np.minimum(self.indptr[rows + 1] - self.indptr[rows], longest)
        mask = np.arange(int(lengths.max())) < lengths[:, None]
        padded = np.zeros((*mask.shape, self.states.shape[1]), dtype=np.float32)
        padded[mask] = np.concatenate(
            [
                self.states[self.indptr[row] : self.indptr[row] + length]
                for row, length in zip(rows, lengths, strict=True)
            ]
        )
        return torch.from_numpy(padded).to(device), torch.from_numpy(mask).to(device)


class TopLayers(torch.nn.Module):
    """The layers that learn, with the model's own pooling."""

    def __init__(self, model: SentenceModel, count: int) -> None:
        super().__init__()
        layers = layers_of(model)
        self.first = len(layers) - count
        self.layers = torch.nn.ModuleList(deepcopy(layer) for layer in layers[self.first :])
        self.pooling = model.files.pooling

    def forward(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return rows of length 1, (n, dim)."""
        pooled_ = pooled(_passed(self.layers, states, mask), mask, self.pooling)
        return torch.nn.functional.normalize(pooled_, dim=1)

    def weights(self, before: TopLayers, share: float) -> dict[str, NDArray[np.float16]]:
        """Return the weights `share` of the way from `before` to these, under the model's names."""
        old = dict(before.layers.named_parameters())
        out = {}
        for name, new in self.layers.named_parameters():
            number, _, rest = name.partition(".")
            value = torch.lerp(old[name].detach(), new.detach(), share)
            out[f"encoder.layer.{self.first + int(number)}.{rest}"] = value.half().cpu().numpy()
        return out


def adapted_weights(
    model: SentenceModel, sources: Sequence[JointItems], training: EncoderTraining, run: RunOptions
) -> State:
    """Train copies of the top layers and return their weights, interpolated, as float16.

    The loss is the symmetric softmax cross-entropy of each pair among the items of the batch
    (InfoNCE; van den Oord et al., 2018).

    Raises
    ------
    ConfigError
        If the model is not built like BERT, or has no more layers than are to learn.
    """
    layers = layers_of(model)
    if training.layers >= len(layers):
        raise ConfigError(
            f"transformer: {training.layers} layers are to learn, the model has {len(layers)}: "
            "name fewer"
        )
    known = [token_states(model, source.texts, training.layers, run) for source in sources]
    before = threads = torch.get_num_threads()
    torch.set_num_threads(run.threads or threads)
    try:
        start = TopLayers(model, training.layers)
        top = _trained(deepcopy(start).eval(), sources, known, training, run)
    finally:
        torch.set_num_threads(before)
    return State(dict(top.weights(start, training.share)), {"model": model.files.identity})


def token_states(
    model: SentenceModel, texts: Sequence[str], top: int, run: RunOptions
) -> TokenStates:
    """Pass all texts, one at least, through everything below the `top` layers."""
    tokens = model.tokens(texts)
    lengths = np.array([len(ids) for ids in tokens["input_ids"]], dtype=np.int64)
    indptr = offsets(lengths)
    flat = np.zeros((int(indptr[-1]), int(model.network.config.hidden_size)), dtype=np.float16)
    order = np.argsort(-lengths, kind="stable")
    for start in range(0, len(order), _BATCH):
        run.progress("passing texts through the lower layers", start, len(order))
        rows = order[start : start + _BATCH]
        states, mask = model.states_before(layers_of(model)[-top], tokens, rows.tolist())
        places = np.concatenate([np.arange(indptr[row], indptr[row + 1]) for row in rows])
        flat[places] = states[mask.bool()].half().cpu().numpy()
    return TokenStates(flat, indptr)


def layers_of(model: SentenceModel) -> torch.nn.ModuleList:
    """Return the layers of a model that is built like BERT.

    Raises
    ------
    ConfigError
        If it is not.
    """
    layers = getattr(getattr(model.network, "encoder", None), "layer", None)
    if not isinstance(layers, torch.nn.ModuleList) or hasattr(model.network.encoder, "embed"):
        raise ConfigError(
            "transformer: only models built like BERT (MiniLM, E5, BGE …) can be adapted: "
            "name one, or pretrain without --adapt-encoder"
        )
    return layers


def _passed(layers: torch.nn.ModuleList, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Pass token states through layers; padding is not attended to."""
    hidden = torch.zeros(mask.shape, dtype=states.dtype, device=states.device)
    hidden = hidden.masked_fill(~mask.bool(), torch.finfo(states.dtype).min)[:, None, None, :]
    for layer in layers:
        out: Any = layer(states, attention_mask=hidden)
        states = out[0] if isinstance(out, tuple) else out
    return states


def _trained(
    top: TopLayers,
    sources: Sequence[JointItems],
    known: Sequence[TokenStates],
    training: EncoderTraining,
    run: RunOptions,
) -> TopLayers:
    """Take all steps; dropout stays off, so that the seed decides about the batches alone."""
    rng = np.random.default_rng([run.seed, 2])
    top.to(run.device)
    optimizer = torch.optim.AdamW(top.parameters(), lr=training.learning_rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda at: _rate(at, training.steps))
    for step in range(training.steps):
        run.progress("adapting the encoder", step, training.steps)
        turn = step % len(sources)
        loss = _loss(top, sources[turn], known[turn], training, run, rng)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(top.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    run.progress("adapting the encoder", training.steps, training.steps)
    return top


def _rate(step: int, steps: int) -> float:
    """Return the learning rate's share at a step."""
    return min(1.0, (step + 1) / max(_WARM * steps, 1.0)) * (1.0 - step / steps)


def _loss(
    top: TopLayers,
    source: JointItems,
    known: TokenStates,
    training: EncoderTraining,
    run: RunOptions,
    rng: np.random.Generator,
) -> torch.Tensor:
    """Return the loss of one batch of pairs."""
    first, second = source.draw(rng, training.pairs)
    items, place = np.unique(np.concatenate([first, second]), return_inverse=True)
    vectors = top(*known.batch(items, run.device, training.tokens))
    vectors = vectors[torch.from_numpy(place).to(run.device)]
    scores = vectors[: len(first)] @ vectors[len(first) :].T / training.temperature
    related = source.related(first, second)
    np.fill_diagonal(related, False)
    scores = scores.masked_fill(torch.from_numpy(related).to(run.device), _NEVER)
    right = torch.arange(len(first), device=run.device)
    cross = torch.nn.functional.cross_entropy
    return (cross(scores, right) + cross(scores.T, right)) / 2
