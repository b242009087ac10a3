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
from crossrec.data.ragged import Ragged
from crossrec.pipeline.pipeline import Pipeline, log
from crossrec.pipeline.reasons import explain_items


@dataclass(frozen=True)
class Past:
    """What the store knows of the user who asks.

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
class Asked:
    """A query in indexes, with what has to be said about it."""

    batch: QueryBatch
    path: str
    notes: tuple[str, ...]


def answer(
    pipeline: Pipeline, query: Query, past: Past, *, surface: str, explain: bool = True
) -> Slate:
    """Answer one query. Never raises for an unknown user, item or an empty history."""
    now = time.time() if query.now is None else query.now
    asked = understand(pipeline, query, past, now)
    about_items = bool(query.item_ids)
    rank = pipeline.rank_items if about_items else pipeline.rank_user
    pool, scores, degraded = rank(asked.batch)
    items = _ordered(pipeline, pool, scores, asked.batch.exclude.values, query.k)
    slate = Slate(
        items=items,
        request_id=uuid.uuid4().hex,
        scenario=pipeline.scenario,
        surface=surface,
        path=asked.path,
        degraded=(*_unavailable(pipeline), *degraded),
        notes=asked.notes,
    )
    slate = _apply_policies(pipeline, slate, PolicyContext(query, pipeline.catalog, now))
    slate = replace(slate, items=slate.items[: query.k])
    if explain:
        slate = _explained(pipeline, asked.batch, pool, about_items, slate)
    return replace(slate, short_because=_short(pipeline, slate, asked.batch, query.k))


def _unavailable(pipeline: Pipeline) -> list[Degraded]:
    """Name the sources that were fitted but cannot be used in this process."""
    return [Degraded(label, error) for label, error in pipeline.unavailable.items()]


def understand(pipeline: Pipeline, query: Query, past: Past, now: float) -> Asked:
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
        notes.append(f"{unknown} of {len(history)} history items are not in the fitted catalog")
    history = history[history >= 0]
    if not len(history):
        path = "no history"
    barred = items.indexes((*query.exclude, *past.disliked))
    barred = barred[barred >= 0]
    if query.item_ids or pipeline.config.history == "exclude":
        consumed = history if query.history is not None else items.indexes(past.liked)
        barred = np.unique(np.concatenate([barred, history, consumed[consumed >= 0]]))
    user = pipeline.users.index(query.user_id) if query.user_id is not None else -1
    batch = QueryBatch(
        users=np.array([user if query.history is None and not query.item_ids else -1]),
        history=Ragged.from_rows([history]),
        exclude=Ragged.from_rows([barred]),
        now=np.array([now]) if pipeline.has_clock else None,
    )
    return Asked(batch, path, tuple(notes))


def _ordered(
    pipeline: Pipeline,
    pool: Pool,
    scores: NDArray[np.float32],
    barred: NDArray[np.int64],
    k: int,
) -> tuple[SlateItem, ...]:
    """Return the ranked candidates, then the most popular rest, with some to spare for policies."""
    spare = 2 * k + 20
    order = np.argsort(-scores[0], kind="stable")[: k + spare]
    ranked = [int(i) for i in pool.index[0][order] if i >= 0]
    values = [float(scores[0][at]) for at in order[: len(ranked)]]
    if len(ranked) < k + spare:
        taken = {*ranked, *barred.tolist()}
        lowest = min(values, default=0.0)
        need = k + spare - len(ranked)
        rest = _first_free(pipeline.fallback, taken, need)
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


def _apply_policies(pipeline: Pipeline, slate: Slate, context: PolicyContext) -> Slate:
    """Apply the policies in order; one that raises is left out and named."""
    for name, policy in pipeline.policies.items():
        try:
            slate = policy.apply(slate, context)
        except Exception as error:
            log.warning("policy %s failed", name, exc_info=error)
            failure = Degraded(name, f"{type(error).__name__}: {error}")
            slate = replace(slate, degraded=(*slate.degraded, failure))
    return slate


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
