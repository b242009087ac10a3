"""Policies learn from what people did with the lists that they shaped."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np

from crossrec.components.feedback import Feedback, Impressions
from crossrec.data.catalog import Catalog
from crossrec.data.weights import event_weights
from crossrec.pipeline.pipeline import Pipeline, ServedSurface
from crossrec.pipeline.saving import learning_policies
from crossrec.plugins.state import one_line
from crossrec.scenario import Scenario
from crossrec.store.decisions import AnsweredImpression, DecisionLog, Impression

log = logging.getLogger("crossrec")

#: By ``surface/label``: numbers of the last decision and of the last feedback that were learnt.
Stamps = dict[str, list[int]]


def learn_policies(
    pipeline: Pipeline, scenario: Scenario, decisions: DecisionLog
) -> tuple[Mapping[str, ServedSurface], Stamps, dict[str, str]]:
    """Hand every policy that learns what came since it did last; one that raises stays as it is.

    A fit starts policies anew: they learn from all that the log still holds.

    Returns
    -------
    surfaces : mapping of name to ServedSurface
    stamps : Stamps
    done : mapping of ``surface/label`` to what it learnt from, or why not
    """
    stamps: Stamps = {
        name: list(numbers) for name, numbers in pipeline.report.get("policies_learnt", {}).items()
    }
    surfaces: dict[str, ServedSurface] = {}
    done: dict[str, str] = {}
    for name, surface in pipeline.surfaces.items():
        policies = dict(surface.policies)
        for label, policy in learning_policies(surface).items():
            key = f"{name}/{label}"
            since = stamps.get(key, [0, 0])
            shown = decisions.impressions_since(scenario.name, since[0])
            answered = decisions.feedback_since(scenario.name, since[1])
            if not shown and not answered:
                done[key] = "nothing new"
                continue
            until = [
                max((one.decision for one in shown), default=since[0]),
                max((one.number for one in answered), default=since[1]),
            ]
            learnt = copy(policy)
            try:
                feedback = feedback_of(name, shown, answered, scenario, pipeline.catalog)
                learnt.learn(feedback)
            except Exception as error:
                log.warning("policy %s of %s could not learn", label, name, exc_info=error)
                done[key] = f"could not learn: {one_line(error)}"
                continue
            policies[label], stamps[key] = learnt, until
            done[key] = f"learnt from impressions: {len(feedback.shown)}, feedback: {len(feedback)}"
        surfaces[name] = replace(surface, policies=policies)
    return surfaces, stamps, done


def feedback_of(
    surface: str,
    shown: Sequence[Impression],
    answered: Sequence[AnsweredImpression],
    scenario: Scenario,
    catalog: Catalog,
) -> Feedback:
    """Return what concerns one surface, in indexes.

    Items that the catalog lacks and event types that the scenario no longer declares are left out.
    """
    events = {event.name: at for at, event in enumerate(scenario.events)}
    rows: list[tuple[AnsweredImpression, int]] = []
    for one in answered:
        event = scenario.event(one.event_type)
        known = catalog.items.index(one.shown.item_id) >= 0
        if one.shown.surface == surface and event is not None and known:
            rows.append((one, events[event.name]))
    types = np.array([type_ for _, type_ in rows], dtype=np.int64)
    values = np.array(
        [np.nan if one.value is None else one.value for one, _ in rows], dtype=np.float64
    )
    own = [one for one in shown if one.surface == surface and catalog.items.index(one.item_id) >= 0]
    return Feedback(
        catalog,
        _columns(own, catalog),
        _columns([one.shown for one, _ in rows], catalog),
        types,
        event_weights(types, values, scenario),
        np.array([one.time for one, _ in rows], dtype=np.float64),
    )


def _columns(rows: Sequence[Impression], catalog: Catalog) -> Impressions:
    def column(values: list[Any], dtype: type) -> Any:
        return np.array(values, dtype=dtype)

    return Impressions(
        catalog.items.indexes(one.item_id for one in rows),
        column([one.decision for one in rows], np.int64),
        column([one.position for one in rows], np.int64),
        column([one.propensity for one in rows], np.float64),
        column([one.time for one in rows], np.float64),
    )
