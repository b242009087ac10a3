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
from crossrec.components.consumption import CODES
from crossrec.components.cursor import cursor_after
from crossrec.components.evidence import Reason
from crossrec.components.live_items import LiveItems
from crossrec.components.policy_context import PolicyContext
from crossrec.components.query import Query, QueryBatch
from crossrec.components.ranked import PolicyChange, Ranked
from crossrec.components.slate import Change, Degraded, Slate, SlateItem
from crossrec.components.user_state import UserState
from crossrec.data.catalog import as_text
from crossrec.jsonio import plain
from crossrec.pipeline.conditions import boosted
from crossrec.pipeline.config import FALLBACKS, MOST_POPULAR
from crossrec.pipeline.pipeline import Pipeline, ServedSurface, log
from crossrec.pipeline.policy_guard import apply_policies
from crossrec.pipeline.query_resolution import ResolvedQuery, resolve_query
from crossrec.pipeline.reasons import explain_items, main_sources
from crossrec.pipeline.serving import Serving
from crossrec.pipeline.time_limit import supervised, within

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

    def run() -> Trace:
        one = _request(serving, served, query, user, request_id)
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

    def run() -> list[Slate]:
        ids = request_ids or [""] * len(requests)
        pairs = zip(requests, ids, strict=True)
        each = [_request(serving, served, query, user, id_) for (query, user), id_ in pairs]
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


def _request(
    serving: Serving, served: ServedSurface, query: Query, user: UserState, id_: str = ""
) -> _Request:
    """Resolve a query and give it its id."""
    now = time.time() if query.now is None else query.now
    resolved = resolve_query(serving, served, query, user, now)
    return _Request(query, user, resolved, now, id_ or uuid.uuid4().hex)


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
    pipeline, query, resolved = serving.pipeline, one.query, one.resolved
    context = PolicyContext(
        query=replace(query, context=MappingProxyType(dict(query.context))),
        user=one.user,
        surface=served.plan.name,
        items=serving.items,
        now=one.now,
        seed=zlib.crc32(one.id.encode()),
        k=query.k,
        event_types=serving.effects.names,
        people=pipeline.people,
        barred=resolved.barred,
        rules=served.rules,
        read_vectors=lambda: pipeline.item_vectors,
    )
    whole = _filled(pipeline, served, pool, scores, resolved, max(query.k, _REACH))
    whole = boosted(whole, served.plan, query, resolved.scope)
    demoted = _demoted(resolved, whole)
    limit = pipeline.limit(resolved.batch)
    ranked, failed = apply_policies(served.policies, whole, context, resolved.barred, limit)
    shown = ranked.index[: query.k].tolist()
    blank = [()] * len(shown)
    reasons = _reasons(pipeline, served, resolved.batch, pool, shown) if explain else blank
    sources = main_sources(pool, served.ranker, shown) if named else [""] * len(shown)
    slate = Slate(
        items=_slate_items(serving.items, shown, ranked.propensity, reasons, sources),
        request_id=one.id,
        scenario=pipeline.scenario,
        surface=served.plan.name,
        path=resolved.path,
        short_because=_short(pipeline, pool, len(shown), ranked.changes, resolved, query.k),
        degraded=(*_unavailable(pipeline), *degraded, *failed),
        changes=_changes(pipeline, (*demoted, *ranked.changes)),
        notes=resolved.notes,
        next_cursor=_next_cursor(pipeline, served, query, shown),
    )
    return Trace(slate, resolved, pool, whole, ranked)


def _next_cursor(
    pipeline: Pipeline, served: ServedSurface, query: Query, shown: Sequence[int]
) -> str:
    """Return where the list goes on; "" where it is short: then there is no more."""
    if len(shown) < query.k:
        return ""
    ids = pipeline.catalog.items
    return cursor_after(served.plan.name, (*query.shown, *(ids.id(item) for item in shown)))


def _filled(
    pipeline: Pipeline,
    surface: ServedSurface,
    pool: Pool,
    scores: NDArray[np.float32],
    resolved: ResolvedQuery,
    reach: int,
) -> Ranked:
    """Return the ranked pool, then the surface's fallbacks, then what the user knows already."""
    order = np.argsort(-scores[0], kind="stable")
    order = order[pool.index[0][order] >= 0]
    index, score = pool.index[0][order], scores[0][order].astype(np.float64)
    if len(index) >= reach:
        return Ranked.of(index[:reach], _graded(score[:reach]))
    taken = np.zeros(len(pipeline.catalog), dtype=bool)
    taken[index] = True
    taken[resolved.batch.exclude.values] = True
    parts = [index]
    left = reach - len(index)
    for name in surface.plan.config.fallback:
        found = _fallback(pipeline, name, resolved.batch, left, taken)
        taken[found] = True
        parts.append(found)
        left -= len(found)
    parts.append(resolved.familiar[: max(left, 0)])
    rest = np.concatenate(parts[1:])
    score = _graded(np.concatenate([score, np.zeros(len(rest))]))
    return Ranked.of(np.concatenate([index, rest]), score)


