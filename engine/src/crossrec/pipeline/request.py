"""The request path: query → user state → sources → pool → ranker → policies once → slate."""

from __future__ import annotations

import time
import uuid
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from crossrec.components.candidates import Pool
from crossrec.components.policy_context import PolicyContext
from crossrec.components.query import Query, QueryBatch
from crossrec.components.ranked import Ranked
from crossrec.components.slate import Degraded, Slate
from crossrec.components.user_state import UserState
from crossrec.pipeline.conditions import boosted
from crossrec.pipeline.filling import filled
from crossrec.pipeline.pipeline import ServedSurface
from crossrec.pipeline.policy_guard import apply_policies
from crossrec.pipeline.query_resolution import ResolvedQuery, resolve_query
from crossrec.pipeline.serving import Serving
from crossrec.pipeline.slates import Outcome, slate_of
from crossrec.pipeline.text_query import TextQuery, read_text
from crossrec.pipeline.time_limit import supervised

#: Items that policies may look through before a list stays short.
_REACH = 2000


def answer(
    serving: Serving,
    query: Query,
    user: UserState,
    surface: str = "",
    *,
    explain: bool = True,
    name_sources: bool = False,
) -> Slate:
    """Answer one query. Never raises for an unknown user, item or an empty history.

    Parameters
    ----------
    surface : str
        A surface of the pipeline; its main one where "".
    name_sources : bool
        Whether every item carries the source that did most for it.
    """
    return traced(serving, query, user, surface, explain=explain, name_sources=name_sources).slate


@dataclass(frozen=True, eq=False)
class Trace:
    """One answer with what led to it.

    Attributes
    ----------
    slate : Slate
    resolved : ResolvedQuery
    pool : Pool
        What the sources proposed.
    ranked : Ranked
        Before the first policy: the ranked pool, then what fills the list.
    final : Ranked
        After the last policy, not cut.
    """

    slate: Slate
    resolved: ResolvedQuery
    pool: Pool
    ranked: Ranked
    final: Ranked


def traced(
    serving: Serving,
    query: Query,
    user: UserState,
    surface: str = "",
    *,
    explain: bool = True,
    name_sources: bool = False,
    request_id: str = "",
) -> Trace:
    """Answer one query as `answer` does, and keep what led to the answer.

    Parameters
    ----------
    request_id : str
        Chance is drawn by it, so one id gives one list; a new one where "".
    """
    served = serving.pipeline.surfaces[surface or serving.pipeline.resolved.main]
    text = read_text(serving.pipeline, query)

    def run() -> Trace:
        one = _request(serving, served, query, user, text, request_id)
        scored = serving.pipeline.scored_pool(served, one.resolved.batch, serving.items)
        return _answered(serving, served, one, *scored, explain=explain, named=name_sources)

    return supervised(run)


def answer_batch(
    serving: Serving,
    requests: Sequence[tuple[Query, UserState]],
    surface: str = "",
    *,
    explain: bool = False,
    name_sources: bool = False,
    request_ids: Sequence[str] = (),
) -> list[Slate]:
    """Answer many queries of one surface: each as `answer` does, but scored together.

    A component that fails or is late is left out of all answers; `request_ids` as for `traced`.
    """
    served = serving.pipeline.surfaces[surface or serving.pipeline.resolved.main]
    if not requests:
        return []
    texts = [read_text(serving.pipeline, query) for query, _ in requests]

    def run() -> list[Slate]:
        ids = request_ids or [""] * len(requests)
        each = [
            _request(serving, served, query, user, text, id_)
            for (query, user), text, id_ in zip(requests, texts, ids, strict=True)
        ]
        batch = QueryBatch.stack([one.resolved.batch for one in each])
        pool, scores, degraded = serving.pipeline.scored_pool(served, batch, serving.items)
        slates = []
        for row, one in enumerate(each):
            part, own = pool.take(np.array([row])), scores[row : row + 1]
            found = _answered(
                serving, served, one, part, own, degraded, explain=explain, named=name_sources
            )
            slates.append(found.slate)
        return slates

    return supervised(run)


@dataclass(frozen=True, eq=False)
class _Request:
    """One query, resolved."""

    query: Query
    user: UserState
    resolved: ResolvedQuery
    now: float
    id: str
    text: TextQuery | None


def _request(
    serving: Serving,
    served: ServedSurface,
    query: Query,
    user: UserState,
    text: TextQuery | None,
    id_: str = "",
) -> _Request:
    """Resolve a query and give it its id."""
    now = time.time() if query.now is None else query.now
    resolved = resolve_query(serving, served, query, user, now)
    return _Request(query, user, resolved, now, id_ or uuid.uuid4().hex, text)


def _answered(
    serving: Serving,
    served: ServedSurface,
    one: _Request,
    pool: Pool,
    scores: NDArray[np.float32],
    degraded: Sequence[Degraded],
    *,
    explain: bool,
    named: bool,
) -> Trace:
    """Answer one query from its scored pool."""
    pipeline, query, resolved, text = serving.pipeline, one.query, one.resolved, one.text
    if served.plan.config.input == "list" and not len(resolved.batch.history.values):
        # Of whom nothing is known the given order is the best one.
        pool, scores = Pool.empty(1), np.zeros((1, 0), dtype=np.float32)
    if text is not None:
        pool, scores = text.joined(pool, scores, resolved.batch, pipeline.config.candidates)
        degraded = (*degraded, *text.degraded)
    whole = filled(pipeline, served, pool, scores, resolved, max(query.k, _REACH))
    whole = boosted(whole, served.plan, query, resolved.scope)
    limit = pipeline.limit(resolved.batch)
    context = _policy_context(serving, served, one)
    ranked, failed = apply_policies(served.policies, whole, context, resolved.barred, limit)
    outcome = Outcome(one.id, query, resolved, pool, scores, whole, ranked, text)
    slate = slate_of(serving, served, outcome, explain=explain, named=named)
    slate = replace(slate, degraded=(*slate.degraded, *degraded, *failed))
    return Trace(slate, resolved, pool, whole, ranked)


def _policy_context(serving: Serving, served: ServedSurface, one: _Request) -> PolicyContext:
    """Return what policies may know of a request."""
    pipeline = serving.pipeline
    return PolicyContext(
        query=replace(one.query, context=MappingProxyType(dict(one.query.context))),
        user=one.user,
        surface=served.plan.name,
        items=serving.items,
        now=one.now,
        seed=zlib.crc32(one.id.encode()),
        k=one.query.k,
        event_types=serving.effects.names,
        people=pipeline.people,
        barred=one.resolved.barred,
        rules=served.rules,
        read_vectors=lambda: pipeline.item_vectors,
    )
