"""The top layers of a transformer, apart from those below, so that they can learn. Imports torch.

What lies below the layers that learn never changes, so every text passes it once; its token states
are kept, half a kilobyte to a kilobyte a token, and each step starts from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import Any

import numpy as np
import torch
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.errors import ConfigError
from crossrec.numeric.ragged import offsets
from numpy.typing import NDArray

from crossrec_text.sentence_model import SentenceModel, pooled

#: Texts that pass the lower layers at once, and the upper ones.
_BATCH, _LEARNT = 64, 32
#: More bytes of token states than this lie in a file; the system keeps of it what memory allows.
IN_MEMORY = 1 << 28


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
        return {
            self._name(name): torch.lerp(old[name].detach(), new.detach(), share)
            .half()
            .cpu()
            .numpy()
            for name, new in self.layers.named_parameters()
        }

    def exact_weights(self) -> dict[str, NDArray[np.float32]]:
        """Return copies of the weights under the model's names."""
        named = self.layers.named_parameters()
        return {self._name(name): np.array(one.detach().cpu().numpy()) for name, one in named}

    def _name(self, name: str) -> str:
        """Return the name in the whole model of a weight of `layers`."""
        number, _, rest = name.partition(".")
        return f"encoder.layer.{self.first + int(number)}.{rest}"


class TrainableTexts(torch.nn.Module):
    """Texts as what the top layers make of them; nothing but these layers has weights here.

    Dropout stays off, so that a text has one vector while its layers learn too.

    Parameters
    ----------
    top : TopLayers
        Copies: the model itself stays as it is.
    known : TokenStates
        Of all texts.
    identity : str
        Of the model.
    """

    def __init__(self, top: TopLayers, known: TokenStates, identity: str) -> None:
        super().__init__()
        self.top, self.known, self.identity = top.eval(), known, identity

    @classmethod
    def of(
        cls, model: SentenceModel, texts: Sequence[str], count: int, run: RunOptions
    ) -> TrainableTexts:
        """Pass all texts, one at least, through everything below the `count` top layers.

        Raises
        ------
        ConfigError
            If the model is not built like BERT, or has fewer layers.
        """
        layers = layers_of(model)
        if count > len(layers):
            raise ConfigError(
                f"transformer: {count} layers are to learn, the model has {len(layers)}: name fewer"
            )
        known = token_states(model, texts, count, run)
        return cls(TopLayers(model, count).to(run.device), known, model.files.identity)

    def train(self, mode: bool = True) -> TrainableTexts:
        """Stay as in serving: nothing is dropped out."""
        return super().train(False)

    def forward(self, rows: NDArray[np.int64]) -> torch.Tensor:
        """Return the vectors of some texts, one at least, (n, dim), rows of length 1."""
        device = str(next(self.top.parameters()).device)
        lengths = self.known.indptr[rows + 1] - self.known.indptr[rows]
        order = np.argsort(lengths, kind="stable")  # texts of one length need no padding
        longest = int(lengths.max())
        parts = [
            self.top(*self.known.batch(rows[order[at : at + _LEARNT]], device, longest))
            for at in range(0, len(order), _LEARNT)
        ]
        back = np.argsort(order, kind="stable")
        return torch.cat(parts)[torch.from_numpy(back).to(device)]

    def state(self) -> State:
        """Return the weights as the encoder's `with_weights` takes them, float32."""
        return State(dict(self.top.exact_weights()), {"model": self.identity})


def token_states(
    model: SentenceModel, texts: Sequence[str], top: int, run: RunOptions
) -> TokenStates:
    """Pass all texts, one at least, through everything below the `top` layers."""
    tokens = model.tokens(texts)
    lengths = np.array([len(ids) for ids in tokens["input_ids"]], dtype=np.int64)
    indptr = offsets(lengths)
    flat = _room((int(indptr[-1]), int(model.network.config.hidden_size)), run)
    order = np.argsort(-lengths, kind="stable")
    for start in range(0, len(order), _BATCH):
        run.progress("passing texts through the lower layers", start, len(order))
        rows = order[start : start + _BATCH]
        states, mask = model.states_before(layers_of(model)[-top], tokens, rows.tolist())
        places = np.concatenate([np.arange(indptr[row], indptr[row + 1]) for row in rows])
        flat[places] = states[mask.bool()].half().cpu().numpy()
    return TokenStates(flat, indptr)


def _room(shape: tuple[int, int], run: RunOptions) -> NDArray[np.float16]:
    """Return an array to fill: in memory, or in a nameless file of the cache where it is large."""
    if 2 * shape[0] * shape[1] <= IN_MEMORY:
        return np.zeros(shape, dtype=np.float16)
    if run.cache is not None:
        run.cache.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=run.cache) as file:  # the mapping keeps it until nobody reads it
        return np.memmap(file, np.float16, "w+", shape=shape)


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
            "transformer: only models built like BERT (MiniLM, E5, BGE …) can be trained: name "
            "one, or leave out what trains it (--adapt-encoder, inputs.text_layers)"
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
