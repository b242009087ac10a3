"""Requests on a fitted pipeline without a workspace, for tests."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from crossrec.components.consumption import EventEffects
from crossrec.components.live_items import LiveItems
from crossrec.components.query import Query
from crossrec.components.run import RunOptions
from crossrec.components.slate import Slate
from crossrec.components.user_state import UserState
from crossrec.data.dataset import Dataset
from crossrec.data.user_events import UserEvents
from crossrec.pipeline.fit import fit_sources
from crossrec.pipeline.pipeline import Pipeline
from crossrec.pipeline.query_resolution import ResolvedQuery, resolve_query
from crossrec.pipeline.request import answer
from crossrec.pipeline.serving import Brought, Serving, surface_for
from crossrec.pipeline.user_states import with_given_history
from crossrec.scenario import EventType, ItemField, ItemSchema, Relation, Scenario, Surface

#: A shop where what is bought does not come back, and what is disliked never does.
TOY = Scenario(
    name="toy",
    summary="a toy shop",
    events=(
        EventType("buy", consumes="hard"),
        EventType("dislike", kind="explicit", polarity=-1, strength=-1.0, consumes="hard"),
        EventType("view"),
    ),
    items=ItemSchema((ItemField("title"), ItemField("is_hidden", "flag")), "{title}"),
    surfaces=(Surface("user"), Surface("item", "item")),
    pipeline="",
    default_event="buy",
    main_surface="user",
    relations=(Relation("maker", "maker"),),
)


def serve(pipeline: Pipeline, scenario: Scenario = TOY) -> Serving:
    """Return what requests on `pipeline` are answered from."""
    items = LiveItems(pipeline.catalog, scenario.items)
    return Serving(pipeline, items, EventEffects.of(scenario))


def with_parts(pipeline: Pipeline, **parts: Any) -> Pipeline:
    """Return the pipeline with other parts (ranker, policies …) on all of its surfaces."""
    surfaces = {name: replace(one, **parts) for name, one in pipeline.surfaces.items()}
    return replace(pipeline, surfaces=surfaces)


def with_every_source(pipeline: Pipeline, dataset: Dataset) -> Pipeline:
    """Return the pipeline with all sources on all surfaces, also those that were dropped."""
    fitted = fit_sources(dataset, pipeline.resolved, RunOptions(), "for a test")
    surfaces = {
        name: replace(one, plan=pipeline.resolved.surfaces[name])
        for name, one in pipeline.surfaces.items()
    }
    return replace(pipeline, sources=fitted.sources, surfaces=surfaces)


def user_with(
    liked: Sequence[str] = (),
    disliked: Sequence[str] = (),
    user_id: str | None = None,
    *,
    viewed: Sequence[str] = (),
) -> UserState:
    """Return a user of `TOY` who has bought, viewed and disliked some items, in this order."""
    ids = (*liked, *viewed, *disliked)
    n = len(ids)
    types = [0] * len(liked) + [2] * len(viewed) + [1] * len(disliked)
    weights = [1.0] * (len(liked) + len(viewed)) + [-1.0] * len(disliked)
    events = UserEvents(
        tuple(ids),
        np.array(types, dtype=np.int64),
        np.full(n, np.nan),
        np.array(weights, dtype=np.float32),
        np.arange(n, dtype=np.float64),
    )
    return UserState(user_id, events, known=n > 0)


def ask(
    pipeline: Pipeline,
    user: UserState | None = None,
    *,
    scenario: Scenario = TOY,
    explain: bool = True,
    **fields: Any,
) -> Slate:
    """Answer one query given as the fields of `Query`."""
    query = Query(**fields)
    user = user or UserState(query.user_id)
    if query.history is not None:
        now = time.time() if query.now is None else query.now
        user = with_given_history(user, query.history, scenario, now)
    brought: Brought = "items" if query.item_ids else "entity" if query.entity else "user"
    name = surface_for(pipeline, query.surface, brought).plan.name
    return answer(serve(pipeline, scenario), query, user, name, explain=explain)


def resolved(
    pipeline: Pipeline,
    user: UserState | None = None,
    now: float = 0.0,
    surface: str = "user",
    **fields: Any,
) -> ResolvedQuery:
    """Return a query in indexes, as a surface of the toy shop sees it."""
    query = Query(**fields)
    user = user or UserState(query.user_id)
    if query.history is not None:
        user = with_given_history(user, query.history, TOY, now)
    return resolve_query(serve(pipeline), pipeline.surfaces[surface], query, user, now)
