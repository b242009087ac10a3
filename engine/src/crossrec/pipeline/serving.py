"""What a request is answered from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from crossrec.components.consumption import EventEffects
from crossrec.components.eligibility import CandidateRule
from crossrec.components.live_items import LiveItems
from crossrec.components.protocols import Ranker
from crossrec.errors import UsageError
from crossrec.pipeline.pipeline import Pipeline, ServedSurface
from crossrec.pipeline.resolved import ResolvedSurface
from crossrec.scenario import Input

Brought = Literal["user", "items", "entity"]

#: What a query brings → the surfaces that can answer it, the first choice where none is named.
_TAKES: Mapping[Brought, Mapping[Input, int]] = {
    "user": {"user": 0, "session": 0, "nothing": 0},
    "items": {"item": 0, "items": 0, "list": 1},
    "entity": {"entity": 0, "item": 1, "items": 1},
}
_MEANS: Mapping[Input, str] = {
    "user": "a user",
    "session": "a session",
    "nothing": "nothing",
    "item": "an item",
    "items": "items",
    "list": "a list to put in order",
    "entity": "an entity such as a genre",
}
_NEEDS: Mapping[Input, str] = {
    "user": "--user or --history",
    "session": "--user, --history or --session",
    "nothing": "neither --item nor --entity",
    "item": "--item",
    "items": "--item",
    "list": "the items with --item",
    "entity": "--entity NAME=VALUE",
}


@dataclass(frozen=True, eq=False)
class Serving:
    """What a request is answered from.

    Attributes
    ----------
    pipeline : Pipeline
    items : LiveItems
    effects : EventEffects
        What the scenario declares of its events.
    deleted : int64 array
        Items that were deleted since the fit: whatever the policies are, none is returned.
    """

    pipeline: Pipeline
    items: LiveItems
    effects: EventEffects
    deleted: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


def served_surface(
    plan: ResolvedSurface, ranker: Ranker, ranker_name: str, comes_back: bool
) -> ServedSurface:
    """Put a surface together."""
    return ServedSurface(
        plan=plan,
        ranker=ranker,
        ranker_name=ranker_name,
        policies={label: policy.build() for label, policy in plan.policies.items()},
        keeps_history=keeps_history(plan, comes_back),
    )


def keeps_history(plan: ResolvedSurface, comes_back: bool) -> bool:
    """Return whether known items that no consumption removes are candidates like others."""
    return plan.history == "keep" or (plan.history == "auto" and comes_back)


def rule_of(serving: Serving, surface: ServedSurface) -> CandidateRule:
    """Return what a surface admits."""
    plan = surface.plan.config
    return CandidateRule(
        "served",
        surface.keeps_history,
        serving.effects,
        plan.fresh,
        plan.weighs,
        plan.consumed == "keep",
        serving.items,
    )


def surface_for(pipeline: Pipeline, name: str | None, brought: Brought = "user") -> ServedSurface:
    """Return the surface of this name, or the pipeline's usual one for such a query.

    Parameters
    ----------
    brought : {"user", "items", "entity"}
        What the query brings; a user, too, where it brings none of these.

    Raises
    ------
    UsageError
        If there is none, or the one that is named needs something else.
    """
    surfaces, takes = pipeline.surfaces, _TAKES[brought]
    if name is None:
        usual = [pipeline.main, *surfaces.values()]
        fitting = [one for one in usual if one.plan.config.input in takes]
        if not fitting:
            what = {"user": "a user", "items": "an item", "entity": "an entity"}[brought]
            raise UsageError(f"scenario {pipeline.scenario!r} has no surface about {what}")
        return min(fitting, key=lambda one: takes[one.plan.config.input])
    found = surfaces.get(name)
    if found is None:
        known = ", ".join(surfaces)
        raise UsageError(f"scenario {pipeline.scenario!r} has no surface {name!r}: it has {known}")
    wanted = found.plan.config.input
    if wanted not in takes:
        raise UsageError(f"surface {name!r} is about {_MEANS[wanted]}: give {_NEEDS[wanted]}")
    return found
