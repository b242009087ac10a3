"""Conformance of the surfaces of a scenario: what its default pipeline never shows, whatever comes.

Catalogs, people and requests are random; see `crossrec.testing.random_requests`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crossrec.components.query import Query
from crossrec.components.slate import Slate
from crossrec.data.catalog import as_list
from crossrec.pipeline.config import PipelineConfig, PolicyConfig
from crossrec.pipeline.config_files import load_config
from crossrec.pipeline.pipeline import Pipeline
from crossrec.pipeline.request import answer_batch
from crossrec.plugins.registry import Registry, load_registry
from crossrec.scenario import Scenario
from crossrec.testing.base import Conformance
from crossrec.testing.random_requests import (
    IDS,
    Case,
    fitted_on_random_events,
    random_case,
    without_texts,
)

#: Policies that put items in or choose a list behind a cap: it is not theirs to hold.
_AFTER = frozenset({"exploration", "promotion", "series_continuation"})
_RANDOM = settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.differing_executors, HealthCheck.too_slow],
)
_SEEDS = st.integers(0, 2**32 - 1)


def items_of(slate: Slate) -> tuple[str, ...]:
    """Return the items that a slate shows: of values such as artists, their examples."""
    if not slate.answers:
        return slate.item_ids
    return tuple(example.item_id for one in slate.items for example in one.examples)


class SurfaceTests(Conformance, kit=True):
    """What holds for every list of a scenario, on each of its surfaces.

    The default pipeline is fitted on random events, without texts. `config` changes it.
    """

    kind: ClassVar[str] = "scenarios"

    def scenario(self) -> Scenario:
        """Return the declared scenario."""
        scenario: Scenario = self.build()
        return scenario

    def registry(self) -> Registry:
        """Return what the pipeline's names are looked up in."""
        return load_registry()

    def config(self) -> PipelineConfig:
        """Return the pipeline: the scenario's default without texts."""
        return without_texts(load_config(self.scenario()))

    def pipeline(self) -> Pipeline:
        """Return the fitted pipeline, the same for all tests of a class."""
        if type(self) not in _FITTED:
            scenario, registry = self.scenario(), self.registry()
            _FITTED[type(self)] = fitted_on_random_events(scenario, self.config(), registry)
        return _FITTED[type(self)]

    def lists(self, seed: int) -> Iterator[tuple[Case, Query, Slate]]:
        """Yield one random person's list on every surface."""
        pipeline = self.pipeline()
        case, rng = random_case(pipeline, self.scenario(), seed), np.random.default_rng(seed)
        for name in pipeline.surfaces:
            query = case.query(name, rng)
            yield case, query, case.answer(query)

    @given(_SEEDS)
    @_RANDOM
    def test_nothing_that_was_refused(self, seed: int) -> None:
        """Nothing disliked, and nothing by whom somebody has banned, blocked or muted."""
        for case, query, slate in self.lists(seed):
            shown = case.refused & set(items_of(slate))
            assert not shown, f"{query.surface} shows what was refused: {sorted(shown)}"

    @given(_SEEDS)
    @_RANDOM
    def test_nothing_that_is_done_with(self, seed: int) -> None:
        """What is consumed for good comes back only where a surface keeps what was consumed."""
        for case, query, slate in self.lists(seed):
            if case.serving.pipeline.surfaces[query.surface or ""].plan.config.consumed == "keep":
                continue
            shown = case.had & set(items_of(slate))
            assert not shown, f"{query.surface} shows what is consumed: {sorted(shown)}"

    @given(_SEEDS)
    @_RANDOM
    def test_nothing_that_cannot_be_had(self, seed: int) -> None:
        """Nothing hidden, expired, not yet there or out of stock, by the newest fields."""
        for case, query, slate in self.lists(seed):
            shown = [item for item in items_of(slate) if case.cannot_be_had(item)]
            assert not shown, f"{query.surface} shows what cannot be had: {shown}"

    @given(_SEEDS)
    @_RANDOM
    def test_nothing_that_may_not_be_seen(self, seed: int) -> None:
        """Nothing above the limit of the profile, explicit against its will, or without rights."""
        for case, query, slate in self.lists(seed):
            shown = [item for item in items_of(slate) if case.may_not_be_seen(item)]
            assert not shown, f"{query.surface} shows what may not be seen: {shown}"

    @given(_SEEDS)
    @_RANDOM
    def test_k_distinct_items_or_a_reason(self, seed: int) -> None:
        """A list has k different items, or says why it is shorter; every part of it worked."""
        for _, query, slate in self.lists(seed):
            ids = slate.item_ids
            assert not slate.degraded, f"{query.surface}: {slate.degraded}"
            assert len(set(ids)) == len(ids), f"{query.surface} shows an item twice"
            assert len(ids) <= query.k
            assert not set(ids) & set(query.item_ids), f"{query.surface} shows what it is about"
            assert len(ids) == query.k or slate.short_because, f"{query.surface} is short"

    @given(_SEEDS)
    @_RANDOM
    def test_caps_and_gaps_hold(self, seed: int) -> None:
        """As long as anything else is left in the list."""
        for case, query, slate in self.lists(seed):
            policies = case.serving.pipeline.config.policies_of(query.surface or "")
            for at, policy in enumerate(policies):
                if any(later.name in _AFTER for later in policies[at + 1 :]):
                    continue
                wrong = _beyond(policy, case, query.session, slate.item_ids)
                assert not wrong, f"{query.surface}: {policy.name} does not hold at {wrong}"

    @given(_SEEDS)
    @_RANDOM
    def test_the_same_request_gets_the_same_list(self, seed: int) -> None:
        """One id draws one chance; nothing else is random."""
        for case, query, slate in self.lists(seed):
            again = case.answer(query)
            assert again.item_ids == slate.item_ids, f"{query.surface} changes by itself"

    @given(_SEEDS)
    @_RANDOM
    def test_alone_as_in_a_batch(self, seed: int) -> None:
        """Whoever else is answered, and in whatever order."""
        pipeline, scenario = self.pipeline(), self.scenario()
        cases = [random_case(pipeline, scenario, seed + at) for at in range(3)]
        rng = np.random.default_rng(seed)
        for name, served in pipeline.surfaces.items():
            if served.plan.about_items:
                continue
            queries = [case.query(name, rng) for case in cases]
            alone = [
                Case(**{**vars(case), "serving": cases[0].serving}).answer(query, f"r{at}").item_ids
                for at, (case, query) in enumerate(zip(cases, queries, strict=True))
            ]
            order = rng.permutation(len(cases)).tolist()
            together = answer_batch(
                cases[0].serving,
                [(queries[at], cases[at].user) for at in order],
                name,
                request_ids=[f"r{at}" for at in order],
            )
            found = {at: slate.item_ids for at, slate in zip(order, together, strict=True)}
            assert [found[at] for at in range(len(cases))] == alone, f"{name} depends on the batch"


