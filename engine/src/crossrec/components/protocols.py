"""The protocols. Everything that scores, and what it builds on, is a plugin behind one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from crossrec.components.candidates import Candidates, Pool
from crossrec.components.cost import Cost, DatasetSize
from crossrec.components.evidence import Evidence
from crossrec.components.feedback import Feedback
from crossrec.components.live_items import LiveItems
from crossrec.components.policy_context import PolicyContext
from crossrec.components.query import QueryBatch
from crossrec.components.ranked import Ranked
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.event_change import EventChange
from crossrec.data.vocabulary import Vocabulary
from crossrec.numeric.ragged import Ragged


@runtime_checkable
class Encoder(Protocol):
    """Items → vectors."""

    def encode(self, catalog: Catalog, run: RunOptions) -> NDArray[np.float32]:
        """Return float32 (n_items, dim) with L2-normalised rows; zero rows for items without text.

        Deterministic, and cached by content hash under ``run.cache`` where encoding is slow.
        """
        ...


@runtime_checkable
class CandidateGenerator(Protocol):
    """Query → at most k candidates. Unknown users and empty histories are valid queries."""

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        """Learn from `dataset`; a second call starts anew."""
        ...

    def generate(self, queries: QueryBatch, k: int) -> Candidates:
        """Return the best ≤ k candidates of each query, none of them in ``queries.exclude``.

        Candidates for which the source has no evidence at all are left out, not given a zero.
        """
        ...

    def state(self) -> State:
        """Return what was learnt, as arrays and JSON values."""
        ...

    def restore(self, state: State, catalog: Catalog) -> None:
        """Take back what `state` returned; arrays may be read-only."""
        ...


class ScoringSource(CandidateGenerator, Protocol):
    """A generator with the capability ``score``."""

    def score(self, queries: QueryBatch, index: NDArray[np.int64]) -> NDArray[np.float32]:
        """Score given candidates.

        Parameters
        ----------
        index : int64 array, shape (n, m)
            Item indexes, `PAD` allowed.

        Returns
        -------
        float32 array, shape (n, m)
            The score that `generate` gives to the same item; NaN at `PAD` and where the source has
            no evidence.
        """
        ...


class ExplainingSource(CandidateGenerator, Protocol):
    """A generator with the capability ``explain``."""

    def explain(self, queries: QueryBatch, index: NDArray[np.int64]) -> list[Evidence | None]:
        """Return the evidence for each item of `index` (1-dimensional), for a batch of one query.

        None where the source has nothing to say for an item.
        """
        ...


class Estimating(Protocol):
    """A generator or an encoder with the capability ``estimate``: it says beforehand what it costs.

    Called before the fit, on the unfitted component.
    """

    def estimate(self, size: DatasetSize, run: RunOptions) -> Cost:
        """Return what one fit (or encoding the texts) and ``size.queries`` answers cost here.

        In milliseconds, from the numbers in `size` alone; an encoder counts only texts that are not
        in its cache where it can know that cheaply. ``run.effort`` is what the fit will have. It
        never falls as any of the numbers grows, and right within a factor of two is good enough.
        """
        ...


@dataclass(frozen=True)
class SourceReport:
    """What a source or ranker says of its fit: JSON values, and the same in lines for people."""

    values: Mapping[str, Any]
    lines: tuple[str, ...]


class ReportingSource(CandidateGenerator, Protocol):
    """A generator with the capability ``report``."""

    def report(self) -> SourceReport:
        """Return what the fit learnt, what it left out and why."""
        ...


class RefittingSource(CandidateGenerator, Protocol):
    """A generator with the capability ``refit``: more events need no second choice."""

    def refit(self, dataset: Dataset, run: RunOptions) -> None:
        """Fit again on more events of the same catalogue.

        What validation chose at `fit` stays (weights, trees, which encoder), statistics are new. On
        the events of the fit it changes no answer. It is called on a fitted or restored source, or
        on a shallow copy of one, so it replaces what it changes and writes into nothing.
        """
        ...


class VectorSource(CandidateGenerator, Protocol):
    """A generator with the capability ``vectors``: policies compare items by what it knows."""

    def vectors(self) -> NDArray[np.float32] | None:
        """Return float32 (n_items, dim), rows of length 1 or 0; None where it has none."""
        ...


class LinkedSource(CandidateGenerator, Protocol):
    """A generator with the capability ``linked``: it answers from what people did elsewhere."""

    def linked(self) -> Vocabulary:
        """Return the items of other scenarios that ``queries.linked`` indexes, by `linked_id`.

        Empty where it answers nobody: then no request reads another scenario. At the fit it finds
        the histories in ``dataset.linked``.
        """
        ...


class GrowingSource(CandidateGenerator, Protocol):
    """A generator with the capability ``add_items``: new items join it without a fit."""

    def add_items(self, dataset: Dataset) -> None:
        """Take in the items that ``dataset.catalog`` has behind the fitted ones.

        The dataset holds no events, and in its vectors only the rows of the new items are filled
        in: what was learnt of the others stays as it is. It is called on a shallow copy while the
        original goes on serving, so it replaces what it changes and writes into nothing.
        """
        ...


class UpdatingSource(CandidateGenerator, Protocol):
    """A generator with the capability ``update``: new events are learnt without a fit."""

    def update(self, change: EventChange) -> None:
        """Learn how the events of some users have changed; the rest stays as it is.

        Afterwards the source answers as one that was fitted on all events, to rounding; what it
        leaves as the fit had it (a weight chosen by validation, texts) its docstring names. Items
        and users that the change has behind the known ones join the source, unless it declares
        ``add_items``, which is then called first. It is called on a shallow copy while the original
        goes on serving, so it replaces what it changes and writes into nothing.

        Raises
        ------
        RefitNeededError
            If what was kept of the fit is not enough for that; the message says why. The source
            then serves on as it is until the next fit.
        """
        ...


class ForgettingSource(CandidateGenerator, Protocol):
    """A generator with the capability ``forget``: it can be as if a user had never been."""

    def forget(self, change: EventChange) -> None:
        """Take out the users of the change, who have events before and none after.

        On a shallow copy, and with the same errors, as `UpdatingSource.update`.
        """
        ...


@runtime_checkable
class FeatureSource(Protocol):
    """Query × candidates → columns for learned rankers.

    Attributes
    ----------
    columns : tuple of str
        Names of the columns, distinct and without a dot; the same for every object of one setting.
    """

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        ...

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        """Learn from `dataset`; a second call starts anew."""
        ...

    def compute(
        self, queries: QueryBatch, index: NDArray[np.int64], items: LiveItems
    ) -> NDArray[np.float32]:
        """Return the columns of given candidates.

        Parameters
        ----------
        index : int64 array, shape (n, m)
            Item indexes, `PAD` allowed; also of items that came after the fit.
        items : LiveItems
            The catalog's columns as they are now.

        Returns
        -------
        float32 array, shape (n, m, len(columns))
            NaN at `PAD` and where a value is not known.
        """
        ...

    def state(self) -> State:
        """Return what was learnt, as arrays and JSON values."""
        ...

    def restore(self, state: State, catalog: Catalog) -> None:
        """Take back what `state` returned; arrays may be read-only."""
        ...


@runtime_checkable
class LanguageModel(Protocol):
    """Text → text."""

    @property
    def name(self) -> str:
        """What answers, for reports: the model and its version."""
        ...

    @property
    def cost(self) -> float:
        """Price in US dollars of 1,000 tokens, read or written; 0 where nothing is charged."""
        ...

    def complete(self, prompts: Sequence[str], *, max_tokens: int, seed: int) -> list[str]:
        """Return one text for each prompt, "" where there is no answer to it.

        An answer has at most `max_tokens` words, and depends on its prompt and the seed alone.
        """
        ...


@dataclass(frozen=True, eq=False)
class Examples:
    """What a ranker learns from: queries, their candidates, and what really came next.

    Attributes
    ----------
    queries : QueryBatch, n queries
    pool : Pool, n queries
    targets : Ragged, n rows
        Items that the user interacted with after the cut.
    """

    queries: QueryBatch
    pool: Pool
    targets: Ragged


@runtime_checkable
class Ranker(Protocol):
    """Query × candidates → scores."""

    def fit(self, dataset: Dataset, examples: Examples, run: RunOptions) -> None:
        """Learn from examples that lie after the events of `dataset`."""
        ...

    def score(self, queries: QueryBatch, pool: Pool) -> NDArray[np.float32]:
        """Return float32 (n, m) aligned with ``pool.index``; -inf at `PAD`."""
        ...

    def state(self) -> State:
        """Return what was learnt, as arrays and JSON values."""
        ...

    def restore(self, state: State, catalog: Catalog) -> None:
        """Take back what `state` returned."""
        ...


class FeatureRanker(Ranker, Protocol):
    """A ranker with the capability ``features``: it reads ``pool.features``.

    Columns may be missing from a pool, and any value may be NaN: then they move no candidate.
    """

    def features(self) -> tuple[str, ...]:
        """Return the columns that the fitted ranker reads: a request computes no other sets."""
        ...


class ReportingRanker(Ranker, Protocol):
    """A ranker with the capability ``report``."""

    def report(self) -> SourceReport:
        """Return what the fit learnt; the gate repeats it in its own report."""
        ...


class SelectingRanker(Ranker, Protocol):
    """A ranker with the capability ``select``: after its fit it may need fewer sources."""

    def select(self, sources: tuple[str, ...]) -> tuple[str, ...]:
        """Return those of `sources`, in their order, that the fitted ranker's scores rest on.

        The others answer no request, and not fitted where no other surface needs them.
        """
        ...


@runtime_checkable
class Policy(Protocol):
    """Ranked pool + context → ranked pool, once per request."""

    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        """Drop, move or insert items of the whole pool; every change is recorded with its code.

        Randomised policies write the propensity of what they place; deterministic ones leave 1.
        A policy that raises, returns an item that is barred or no item of the catalog, or one item
        twice, is left out of that answer and named in ``degraded``.
        """
        ...


class BarringPolicy(Policy, Protocol):
    """A policy with the capability ``bars``: what it drops depends on the item and the request.

    Policies that put in items ask it beforehand, so they need not stand before it.
    """

    def bars(self, index: NDArray[np.int64], context: PolicyContext) -> NDArray[np.bool_]:
        """Return which of the items `apply` would drop, bool (n,)."""
        ...


class ReadingPolicy(Policy, Protocol):
    """A policy with the capability ``reads``: it obeys what the users table or the context says."""

    def reads(self, items: LiveItems) -> tuple[str, ...]:
        """Return the keys that change its answer for some item of this catalog."""
        ...


class LearningPolicy(Policy, Protocol):
    """A policy with the capability ``learn``: it learns from what people do with its lists."""

    def learn(self, feedback: Feedback) -> None:
        """Learn from what was shown on its surface since the last call, and what came of it.

        Called on a shallow copy while the original goes on serving, so it replaces what it changes
        and writes into nothing.
        """
        ...

    def state(self) -> State:
        """Return what was learnt, as arrays and JSON values; also before anything was."""
        ...

    def restore(self, state: State, catalog: Catalog) -> None:
        """Take back what `state` returned; the catalog may have got longer since."""
        ...