def _graded(score: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return falling scores whose last ones, of 0, fall below all others by their place.

    What a policy weighs down would else keep its place among them.
    """
    flat = score <= 0
    least = float(score[~flat].min(initial=1.0))
    graded: NDArray[np.float64] = np.where(flat, least / (1.0 + np.cumsum(flat)), score)
    return graded


def _fallback(
    pipeline: Pipeline, name: str, batch: QueryBatch, need: int, taken: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return at most `need` free items of one fallback, in its order."""
    if need <= 0:
        return np.zeros(0, dtype=np.int64)
    if name == MOST_POPULAR:
        order = pipeline.fallback
    elif name == "newest":
        order = np.arange(len(taken) - 1, -1, -1)
    else:
        try:
            source = pipeline.sources[name]
            limit = pipeline.limit(batch)
            order = within(limit, source, lambda: source.generate(batch, need)).row(0)
            order = order[(order >= 0) & (order < len(taken))]
        except (Exception, SystemExit) as error:
            log.warning("fallback %s failed", name, exc_info=error)
            return np.zeros(0, dtype=np.int64)
    window = order[: need + int(np.count_nonzero(taken))]
    free = window[~taken[window]]
    if name not in FALLBACKS:  # a source may name an item twice
        free = free[np.sort(np.unique(free, return_index=True)[1])]
    return free[:need]


def _demoted(resolved: ResolvedQuery, ranked: Ranked) -> list[PolicyChange]:
    """Return what an earlier consumption has weighed down, of the items in the pool."""
    if not len(resolved.removed.factors):
        return []
    factors = dict(
        zip(resolved.batch.demoted.values.tolist(), resolved.removed.factors.tolist(), strict=True)
    )
    return [
        PolicyChange(
            item, "demoted", "consumed_before", {"factor": round(factors[item], 4)}, "consumption"
        )
        for item in ranked.index.tolist()
        if item in factors
    ]


def _slate_items(
    items: LiveItems,
    shown: Sequence[int],
    propensity: NDArray[np.float64],
    reasons: Sequence[tuple[Reason, ...]],
    sources: Sequence[str],
) -> tuple[SlateItem, ...]:
    """Return the items of the answer; scores fall from 1 towards 0 and mean the order alone."""
    n = len(shown)
    columns = zip(shown, reasons, propensity[:n].tolist(), sources, strict=True)
    return tuple(
        SlateItem(
            item,
            items.catalog.items.id(item),
            round(1.0 - at / n, 6),
            as_text(items.value(items.schema.title, item)),
            *others,
        )
        for at, (item, *others) in enumerate(columns)
    )


def _changes(pipeline: Pipeline, changes: tuple[PolicyChange, ...]) -> tuple[Change, ...]:
    """Return the changes in ids."""
    ids = pipeline.catalog.items
    return tuple(
        Change(one.policy, ids.id(one.item), one.action, one.code, plain(one.values))
        for one in changes
    )


def _unavailable(pipeline: Pipeline) -> list[Degraded]:
    """Name what was fitted but cannot be used in this process."""
    return [Degraded(label, error) for label, error in pipeline.unavailable.items()]


def _reasons(
    pipeline: Pipeline, surface: ServedSurface, batch: QueryBatch, pool: Pool, shown: Sequence[int]
) -> list[tuple[Reason, ...]]:
    """Return the reasons of every item."""
    seeded = batch.related() if surface.plan.about_items else batch
    found = explain_items(pipeline, seeded, pool, surface.ranker, shown)
    known = set(batch.history.values.tolist())
    return [found.get(item) or _fallback_reason(pipeline, item, known) for item in shown]


def _fallback_reason(pipeline: Pipeline, item: int, known: set[int]) -> tuple[Reason, ...]:
    """Say truthfully why an item is in the list for which no source gave evidence."""
    people = int(pipeline.people[item])
    if item in known:
        return (Reason("fallback", "known already, and nothing new is left"),)
    if people:
        text = f"popular: {people} {'person' if people == 1 else 'people'}"
        return (Reason("fallback", text, values={"people": people}),)
    return (Reason("fallback", "from the catalog, nobody has chosen it yet"),)


def _short(
    pipeline: Pipeline,
    pool: Pool,
    n: int,
    changes: Sequence[PolicyChange],
    resolved: ResolvedQuery,
    k: int,
) -> str:
    """Say why there are fewer than k items."""
    if n >= k:
        return ""
    parts = [f"the catalog has {len(pipeline.catalog)} items"]
    if not n and not pool.valid.any():
        parts.append(f"{', '.join(pool.sources) or 'no source'} proposed nothing")
    parts.append(f"{len(resolved.barred)} are excluded for this query")
    codes, counts = np.unique(resolved.removed.codes, return_counts=True)
    parts += [f"{n} {CODES[code].replace('_', ' ')}" for code, n in zip(codes, counts, strict=True)]
    left_out = resolved.filtered
    if left_out.not_met:
        parts.append(f"{left_out.not_met} do not meet the filter")
    if left_out.unknown:
        parts.append(f"{left_out.unknown} lack what the filter reads")
    dropped = sum(change.action == "dropped" for change in changes)
    if dropped:
        parts.append(f"policies dropped {dropped}")
    return f"only {n} of {k}: " + ", ".join(parts)
