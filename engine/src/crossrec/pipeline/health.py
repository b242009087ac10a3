"""What serves in a workspace, what was left out of it and why: for ``crossrec doctor``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from crossrec.components.protocols import SourceReport
from crossrec.errors import CrossrecError, NotFittedError
from crossrec.pipeline.news import BEHIND

if TYPE_CHECKING:
    from crossrec.pipeline.engine import Engine
    from crossrec.pipeline.pipeline import Pipeline


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
        pipeline = engine.pipeline(scenario)
    except NotFittedError:
        return ScenarioHealth(scenario, stored)
    except CrossrecError as error:
        return ScenarioHealth(scenario, stored, str(error))
    report = pipeline.report
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
