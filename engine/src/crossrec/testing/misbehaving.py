"""Parts that answer what a test gives them, right or wrong, beside the real ones of a pipeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from crossrec.components.candidates import Candidates, Pool
from crossrec.components.policy_context import PolicyContext
from crossrec.components.query import QueryBatch
from crossrec.components.ranked import PolicyChange, Ranked
from crossrec.components.slate import Slate
from crossrec.pipeline.pipeline import Pipeline
from crossrec.testing.requests import with_parts


@dataclass
class Answers:
    """A source that answers what it was made with, for one query."""

    index: Any
    scores: Any = None
    more: dict[str, Any] = field(default_factory=dict)

    def generate(self, queries: QueryBatch, k: int) -> Candidates:
        """Return the candidates that the source was made with."""
        index = np.array(self.index)
        score: Any = np.zeros(index.shape) if self.scores is None else np.array(self.scores)
        return Candidates(index, score, **self.more)


@dataclass
class Ranks:
    """A ranker that gives whatever it was made with."""

    give: Callable[[Pool], Any]

    def score(self, queries: QueryBatch, pool: Pool) -> Any:
        """Return what the function makes of the pool."""
        return self.give(pool)

    def contributions(self, pool: Pool) -> Any:
        """Fail: it has no account of its scores."""
        raise RuntimeError("no account")


@dataclass
class PolicyOf:
    """A policy made of a function of the ranked pool."""

    change: Callable[[Ranked], Any]

    def apply(self, ranked: Ranked, context: PolicyContext) -> Any:
        """Return what the function makes of the pool."""
        return self.change(ranked)


def planned(pipeline: Pipeline, labels: tuple[str, ...]) -> Pipeline:
    """Return the pipeline with these sources in every plan."""
    surfaces = {
        name: replace(one, plan=replace(one.plan, sources=labels))
        for name, one in pipeline.surfaces.items()
    }
    return replace(pipeline, surfaces=surfaces)


def beside(pipeline: Pipeline, source: Any, *able: str) -> Pipeline:
    """Return the pipeline with one more source, ``rogue``."""
    sources: Mapping[str, Any] = {**pipeline.sources, "rogue": source}
    capabilities = {**pipeline.capabilities, "rogue": frozenset(able)}
    more = replace(pipeline, sources=sources, capabilities=capabilities)
    return planned(more, (*pipeline.sources, "rogue"))


def alone(pipeline: Pipeline, source: Any, *able: str) -> Pipeline:
    """Return the pipeline with the source ``rogue`` and no other."""
    only = replace(pipeline, sources={"rogue": source}, capabilities={"rogue": frozenset(able)})
    return planned(only, ("rogue",))


def ruled(pipeline: Pipeline, *changes: Callable[[Ranked], Any]) -> Pipeline:
    """Return the pipeline with the policies ``p0``, ``p1`` … made of these functions."""
    policies = {f"p{n}": PolicyOf(change) for n, change in enumerate(changes)}
    return with_parts(pipeline, policies=policies)


def pool_with(
    ranked: Ranked, index: Any, *changes: Any, score: Any = None, propensity: Any = None
) -> Ranked:
    """Return a pool of other items, with what was done to the one before and more."""
    index = np.array(index)
    score = np.linspace(1, 0, len(index)) if score is None else score
    propensity = np.ones(len(index)) if propensity is None else propensity
    return Ranked(index, score, propensity, (*ranked.changes, *changes))


def inserting(*items: int) -> Callable[[Ranked], Ranked]:
    """Return a function that puts items in front, and records it."""

    def change(ranked: Ranked) -> Ranked:
        rest = [item for item in ranked.index.tolist() if item not in items]
        changes = (PolicyChange(item, "inserted", "paid") for item in items)
        return pool_with(ranked, [*items, *rest], *changes)

    return change


def check_slate(slate: Slate, k: int = 10, never: tuple[str, ...] = ()) -> None:
    """Check that an answer has k distinct items with reasons, and none that it must not have."""
    ids = slate.item_ids
    assert len(ids) == len(set(ids)) == k
    assert not set(ids) & set(never)
    assert all(np.isfinite(item.score) for item in slate.items)
    assert all(item.reasons for item in slate.items)
