"""A query in indexes: history, what the list is about, and what the past excludes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec.components.consumption import PastEffects, PastEvents, ages_of
from crossrec.components.query import Query, QueryBatch
from crossrec.components.user_state import UserState
from crossrec.data.linked import linked_id
from crossrec.data.net_evidence import net_evidence
from crossrec.data.profiles import profile_value
from crossrec.data.user_events import UserEvents
from crossrec.data.vocabulary import Vocabulary
from crossrec.expressions import Scope
from crossrec.numeric.arrays import among
from crossrec.numeric.ragged import Ragged
from crossrec.pipeline.conditions import Filtered, filtered_items
from crossrec.pipeline.history_rows import History
from crossrec.pipeline.pipeline import Pipeline, ServedSurface
from crossrec.pipeline.serving import Serving, rule_of
from crossrec.pipeline.subject import Subject, known_items, subject_of


@dataclass(frozen=True, eq=False)
class ResolvedQuery:
    """A query in indexes, with what has to be said about it.

    Attributes
    ----------
    batch : QueryBatch of one
    familiar : int64 array
        Known items that are no candidates but may fill the end of a list, the latest first.
    barred : int64 array
        What no policy may put in: everything excluded but the familiar items.
    removed : PastEffects
        What the user's past removes, and why.
    filtered : Filtered
        What filters leave out.
    scope : Scope
        What filters and boosts read.
    subject : Subject
        What the list is about.
    path : str
        Which history was used: "stored history", "given history", "items", "linked history" (from
        other scenarios alone) or "no history".
    """

    batch: QueryBatch
    familiar: NDArray[np.int64]
    barred: NDArray[np.int64]
    removed: PastEffects
    path: str
    notes: tuple[str, ...]
    filtered: Filtered
    scope: Scope
    subject: Subject


def resolve_query(
    serving: Serving, surface: ServedSurface, query: Query, user: UserState, now: float
) -> ResolvedQuery:
    """Turn ids into indexes; apply what the past does; note every fallback."""
    pipeline = serving.pipeline
    vocabulary = pipeline.catalog.items
    notes: list[str] = []
    clock = now if pipeline.has_clock else None
    past = _past_events(vocabulary, user, clock)
    effects = rule_of(serving, surface).effects_on(past)
    undone = effects.undone[len(effects.undone) - len(user.history) :]
    history, columns = _history(vocabulary, user, query, undone, notes)
    known = History.of(history, columns["weights"], columns["times"], clock)
    subject = subject_of(serving, surface, query, known)
    notes += subject.notes
    about = subject.about
    unwanted = vocabulary.indexes((*query.exclude, *query.shown))
    scope = Scope(serving.items, now, None, history, user.profile, query.context)
    filtered = filtered_items(surface.plan, query, scope)
    outside = subject.outside(len(serving.items))
    recent = history[len(history) - min(surface.plan.config.recent, len(history)) :]
    left_out = (subject.excluded, unwanted, serving.deleted, filtered.items, outside, recent)
    barred = exclude = _ascending(effects.removed.values, *left_out)
    familiar = np.zeros(0, dtype=np.int64)
    if not surface.keeps_history:
        exclude = _ascending(barred, history)
        if surface.plan.history == "exclude":
            barred = exclude
        else:
            familiar = _familiar(history, barred)
    linked = _linked(pipeline, user)
    unknown = query.user_id is not None and not user.known and not user.given
    if unknown and not len(linked):
        notes.append(f"user {query.user_id!r} is unknown: nothing personal is known yet")
    path = "given history" if user.given else "stored history"
    nothing = "linked history" if len(linked) else "no history"
    given = len(about) > 0 and surface.plan.config.rows is None
    path = "items" if given else path if len(history) else nothing
    index = pipeline.users.index(query.user_id) if query.user_id is not None else -1
    negative = past.items[(past.weights < 0) & (past.items >= 0)]
    batch = QueryBatch(
        # Of whom the store knows nothing any more, what the fit learnt is not used.
        users=np.array([index if user.known and not user.given else -1]),
        history=_one_row(history),
        exclude=_one_row(exclude),
        now=None if clock is None else np.array([clock]),
        about=_one_row(about),
        negatives=_one_row(np.unique(negative) if len(negative) else negative),
        demoted=effects.demoted,
        factors=effects.factors,
        session_start=np.array([np.nan if user.session_start is None else user.session_start]),
        context={name: np.array([value]) for name, value in query.context.items()},
        surface=surface.plan.name,
        profile={name: np.array([profile_value(one)]) for name, one in user.profile.items()},
        linked=_one_row(linked),
        **columns,
    )
    return ResolvedQuery(
        batch, familiar, barred, effects, path, tuple(notes), filtered, scope, subject
    )


def _past_events(vocabulary: Vocabulary, user: UserState, now: float | None) -> PastEvents:
    """Return the user's events in indexes."""
    past = user.past
    rows = np.zeros(len(past), dtype=np.int64)
    clock = None if now is None else np.array([now])
    return PastEvents(
        rows,
        vocabulary.indexes(past.item_ids),
        past.types,
        past.weights,
        ages_of(rows, past.times, clock, 1),
    )


def _history(
    vocabulary: Vocabulary,
    user: UserState,
    query: Query,
    undone: NDArray[np.bool_],
    notes: list[str],
) -> tuple[NDArray[np.int64], dict[str, Any]]:
    """Return the items that the user has evidence for, session included, and their columns."""
    events = user.history
    items = vocabulary.indexes(events.item_ids)
    unknown = int((items < 0).sum())
    if unknown:
        notes.append(f"{unknown} of {len(items)} history items are not in the fitted catalog")
    net = _net(events)
    kept = (items >= 0) & (net > 0) & ~undone
    session = known_items(vocabulary, query.session, "session items", notes)
    n = len(session)
    latest = float(events.times[-1]) if len(events) else 0.0
    return np.concatenate([items[kept], session]), {
        "times": np.concatenate([events.times[kept], np.full(n, latest)]),
        "types": np.concatenate([events.types[kept], np.zeros(n, dtype=np.int64)]),
        "weights": np.concatenate([net[kept], np.ones(n, dtype=np.float32)]),
    }


def _linked(pipeline: Pipeline, user: UserState) -> NDArray[np.int64]:
    """Return what the user did in other scenarios; read only where a source answers from it."""
    known = pipeline.linked_items
    if known is None:
        return np.zeros(0, dtype=np.int64)
    ids = [linked_id(one.scenario, item) for one in user.linked for item in one.events.item_ids]
    items = known.indexes(ids)
    return items[items >= 0]


def _net(events: UserEvents) -> NDArray[np.float32]:
    """Return what one person's negative events leave of each event's weight."""
    if not (events.weights < 0).any():
        return events.weights
    ids = np.unique(np.array(events.item_ids, dtype=object), return_inverse=True)[1]
    return net_evidence(np.zeros(len(ids), dtype=np.int64), ids.astype(np.int64), events.weights)


def _familiar(history: NDArray[np.int64], barred: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the distinct items of a history that nothing bars, the latest first.

    `barred` ascends.
    """
    left = history[~among(history, barred)][::-1]
    if not len(left):
        return left
    return left[np.sort(np.unique(left, return_index=True)[1])]


def _ascending(*parts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the distinct items of all parts, ascending, without -1."""
    items = np.sort(np.concatenate(parts))
    first = items >= 0
    first[1:] &= items[1:] != items[:-1]
    return items[first]


def _one_row(values: NDArray[np.int64]) -> Ragged:
    return Ragged(np.array([0, len(values)]), values)
