"""A trained model as it serves: item vectors, the body, and what new items are read with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import torch
from crossrec.components.query import QueryBatch
from crossrec.components.state import State
from crossrec.data.dataset import Dataset
from crossrec.numeric.ragged import BoolArray, FloatArray, IntArray
from torch import Tensor

from crossrec_neural.inputs.columns import ItemColumns, new_columns
from crossrec_neural.inputs.histories import Histories, HistorySpace
from crossrec_neural.inputs.tags import TagSpace
from crossrec_neural.inputs.text import TextSpace
from crossrec_neural.inputs.text_encoder import TrainedEncoder
from crossrec_neural.inputs.tower import ItemTensors
from crossrec_neural.settings import NeuralSettings
from crossrec_neural.training.model import NeuralModel, set_weights, weights_of
from crossrec_neural.training.progress import Chosen, Epoch, TrainingState

#: The one weight that serving does not need: item vectors have it in them.
_OWN = "tower.own.weight"
#: What the names of the encoder's weights begin with in a state.
_ENCODER = "encoder:"


@dataclass(frozen=True, eq=False)
class Spaces:
    """How raw inputs are read."""

    text: TextSpace
    tags: TagSpace
    history: HistorySpace


@dataclass(frozen=True, eq=False)
class Fitted:
    """What a source answers with.

    Attributes
    ----------
    vectors, table : float32 tensors, shape (n_items, size)
        Of the items in a history, and as candidates.
    known : bool array, shape (n_items,)
        Items with any evidence.
    comes_back : bool
        Whether people of the fitted dataset come back to items.
    epochs : tuple of Epoch
    best : int
        Number of the epoch that serves, -1 where nothing was trained.
    planned : int
        Epochs at most.
    events : str
        Digest of the events that were learnt.
    refitted : bool
        Whether all of them were learnt for as many epochs as validation chose on fewer.
    start : mapping of JSON values
        What a pretrained body was worth; empty without one.
    encoder : TrainedEncoder or None
        What new items are encoded with, where layers of it were trained.
    """

    model: NeuralModel
    spaces: Spaces
    vectors: Tensor
    table: Tensor
    known: BoolArray
    comes_back: bool
    epochs: tuple[Epoch, ...]
    best: int
    planned: int
    events: str
    refitted: bool = False
    start: Mapping[str, Any] = field(default_factory=dict)
    encoder: TrainedEncoder | None = None

    @classmethod
    def of(
        cls,
        model: NeuralModel,
        spaces: Spaces,
        known: BoolArray,
        comes_back: bool,
        training: TrainingState,
        events: str,
    ) -> Fitted:
        """Freeze a trained model; it serves on the processor."""
        model.on("cpu")
        with torch.no_grad():
            vectors = model.item_vectors()
            table = model.candidates(vectors)
        encoder = None if model.texts is None else model.texts.trained()
        model.texts = None  # its token states are large, and the vectors have all that it knows
        return cls(
            model, spaces, vectors, table, known, comes_back, tuple(training.epochs),
            training.best, training.planned, events, encoder=encoder,
        )  # fmt: skip

    @property
    def chosen(self) -> Chosen:
        """What validation chose."""
        left = self.epochs[self.best].left if self.best >= 0 else 1.0
        return Chosen(self.best + 1, self.planned, left)

    def states(self, queries: QueryBatch) -> tuple[Tensor, BoolArray]:
        """Return the states of the queries with a readable history, and which these are."""
        n_items, limit = len(self.known), self.model.settings.max_length
        histories = Histories.of_queries(queries, self.spaces.history, n_items)
        histories = histories.where(self.known[histories.rows.values])
        readable = histories.rows.lengths > 0
        rows = np.flatnonzero(readable)
        if not len(rows):
            return torch.zeros(0, self.model.settings.embedding_size), readable
        lengths = np.minimum(histories.rows.lengths[rows], limit)
        batch = histories.cut(histories.rows.indptr[rows + 1] - lengths, lengths)
        with torch.no_grad():
            return self.model.last_states(batch, self.vectors), readable

    def all_scores(self, queries: QueryBatch) -> FloatArray:
        """Return the scores of all items, float32 (n, n_items); -inf without evidence."""
        states, readable = self.states(queries)
        scores = np.full((len(queries), len(self.known)), -np.inf, dtype=np.float32)
        if readable.any():
            with torch.no_grad():
                scores[readable] = self.model.scores(states, self.table).numpy()
        scores[:, ~self.known] = -np.inf
        return scores

    def some_scores(self, queries: QueryBatch, index: IntArray) -> FloatArray:
        """Return the scores of items within the catalogue, float32 (n, m); NaN without evidence."""
        states, readable = self.states(queries)
        scores = np.full(index.shape, np.nan, dtype=np.float32)
        if readable.any() and index.shape[1]:
            items = self.table[torch.from_numpy(index[readable])]
            with torch.no_grad():
                scores[readable] = self.model.pairs(states[:, None], items).numpy()
        scores[~self.known[index]] = np.nan
        return scores

    def grown(self, dataset: Dataset, encoder: str) -> Fitted:
        """Return the same with the items that ``dataset.catalog`` has behind these.

        Raises
        ------
        DataError
            If their vectors have another width than those of the fit.
        ConfigError
            If layers of the text encoder were trained, and the encoder is gone or another one.
        """
        items = range(len(self.known), len(dataset.catalog))
        if self.encoder is None:
            vectors = dataset.vectors.get(encoder)
            rows = None if vectors is None else vectors[items.start :]
        else:
            rows = self.encoder.encode(dataset.catalog.take(items))
        columns = new_columns(dataset.catalog, items, rows, self.spaces.text, self.spaces.tags)
        tensors = ItemTensors.of(columns, self.model.settings, "cpu")
        with torch.no_grad():
            new = self.model.tower(tensors, torch.arange(len(items)))
            table = self.model.candidates(new)
        return replace(
            self,
            vectors=torch.cat([self.vectors, new]),
            table=torch.cat([self.table, table]),
            known=np.concatenate([self.known, columns.evidence(ids=False)]),
        )

    def state(self) -> State:
        """Return everything as plain arrays and JSON values."""
        weights = {name: w for name, w in weights_of(self.model).items() if name != _OWN}
        text = self.spaces.text
        arrays = {
            **{f"model:{name}": weight for name, weight in weights.items()},
            "vectors": self.vectors.numpy(),
            "known": self.known,
            "text.mean": text.mean,
            "text.axes": text.axes,
        }
        if self.encoder is not None:
            learnt = self.encoder.weights.arrays
            arrays |= {f"{_ENCODER}{name}": array for name, array in learnt.items()}
        values = {
            "tags": list(self.spaces.tags.names),
            "history": self.spaces.history.to_json(),
            "comes_back": self.comes_back,
            "epochs": [asdict(epoch) for epoch in self.epochs],
            "best": self.best,
            "planned": self.planned,
            "events": self.events,
            "refitted": self.refitted,
            "settings": self.model.settings.model_dump(mode="json"),
            "shares": self.model.shares,
            "start": dict(self.start),
            "encoder": None if self.encoder is None else self.encoder.values(),
        }
        return State(arrays, values)

    @classmethod
    def restored(cls, state: State, kind: type[NeuralSettings]) -> Fitted:
        """Take back what `state` returned, with settings of a kind; arrays may be read-only."""
        arrays, values = state.arrays, state.values
        settings = kind.model_validate(values["settings"])
        text = TextSpace(np.array(arrays["text.mean"]), np.array(arrays["text.axes"]))
        tags = TagSpace(tuple(values["tags"]))
        spaces = Spaces(text, tags, HistorySpace.restored(values["history"]))
        none = ItemColumns.none(text)
        items = ItemTensors.of(none, settings, "cpu")
        shares = values["shares"]
        model = NeuralModel(settings, spaces.history, tags, items, 0, "cpu", shares=shares)
        set_weights(model, _named(arrays, "model:"))
        model.eval()
        vectors = torch.tensor(np.array(arrays["vectors"]))
        with torch.no_grad():
            table = model.candidates(vectors)
        epochs = tuple(Epoch(**epoch) for epoch in values["epochs"])
        known = np.array(arrays["known"])
        encoder = None
        if values["encoder"] is not None:
            encoder = TrainedEncoder.restored(values["encoder"], _named(arrays, _ENCODER))
        return cls(
            model, spaces, vectors, table, known, values["comes_back"], epochs, values["best"],
            values["planned"], values["events"], values["refitted"], values["start"], encoder,
        )  # fmt: skip


def _named(arrays: Mapping[str, np.ndarray[Any, Any]], start: str) -> dict[str, Any]:
    return {name.removeprefix(start): a for name, a in arrays.items() if name.startswith(start)}
