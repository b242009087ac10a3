"""A transformer that turns sentences into vectors. Imports torch; load it late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
from crossrec.errors import ConfigError
from numpy.typing import NDArray

from crossrec_text.errors import ModelError
from crossrec_text.model_files import INSTALL, ModelFiles
from crossrec_text.settings import TransformerConfig

try:
    import torch
    import transformers
except ImportError as error:
    raise ModelError(f"the transformer encoder needs {error.name}: run `{INSTALL}`") from None


class SentenceModel:
    """A loaded model with its tokenizer.

    Raises
    ------
    ConfigError
        If the files cannot be read as a model.
    """

    def __init__(
        self, files: ModelFiles, config: TransformerConfig, device: str, threads: int | None
    ) -> None:
        self.files = files
        self.device = device
        self.threads = threads
        self._prefix = config.prefix
        self._autocast = config.dtype == "bfloat16"
        self._tokenizer, self.network = _load(files)
        self.network.float().eval().to(device)
        longest = getattr(self.network.config, "max_position_embeddings", None)
        limits = [config.max_tokens, int(self._tokenizer.model_max_length), longest]
        self._max_tokens = min(limit for limit in limits if limit)

    def encode(self, texts: Sequence[str], batch_size: int) -> NDArray[np.float32]:
        """Return float32 (n, dim) with rows of length 1."""
        return self._encode_tokens(self.tokens(texts), batch_size)

    def encode_vocabulary(self, batch_size: int) -> NDArray[np.float32]:
        """Return what each token alone is encoded as, by its number, float32 (n_tokens, dim).

        Rows of tokens that stand for no text are zero.
        """
        frame = self._tokenizer("")["input_ids"]
        opens = (self._tokenizer.cls_token_id, self._tokenizer.bos_token_id)
        first = int(bool(frame) and frame[0] in opens)
        n = max(self._tokenizer.get_vocab().values()) + 1
        ids = [[*frame[:first], token, *frame[first:]] for token in range(n)]
        given = {"input_ids": ids, "attention_mask": [[1] * len(row) for row in ids]}
        vectors = self._encode_tokens(given, batch_size)
        vectors[self._tokenizer.all_special_ids] = 0.0
        return vectors

    def _encode_tokens(self, tokens: Any, batch_size: int) -> NDArray[np.float32]:
        ids = tokens["input_ids"]
        order = sorted(range(len(ids)), key=lambda at: (-len(ids[at]), at))
        before = torch.get_num_threads()
        torch.set_num_threads(self.threads or before)
        try:
            parts = [
                self._forward(tokens, order[start : start + batch_size])
                for start in range(0, len(order), batch_size)
            ]
        finally:
            torch.set_num_threads(before)
        vectors = np.concatenate(parts)
        back = np.empty(len(order), dtype=np.int64)
        back[order] = np.arange(len(order))
        ordered: NDArray[np.float32] = vectors[back]
        return ordered

    def tokens(self, texts: Sequence[str]) -> Any:
        """Return the tokens of texts, cut at the longest that is read, not padded."""
        whole = [f"{self._prefix}{text}" for text in texts]
        return self._tokenizer(whole, truncation=True, max_length=self._max_tokens)

    def replace_weights(self, weights: Mapping[str, NDArray[Any]]) -> None:
        """Put other weights in place of some of the model's own, by name.

        Raises
        ------
        ConfigError
            If the model has none of that name and shape.
        """
        own = dict(self.network.named_parameters())
        for name, value in weights.items():
            if name not in own or tuple(own[name].shape) != value.shape:
                raise ConfigError(f"transformer: {self.files.folder} has no weights {name}")
            own[name].data.copy_(torch.from_numpy(np.array(value, dtype=np.float32)))

    def states_before(self, layer: torch.nn.Module, tokens: Any, rows: list[int]) -> Any:
        """Return what reaches `layer` of some texts, (n, length, dim), and their mask."""
        batch = self._padded(tokens, rows)
        reached: list[torch.Tensor] = []

        def stop(_: torch.nn.Module, given: tuple[torch.Tensor, ...]) -> None:
            reached.append(given[0])
            raise _ReachedError

        hook = layer.register_forward_pre_hook(stop)
        try:
            with torch.inference_mode(), self._mixed():
                self.network(**batch)
        except _ReachedError:
            pass
        finally:
            hook.remove()
        return reached[0].float(), batch["attention_mask"]

    def _forward(self, tokens: Any, rows: list[int]) -> NDArray[np.float32]:
        """Pass one batch through the model."""
        batch = self._padded(tokens, rows)
        with torch.inference_mode(), self._mixed():
            states = self.network(**batch).last_hidden_state.float()
        unit = torch.nn.functional.normalize(
            pooled(states, batch["attention_mask"], self.files.pooling), dim=1
        )
        vectors: NDArray[np.float32] = unit.cpu().numpy().astype(np.float32, copy=False)
        return vectors

    def _padded(self, tokens: Any, rows: list[int]) -> Any:
        """Return the chosen texts as one batch of tensors."""
        chosen = {name: [column[at] for at in rows] for name, column in tokens.items()}
        return self._tokenizer.pad(chosen, return_tensors="pt").to(self.device)

    def _mixed(self) -> Any:
        """Return the context of the configured arithmetic."""
        kind = torch.device(self.device).type
        return torch.autocast(kind, torch.bfloat16) if self._autocast else nullcontext()


class _ReachedError(Exception):
    """A pass has come to the layer where it is to end."""


def pooled(states: torch.Tensor, mask: torch.Tensor, pooling: str) -> torch.Tensor:
    """Make one vector of the token vectors (n, length, dim): their mean, or the first."""
    if pooling == "cls":
        return states[:, 0]
    weights = mask.unsqueeze(-1).to(states.dtype)
    return (states * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1e-9)


def _load(files: ModelFiles) -> tuple[Any, Any]:
    """Read tokenizer and weights from the folder; nothing is downloaded, nothing unpickled."""
    bars: Any = transformers.utils.logging
    shown = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(
            files.folder, local_files_only=True, trust_remote_code=False
        )
        model = transformers.AutoModel.from_pretrained(
            files.folder, local_files_only=True, use_safetensors=True, trust_remote_code=False
        )
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ConfigError(f"transformer: {files.folder} is not a usable model: {reason}") from None
    finally:
        if shown:
            bars.enable_progress_bar()
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    return tokenizer, model
