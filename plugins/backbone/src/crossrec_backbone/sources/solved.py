"""What prior-EASE learns of a dataset, and how new events change it without a fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from crossrec.components.state import pack_sparse, unpack_sparse
from crossrec.data.dataset import Dataset
from crossrec.data.event_change import EventChange
from crossrec.numeric.ragged import FloatArray
from crossrec.numeric.sparse import wider
from numpy.typing import NDArray

from crossrec_backbone.relations.config import PriorConfig
from crossrec_backbone.relations.prior_ease import co_occurrence, solve_prior_ease
from crossrec_backbone.relations.statistics import BackboneConfig, TextSide

#: What rounding may leave of a sum of float32 that is nothing.
_ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class JointEvents:
    """The sums over histories that the weights are solved from.

    Attributes
    ----------
    gram : scipy CSR, float32, shape (n, n)
        G, weighed by proximity.
    together : scipy CSR, float32, shape (n, n)
        How many histories hold both items; the diagonal: how many hold the item.
    graph : scipy CSR, float32, shape (n, n)
        The text graph P.
    """

    gram: Any
    together: Any
    graph: Any

    @classmethod
    def of(cls, dataset: Dataset, graph: Any, config: PriorConfig) -> JointEvents:
        """Count the histories of a dataset."""
        gram = co_occurrence(dataset.sequences, dataset.n_items, config.proximity)
        plain = config.proximity == 1.0
        together = gram if plain else co_occurrence(dataset.sequences, dataset.n_items)
        return cls(gram, together, graph)

    def changed(self, change: EventChange, config: PriorConfig) -> JointEvents:
        """Return the sums with the histories of some users as they are now."""
        after, before = (
            JointEvents.of(each, None, config) for each in (change.after, change.before)
        )
        gram = wider(self.gram, change.n_items) + after.gram - before.gram
        gram.data[np.abs(gram.data) < _ROUNDING] = 0.0
        gram.eliminate_zeros()
        together = wider(self.together, change.n_items) + after.together - before.together
        together.eliminate_zeros()
        return JointEvents(gram.tocsr(), together.tocsr(), self.graph)

    def with_items(self, rows: Any) -> JointEvents:
        """Return the same with further items that have no events.

        Parameters
        ----------
        rows : scipy CSR, shape (m, m)
            The text graph of all items, of which only the rows of the new ones are filled. An item
            before is tied to a new one as this is to it.
        """
        from scipy.sparse import diags

        n_items = rows.shape[0]
        old = (np.arange(n_items) < self.graph.shape[0]).astype(np.float32)
        graph = (wider(self.graph, n_items) + rows + diags(old) @ rows.T).tocsr()
        return JointEvents(
            wider(self.gram, n_items), wider(self.together, n_items), graph.astype(np.float32)
        )

    def solve(self, config: PriorConfig, keep: int) -> Solved:
        """Solve for the weights: cubic in the items with events, as in a fit.

        Parameters
        ----------
        keep : int
            The sums stay at hand where at most so many pairs share a history.
        """
        # The solve puts the graph in order; after loading it is read-only.
        weights = solve_prior_ease(self.gram, self.graph.copy(), config).weights
        counts = self.together.diagonal().astype(np.float32)
        joint = self.together.copy()
        joint.setdiag(0.0)
        joint.eliminate_zeros()
        events = self if self.together.nnz <= keep else None
        return Solved(weights, joint.multiply(weights != 0).tocsr(), counts, events)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays that `from_arrays` takes back."""
        return {
            **pack_sparse("events.gram", self.gram),
            **pack_sparse("events.together", self.together),
            **pack_sparse("events.graph", self.graph),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> JointEvents | None:
        """Return the sums among these arrays; None where they were not kept."""
        if "events.gram.data" not in arrays:
            return None
        names = ("gram", "together", "graph")
        return cls(*(unpack_sparse(f"events.{name}", arrays) for name in names))


@dataclass(frozen=True, eq=False)
class Solved:
    """Prior-EASE of one dataset.

    Attributes
    ----------
    weights : scipy CSR, float32, shape (n, n)
    joint : scipy CSR, float32, shape (n, n)
        How many histories hold both items, where there is a weight.
    counts : float32 array, shape (n,)
        How many histories hold each item.
    events : JointEvents or None
        What it was solved from; None where that is too much to keep.
    """

    weights: Any
    joint: Any
    counts: FloatArray
    events: JointEvents | None


def solved(dataset: Dataset, text: TextSide, config: BackboneConfig, keep: int) -> Solved:
    """Return prior-EASE of a dataset; `keep` as for `JointEvents.solve`.

    Kept for as long as the dataset lives: sources that are fitted side by side share one solve.
    """
    key = (config.prior, config.graph, config.text, keep)
    with _LOCK:
        known = _SOLVED.setdefault(dataset, {})
        if key not in known:
            events = JointEvents.of(dataset, text.graph, config.prior)
            known[key] = events.solve(config.prior, keep)
        return known[key]


_LOCK = Lock()
_SOLVED: WeakKeyDictionary[Dataset, dict[Any, Solved]] = WeakKeyDictionary()
