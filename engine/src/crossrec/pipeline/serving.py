"""What a request is answered from."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from crossrec.components.consumption import EventEffects
from crossrec.components.eligibility import CandidateRule
from crossrec.components.live_items import LiveItems
from crossrec.components.protocols import Ranker
from crossrec.errors import UsageError
from crossrec.pipeline.pipeline import Pipeline, ServedSurface
from crossrec.pipeline.resolved import ResolvedSurface


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


def surface_for(pipeline: Pipeline, name: str | None, *, about_items: bool) -> ServedSurface:
    """Return the surface of this name, or the pipeline's usual one for such a query.

    Raises
    ------
    UsageError
        If there is none.
    """
    surfaces = pipeline.surfaces
    if name is None:
        if pipeline.main.plan.about_items == about_items:
            return pipeline.main
        usual = [one for one in surfaces.values() if one.plan.about_items == about_items]
        if not usual:
            wanted = "an item" if about_items else "a user"
            raise UsageError(f"scenario {pipeline.scenario!r} has no surface about {wanted}")
        return usual[0]
    found = surfaces.get(name)
    if found is None:
        known = ", ".join(surfaces)
        raise UsageError(f"scenario {pipeline.scenario!r} has no surface {name!r}: it has {known}")
    if found.plan.about_items != about_items:
        need = "--item" if found.plan.about_items else "--user or --history"
        raise UsageError(f"surface {name!r} is about a {found.plan.config.input}: give {need}")
    return found
