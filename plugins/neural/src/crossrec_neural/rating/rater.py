"""The feature set `rating`: what a user would rate an item, or a text that is no item yet."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from crossrec.components.candidates import PAD
from crossrec.components.live_items import LiveItems
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.event_change import EventChange
from crossrec.data.reviews import RatingScale
from crossrec.errors import DataError, NotFittedError
from crossrec.numeric.biased_factors import IntArray, Penalties, choose_biases
from crossrec.numeric.ragged import FloatArray

from crossrec_neural.inputs.text import TextSpace
from crossrec_neural.rating.data import RatingData, RatingSpaces, read_ratings
from crossrec_neural.rating.inputs import (
    PairInputs,
    above_usual,
    earlier_inputs,
    feature_width,
    unseen_biases,
)
from crossrec_neural.rating.network import RatingNetwork
from crossrec_neural.rating.settings import RatingSettings
from crossrec_neural.rating.tables import RatingTables
from crossrec_neural.rating.training import RatingExamples, train
from crossrec_neural.training.device import checked_device, memory_errors, torch_threads

#: Ratings that have to be held out, and before them, or nothing is trained: fewer tell nothing.
_LEAST = 30
#: Penalties of the biases where nothing can be held out to choose them by.
_USUAL = Penalties(8.0, 8.0)
#: Numbers that the inputs of pairs may take at once: 64 MiB.
_CELLS = 1 << 23


@dataclass(frozen=True, eq=False)
class FittedRater:
    """What ratings are predicted with.

    Attributes
    ----------
    errors : tuple of float
        On the held-out ratings: of the biases, with the ridge regression, after each epoch; empty
        where nothing was trained.
    best : int
        Which of them serves; 0 is the bias model.
    """

    mean: float
    scale: RatingScale
    tables: RatingTables
    text: TextSpace
    network: RatingNetwork
    errors: tuple[float, ...]
    best: int

    def predicted(self, pairs: PairInputs) -> FloatArray:
        """Return the ratings of pairs within the scale, float32 (n,)."""
        half = (self.scale.high - self.scale.low) / 2.0
        added = (
            self.network.added(self.network.tensors(pairs)) * half if len(pairs) else np.zeros(0)
        )
        ratings = self.mean + pairs.bias.sum(axis=1) + added
        return self.scale.clip(ratings).astype(np.float32)


class RatingFeatures:
    """One column: the predicted rating. Also answers for single pairs and for new texts.

    A bias model of user and item, and what a small network adds to it from the text of the item,
    what the user chose and rated before, the user's earlier reviews and the item's earlier reviews
    by others. The review of a pair is never among the inputs of its own rating. Without ratings
    nothing is known: every value is NaN.
    """

    name = "rating"
    columns = ("predicted",)

    def __init__(self, config: RatingSettings | None = None) -> None:
        self.config = config or RatingSettings()
        self._fitted: FittedRater | None = None
        self._ready = False

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        """Learn from the ratings; deterministic for a seed on one thread.

        Raises
        ------
        ConfigError
            If the dataset has vectors, but none of the configured encoder.
        UsageError
            If there is no such device.
        CapacityError
            If memory is not enough.
        CrossrecError
            If training diverges.
        """
        self._fitted, self._ready = None, True
        reviews = dataset.events.reviews
        if reviews is None or not len(dataset.rated_rows):
            return
        device = checked_device(run)
        data, spaces = read_ratings(self.name, dataset, self.config)
        with torch_threads(run), memory_errors(self.name):
            self._fitted = self._trained(data, spaces, reviews.scale, run, device)

    def _trained(
        self,
        data: RatingData,
        spaces: RatingSpaces,
        scale: RatingScale,
        run: RunOptions,
        device: str,
    ) -> FittedRater:
        """Choose the penalties, train the network, and take the tables of all ratings."""
        learnt, held_out = latest(data, self.config.training.validation_share)
        enough = min(len(learnt), len(held_out)) >= _LEAST
        penalties = _USUAL
        if enough:
            parts = data.rows.take(learnt), data.rows.take(held_out)
            penalties = choose_biases(*parts, data.n_users, data.n_items)
        width = feature_width(data.items.shape[1], data.written.shape[1] - 1)
        network = RatingNetwork(width, data.n_users, data.n_items, self.config, device)
        network.begin(run.seed)
        errors, best = list[float](), 0
        if enough:
            bias, predicted = unseen_biases(data, learnt, penalties, run.seed)
            above = above_usual(data.rows, data.n_items, penalties.items)
            left = (data.rows.ratings - predicted) * 2.0 / (scale.high - scale.low)
            pairs = earlier_inputs(data, bias, above)
            examples = RatingExamples(pairs, left, learnt, held_out)
            errors, best = train(network, examples, run, self.name)
        network.on("cpu")
        mean, tables = RatingTables.of(data, penalties)
        return FittedRater(mean, scale, tables, spaces.items, network, tuple(errors), best)

    def compute(self, queries: QueryBatch, index: IntArray, items: LiveItems) -> FloatArray:
        """Return the predicted ratings as a column, float32 (n, m, 1)."""
        return self.rate(queries, index)[..., None]

    def rate(self, queries: QueryBatch, index: IntArray) -> FloatArray:
        """Return predicted ratings, float32 (n, m) in the unit of the events' values.

        NaN at `PAD`, for items that came after the fit, and where nothing was ever rated.
        """
        ratings = np.full(index.shape, np.nan, dtype=np.float32)
        fitted = self._known()
        if fitted is None:
            return ratings
        inside = (index != PAD) & (index < fitted.tables.n_items)
        row, column = np.nonzero(inside)
        tastes = fitted.tables.tastes(queries.history)
        users = queries.users[row]
        found = [
            fitted.predicted(
                fitted.tables.inputs(users[part], index[row, column][part], tastes[row[part]])
            )
            for part in self._blocks(len(row), fitted)
        ]
        ratings[row, column] = np.concatenate(found) if found else np.zeros(0)
        return ratings

    def rate_texts(self, queries: QueryBatch, vectors: FloatArray) -> FloatArray:
        """Return predicted ratings of texts that are no items, float32 (n, m).

        Parameters
        ----------
        vectors : float32 array, shape (m, width)
            Of the texts, by the encoder of the fit.

        Raises
        ------
        DataError
            If the vectors have another width than those of the fit.
        """
        shape = len(queries), len(vectors)
        fitted = self._known()
        if fitted is None:
            return np.full(shape, np.nan, dtype=np.float32)
        text = fitted.text.rows(vectors).astype(np.float64)
        row, column = (at.ravel() for at in np.indices(shape))
        tastes = fitted.tables.tastes(queries.history)
        found = [
            fitted.predicted(
                fitted.tables.inputs_of_texts(
                    queries.users[row[part]], text[column[part]], tastes[row[part]]
                )
            )
            for part in self._blocks(len(row), fitted)
        ]
        return np.concatenate([*found, np.zeros(0, np.float32)]).reshape(shape)

    def forget(self, change: EventChange) -> None:
        """Take out what users of the change wrote and rated; what training made of it stays.

        Their biases, sums and vectors are gone; the weights that all share are not trained anew.
        """
        fitted = self._known()
        if fitted is None:
            return
        users = change.before.events.users
        users = np.unique(users[users < len(fitted.tables.user_bias)])
        arrays = fitted.network.arrays()
        if len(users):
            arrays["own.users.weight"][users] = 0.0
        tables = fitted.tables.without(users)
        self._fitted = replace(fitted, tables=tables, network=self._network(arrays, tables))

    def state(self) -> State:
        """Return what was learnt."""
        fitted = self._known()
        if fitted is None:
            return State({}, {"rated": False})
        arrays = {f"network.{name}": array for name, array in fitted.network.arrays().items()}
        arrays |= fitted.tables.arrays()
        arrays |= {"text.mean": fitted.text.mean, "text.axes": fitted.text.axes}
        values: dict[str, Any] = {
            "rated": True,
            "mean": fitted.mean,
            "scale": [fitted.scale.low, fitted.scale.high],
            "errors": list(fitted.errors),
            "best": fitted.best,
        }
        return State(arrays, values)

    def restore(self, state: State, catalog: Catalog) -> None:
        """Take back what `state` returned."""
        self._fitted, self._ready = None, True
        if not state.values["rated"]:
            return
        arrays, values = state.arrays, state.values
        tables = RatingTables.restored(arrays)
        weights = {
            name.removeprefix("network."): array
            for name, array in arrays.items()
            if name.startswith("network.")
        }
        self._fitted = FittedRater(
            float(values["mean"]),
            RatingScale(*values["scale"]),
            tables,
            TextSpace(arrays["text.mean"], arrays["text.axes"]),
            self._network(weights, tables),
            tuple(values["errors"]),
            int(values["best"]),
        )

    def _network(self, weights: dict[str, Any], tables: RatingTables) -> RatingNetwork:
        """Return a network with these weights, to serve."""
        width = feature_width(tables.text.shape[1], tables.own.shape[1] - 1)
        n_users = len(tables.user_bias)
        network = RatingNetwork(width, n_users, tables.n_items, self.config, "cpu")
        network.take(weights)
        network.on("cpu")
        return network

    def _blocks(self, n: int, fitted: FittedRater) -> list[slice]:
        """Return parts of `n` pairs whose inputs fit into memory together."""
        width = feature_width(fitted.tables.text.shape[1], fitted.tables.own.shape[1])
        step = max(1, _CELLS // width)
        return [slice(at, at + step) for at in range(0, n, step)]

    def _known(self) -> FittedRater | None:
        """Return what was fitted; None where there was no rating to learn from."""
        if not self._ready:
            raise NotFittedError(
                "feature set 'rating' is not fitted: run `crossrec fit` or call fit() first"
            )
        return self._fitted


def latest(data: RatingData, share: float) -> tuple[IntArray, IntArray]:
    """Return the rows before a point in time, and the given share of rows from there on."""
    if not len(data):
        raise DataError("there are no ratings to learn from")
    rank = min(int((1.0 - share) * len(data)), len(data) - 1)
    cut = np.sort(data.times)[rank] if share else np.inf
    before = data.times < cut
    return np.flatnonzero(before), np.flatnonzero(~before)
