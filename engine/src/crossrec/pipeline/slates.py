"""From what a request came to, to the slate that says so: items, reasons, changes, shortness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossrec.components.candidates import Pool
from crossrec.components.consumption import CODES
from crossrec.components.cursor import cursor_after
from crossrec.components.evidence import Reason
from crossrec.components.live_items import LiveItems
from crossrec.components.query import Query, QueryBatch
from crossrec.components.ranked import PolicyChange, Ranked
from crossrec.components.slate import Change, Degraded, Example, Slate, SlateItem
from crossrec.data.catalog import as_text
from crossrec.jsonio import plain
from crossrec.pipeline.entity_answers import (
    NONE,
    Answered,
    answered_entities,
    as_entities,
    short_of_entities,
)
from crossrec.pipeline.pipeline import COUNTED, Pipeline, ServedSurface
from crossrec.pipeline.query_resolution import ResolvedQuery
from crossrec.pipeline.reasons import explain_items, main_sources
from crossrec.pipeline.serving import Serving
from crossrec.pipeline.text_query import TextQuery

_COUNTED = "nothing is fitted yet: counted from the {:,} stored events for this answer"


@dataclass(frozen=True, eq=False)
class Outcome:
    """What one request came to.

    Attributes
    ----------
    pool : Pool
        What the sources proposed, with what a text added.
    scores : float32 array, shape of the pool
    whole : Ranked
        Before the first policy.
    ranked : Ranked
        After the last policy, not cut.
    """

    request_id: str
    query: Query
    resolved: ResolvedQuery
    pool: Pool
    scores: NDArray[np.float32]
    whole: Ranked
    ranked: Ranked
    text: TextQuery | None


def slate_of(
    serving: Serving, served: ServedSurface, one: Outcome, *, explain: bool, named: bool
) -> Slate:
    """Return the slate of a request, cut to k, with what has to be said about it."""
    pipeline, resolved, ranked = serving.pipeline, one.resolved, one.ranked
    field, k = served.plan.config.answers, one.query.k
    answered = _answered_entities(serving, one, field)
    at = answered.best[:k] if field else np.arange(min(k, len(ranked)), dtype=np.int64)
    shown = ranked.index[at].tolist()
    reasons, sources = _why(pipeline, served, one, shown, explain=explain, named=named)
    items = _slate_items(serving.items, shown, ranked.propensity[at], reasons, sources)
    short = _short(pipeline, one.pool, len(shown), ranked.changes, resolved, k)
    if field:
        items = as_entities(items, answered, serving.items, field, ranked.index)
        short = short_of_entities(answered, field, len(ranked), k)
    about = tuple(_example(serving.items, item) for item in resolved.subject.named.tolist())
    counted = pipeline.report.get(COUNTED)
    return Slate(
        items=items,
        request_id=one.request_id,
        scenario=pipeline.scenario,
        surface=served.plan.name,
        path=resolved.path if counted is None else f"not fitted, {resolved.path}",
        short_because=short,
        degraded=_unavailable(pipeline),
        changes=_changes(pipeline, (*_demoted(resolved, one.whole), *ranked.changes)),
        notes=(*resolved.notes, *([] if counted is None else [_COUNTED.format(counted)])),
        next_cursor=_next_cursor(served, one.query, items),
        answers=field,
        about=about,
        heading=_heading(served, about),
    )


def _why(
    pipeline: Pipeline,
    served: ServedSurface,
    one: Outcome,
    shown: Sequence[int],
    *,
    explain: bool,
    named: bool,
) -> tuple[Sequence[tuple[Reason, ...]], Sequence[str]]:
    """Return the reasons of the shown items, and the source that did most for each."""
    batch, pool = one.resolved.batch, one.pool
    reasons: Sequence[tuple[Reason, ...]] = [()] * len(shown)
    sources: Sequence[str] = [""] * len(shown)
    if explain:
        reasons = _reasons(pipeline, served, batch, pool, shown)
    if named:
        sources = main_sources(pool, served.ranker, shown)
    if one.text is not None:
        led = one.text.leads(shown, pool, one.scores, batch).tolist()
        reasons = one.text.reasons(reasons, led) if explain else reasons
        sources = one.text.sources(sources, led) if named else sources
    return reasons, sources


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


def _answered_entities(serving: Serving, one: Outcome, field: str) -> Answered:
    """Return the values that a surface answers with; none where it answers items."""
    if not field:
        return NONE
    index, about = one.ranked.index, one.resolved.batch.about.values
    supported = np.isin(index, one.pool.index[0])
    return answered_entities(serving.items, field, index, supported, about, one.query)


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


def _unavailable(pipeline: Pipeline) -> tuple[Degraded, ...]:
    """Name what was fitted but cannot be used in this process."""
    return tuple(Degraded(label, error) for label, error in pipeline.unavailable.items())


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
