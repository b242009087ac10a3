"""What came since the fit joins the pipeline without one: items, then events, then feedback.

Every part that can learn does so on a copy. What cannot keeps serving with what it knows, and is
named with the reason.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from copy import copy
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from crossrec.components.run import RunOptions
from crossrec.data.event_change import EventChange
from crossrec.errors import ArtifactError, RefitNeededError
from crossrec.pipeline.frozen_catalog import FrozenCatalogSource
from crossrec.pipeline.live import with_items
from crossrec.pipeline.news import BEHIND, News, known_event, last_event, read_news
from crossrec.pipeline.pipeline import Pipeline
from crossrec.pipeline.policy_learning import learn_policies
from crossrec.plugins.state import one_line
from crossrec.scenario import Scenario
from crossrec.store.base import Store
from crossrec.store.decisions import DecisionLog

log = logging.getLogger("crossrec")


@dataclass(frozen=True)
class SourceRefresh:
    """What a refresh did for one source.

    Attributes
    ----------
    status : str
        ``"updated"``: it knows all items and events. ``"items"``: it took in the new items, and
        events wait. ``"waits"``: what is new waits for a fit.
    items : int
        New items that it took in.
    why : str
        Why something waits for a fit; "" where nothing does.
    """

    status: str
    items: int = 0
    why: str = ""


@dataclass(frozen=True)
class RefreshReport:
    """What a refresh found and did.

    Attributes
    ----------
    items, users, events : int
        How many are new since the last fit or refresh.
    sources : mapping of label to SourceRefresh
    policies : mapping of ``surface/label`` to what it learnt from, or why not
        Only those that learn.
    notes : tuple of str
        What else went wrong, such as an encoder that cannot encode new items.
    published : bool
        Whether a new version serves; where nothing was new the old one goes on.
    """

    scenario: str
    items: int
    users: int
    events: int
    sources: Mapping[str, SourceRefresh]
    policies: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    published: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return asdict(self)


def refresh_pipeline(
    fitted: Pipeline,
    scenario: Scenario,
    store: Store,
    decisions: DecisionLog,
    run: RunOptions,
) -> tuple[Pipeline, RefreshReport]:
    """Return the pipeline with everything that came since; `fitted` stays as it is.

    Parameters
    ----------
    fitted : Pipeline
        As loaded from its artifact, without what a live pipeline has taken in since.

    Raises
    ------
    ArtifactError
        If a part of the artifact could not be restored: a new version would lack it.
    """
    refuse_incomplete(fitted)
    news = read_news(fitted, scenario, store)
    grown = with_items(fitted, scenario, news.records, run) if news.records else fitted
    grown = replace(grown, users=news.users, has_clock=news.has_clock)
    since = last_event(fitted)
    changes = {stamp: news.change(stamp, grown.catalog) for stamp in news.found}
    sources: dict[str, Any] = {}
    reports: dict[str, SourceRefresh] = {}
    behind: dict[str, int] = {}
    for label in grown.sources:
        stamp = known_event(fitted, label)
        is_new = stamp < news.last_event
        sources[label], why, learnt = _learnt(grown, label, changes.get(stamp), is_new)
        if is_new and not learnt:
            behind[label] = stamp
        reports[label] = _source_report(fitted, sources[label], why, news.records, behind, label)
    surfaces, stamps, policies = learn_policies(grown, scenario, decisions)
    pipeline = _counted(replace(grown, sources=sources, surfaces=surfaces), changes[since])
    new_events = news.count(since)
    report = _report(pipeline, news, new_events, behind)
    pipeline = replace(pipeline, report={**report, "policies_learnt": stamps}, unavailable={})
    published = bool(
        news.records
        or new_events
        or behind != fitted.report.get(BEHIND, {})
        or stamps != fitted.report.get("policies_learnt", {})
    )
    return pipeline, RefreshReport(
        fitted.scenario,
        len(news.records),
        len(news.users) - len(fitted.users),
        new_events,
        reports,
        policies,
        _notes(grown, pipeline.report["events"] - news.stored),
        published,
    )


def _notes(grown: Pipeline, deleted: int) -> tuple[str, ...]:
    """Return what went wrong beside the sources, and what a refresh cannot take back."""
    notes = [
        f"{part}: {why}" for part, why in grown.unavailable.items() if part not in grown.sources
    ]
    if deleted > 0:
        notes.append(
            f"{deleted} events that were learnt have been deleted since: a fit takes them out"
        )
    return tuple(notes)


def refuse_incomplete(fitted: Pipeline) -> None:
    """Refuse to write a new version that would lack a part of this one.

    Raises
    ------
    ArtifactError
        Names the parts that could not be restored, and why.
    """
    if fitted.unavailable:
        causes = "; ".join(f"{part}: {error}" for part, error in fitted.unavailable.items())
        raise ArtifactError(
            f"a part of {fitted.scenario} cannot be restored, and a new version would lack it "
            f"({causes}): install what is missing, or run `crossrec fit {fitted.scenario}`"
        )


def _learnt(
    pipeline: Pipeline, label: str, change: EventChange | None, is_new: bool
) -> tuple[Any, str, bool]:
    """Return a source with the new events, why something waits, and whether it knows all events."""
    source: Any = pipeline.sources[label]
    able = pipeline.capabilities.get(label, frozenset())
    frozen = isinstance(source, FrozenCatalogSource)
    if not is_new and not frozen:
        return source, "", True
    if frozen and "add_items" in able:
        missing = len(pipeline.catalog) - source.known_items
        why = pipeline.unavailable.get(label, f"it lacks {missing} items that came before")
        return source, why, not is_new
    if "update" not in able or change is None:
        what = "events" if "add_items" in able else "items and events"
        return source, f"it learns new {what} only in a fit", not is_new
    candidate = copy(source.source if frozen else source)
    try:
        candidate.update(change)
    except RefitNeededError as error:
        return source, str(error), not is_new
    except Exception as error:
        log.warning("source %s could not learn new events", label, exc_info=error)
        return source, f"new events could not be learnt: {one_line(error)}", not is_new
    return candidate, "", True


def _source_report(
    fitted: Pipeline,
    source: Any,
    why: str,
    records: Mapping[str, Any],
    behind: Mapping[str, int],
    label: str,
) -> SourceRefresh:
    """Return what was done for one source."""
    if isinstance(source, FrozenCatalogSource):
        return SourceRefresh("waits", 0, why)
    before = fitted.sources[label]
    known = before.known_items if isinstance(before, FrozenCatalogSource) else len(fitted.catalog)
    taken = len(fitted.catalog) + len(records) - known
    if label in behind:
        return SourceRefresh("items" if taken else "waits", taken, why)
    return SourceRefresh("updated", taken)


def _counted(pipeline: Pipeline, change: EventChange) -> Pipeline:
    """Return the pipeline with the people and the evidence of all events."""
    people = pipeline.people + change.after.item_people - change.before.item_people
    evidence = pipeline.evidence + change.after.item_evidence - change.before.item_evidence
    evidence[people == 0] = 0.0  # not what rounding leaves
    order = np.argsort(-evidence, kind="stable").astype(np.int64)
    return replace(pipeline, people=people, evidence=evidence, fallback=order)


def _report(
    pipeline: Pipeline, news: News, new_events: int, behind: Mapping[str, int]
) -> dict[str, Any]:
    """Return the report of the fit with how far events and items are known now."""
    report = dict(pipeline.report)
    report |= {
        "users": len(pipeline.users),
        "items": len(pipeline.catalog),
        "events": report["events"] + new_events,
        "last_event": news.last_event,
        BEHIND: dict(behind),
    }
    frozen = {
        label: source.known_items
        for label, source in pipeline.sources.items()
        if isinstance(source, FrozenCatalogSource)
    }
    report.pop("new_items", None)
    if frozen:
        report["new_items"] = {
            "items": len(pipeline.catalog) - min(frozen.values()),
            "in": [label for label in pipeline.sources if label not in frozen],
            "not_in": list(frozen),
        }
    return report
