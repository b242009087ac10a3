"""Everything that is known of one catalogue and its events, fitted once and shared by all above."""

from __future__ import annotations

import logging
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
from crossrec.errors import ConfigError
from crossrec.numeric.ragged import FloatArray, Ragged
from crossrec.numeric.sparse import wider
from crossrec.numeric.standard import standardised

from crossrec_backbone.relations.behaviour import Behaviour, count_behaviour
from crossrec_backbone.relations.config import (
    BehaviourConfig,
    ConsensusConfig,
    GraphConfig,
    HistoryConfig,
    PriorConfig,
    TextConfig,
)
from crossrec_backbone.relations.pairs import BehaviourPairs, TextPairs
from crossrec_backbone.relations.prior_ease import fit_prior_ease
from crossrec_backbone.relations.scores import consensus_weights
from crossrec_backbone.relations.text import TextRelations, raw_vectors
from crossrec_backbone.relations.text_graph import text_graph

log = logging.getLogger("crossrec")


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
    def fit(cls, dataset: Dataset, config: BackboneConfig, threads: int = 1) -> TextSide:
        """Build from texts and vectors; kept in memory for as long as the catalogue lives."""
        relations = text_relations(dataset, config.text)
        with _LOCK:
            known = _GRAPHS.setdefault(relations, {})
            if config.graph not in known:
                graph, nearness = text_graph(relations, config.graph, threads=threads)
                known[config.graph] = graph, standardised(nearness[None])[0]
            return cls(relations, *known[config.graph])


def text_relations(dataset: Dataset, config: TextConfig) -> TextRelations:
    """Return the text relations of a catalogue, from memory where they were built before."""
    vectors = raw_vectors(dataset.vectors, config)
    with _LOCK:
        known = _RELATIONS.setdefault(dataset.catalog, [])
        for built in known:
            if built.serves(vectors, config):
                return built.relations
        relations = TextRelations.fit(dataset.catalog, dataset.vectors, config)
        # Two at most: sources of one pipeline may read adapted vectors and the original ones.
        known[:] = [*known[-1:], _Built(vectors, relations)]
        return relations


def check_vectors(source: str, dataset: Dataset, config: TextConfig) -> None:
    """Refuse vectors of another encoder; warn where there are none at all.

    Raises
    ------
    ConfigError
        If the dataset has vectors, but none of the configured encoder.
    """
    encoder = config.encoder
    if encoder in dataset.vectors or not encoder:
        return
    if dataset.vectors:
        known = ", ".join(dataset.vectors)
        raise ConfigError(
            f"{source}: no vectors of encoder {encoder!r}; set text.encoder to one of: {known}"
        )
    log.warning("%s: no vectors of encoder %r, so only words are compared", source, encoder)


@dataclass(frozen=True, eq=False)
class _Built:
    """Relations and the vectors that they were built from."""

    vectors: Mapping[str, FloatArray]
    relations: TextRelations

    def serves(self, vectors: Mapping[str, FloatArray], config: TextConfig) -> bool:
        """Return whether the same vectors, the very arrays, would be read in the same way."""
        same = self.vectors.keys() == vectors.keys() and all(
            self.vectors[name] is array for name, array in vectors.items()
        )
        return same and self.relations.config == config


# The text side of a catalogue is the same before the cut and on all events, and for every source.
_LOCK = Lock()
_RELATIONS: WeakKeyDictionary[Catalog, list[_Built]] = WeakKeyDictionary()
_GRAPHS: WeakKeyDictionary[TextRelations, dict[GraphConfig, tuple[Any, FloatArray]]]
_GRAPHS = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Statistics:
    """Text side and behaviour of one catalogue."""

    config: BackboneConfig
    text: TextSide
    behaviour: Behaviour

    @classmethod
    def fit(
        cls,
        dataset: Dataset,
        config: BackboneConfig,
        *,
        sequences: Ragged | None = None,
        threads: int = 1,
    ) -> Statistics:
        """Fit on `dataset`, or on other `sequences` over the same catalogue (folds, thinning)."""
        text = TextSide.fit(dataset, config, threads)
        rows = dataset.sequences if sequences is None else sequences
        prior = fit_prior_ease(rows, text.graph, config.prior)
        behaviour = count_behaviour(rows, text.graph, prior, config.behaviour, threads)
        return cls(config, text, behaviour)

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
        spread = self.text.relations.spread
        return np.array([spread[name] for name in self.text_pairs.names], dtype=np.float32)

    @cached_property
    def mixture(self) -> dict[str, tuple[float, float]]:
        """The consensus weights of this catalogue's text relations."""
        return consensus_weights(self.text.relations, self.config.consensus.weights)

    def prepare(self) -> None:
        """Lay out what columns are computed from, before threads ask for it at once."""
        _ = self.text_pairs, self.behaviour_pairs, self.percentile, self.spreads, self.mixture

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

        New items get their text relations and their own rows of the graph; behaviour and what was
        learnt of the old items stay as they are.
        """
        relations = self.text.relations.extended(dataset.catalog, dataset.vectors)
        n, before = relations.n_items, len(self.text.hubness)
        rows, _ = text_graph(relations, self.config.graph, before)
        graph = (wider(self.text.graph, n) + rows).tocsr()
        behaviour = self.behaviour.extended(n, rows)
        added = n - before
        hubs = np.concatenate([self.text.hubness, np.zeros(added, dtype=np.float32)])
        return replace(self, text=TextSide(relations, graph, hubs), behaviour=behaviour)
