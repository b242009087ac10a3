"""From the arguments of a call to the surface that answers it and its query."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from crossrec.components.cursor import shown_before
from crossrec.components.live_items import LiveItems
from crossrec.components.query import Entity, Query, id_tuple
from crossrec.components.slate import Slate
from crossrec.errors import UsageError
from crossrec.pipeline.config import RowsConfig
from crossrec.pipeline.pipeline import ServedSurface
from crossrec.pipeline.serving import Brought, Serving, surface_for
from crossrec.scenario import Scenario


def requested(
    serving: Serving,
    scenario: Scenario,
    *,
    surface: str | None = None,
    user_id: str | None = None,
    history: Sequence[str] | None = None,
    item_ids: Sequence[str] = (),
    entity: tuple[str, str] | None = None,
    session: Sequence[str] = (),
    exclude: Sequence[str] = (),
    cursor: str = "",
    k: int | None = None,
    **fields: Any,
) -> tuple[ServedSurface, Query]:
    """Return the surface that answers a request, and the request as its query.

    Parameters
    ----------
    entity : (str, str), optional
        Name of a relation or a field, and the value.
    fields
        Further fields of the query, as they are.

    Raises
    ------
    UsageError
        If no surface takes what the request brings, and for arguments that cannot be understood.
    """
    if entity is not None and item_ids:
        raise UsageError("a list is about items or about an entity, not about both")
    brought: Brought = "items" if item_ids else "user" if entity is None else "entity"
    place = surface_for(serving.pipeline, surface, brought)
    wanted = len(item_ids) if place.plan.config.input == "list" else place.plan.config.k
    query = Query(
        user_id=user_id,
        history=None if history is None else id_tuple("history", history),
        item_ids=id_tuple("item_ids", item_ids),
        entity=None if entity is None else entity_of(scenario, serving.items, *entity),
        session=id_tuple("session", session),
        exclude=id_tuple("exclude", exclude),
        shown=shown_before(cursor, place.plan.name),
        surface=place.plan.name,
        k=wanted if k is None else k,
        **{**fields, "context": dict(fields.get("context") or {})},
    )
    return place, query


def all_rows(
    ask: Callable[..., Slate], rows: RowsConfig | None, request: Mapping[str, Any]
) -> list[Slate]:
    """Return every row of a surface that has several, each without the items of those before it.

    Parameters
    ----------
    ask : callable
        Answers one request, with its `row` and what it excludes.
    """
    if rows is None:
        return [ask(**request)]
    exclude = id_tuple("exclude", request.get("exclude", ()))
    found: list[Slate] = []
    for row in range(1, rows.most + 1):
        slate = ask(**{**request, "row": row, "exclude": exclude})
        if not slate.about:
            break
        found.append(slate)
        exclude = (*exclude, *slate.item_ids)
    return found


def entity_of(scenario: Scenario, items: LiveItems, name: str, value: str) -> Entity:
    """Return the entity of this name: a relation of the scenario, or a field of its items.

    Raises
    ------
    UsageError
        If the scenario has neither.
    """
    relations: Mapping[str, str] = {one.name: one.field for one in scenario.relations}
    fields = {alias: one.name for one in scenario.items.fields for alias in one.aliases}
    found = relations.get(name) or fields.get(name) or name
    if found not in items.fields():
        known = ", ".join(relations) or "none"
        raise UsageError(
            f"scenario {scenario.name!r} has no relation or field {name!r}: its relations are "
            f"{known}"
        )
    return Entity(found, value)
