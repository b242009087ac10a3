"""Requests at past moments, with no store: what a person's events in a dataset were by then."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from crossrec.components.candidates import PAD
from crossrec.components.query import Query, QueryBatch
from crossrec.components.slate import Slate
from crossrec.components.user_state import HISTORY, UserState, session_start
from crossrec.data.dataset import Dataset
from crossrec.data.user_events import UserEvents
from crossrec.evaluation.surfaces.measure import SurfaceAnswers
from crossrec.evaluation.surfaces.questions import Questions
from crossrec.numeric.ragged import IntArray
from crossrec.pipeline.query_resolution import resolve_query
from crossrec.pipeline.request import answer_batch
from crossrec.pipeline.serving import Serving

#: Questions that are answered together.
_BLOCK = 256


def answers_to(
    serving: Serving,
    surface: str,
    questions: Questions,
    dataset: Dataset,
    k: int,
    step: Callable[[int, int], None] = lambda done, total: None,
) -> SurfaceAnswers:
    """Answer questions as requests at their moments are answered: nothing is written to a log.

    Parameters
    ----------
    dataset : Dataset
        Of all events, whose places the questions name.
    step : callable
        Called with the questions that are answered, and all.
    """
    rows = range(1) if questions.anonymous else range(len(questions))
    requests = [_request(serving, surface, questions, dataset, row, k) for row in rows]
    slates: list[Slate] = []
    started = time.perf_counter()
    for at in range(0, len(requests), _BLOCK):
        slates += answer_batch(serving, requests[at : at + _BLOCK], surface)
        step(len(slates), len(requests))
    seconds = time.perf_counter() - started
    served = serving.pipeline.surfaces[surface]
    seen = [
        resolve_query(serving, served, query, user, time.time() if query.now is None else query.now)
        for query, user in requests
    ]
    return SurfaceAnswers(
        _lists(slates, k),
        QueryBatch.stack([one.batch for one in seen]),
        seconds,
        tuple(slate.short_because for slate in slates),
    )


def _lists(slates: Sequence[Slate], k: int) -> IntArray:
    """Return the items of the answers, int64 (n, k)."""
    lists = np.full((len(slates), k), PAD, dtype=np.int64)
    for row, slate in enumerate(slates):
        lists[row, : len(slate.items)] = [item.index for item in slate.items]
    return lists


def _request(
    serving: Serving, surface: str, questions: Questions, dataset: Dataset, row: int, k: int
) -> tuple[Query, UserState]:
    """Return the query of one question and what is known of its user by then."""
    ids = dataset.catalog.items
    now = float(questions.now[row])
    moment = None if np.isnan(now) else now
    if questions.anonymous:
        return Query(surface=surface, k=k, now=moment), UserState()
    user = state_before(
        dataset,
        int(questions.users[row]),
        int(questions.starts[row]),
        int(questions.known[row]),
        serving.effects.acting_types,
    )
    query = Query(
        user_id=user.user_id,
        item_ids=tuple(ids.id(item) for item in questions.about.row(row).tolist()),
        session=tuple(ids.id(item) for item in questions.session.row(row).tolist()),
        now=moment,
        surface=surface,
        k=k,
    )
    return query, user


def state_before(
    dataset: Dataset, user: int, start: int, end: int, acting_types: Sequence[str] = ()
) -> UserState:
    """Return what a store with some events of a user alone would hand to a request.

    Parameters
    ----------
    start, end : int
        The user's events stand from the first of these places to before the second.
    acting_types : sequence of str
        Types of events that act on candidates however old they are.
    """
    split = max(start, end - HISTORY)
    history = _events(dataset, np.arange(split, end))
    acts = [at for at, one in enumerate(dataset.event_types) if one.name in acting_types]
    older = np.arange(start, split)
    acting = older[np.isin(dataset.events.types[older], acts)]
    return UserState(
        dataset.users.id(user),
        history,
        _events(dataset, acting),
        session_start=session_start(history),
        profile={name: one.of(np.array([user]))[0] for name, one in dataset.profiles.items()},
        known=end > start,
    )


def _events(dataset: Dataset, places: IntArray) -> UserEvents:
    """Return some events as a store hands them out."""
    events = dataset.events.take(places)
    return UserEvents(
        tuple(dataset.catalog.items.id(item) for item in events.items.tolist()),
        events.types,
        _portions(dataset, events.types, events.weights),
        events.weights,
        events.times,
    )


def _portions(
    dataset: Dataset, types: IntArray, weights: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return the portions that weights were made of; NaN where the value of a type is another."""
    strengths = [
        one.strength if one.value == "portion" and one.strength else np.nan
        for one in dataset.event_types
    ]
    scale = np.array([*strengths, np.nan])[np.minimum(types, len(strengths))]
    portions: NDArray[np.float64] = weights / scale
    return portions