def _beyond(
    policy: PolicyConfig, case: Case, session: Sequence[str], shown: Sequence[str]
) -> list[str]:
    """Return items that break a cap or a gap although the list has others that would not."""
    values = policy.settings
    if policy.name == "attribute_cap":
        return _beyond_cap(values, _entities(case, shown, values), shown)
    if policy.name == "attribute_gap":
        before = _entities(case, session, values)
        return _within_gap(values, before, _entities(case, shown, values), shown)
    return []


def _entities(case: Case, ids: Sequence[str], values: Mapping[str, Any]) -> list[set[str]]:
    """Return the values of each item that a policy counts."""
    field = values.get("field") or case.serving.items.schema.creator
    return [set(as_list(case.rows[IDS.index(item)].get(field))) for item in ids]


def _beyond_cap(
    values: Mapping[str, Any], entities: list[set[str]], ids: Sequence[str]
) -> list[str]:
    most, within = values.get("most", 2), values.get("within", 0)
    counts: dict[str, int] = {}
    over = []
    for found in entities[: within or None]:
        over.append(any(counts.get(one, 0) >= most for one in found))
        for one in found:
            counts[one] = counts.get(one, 0) + 1
    if values.get("mode") == "drop":
        return [item for item, beyond in zip(ids, over, strict=False) if beyond]
    # What is too much stands behind all others.
    return [
        item
        for at, item in enumerate(ids[: len(over)])
        if over[at] and not all(over[at:]) and not within
    ]


def _within_gap(
    values: Mapping[str, Any], before: list[set[str]], entities: list[set[str]], ids: Sequence[str]
) -> list[str]:
    gap, found = values.get("gap", 3), []
    line = [*before, *entities]
    for at, own in enumerate(entities):
        near = set().union(*line[max(len(before) + at - gap, 0) : len(before) + at])
        # Wherever one stands too near, all that are left would.
        if own & near and not all(later & near for later in entities[at:]):
            found.append(ids[at])
    return found


_FITTED: dict[type[SurfaceTests], Pipeline] = {}
