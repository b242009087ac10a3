"""Why an item is not in an answer: from one real request, with the item traced through it."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from crossrec.components.consumption import CODES
from crossrec.components.query import Query, id_tuple
from crossrec.components.slate import Change
from crossrec.data.ids import requested_id
from crossrec.errors import UsageError
from crossrec.pipeline.item_explanation import ItemExplanation, explain_item
from crossrec.pipeline.query_resolution import ResolvedQuery, resolve_query
from crossrec.pipeline.request import Trace, traced
from crossrec.pipeline.request_policies import PolicyChanges, with_policies
from crossrec.pipeline.requested import requested
from crossrec.pipeline.serving import Serving
from crossrec.pipeline.user_states import user_state_of
from crossrec.plugins.registry import Registry
from crossrec.scenario import Scenario
from crossrec.workspace import Workspace

if TYPE_CHECKING:
    from numpy.typing import NDArray

Outcome = Literal["shown", "excluded", "not_retrieved", "dropped", "outranked"]


@dataclass(frozen=True)
class WhyNot:
    """What became of one item in one request.

    Attributes
    ----------
    outcome : {"shown", "excluded", "not_retrieved", "dropped", "outranked"}
    why : str
        In one sentence.
    place : int or None
        Place after the last policy, from 1; None where the item is not there.
    ranked : int or None
        Place before the first policy, from 1.
    behind : float or None
        How far its score is below that of the last item shown, before the first policy, where the
        best candidate has 1; None where there is nothing to compare.
    sources : mapping of label to int or None
        The item's place in the list of each source, from 1.
    changes : tuple of Change
        What policies and earlier consumption did to it.
    """

    item_id: str
    title: str
    surface: str
    outcome: Outcome
    why: str
    place: int | None = None
    ranked: int | None = None
    behind: float | None = None
    sources: Mapping[str, int | None] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        changes = [
            {"policy": one.policy, "action": one.action, "code": one.code, "why": one.why}
            for one in self.changes
        ]
        return {**asdict(self), "sources": dict(self.sources), "changes": changes}


class WhyNotAnswers(ABC):
    """The part of `Engine` that looks at one item: its scores, and its way through a request."""

    workspace: Workspace
    registry: Registry

    @abstractmethod
    def serving(self, scenario: str) -> Serving:
        """Return what requests are answered from."""

    def why_not(
        self,
        scenario: str,
        item_id: str,
        user_id: str | None = None,
        *,
        history: Sequence[str] | None = None,
        item_ids: Sequence[str] = (),
        entity: tuple[str, str] | None = None,
        exclude: Sequence[str] = (),
        surface: str | None = None,
        k: int | None = None,
        context: Mapping[str, Any] | None = None,
        filter: str = "",
        boost: str = "",
        now: float | None = None,
        policies: PolicyChanges | None = None,
    ) -> WhyNot:
        """Say why an item is not in the answer that `recommend` gives to the same arguments.

        Nothing is written to the decision log.

        Raises
        ------
        UsageError
            If the item is not in the fitted catalog, and for what `recommend` refuses.
        NotFittedError
            If the scenario was not fitted yet.
        """
        known, serving = self.registry.scenario(scenario), self.serving(scenario)
        place, query = requested(
            serving,
            known,
            surface=surface,
            user_id=user_id,
            history=history,
            item_ids=item_ids,
            entity=entity,
            exclude=exclude,
            k=k,
            context=context,
            now=now,
            filter=filter,
            boost=boost,
        )
        if place.plan.config.answers:
            raise UsageError(
                f"surface {place.plan.name!r} answers with values of {place.plan.config.answers}, "
                "not with items: ask a surface of items"
            )
        serving = with_policies(serving, place.plan.name, policies)
        item = serving.pipeline.catalog.items.index(requested_id("item_id", item_id))
        if item < 0:
            raise UsageError(
                f"item {item_id!r} is not in the fitted catalog of {scenario!r}: see "
                f"`crossrec items show`, and ingest it"
            )
        user = user_state_of(self.workspace.store(), known, query, self.registry.scenario)
        trace = traced(serving, query, user, place.plan.name, explain=False)
        return why_not(serving, trace, item, query, known)

    def explain(
        self,
        scenario: str,
        item_id: str,
        user_id: str | None = None,
        *,
        history: Sequence[str] | None = None,
    ) -> ItemExplanation:
        """Return every source's score of one item for one user or history.

        Raises
        ------
        UsageError
            If the item is not in the fitted catalog.
        """
        known = self.registry.scenario(scenario)
        serving = self.serving(scenario)
        item = serving.pipeline.catalog.items.index(requested_id("item_id", item_id))
        if item < 0:
            raise UsageError(f"item {item_id!r} is not in the fitted catalog of {scenario!r}")
        given = None if history is None else id_tuple("history", history)
        query = Query(user_id=user_id, history=given)
        user = user_state_of(self.workspace.store(), known, query, self.registry.scenario)
        surface = serving.pipeline.main
        resolved = resolve_query(serving, surface, query, user, time.time())
        return explain_item(serving.pipeline, surface, resolved.batch, item, serving.items)


def why_not(serving: Serving, trace: Trace, item: int, query: Query, scenario: Scenario) -> WhyNot:
    """Return what became of an item of the catalog in a request that was traced."""
    catalog = serving.pipeline.catalog
    place, before = _place(trace.final.index, item), _place(trace.ranked.index, item)
    changes = tuple(one for one in trace.slate.changes if one.item_id == catalog.items.id(item))
    dropped = [one for one in changes if one.action == "dropped"]
    outcome: Outcome
    if place is not None and place <= query.k:
        outcome, why = "shown", f"it is shown, at place {place}"
    elif item in trace.resolved.barred:
        outcome, why = "excluded", _excluded(serving, trace.resolved, item, query, scenario)
    elif dropped:
        outcome, why = "dropped", f"the policy {dropped[-1].policy} dropped it: {dropped[-1].why}"
    elif place is None:
        outcome, why = "not_retrieved", _not_retrieved(trace, item)
    else:
        outcome, why = "outranked", _outranked(trace, item, place, query.k, changes)
    return WhyNot(
        catalog.items.id(item),
        catalog.titles[item],
        trace.slate.surface,
        outcome,
        why,
        place,
        before,
        _behind(trace, before, query.k),
        _source_places(trace, item),
        changes,
    )


def _place(index: NDArray[np.int64], item: int) -> int | None:
    found = np.flatnonzero(index == item)
    return int(found[0]) + 1 if len(found) else None


def _excluded(
    serving: Serving, resolved: ResolvedQuery, item: int, query: Query, scenario: Scenario
) -> str:
    """Say what excludes an item for this query."""
    removed = resolved.removed
    at = np.flatnonzero(removed.removed.values == item)
    if len(at):
        code = CODES[int(removed.codes[at[0]])].replace("_", " ")
        return f"{code}: an event of type {scenario.events[int(removed.types[at[0]])].name}"
    if item in serving.deleted:
        return "it was deleted since the fit"
    if item in resolved.filtered.items:
        return "it does not meet the filter, or lacks what the filter reads"
    if item in resolved.subject.excluded:
        return "the list is about it"
    within = resolved.subject.within
    if within is not None and item not in within:
        return "the list is of other items alone: those given, or those of the entity"
    if serving.pipeline.catalog.items.id(item) in query.exclude:
        return "the request excludes it"
    return "it is in the history, which this surface leaves out"


def _not_retrieved(trace: Trace, item: int) -> str:
    """Say that no source proposed an item, and what fills the list did not reach it."""
    sources = ", ".join(trace.pool.sources) or "none of the sources answered"
    return (
        f"no source proposed it among the {int(trace.pool.valid.sum())} candidates ({sources}), "
        f"and what fills the list up to {len(trace.ranked)} items has better ones"
    )


def _outranked(trace: Trace, item: int, place: int, k: int, changes: tuple[Change, ...]) -> str:
    """Say by how much an item is outranked, and whether policies moved it."""
    before = _place(trace.ranked.index, item)
    behind = _behind(trace, before, k)
    parts = [f"place {place} of {len(trace.final)}, and {k} are shown"]
    if before is not None and before <= k:
        names = ", ".join(dict.fromkeys(one.policy for one in changes)) or "policies before it"
        parts.append(f"the ranker had it at place {before}; moved by {names}")
    elif behind is not None:
        parts.append(f"its score is {behind:.4f} below that of place {k}, where the best has 1")
    if not any(_source_places(trace, item).values()):
        parts.append("no source proposed it: it only fills the list")
    return "; ".join(parts)


def _behind(trace: Trace, before: int | None, k: int) -> float | None:
    """Return how far an item's score is below that of the last shown, before the policies."""
    score = trace.ranked.score
    if before is None or before <= k or len(score) < k:
        return None
    return round(float(score[k - 1] - score[before - 1]), 6)


def _source_places(trace: Trace, item: int) -> dict[str, int | None]:
    """Return the item's place in the list of each source, from 1."""
    found: dict[str, int | None] = dict.fromkeys(trace.pool.sources)
    column = np.flatnonzero(trace.pool.index[:1].ravel() == item)
    if len(column):
        for at, label in enumerate(trace.pool.sources):
            rank = int(trace.pool.ranks[0, int(column[0]), at])
            found[label] = rank + 1 if rank >= 0 else None
    return found
