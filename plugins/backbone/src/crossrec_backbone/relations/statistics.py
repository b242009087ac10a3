"""Everything that one catalogue and its events say, fitted once and shared by what stands above."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from crossrec.components.settings import Settings
from crossrec.components.state import State, pack_sparse, unpack_sparse
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.numeric.ragged import FloatArray, Ragged

from crossrec_backbone.relations.behaviour import Behaviour, count_behaviour
from crossrec_backbone.relations.behaviour_pairs import BehaviourPairs
from crossrec_backbone.relations.config import (
    BehaviourConfig,
    ConsensusConfig,
    GraphConfig,
    HistoryConfig,
    PriorConfig,
    TextConfig,
)
from crossrec_backbone.relations.prior_ease import PriorEase, fit_prior_ease
from crossrec_backbone.relations.scores import consensus_weights
from crossrec_backbone.relations.text import TextRelations
from crossrec_backbone.relations.text_graph import text_graph
from crossrec_backbone.relations.text_pairs import TextPairs


class BackboneConfig(Settings):
    """All settings below the rankers."""

    text: TextConfig = TextConfig()
    history: HistoryConfig = HistoryConfig()
    graph: GraphConfig = GraphConfig()
    prior: PriorConfig = PriorConfig()
    behaviour: BehaviourConfig = BehaviourConfig()
    consensus: ConsensusConfig = ConsensusConfig()


@dataclass(frozen=True, eq=False)
class TextSide:
    """What needs no events.

    Attributes
    ----------
    relations : TextRelations
    graph : scipy CSR, float32, shape (n, n)
        The prior P of the item-item weights.
    hubness : float32 array, shape (n,)
        Mean similarity to the nearest items, standardised over the catalogue: how readily an item
        looks like others.
    """

    relations: TextRelations
    graph: Any
    hubness: FloatArray

    @classmethod
    def fit(cls, dataset: Dataset, config: BackboneConfig) -> TextSide:
        """Build from texts and vectors; kept in memory for as long as the catalogue lives."""
        relations = cls.relations_of(dataset, config)
        with _LOCK:
            known = _GRAPHS.setdefault(relations, {})
            if config.graph not in known:
                graph, nearness = text_graph(relations, config.graph)
                known[config.graph] = graph, _standardised(nearness)
            return cls(relations, *known[config.graph])

    @staticmethod
    def relations_of(dataset: Dataset, config: BackboneConfig) -> TextRelations:
        """Return the relations alone, from memory where they were built before."""
        with _LOCK:
            built = _RELATIONS.get(dataset.catalog)
            if built is None or not built.serves(dataset.vectors, config.text):
                relations = TextRelations.fit(dataset.catalog, dataset.vectors, config.text)
                built = _RELATIONS[dataset.catalog] = _Built(dict(dataset.vectors), relations)
            return built.relations


@dataclass(frozen=True, eq=False)
class _Built:
    """Relations and the vectors that they were built from."""

    vectors: dict[str, FloatArray]
    relations: TextRelations

    def serves(self, vectors: Mapping[str, FloatArray], config: TextConfig) -> bool:
        """Return whether the same vectors, the very arrays, would be read in the same way."""
        same = self.vectors.keys() == vectors.keys() and all(
            self.vectors[name] is array for name, array in vectors.items()
        )
        return same and self.relations.config == config


# The text side of a catalogue is the same before the cut and on all events, and for every source.
_LOCK = Lock()
_RELATIONS: WeakKeyDictionary[Catalog, _Built] = WeakKeyDictionary()
_GRAPHS: WeakKeyDictionary[TextRelations, dict[GraphConfig, tuple[Any, FloatArray]]]
_GRAPHS = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Statistics:
    """Text side and behaviour of one catalogue."""

    config: BackboneConfig
    text: TextSide
    behaviour: Behaviour
    prior: PriorEase | None = None

    @classmethod
    def fit(
        cls,
        dataset: Dataset,
        config: BackboneConfig,
        *,
        sequences: Ragged | None = None,
        keep_inverse: bool = False,
    ) -> Statistics:
        """Fit on `dataset`, or on other `sequences` over the same catalogue (folds, thinning)."""
        text = TextSide.fit(dataset, config)
        told = dataset.sequences if sequences is None else sequences
        prior = fit_prior_ease(told, text.graph, config.prior, keep_inverse=keep_inverse)
        behaviour = count_behaviour(told, text.graph, prior, config.behaviour)
        return cls(config, text, behaviour, prior if keep_inverse else None)

    @property
    def n_items(self) -> int:
        """Number of items."""
        return self.behaviour.n_items

    @cached_property
    def text_pairs(self) -> TextPairs:
        """The text relations, laid out for pairs."""
        return TextPairs(self.text.relations)

    @cached_property
    def behaviour_pairs(self) -> BehaviourPairs:
        """The behaviour relations, laid out for pairs."""
        return BehaviourPairs(self.behaviour)

    @cached_property
    def percentile(self) -> FloatArray:
        """Popularity percentile of each item, float32 (n,)."""
        return self.behaviour.percentile

    @cached_property
    def spreads(self) -> FloatArray:
        """The spread of each relation of `text_pairs`, float32."""
        told = self.text.relations.spread
        return np.array([told[name] for name in self.text_pairs.names], dtype=np.float32)

    @cached_property
    def mixture(self) -> dict[str, tuple[float, float]]:
        """The consensus weights of the text relations that are there."""
        return consensus_weights(self.text.relations, self.config.consensus)

    def state(self) -> State:
        """Return arrays and values for an artifact."""
        parts = {"text": self.text.relations.state(), "behaviour": self.behaviour.state()}
        arrays = {
            f"{part}/{name}": array
            for part, state in parts.items()
            for name, array in state.arrays.items()
        }
        arrays |= pack_sparse("graph", self.text.graph)
        arrays["hubness"] = self.text.hubness
        values: dict[str, Any] = {part: state.values for part, state in parts.items()}
        return State(arrays, {**values, "config": self.config.model_dump(mode="json")})

    @classmethod
    def restored(cls, state: State) -> Statistics:
        """Return what `state` describes."""

        def part(name: str) -> State:
            arrays = {
                key.removeprefix(f"{name}/"): array
                for key, array in state.arrays.items()
                if key.startswith(f"{name}/")
            }
            return State(arrays, state.values[name])

        text = TextSide(
            TextRelations.restored(part("text")),
            unpack_sparse("graph", state.arrays),
            state.arrays["hubness"],
        )
        config = BackboneConfig(**state.values["config"])
        return cls(config, text, Behaviour.restored(part("behaviour")))

    def extended(self, dataset: Dataset) -> Statistics:
        """Return the statistics over a longer catalogue, without training.

        New items get their text relations and hang in the graph by their own rows; behaviour and
        what was learnt of the old items stay as they are.
        """
        relations = self.text.relations.extended(dataset.catalog, dataset.vectors)
        n, before = relations.n_items, len(self.text.hubness)
        fresh, _ = text_graph(relations, self.config.graph, before)
        graph = self.text.graph.copy()
        graph.resize((n, n))
        graph = (graph + fresh).tocsr()
        behaviour = self.behaviour.extended(n, fresh)
        added = n - before
        hubs = np.concatenate([self.text.hubness, np.zeros(added, dtype=np.float32)])
        return replace(self, text=TextSide(relations, graph, hubs), behaviour=behaviour, prior=None)


def _standardised(values: FloatArray) -> FloatArray:
    """Return values less their mean, over their spread; zeros where there is none."""
    if not len(values):
        return values
    spread = float(values.std())
    standard: FloatArray = (values - values.mean()) / (spread if spread > 1e-6 else 1.0)
    return standard.astype(np.float32)
