"""Small real sources for tests of pipelines and commands, and registries that hold them.

Their arithmetic can be checked by hand. Subclass one to bend it.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec.components.candidates import PAD, Candidates
from crossrec.components.evidence import Evidence
from crossrec.components.history import weigh
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.components.topk import top_k
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.errors import NotFittedError
from crossrec.hookspecs import hookimpl
from crossrec.plugins.found import FoundPlugin, find_plugins
from crossrec.plugins.loader import load_plugins
from crossrec.plugins.registry import Registry


class Counts:
    """Base: a source that learns an array of counts and scores by it."""

    able = frozenset({"explain"})

    def __init__(self) -> None:
        self.counts: NDArray[np.float32] | None = None

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        """Count."""
        raise NotImplementedError

    def scores(self, queries: QueryBatch) -> NDArray[np.float32]:
        """Score all items, float32 (n, n_items)."""
        raise NotImplementedError

    def learnt(self) -> NDArray[np.float32]:
        """Return the counts.

        Raises
        ------
        NotFittedError
            Before `fit` or `restore`.
        """
        if self.counts is None:
            raise NotFittedError("fit first")
        return self.counts

    def generate(self, queries: QueryBatch, k: int) -> Candidates:
        """Return the best ≤ k items with a positive score."""
        return top_k(np.array(self.scores(queries)), k, queries.exclude, minimum=0.0)

    def score(self, queries: QueryBatch, index: NDArray[np.int64]) -> NDArray[np.float32]:
        """Score given items; NaN without evidence."""
        picked = np.take_along_axis(self.scores(queries), np.maximum(index, 0), axis=1)
        return np.where((index == PAD) | (picked <= 0), np.nan, picked).astype(np.float32)

    def state(self) -> State:
        """Return the counts."""
        return State({"counts": self.learnt()})

    def restore(self, state: State, catalog: Catalog) -> None:
        """Take back the counts."""
        self.counts = state.arrays["counts"]


class Popular(Counts):
    """Events of each item: the same for all users."""

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        """Count events."""
        self.counts = dataset.item_counts.astype(np.float32)

    def scores(self, queries: QueryBatch) -> NDArray[np.float32]:
        """Return the counts for every query."""
        return np.tile(self.learnt(), (len(queries), 1))

    def explain(self, queries: QueryBatch, index: NDArray[np.int64]) -> list[Evidence | None]:
        """Return how many events each item has."""
        return [Evidence(f"popular: {int(self.learnt()[item])} events") for item in index]


class Together(Counts):
    """How many users have both items: the smallest source that is right in everything."""

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        """Count users for each pair of items."""
        matrix = dataset.matrix(binary=True)
        counts = (matrix.T @ matrix).toarray().astype(np.float32)
        np.fill_diagonal(counts, 0)
        self.counts = counts

    def scores(self, queries: QueryBatch) -> NDArray[np.float32]:
        """Return the mean of the history's rows."""
        counts = self.learnt()
        scores: NDArray[np.float32] = (
            weigh(queries.related(), len(counts), limit=1000).matrix @ counts
        )
        return scores

    def explain(self, queries: QueryBatch, index: NDArray[np.int64]) -> list[Evidence | None]:
        """Return the history items that share users with each item, and how many."""
        history = np.unique(queries.seeds.row(0))
        found: list[Evidence | None] = []
        for item in index:
            shared = self.learnt()[history, item]
            order = np.argsort(-shared, kind="stable")[: int((shared > 0).sum())]
            names, strengths = tuple(history[order].tolist()), tuple(shared[order].tolist())
            found.append(Evidence("often together with", names, strengths) if names else None)
        return found


def unfit(error: Exception) -> type[Popular]:
    """Return a source whose fit raises `error`."""

    class Unfit(Popular):
        def fit(self, dataset: Dataset, run: RunOptions) -> None:
            raise error

    return Unfit


def failing(error: Exception) -> type[Popular]:
    """Return a source that can be fitted and raises `error` at every request."""

    class Failing(Popular):
        def generate(self, queries: QueryBatch, k: int) -> Candidates:
            raise error

    return Failing


def plugin(**kinds: Mapping[str, Callable[..., Any]]) -> types.ModuleType:
    """Return a plugin that registers components, given as kind → name → factory.

    A factory's `able` are its capabilities, the first line of its docstring is its summary.
    """
    module = types.ModuleType("toy_plugin")
    for kind, components in kinds.items():
        setattr(module, f"register_{kind}", hookimpl(_register(components)))
    return module


def registry_of(**kinds: Mapping[str, Callable[..., Any]]) -> Registry:
    """Return a registry of the engine's own components and of those that `plugin` registers."""
    found = find_plugins()[:1]
    if any(kinds.values()):
        found.append(FoundPlugin("toy", "toy", "1", lambda: plugin(**kinds)))
    return Registry(load_plugins(found, strict=True))


def _register(components: Mapping[str, Callable[..., Any]]) -> Callable[..., None]:
    def hand_over(register: Callable[..., None]) -> None:
        for name, factory in components.items():
            able: frozenset[str] = getattr(factory, "able", frozenset())
            summary = (factory.__doc__ or name).strip().splitlines()[0]
            model = getattr(factory, "settings_model", None)
            register(name, factory, config=model, capabilities=able, summary=summary)

    return hand_over
