"""A user is forgotten: in the artifacts first, since the events say what to take out.

What a source has learnt of all its users together it can give back only where it declares
``forget``. The receipt names the others: they are free of the user after the next fit. The id
itself leaves every place at once.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from copy import copy
from dataclasses import asdict, dataclass, field, replace
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

import numpy as np

from crossrec.artifacts import Artifact, drop_older, open_artifact, publish
from crossrec.components.rating import RATE
from crossrec.components.state import State
from crossrec.data.catalog import Catalog
from crossrec.data.event_change import EventChange
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.errors import CrossrecError, RefitNeededError
from crossrec.ingest.forget import forget_rejected
from crossrec.pipeline.features import label_of
from crossrec.pipeline.frozen_catalog import FrozenCatalogSource
from crossrec.pipeline.kept_fits import drop_kept_fits
from crossrec.pipeline.news import BEHIND
from crossrec.pipeline.pipeline import Pipeline
from crossrec.pipeline.saving import load_pipeline, popularity_state, stored_catalog
from crossrec.pipeline.with_backbone import LINKED
from crossrec.plugins.registry import Registry
from crossrec.plugins.state import one_line
from crossrec.scenario import Scenario
from crossrec.store.base import NumberedEvents, Store
from crossrec.workspace import Workspace

log = logging.getLogger("crossrec")

FORGOTTEN = "forgotten"
_LEARNT_ELSEWHERE = "needs a fit: it learnt from what the user did in another scenario"
_ALL = 2**31
#: Shorter ids occur by chance in any file.
_TELLING = 6


@dataclass(frozen=True)
class ArtifactReceipt:
    """What became of a user in what was fitted.

    Attributes
    ----------
    known : bool
        Whether the user was part of the version that serves.
    sources : mapping of label to str
        ``"forgotten"``, or what is needed and why.
    older_versions : int
        How many older versions were deleted.
    """

    known: bool
    sources: Mapping[str, str] = field(default_factory=dict)
    older_versions: int = 0

    @property
    def needs_fit(self) -> bool:
        """Whether something that was learnt of the user is left."""
        return any(done != FORGOTTEN for done in self.sources.values())


@dataclass(frozen=True)
class ForgetReceipt:
    """What was deleted, place by place.

    Attributes
    ----------
    events : mapping of scenario to the number of events deleted from the store
    artifacts : mapping of scenario to ArtifactReceipt
    decisions : int
        Answers to the user that were deleted from the decision log, with all feedback on them.
    rejected : int
        Rows deleted from the files of rejected rows.
    cached : int
        Files deleted from the cache: those that held the id, and what fits that were stopped had
        learnt so far.
    needs_fit : tuple of str
        Scenarios in which something learnt of the user is left until the next fit.
    links : int
        Links to users of other scenarios and consents that were deleted.
    left : tuple of str
        Files that still hold the id when all is done, such as the log of a store that another
        process is reading. Not searched for ids under 6 bytes, which occur by chance.
    """

    user_id: str
    events: Mapping[str, int]
    artifacts: Mapping[str, ArtifactReceipt]
    decisions: int
    rejected: int
    cached: int
    needs_fit: tuple[str, ...] = ()
    links: int = 0
    left: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return asdict(self)


def forget_user(workspace: Workspace, registry: Registry, user_id: str) -> ForgetReceipt:
    """Delete everything that a workspace holds of a user; the caller holds the writer lock.

    May be run again after a crash: what is done already stays done.
    """
    store = workspace.store()
    folder = workspace.artifact_path("")
    fitted = {path.name for path in folder.iterdir() if path.is_dir()} if folder.is_dir() else set()
    consents = store.list_consents(user_id=user_id, limit=_ALL)
    links = len(consents) + len(store.list_links(user_id=user_id, limit=_ALL))
    elsewhere = {one.target for one in consents if _answers_linked(folder / one.target)}
    artifacts: dict[str, ArtifactReceipt] = {}
    events: dict[str, int] = {}
    for name in sorted({*store.scenarios(), *fitted}):
        if (folder / name / "current").exists():
            artifacts[name] = forget_in_artifact(folder / name, registry, name, store, user_id)
            if name in elsewhere:
                sources = {**artifacts[name].sources, LINKED: _LEARNT_ELSEWHERE}
                artifacts[name] = replace(artifacts[name], sources=sources)
        events[name] = store.delete_user(name, user_id).events
    store.forget_person(user_id)
    decisions = workspace.decision_log().forget(user_id)
    rejected = forget_rejected(workspace.rejected, user_id)
    # What is cached can be computed again. States of stopped fits hold the user without the id.
    kept = drop_kept_fits(workspace.cache)
    cached = holding(workspace.cache, user_id)
    for path in cached:
        path.unlink()
    return ForgetReceipt(
        user_id,
        events,
        artifacts,
        decisions,
        rejected,
        kept + len(cached),
        tuple(name for name, receipt in artifacts.items() if receipt.needs_fit),
        links,
        tuple(str(path.relative_to(workspace.path)) for path in holding(workspace.path, user_id)),
    )


def _answers_linked(folder: Path) -> bool:
    """Whether what is fitted answers from what people did in other scenarios."""
    return (folder / "current").exists() and f"source/{LINKED}" in open_artifact(folder).states


def forget_in_artifact(
    folder: Path, registry: Registry, scenario: str, store: Store, user_id: str
) -> ArtifactReceipt:
    """Publish what was fitted without a user, and delete all older versions.

    Called before the store forgets the user, whose events tell what to take out.

    Parameters
    ----------
    folder : Path
        The scenario's artifact.

    Raises
    ------
    ArtifactError
        If the artifact is damaged, or the folder cannot be written to.
    """
    artifact = open_artifact(folder)
    user = artifact.users.index(user_id)
    if user < 0:
        return ArtifactReceipt(False, older_versions=drop_older(folder))
    states = dict(artifact.states)
    sources: dict[str, str] = {}
    numbered, why = _events_of(artifact, registry, scenario, store, user, user_id)
    pipeline: Pipeline | None = None
    if not why:
        try:
            pipeline = load_pipeline(folder, registry)
        except CrossrecError as error:
            why = str(error)
    for name in artifact.states:
        kind, _, label = name.partition("/")
        if kind not in ("source", "features") or not _remembers(pipeline, kind, label):
            continue
        label = label if kind == "source" else label_of(label)
        if pipeline is None or numbered is None:
            sources[label] = f"needs a fit: {why}"
            continue
        stamp = _known_event(artifact, label)
        change = _change(artifact, pipeline.catalog, numbered.until(stamp))
        state, sources[label] = _forgotten(pipeline, name, label, change)
        if state is not None:
            states[name] = state
    report = dict(artifact.manifest.values["report"])
    if numbered is not None:
        known = numbered.until(int(report.get("last_event", 0)))
        states["popularity"] = _less(states["popularity"], artifact, known)
        report["events"] -= len(known)
    older = drop_older(folder)
    _republish(folder, artifact, states, _without(artifact.users, user), report)
    return ArtifactReceipt(True, sources, older + drop_older(folder))


def _events_of(
    artifact: Artifact,
    registry: Registry,
    name: str,
    store: Store,
    user: int,
    user_id: str,
) -> tuple[NumberedEvents | None, str]:
    """Return the user's events in the artifact's indexes, or why they cannot be had."""
    try:
        scenario: Scenario = registry.scenario(name)
        with store.snapshot():
            if user_id not in store.users(name)[0]:
                return None, "the store no longer has the events to take out"
            numbered = store.events_of(scenario, user_id)
            items, _ = store.items(name)
    except CrossrecError as error:
        return None, str(error)
    own = artifact.items.indexes(items.ids)[numbered.events.items]
    events = replace(numbered.events, users=np.full(len(own), user), items=own)
    known = own >= 0
    return NumberedEvents(events.take(known), numbered.numbers[known]), ""


def _known_event(artifact: Artifact, label: str) -> int:
    report = artifact.manifest.values["report"]
    return int(report.get(BEHIND, {}).get(label, report.get("last_event", 0)))


def _change(artifact: Artifact, catalog: Catalog, before: Events) -> EventChange:
    return EventChange.between(
        artifact.users,
        catalog,
        before,
        Events.empty(),
        has_clock=bool(artifact.manifest.values["has_clock"]),
    )


def _remembers(pipeline: Pipeline | None, kind: str, label: str) -> bool:
    """Whether a part may hold something of single users: of feature sets, those that say so."""
    if kind == "source" or pipeline is None:
        return True
    component = pipeline.resolved.features[label]
    return component.registration is None or bool({"forget", RATE} & component.capabilities)


def _forgotten(
    pipeline: Pipeline, name: str, label: str, change: EventChange
) -> tuple[State | None, str]:
    """Return the state of a source or a feature set without the user, and what was done.

    Parameters
    ----------
    name, label : str
        Of its state, and in reports.
    """
    if not len(change.before.events):
        return None, FORGOTTEN  # it never learnt of the user
    if label in pipeline.unavailable:
        return None, f"needs a fit: {pipeline.unavailable[label]}"
    kind, _, own = name.partition("/")
    parts = pipeline.resolved.sources if kind == "source" else pipeline.resolved.features
    if "forget" not in parts[own].capabilities:
        return None, "needs a fit: it cannot forget one user"
    fitted: Mapping[str, Any] = pipeline.sources if kind == "source" else pipeline.features
    source = fitted[own]
    try:
        if isinstance(source, FrozenCatalogSource):
            raise RefitNeededError("it lacks items that came later")
        source = copy(source)
        source.forget(change)
        return source.state(), FORGOTTEN
    except RefitNeededError as error:
        return None, f"needs a fit: {error}"
    except Exception as error:
        log.warning("%s could not forget a user", label, exc_info=error)
        return None, f"needs a fit: {one_line(error)}"


def _less(popularity: State, artifact: Artifact, events: Events) -> State:
    """Return the counts of people and evidence without these events."""
    own = _change(artifact, stored_catalog(artifact), events).before
    people = popularity.arrays["people"] - own.item_people
    evidence = popularity.arrays["evidence"] - own.item_evidence
    evidence[people <= 0] = 0.0  # not what rounding leaves
    return popularity_state(people, evidence)


def _without(users: Vocabulary, user: int) -> Vocabulary:
    """Return the vocabulary with a name in the user's place that no user can have.

    Half a surrogate pair is no text: ingestion refuses it as an id.
    """
    ids = list(users.ids)
    ids[user] = f"\ud800{user}"
    return Vocabulary(ids)


def _republish(
    folder: Path,
    artifact: Artifact,
    states: Mapping[str, State],
    users: Vocabulary,
    report: Mapping[str, Any],
) -> None:
    """Publish the artifact with other states and users."""
    publish(
        folder,
        kind=artifact.manifest.kind,
        users=users,
        items=artifact.items,
        states=states,
        values={**artifact.manifest.values, "report": report},
    )


def holding(folder: Path, user_id: str) -> list[Path]:
    """Return the files in which the bytes of an id occur; none where it is too short to tell."""
    trace = user_id.encode("utf-8", "surrogatepass")
    if len(trace) < _TELLING:
        return []
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and _occurs(trace, path)]


def _occurs(trace: bytes, path: Path) -> bool:
    if not path.stat().st_size:
        return False
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        return content.find(trace) >= 0
