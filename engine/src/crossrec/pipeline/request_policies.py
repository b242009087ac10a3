"""Policies of one request: those of its surface, with settings that the request changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from crossrec.errors import UsageError
from crossrec.pipeline.pipeline import ServedSurface
from crossrec.pipeline.serving import Serving

#: Label of a policy → the settings that are changed, or None where it is left out.
PolicyChanges = Mapping[str, Mapping[str, Any] | None]


def with_policies(serving: Serving, surface: str, changes: PolicyChanges | None) -> Serving:
    """Return what answers one request; the pipeline itself stays as it is.

    Raises
    ------
    UsageError
        If the surface has no such policy, or it learns: what it has learnt belongs to its settings.
    ConfigError
        If a setting does not fit: names the policy and the setting.
    """
    if not changes:
        return serving
    served = serving.pipeline.surfaces[surface]
    for label, own in changes.items():
        served = _changed(served, label, own)
    surfaces = {**serving.pipeline.surfaces, surface: served}
    return replace(serving, pipeline=replace(serving.pipeline, surfaces=surfaces))


def _changed(served: ServedSurface, label: str, changes: Mapping[str, Any] | None) -> ServedSurface:
    """Return the surface with other settings of one policy, or without it."""
    component = served.plan.policies.get(label)
    if component is None:
        known = ", ".join(served.plan.policies) or "none"
        raise UsageError(
            f"surface {served.plan.name!r} has no policy {label!r}: it has {known}; name others in "
            "the pipeline file"
        )
    components, policies = {**served.plan.policies}, {**served.policies}
    if changes is None:
        del components[label], policies[label]
    elif "learn" in component.capabilities:
        raise UsageError(f"policy {label!r} learns: change its settings in the pipeline file")
    else:
        component = replace(component, settings={**component.settings, **changes})
        components[label], policies[label] = component, component.build()
    return replace(served, plan=replace(served.plan, policies=components), policies=policies)
