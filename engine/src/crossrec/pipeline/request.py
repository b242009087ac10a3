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
from crossrec.components.slate import Change, Degraded, Example, Slate, SlateItem
from crossrec.components.user_state import UserState
from crossrec.data.catalog import as_text
from crossrec.jsonio import plain
from crossrec.pipeline.conditions import boosted
from crossrec.pipeline.entity_answers import (
    NONE,
    Answered,
    answered_entities,
    as_entities,
    short_of_entities,
)
from crossrec.pipeline.filling import filled
from crossrec.pipeline.pipeline import COUNTED, Pipeline, ServedSurface
from crossrec.pipeline.policy_guard import apply_policies
from crossrec.pipeline.query_resolution import ResolvedQuery, resolve_query
from crossrec.pipeline.reasons import explain_items, main_sources
from crossrec.pipeline.serving import Serving
from crossrec.pipeline.text_query import TextQuery, read_text
from crossrec.pipeline.time_limit import supervised

_COUNTED = "nothing is fitted yet: counted from the {:,} stored events for this answer"
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
        size = pipeline.config.candidates
        pool, scores = text.joined(pool, scores, resolved.batch, size)
        degraded = (*degraded, *text.degraded)
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
    whole = filled(pipeline, served, pool, scores, resolved, max(query.k, _REACH))
    whole = boosted(whole, served.plan, query, resolved.scope)
    demoted = _demoted(resolved, whole)
    limit = pipeline.limit(resolved.batch)
    ranked, failed = apply_policies(served.policies, whole, context, resolved.barred, limit)
    field, n_shown = served.plan.config.answers, min(query.k, len(ranked))
    answered = _answered_entities(serving, pool, resolved, query, ranked, field)
    at = answered.best[: query.k] if field else np.arange(n_shown, dtype=np.int64)
    shown = ranked.index[at].tolist()
    blank = [()] * len(shown)
    reasons = _reasons(pipeline, served, resolved.batch, pool, shown) if explain else blank
    sources = main_sources(pool, served.ranker, shown) if named else [""] * len(shown)
    if text is not None:
        led = text.leads(shown, pool, scores, resolved.batch).tolist()
        reasons = text.reasons(reasons, led) if explain else reasons
        sources = text.sources(sources, led) if named else sources
    items = _slate_items(serving.items, shown, ranked.propensity[at], reasons, sources)
    short = _short(pipeline, pool, len(shown), ranked.changes, resolved, query.k)
    if field:
        items = as_entities(items, answered, serving.items, field, ranked.index)
        short = short_of_entities(answered, field, len(ranked), query.k)
    about = tuple(_example(serving.items, item) for item in resolved.subject.named.tolist())
    counted = pipeline.report.get(COUNTED)
    slate = Slate(
        items=items,
        request_id=one.id,
        scenario=pipeline.scenario,
        surface=served.plan.name,
        path=resolved.path if counted is None else f"not fitted, {resolved.path}",
        short_because=short,
        degraded=(*_unavailable(pipeline), *degraded, *failed),
        changes=_changes(pipeline, (*demoted, *ranked.changes)),
        notes=(*resolved.notes, *([] if counted is None else [_COUNTED.format(counted)])),
        next_cursor=_next_cursor(served, query, items),
        answers=field,
        about=about,
        heading=_heading(served, about),
    )
    return Trace(slate, resolved, pool, whole, ranked)


def _example(items: LiveItems, item: int) -> Example:
    """Return an item with its title."""
    title = as_text(items.value(items.schema.title, item))
    return Example(items.catalog.items.id(item), title)


def _heading(served: ServedSurface, about: Sequence[Example]) -> str:
    """Return what stands above the list; "" where it is about nothing."""
    if not about:
        return ""
    titles = " and ".join(f"“{one.title or one.item_id}”" for one in about)
    return served.plan.config.heading.replace("{titles}", titles)


def _answered_entities(
    serving: Serving,
    pool: Pool,
    resolved: ResolvedQuery,
    query: Query,
    ranked: Ranked,
    field: str,
) -> Answered:
    """Return the values that a surface answers with; none where it answers items."""
    if not field:
        return NONE
    supported = np.isin(ranked.index, pool.index[0])
    about = resolved.batch.about.values
    return answered_entities(serving.items, field, ranked.index, supported, about, query)


def _next_cursor(served: ServedSurface, query: Query, items: Sequence[SlateItem]) -> str:
    """Return where the list goes on; "" where it is short: then there is no more."""
    if len(items) < query.k:
        return ""
    return cursor_after(served.plan.name, (*query.shown, *(item.item_id for item in items)))


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
    columns = zip(shown, reasons, propensity.tolist(), sources, strict=True)
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
    if resolved.subject.missing:
        return f"only {n} of {k}: {resolved.subject.missing}"
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
