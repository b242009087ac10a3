"""A transformer that turns sentences into vectors. Imports torch; load it late."""

from __future__ import annotations

from collections.abc import Sequence
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
    raise ModelError(f"the transformer encoder needs {error.name}: {INSTALL}") from None


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
        self._autocast = config.dtype == "bfloat16"
        self._tokenizer, self._model = _load(files)
        self._model.float().eval().to(device)
        longest = getattr(self._model.config, "max_position_embeddings", None)
        limits = [config.max_tokens, int(self._tokenizer.model_max_length), longest]
        self._max_tokens = min(limit for limit in limits if limit)

    def encode(self, texts: Sequence[str], batch_size: int) -> NDArray[np.float32]:
        """Return float32 (n, dim) with rows of length 1."""
        tokens = self._tokenizer(list(texts), truncation=True, max_length=self._max_tokens)
        ids = tokens["input_ids"]
        order = sorted(range(len(texts)), key=lambda at: (-len(ids[at]), at))
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

    def _forward(self, tokens: Any, rows: list[int]) -> NDArray[np.float32]:
        """Pass one batch through the model."""
        chosen = {name: [column[at] for at in rows] for name, column in tokens.items()}
        batch = self._tokenizer.pad(chosen, return_tensors="pt").to(self.device)
        kind = torch.device(self.device).type
        mixed: Any = torch.autocast(kind, torch.bfloat16) if self._autocast else nullcontext()
        with torch.inference_mode(), mixed:
            states = self._model(**batch).last_hidden_state.float()
        pooled = _pooled(states, batch["attention_mask"], self.files.pooling)
        unit = torch.nn.functional.normalize(pooled, dim=1)
        vectors: NDArray[np.float32] = unit.cpu().numpy().astype(np.float32, copy=False)
        return vectors


def _pooled(states: torch.Tensor, mask: torch.Tensor, pooling: str) -> torch.Tensor:
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
        tokenizer = transformers.AutoTokenizer.from_pretrained(files.folder, local_files_only=True)
        model = transformers.AutoModel.from_pretrained(
            files.folder, local_files_only=True, use_safetensors=True
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
