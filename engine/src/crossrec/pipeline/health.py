"""What serves in a workspace, what was left out of it and why: for ``crossrec doctor``."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crossrec.components.live_items import LiveItems
from crossrec.components.policies import Availability, causes
from crossrec.components.protocols import SourceReport
from crossrec.errors import CrossrecError, NotFittedError
from crossrec.expressions import parse_expression
from crossrec.pipeline.news import BEHIND
from crossrec.scenario import Input

if TYPE_CHECKING:
    from crossrec.pipeline.engine import Engine
    from crossrec.pipeline.pipeline import Pipeline, ServedSurface
    from crossrec.pipeline.serving import Serving

#: What a request on a surface has to bring.
NEEDS: Mapping[Input, str] = {
    "user": "a user or a history",
    "item": "an item",
    "items": "items, such as those of a cart or a playlist",
    "session": "the items of a session",
    "entity": "a value of a field, such as a genre",
    "list": "a list of items to put in order",
    "nothing": "nothing",
}


@dataclass(frozen=True)
class SurfaceHealth:
    """One surface: what it needs, what it has, and what it falls back to.

    Attributes
    ----------
    main : bool
        Whether a request without a surface takes it.
    needs : str
        What a request on it has to bring.
    sources : tuple of str
        Labels of the sources that answer.
    missing : mapping of label to error
        Sources of its plan that do not.
    ranker, why : str
        Which ranker serves, and why it was chosen.
    policies : tuple of str
        Labels, in the order in which they are applied.
    known_items : str
        What becomes of items that the user knows and no event removes: "ranked like others",
        "last" or "left out".
    fallback : tuple of str
        What fills a list that stays short, in this order.
    k : int
        Length of a list where the request does not say.
    unfiltered : int
        Items that cannot be had and are offered nevertheless, since no policy looks at that.
    user_fields : mapping of str to int
        What its filter, its boost and its policies read of users, and how many users have it.
    """

    name: str
    main: bool
    needs: str
    sources: tuple[str, ...]
    missing: Mapping[str, str]
    ranker: str
    why: str
    policies: tuple[str, ...]
    known_items: str
    fallback: tuple[str, ...]
    k: int
    unfiltered: int = 0
    user_fields: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ScenarioHealth:
    """One scenario of a workspace.

    Attributes
    ----------
    stored : mapping
        What the store holds now: users, items, known_items, events, has_clock.
    error : str
        Why the scenario cannot serve; empty where it does or was never fitted.
    fitted : bool
    users, items, events : int
        What the fit saw.
    ranker, why : str
        Which ranker serves, and why it was chosen.
    sources : tuple of str
        Labels of the sources that serve.
    failed : mapping of label to error
        Sources that could not be fitted.
    unavailable : mapping of label to error
        What was fitted and cannot be used now, or could not take in new items.
    notes : tuple of str
    new_items : mapping
        Items that came after the fit: their number, the sources that know them and those that do
        not. Empty where there are none, or where no source can take in any.
    behind : tuple of str
        Sources that wait for a fit to learn what a refresh has brought the others.
    reports : mapping of label to SourceReport
        Of every source that can tell: what its fit learnt, what was left out and why.
    surfaces : tuple of SurfaceHealth
    not_available : mapping of cause to number of items
        Items that cannot be had now, by the newest fields: withdrawn, hidden, expired,
        not_yet_available, out_of_stock. Each is counted under the most lasting of its causes.
    newly_not_available : int
        How many of these could be had by the fields that the fit saw.
    deleted : int
        Items that were deleted since the fit.
    """

    scenario: str
    stored: Mapping[str, Any]
    error: str = ""
    fitted: bool = False
    users: int = 0
    items: int = 0
    events: int = 0
    ranker: str = ""
    why: str = ""
    sources: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    unavailable: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    new_items: Mapping[str, Any] = field(default_factory=dict)
    behind: tuple[str, ...] = ()
    reports: Mapping[str, SourceReport] = field(default_factory=dict)
    surfaces: tuple[SurfaceHealth, ...] = ()
    not_available: Mapping[str, int] = field(default_factory=dict)
    newly_not_available: int = 0
    deleted: int = 0

    @property
    def ok(self) -> bool:
        """Whether all that was fitted serves."""
        return not self.error and not self.unavailable

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        reports = {label: dict(one.values) for label, one in self.reports.items()}
        return {**asdict(self), "reports": reports, "ok": self.ok}


def examine(engine: Engine) -> list[ScenarioHealth]:
    """Look at every scenario that the workspace holds data or an artifact of."""
    names = set(engine.workspace.store().scenarios())
    folder = engine.workspace.artifact_path("")
    if folder.is_dir():
        names |= {path.name for path in folder.iterdir() if path.is_dir()}
    return [examine_scenario(engine, name) for name in sorted(names)]


def examine_scenario(engine: Engine, scenario: str) -> ScenarioHealth:
    """Look at one scenario; whatever is wrong with it is reported, not raised."""
    stored = asdict(engine.workspace.store().counts(scenario))
    try:
        serving = engine.serving(scenario)
    except NotFittedError:
        return ScenarioHealth(scenario, stored)
    except CrossrecError as error:
        return ScenarioHealth(scenario, stored, str(error))
    pipeline = serving.pipeline
    report = pipeline.report
    users = engine.workspace.store().users(scenario)[1]
    now = time.time()
    by_cause = not_available(serving.items, now)
    barred = barred_by(serving.items, now)
    as_fitted = barred_by(LiveItems(serving.items.catalog, serving.items.schema), now)
    return ScenarioHealth(
        scenario,
        stored,
        fitted=True,
        users=report["users"],
        items=report["items"],
        events=report["events"],
        ranker=report["gate"]["chosen"],
        why=report["gate"]["why"],
        sources=tuple(pipeline.sources),
        failed=dict(report["failed"]),
        unavailable=dict(pipeline.unavailable),
        notes=tuple(report["notes"]),
        new_items=dict(report.get("new_items", {})),
        behind=tuple(report.get(BEHIND, {})),
        reports=source_reports(pipeline),
        surfaces=tuple(
            replace(one, user_fields=read_of_users(serving, one.name, users))
            for one in surface_reports(serving, int(barred.sum()))
        ),
        not_available=by_cause,
        newly_not_available=int((barred & ~as_fitted).sum()),
        deleted=len(serving.deleted),
    )


def not_available(items: LiveItems, now: float) -> dict[str, int]:
    """Return how many items cannot be had, each under the first of its causes."""
    index = np.arange(len(items))
    seen = np.zeros(len(items), dtype=bool)
    counts: dict[str, int] = {}
    for cause, bars, _ in causes(items, now, index):
        fresh = bars & ~seen
        if fresh.any():
            counts[cause] = int(fresh.sum())
        seen |= bars
    return counts


def barred_by(items: LiveItems, now: float) -> NDArray[np.bool_]:
    """Return which items cannot be had, bool (n_items,)."""
    barred = np.zeros(len(items), dtype=bool)
    for _, bars, _ in causes(items, now, np.arange(len(items))):
        barred |= bars
    return barred


def read_of_users(
    serving: Serving, surface: str, users: Mapping[str, Mapping[str, Any]]
) -> dict[str, int]:
    """Return the fields of users that the rules of a surface read, and how many users have each.

    Parameters
    ----------
    users : mapping of user id to fields
    """
    served = serving.pipeline.surfaces[surface]
    names: list[str] = []
    for text in (served.plan.filter, served.plan.boost):
        names += parse_expression(text).user_fields if text else ()
    for label, policy in served.policies.items():
        if "reads" in served.plan.policies[label].capabilities:
            names += getattr(policy, "reads")(serving.items)  # noqa: B009
    return {
        name: sum(fields.get(name) is not None for fields in users.values())
        for name in dict.fromkeys(names)
    }


def surface_reports(serving: Serving, barred: int) -> tuple[SurfaceHealth, ...]:
    """Return what each surface needs, has and falls back to.

    Parameters
    ----------
    barred : int
        Number of items that cannot be had now.
    """
    pipeline = serving.pipeline
    return tuple(_surface_report(pipeline, one, barred) for one in pipeline.surfaces.values())


def _surface_report(pipeline: Pipeline, served: ServedSurface, barred: int) -> SurfaceHealth:
    plan = served.plan
    failed = {**pipeline.report["failed"], **pipeline.unavailable}
    known = "last" if plan.history != "exclude" else "left out"
    filters = any(isinstance(policy, Availability) for policy in served.policies.values())
    return SurfaceHealth(
        name=plan.name,
        main=plan.name == pipeline.resolved.main,
        needs=NEEDS[plan.config.input],
        sources=tuple(label for label in plan.sources if label in pipeline.sources),
        missing={
            label: failed.get(label, "it was not fitted")
            for label in plan.sources
            if label not in pipeline.sources
        },
        ranker=served.ranker_name,
        why=pipeline.report["surfaces"][plan.name]["why"],
        policies=tuple(served.policies),
        known_items="ranked like others" if served.keeps_history else known,
        fallback=plan.config.fallback,
        k=plan.config.k,
        unfiltered=0 if filters else barred,
    )


def source_reports(pipeline: Pipeline) -> dict[str, SourceReport]:
    """Return what the sources that can tell learnt and left out, by the source's label."""
    able = pipeline.capabilities
    sources: Mapping[str, Any] = pipeline.sources
    return {
        label: source.report()
        for label, source in sources.items()
        if "report" in able.get(label, frozenset())
    }
