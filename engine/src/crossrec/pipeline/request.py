"""The request path: query → history → sources → pool → ranker → policies → slate."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec.components.candidates import Pool
from crossrec.components.evidence import Reason
from crossrec.components.protocols import PolicyContext
from crossrec.components.query import Query, QueryBatch
from crossrec.components.slate import Degraded, Slate, SlateItem
from crossrec.components.threads import one_blas_thread
from crossrec.data.catalog import Catalog
from crossrec.numeric.ragged import Ragged
from crossrec.pipeline.pipeline import Pipeline, log
from crossrec.pipeline.reasons import explain_items

#: Ranked items that policies may look through before a list stays short.
_REACH = 2000


@dataclass(frozen=True)
class Past:
    """What the store knows of the user.

    Attributes
    ----------
    liked : tuple of str
        Items with a positive event, oldest first.
    disliked : tuple of str
        Items with a negative event: they are never recommended.
    known : bool
        Whether the store has any event of the user.
    """

    liked: tuple[str, ...] = ()
    disliked: tuple[str, ...] = ()
    known: bool = False


@dataclass(frozen=True, eq=False)
class ResolvedQuery:
    """A query in indexes, with what has to be said about it."""

    batch: QueryBatch
    path: str
    notes: tuple[str, ...]


def answer(
    pipeline: Pipeline, query: Query, past: Past, *, surface: str, explain: bool = True
) -> Slate:
    """Answer one query. Never raises for an unknown user, item or an empty history."""
    with one_blas_thread():  # one query is too little work for a pool of threads
        return _answer(pipeline, query, past, surface, explain)


def _answer(pipeline: Pipeline, query: Query, past: Past, surface: str, explain: bool) -> Slate:
    now = time.time() if query.now is None else query.now
    resolved = resolve_query(pipeline, query, past, now)
    about_items = bool(query.item_ids)
    rank = pipeline.rank_items if about_items else pipeline.rank_user
    pool, scores, degraded = rank(resolved.batch)
    empty = Slate(
        items=(),
        request_id=uuid.uuid4().hex,
        scenario=pipeline.scenario,
        surface=surface,
        path=resolved.path,
        degraded=(*_unavailable(pipeline), *degraded),
        notes=resolved.notes,
    )
    context = PolicyContext(query, pipeline.catalog, now)
    barred = frozenset((*query.exclude, *query.item_ids, *past.disliked))
    reach = 2 * query.k + 10  # with some to spare for what policies drop
    while True:
        items = _ordered(pipeline, pool, scores, resolved.batch.exclude.values, reach)
        slate = _apply_policies(pipeline, replace(empty, items=items), context, barred)
        if len(slate.items) >= query.k or len(items) < reach or reach >= _REACH:
            break
        reach = min(8 * reach, _REACH)
    slate = replace(slate, items=slate.items[: query.k])
    if explain:
        slate = _explained(pipeline, resolved.batch, pool, about_items, slate)
    return replace(slate, short_because=_short(pipeline, slate, resolved.batch, query.k))


def _unavailable(pipeline: Pipeline) -> list[Degraded]:
    """Name what was fitted but cannot be used in this process."""
    return [Degraded(label, error) for label, error in pipeline.unavailable.items()]


def resolve_query(pipeline: Pipeline, query: Query, past: Past, now: float) -> ResolvedQuery:
    """Turn ids into indexes; choose the history and note every fallback."""
    items = pipeline.catalog.items
    notes: list[str] = []
    if query.item_ids:
        given, path = query.item_ids, "items"
    elif query.history is not None:
        given, path = query.history + query.session, "given history"
    else:
        given, path = past.liked + query.session, "stored history"
        if query.user_id is not None and not past.known:
            notes.append(f"user {query.user_id!r} is unknown: nothing personal is known yet")
    history = items.indexes(given)
    unknown = int((history < 0).sum())
    if unknown:
        what = "given items" if query.item_ids else "history items"
        notes.append(f"{unknown} of {len(history)} {what} are not in the fitted catalog")
    history = history[history >= 0]
    if not len(history):
        path = "no history"
    barred = items.indexes((*query.exclude, *past.disliked))
    barred = barred[barred >= 0]
    if query.item_ids or pipeline.config.history == "exclude":
        beside = past.liked if query.item_ids and query.history is None else ()
        consumed = items.indexes(beside)
        barred = np.unique(np.concatenate([barred, history, consumed[consumed >= 0]]))
    user = pipeline.users.index(query.user_id) if query.user_id is not None else -1
    batch = QueryBatch(
        users=np.array([user if query.history is None and not query.item_ids else -1]),
        history=_one_row(history),
        exclude=_one_row(barred),
        now=np.array([now], dtype=np.float64) if pipeline.has_clock else None,
    )
    return ResolvedQuery(batch, path, tuple(notes))


def _one_row(values: NDArray[np.int64]) -> Ragged:
    return Ragged(np.array([0, len(values)]), values)


def _ordered(
    pipeline: Pipeline,
    pool: Pool,
    scores: NDArray[np.float32],
    barred: NDArray[np.int64],
    reach: int,
) -> tuple[SlateItem, ...]:
    """Return at most `reach` items: the ranked candidates, then the most popular of the rest."""
    order = np.argsort(-scores[0], kind="stable")[:reach]
    order = order[pool.index[0][order] >= 0]
    ranked: list[int] = pool.index[0][order].tolist()
    values: list[float] = scores[0][order].tolist()
    if len(ranked) < reach:
        taken = {*ranked, *barred.tolist()}
        lowest = min(values, default=0.0)
        rest = _first_free(pipeline.fallback, taken, reach - len(ranked))
        ranked += rest
        values += [lowest - 1.0 - at for at in range(len(rest))]
    catalog = pipeline.catalog
    return tuple(
        SlateItem(index, catalog.items.id(index), value, catalog.titles[index])
        for index, value in zip(ranked, values)
    )


def _first_free(order: NDArray[np.int64], taken: set[int], need: int) -> list[int]:
    """Return the first `need` items of `order` that are not taken."""
    free: list[int] = []
    for index in order[: need + len(taken)].tolist():
        if index not in taken:
            free.append(index)
            if len(free) == need:
                break
    return free


def _apply_policies(
    pipeline: Pipeline, slate: Slate, context: PolicyContext, barred: frozenset[str]
) -> Slate:
    """Apply the policies in order; one that raises is left out and named."""
    for name, policy in pipeline.policies.items():
        complaint = ""
        try:
            changed = policy.apply(slate, context)
            if not isinstance(changed, Slate):
                raise TypeError(f"apply returned {type(changed).__name__}, not Slate")
            slate, complaint = _valid(pipeline.catalog, changed, barred)
        except Exception as error:
            log.warning("policy %s failed", name, exc_info=error)
            complaint = f"{type(error).__name__}: {error}"
        if complaint:
            slate = replace(slate, degraded=(*slate.degraded, Degraded(name, complaint)))
    return slate


def _valid(catalog: Catalog, slate: Slate, barred: frozenset[str]) -> tuple[Slate, str]:
    """Drop what no policy may put in; of an item that stands there twice the first place counts."""
    kept: dict[str, SlateItem] = {}
    dropped = 0
    for item in slate.items:
        index = catalog.items.index(item.item_id)
        if index < 0 or item.item_id in barred:
            dropped += 1
            continue
        title = item.title or catalog.titles[index]
        if item.index != index or item.title != title:
            item = replace(item, index=index, title=title)
        kept.setdefault(item.item_id, item)
    complaint = f"{dropped} items that are barred or not in the catalog were dropped"
    return replace(slate, items=tuple(kept.values())), complaint if dropped else ""


def _explained(
    pipeline: Pipeline, batch: QueryBatch, pool: Pool, about_items: bool, slate: Slate
) -> Slate:
    """Give every item its reasons."""
    ranker: Any = None if about_items else pipeline.ranker
    indexes: Sequence[int] = [item.index for item in slate.items]
    found = explain_items(pipeline, batch, pool, ranker, indexes)
    items = tuple(
        replace(
            item, reasons=item.reasons or found.get(item.index) or _fallback_reason(pipeline, item)
        )
        for item in slate.items
    )
    return replace(slate, items=items)


def _fallback_reason(pipeline: Pipeline, item: SlateItem) -> tuple[Reason, ...]:
    """Say truthfully why an item stands there for which no source gave evidence."""
    count = int(pipeline.counts[item.index])
    text = f"popular: {count} events" if count else "from the catalog, no events yet"
    return (Reason("fallback", text),)


def _short(pipeline: Pipeline, slate: Slate, batch: QueryBatch, k: int) -> str:
    """Say why there are fewer than k items."""
    if len(slate.items) >= k:
        return ""
    total = len(pipeline.catalog)
    barred = len(np.unique(batch.exclude.values))
    parts = [f"the catalog has {total} items", f"{barred} are excluded for this query"]
    dropped = sum(change.action == "dropped" for change in slate.changes)
    if dropped:
        parts.append(f"policies dropped {dropped}")
    return f"only {len(slate.items)} of {k}: " + ", ".join(parts)
