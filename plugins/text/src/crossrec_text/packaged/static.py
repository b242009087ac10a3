"""The encoder `static`: one vector for each token, averaged over the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from crossrec.components.cost import Cost, DatasetSize
from crossrec.components.run import RunOptions
from crossrec.data.catalog import Catalog
from crossrec.errors import ConfigError
from numpy.typing import NDArray

from crossrec_text.encoding import Encoded, encode_catalog
from crossrec_text.errors import ModelError
from crossrec_text.packaged.base import Speed, unit_rows
from crossrec_text.packaged.distilling import TENSOR, TOKENIZER, WEIGHTS, distilled, kept_folder
from crossrec_text.packaged.settings import StaticConfig

#: Without the distilling, which is done once: see `Speed`.
_SPEED = Speed(loading=0.2, text=5e-5, character=1.1e-6, memory=1.5e8)
#: Reference seconds of distilling all-MiniLM-L6-v2.
_DISTILLING = 60.0


@dataclass(frozen=True, eq=False)
class StaticVectors:
    """Vectors of tokens, float32 (n_tokens, dim), and the tokenizer that they belong to."""

    tokenizer: Any
    rows: NDArray[np.float32]

    @classmethod
    def read(cls, folder: Path) -> StaticVectors:
        """Read a folder as Model2Vec saves it.

        Raises
        ------
        ConfigError
            If it holds something else.
        ModelError
            If the library that reads its tokenizer is not installed.
        """
        from safetensors.numpy import load_file

        try:
            from tokenizers import Tokenizer
        except ImportError:
            raise ModelError(
                "the encoder 'static' needs tokenizers: run "
                "`crossrec install 'crossrec-text[static]'`"
            ) from None
        try:
            tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
            tensors = load_file(folder / WEIGHTS)
            rows = np.ascontiguousarray(tensors[TENSOR], dtype=np.float32)
        except Exception as error:  # both libraries raise their own
            reason = " ".join(str(error).split())
            raise ConfigError(f"static: {folder} holds no vectors of tokens: {reason}") from None
        if set(tensors) != {TENSOR} or rows.ndim != 2 or len(rows) < tokenizer.get_vocab_size():
            raise ConfigError(
                f"static: {folder} holds vectors of another kind: one row for each token of the "
                "tokenizer is read"
            )
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return cls(tokenizer, rows)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the mean of the vectors of each text's tokens, float32 (n, dim), of length 1."""
        tokens = self.tokenizer.encode_batch(list(texts), add_special_tokens=False)
        lengths = np.array([len(one.ids) for one in tokens])
        ids = np.array([token for one in tokens for token in one.ids], dtype=np.int64)
        sums = np.zeros((len(texts), self.rows.shape[1]), dtype=np.float32)
        filled = np.flatnonzero(lengths)
        if len(filled):
            starts = np.concatenate([[0], np.cumsum(lengths[filled])[:-1]])
            sums[filled] = np.add.reduceat(self.rows[ids], starts, axis=0)
        return unit_rows(sums)


class StaticEncoder:
    """Encoder by static vectors that are distilled from a transformer (Model2Vec).

    Each token of the vocabulary passes through the transformer once; the vectors are reduced by
    principal components and weighted by how rare their token is (Tulkens and van Dongen 2024; the
    weights after Arora et al. 2017). Encoding is then a look-up: thousands of texts a second.
    A text is the mean of its tokens, so the order of words says nothing.

    Attributes
    ----------
    last : Encoded or None
        What the latest call did.
    """

    def __init__(self, config: StaticConfig | None = None) -> None:
        self.config = config or StaticConfig()
        self.last: Encoded | None = None
        self._vectors: StaticVectors | None = None

    def estimate(self, size: DatasetSize, run: RunOptions) -> Cost:
        """Return what distilling costs, where it was not done before, and encoding the texts."""
        cost = _SPEED.cost(size, 1.0, np.inf)
        if not size.texts or kept_folder(self.config, run) is not None:
            return cost
        return cost.plus(Cost.of(dense=_DISTILLING, memory=6e8))

    def encode(self, catalog: Catalog, run: RunOptions) -> NDArray[np.float32]:
        """Return float32 (n_items, dim), rows of length 1; zero rows for items without text.

        Raises
        ------
        ModelError
            If the model, or what it needs, is neither installed nor reachable.
        ConfigError
            If the folder holds something else than a model.
        """

        def fresh(texts: Sequence[str]) -> NDArray[np.float32]:
            if self._vectors is None:
                self._vectors = self._read(run)
            return self._vectors.encode(texts)

        vectors, self.last = encode_catalog(catalog, run, str, fresh)  # faster than the cache
        return vectors

    def _read(self, run: RunOptions) -> StaticVectors:
        """Read the vectors of the tokens; distil and keep them where that was not done before."""
        folder = kept_folder(self.config, run)
        if folder is not None:
            return StaticVectors.read(folder)
        with distilled(self.config, run) as made:
            return StaticVectors.read(made)
