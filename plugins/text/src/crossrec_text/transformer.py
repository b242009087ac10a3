"""The transformer encoder: sentence vectors, cached by content."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from crossrec.components.cost import Cost, DatasetSize
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.data.catalog import Catalog
from crossrec.errors import ConfigError
from crossrec.store.vector_cache import VectorCache
from numpy.typing import NDArray

from crossrec_text.costs import missing_share, transformer_cost, weights_in
from crossrec_text.encoding import Encoded, encode_catalog
from crossrec_text.model_files import ModelFiles, find_model, local_model
from crossrec_text.settings import TransformerConfig

if TYPE_CHECKING:
    from crossrec.components.encoder_training import EncoderTraining
    from crossrec.components.joint_items import JointItems

    from crossrec_text.sentence_model import SentenceModel
    from crossrec_text.top_layers import TrainableTexts


class TransformerEncoder:
    """Encoder that turns each item's text into one vector of a pretrained transformer.

    The vectors of the tokens are averaged over the attention mask, or as the model's own
    sentence-transformers files define (Reimers & Gurevych 2019), and divided by their length.
    With ``run.cache``, only texts that were never seen are encoded; where there are none, the
    model is not even loaded.

    Attributes
    ----------
    last : Encoded or None
        What the latest call did.
    """

    def __init__(self, config: TransformerConfig | None = None) -> None:
        self.config = config or TransformerConfig()
        self.last: Encoded | None = None
        self._model: SentenceModel | None = None
        self._weights = State()

    def estimate(self, size: DatasetSize, run: RunOptions) -> Cost:
        """Return what encoding the texts costs that are not in the cache; downloads nothing."""
        files = local_model(self.config.model)
        share, weights = 1.0, 0
        if files is not None:
            cache = None if run.cache is None else VectorCache(run.cache, self._key(files))
            share, weights = missing_share(size.contents, cache), weights_in(files.folder)
        return transformer_cost(size, self.config, share, weights, run.device)

    def encode(self, catalog: Catalog, run: RunOptions) -> NDArray[np.float32]:
        """Return float32 (n_items, dim), rows of length 1; zero rows for items without text.

        Raises
        ------
        ModelError
            If the model, or what it needs, is neither installed nor reachable.
        """
        vectors, self.last = encode_catalog(
            catalog,
            run,
            lambda: self._key(find_model(self.config.model, self.config.revision)),
            lambda texts: self._loaded(run).encode(texts, self.config.batch_size),
        )
        return vectors

    def adapt(
        self, sources: Sequence[JointItems], training: EncoderTraining, run: RunOptions
    ) -> State:
        """Return weights of the top layers that learnt from items consumed together.

        A second call, or an encoder with other weights, starts from the model's own weights again.

        Raises
        ------
        ModelError
            If the model, or what it needs, is neither installed nor reachable.
        ConfigError
            If it is not built like BERT, or has too few layers.
        """
        files = find_model(self.config.model, self.config.revision)
        from crossrec_text.adapting import adapted_weights
        from crossrec_text.sentence_model import SentenceModel

        model = SentenceModel(files, self.config, run.device, run.threads)
        return adapted_weights(model, sources, training, run)

    def top_layers(self, texts: Sequence[str], count: int, run: RunOptions) -> TrainableTexts:
        """Return texts whose vectors the top layers make anew as they learn.

        The encoder itself stays as it is; `with_weights` takes what they learnt.

        Raises
        ------
        ModelError
            If the model, or what it needs, is neither installed nor reachable.
        ConfigError
            If it is not built like BERT, or has fewer layers.
        """
        files = find_model(self.config.model, self.config.revision)
        from crossrec_text.sentence_model import SentenceModel
        from crossrec_text.top_layers import TrainableTexts

        model = SentenceModel(files, self.config, run.device, run.threads)
        return TrainableTexts.of(model, texts, count, run)

    def with_weights(self, state: State) -> TransformerEncoder:
        """Return an encoder whose model has weights that were learnt, by `adapt` or `top_layers`.

        Raises
        ------
        ModelError
            If the model is neither here nor can be had.
        ConfigError
            If the weights belong to another model.
        """
        identity = find_model(self.config.model, self.config.revision).identity
        if state.values.get("model") != identity:
            raise ConfigError(
                f"transformer: adapted weights belong to {state.values.get('model')}, the model "
                f"is {identity}: pretrain again"
            )
        other = TransformerEncoder(self.config)
        other._weights = state
        return other

    def _key(self, files: ModelFiles) -> str:
        """Name everything but the text that decides about a vector."""
        key = f"{files.identity} {files.pooling} {self.config.max_tokens} {self.config.dtype}"
        key += f" {self.config.prefix!r}" if self.config.prefix else ""
        return f"{key} {_digest(self._weights)}" if self._weights.arrays else key

    def _loaded(self, run: RunOptions) -> SentenceModel:
        files = find_model(self.config.model, self.config.revision)
        if self._model is None or (self._model.files, self._model.device) != (files, run.device):
            from crossrec_text.sentence_model import SentenceModel

            self._model = SentenceModel(files, self.config, run.device, run.threads)
            self._model.replace_weights(self._weights.arrays)
        return self._model


def _digest(weights: State) -> str:
    """Return a digest of adapted weights."""
    digest = hashlib.sha256()
    for name, array in sorted(weights.arrays.items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]
