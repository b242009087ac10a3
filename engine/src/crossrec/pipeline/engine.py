"""`Engine`: the library's front door to one workspace."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from crossrec.components.query import Query
from crossrec.components.run import RunOptions
from crossrec.components.slate import Slate
from crossrec.errors import NotFittedError, UsageError
from crossrec.ingest import IngestOptions, ingest_files
from crossrec.ingest.report import IngestReport
from crossrec.pipeline.config import load_config, with_backbone
from crossrec.pipeline.fit import fit_pipeline
from crossrec.pipeline.item_explanation import ItemExplanation, explain_item
from crossrec.pipeline.live import LivePipeline
from crossrec.pipeline.pipeline import Pipeline
from crossrec.pipeline.pretrained import FOLDER, default_backbone, survey_pretrained
from crossrec.pipeline.request import Past, answer, resolve_query
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.pipeline.saving import load_pipeline, save_pipeline
from crossrec.plugins.registry import Registry, load_registry
from crossrec.scenario import Scenario, Surface
from crossrec.workspace import Workspace

#: Events of a user that a request looks back on: what lies further back may be recommended again.
_HISTORY = 2000


@dataclass(frozen=True)
class _Serving:
    """A loaded pipeline, kept up with the store's items, and the pointer it was loaded by."""

    fresh: LivePipeline
    stamp: tuple[int, int]


class Engine:
    """Fits and answers for all scenarios of a workspace.

    Examples
    --------
    >>> engine = Engine.open("shop")                                      # doctest: +SKIP
    >>> engine.recommend(scenario="ecommerce", user_id="u1", k=10).item_ids  # doctest: +SKIP
    """

    def __init__(self, workspace: Workspace, registry: Registry | None = None) -> None:
        self.workspace = workspace
        self.registry = registry or load_registry()
        self._serving: dict[str, _Serving] = {}

    @classmethod
    def open(cls, path: str | Path) -> Engine:
        """Open the workspace at `path`.

        Raises
        ------
        WorkspaceError
            If there is no workspace.
        """
        return cls(Workspace.open(Path(path)))

    @classmethod
    def create(cls, path: str | Path) -> Engine:
        """Open the workspace at `path`, made there if the folder is absent or empty.

        Raises
        ------
        WorkspaceError
            If the folder holds other things or cannot be written.
        """
        return cls(Workspace.create(Path(path)))

    def ingest(
        self,
        scenario: str,
        *,
        items: str | Path | None = None,
        events: str | Path | None = None,
        users: str | Path | None = None,
        options: IngestOptions | None = None,
    ) -> IngestReport:
        """Read files of items, events and users; bad rows are reported and never stop good ones.

        Raises
        ------
        DataError
            If a file cannot be read as what it was given for.
        """
        return ingest_files(
            self.workspace,
            self.registry.scenario(scenario),
            items=None if items is None else Path(items),
            events=None if events is None else Path(events),
            users=None if users is None else Path(users),
            options=options,
        )

    def fit(
        self,
        scenario: str,
        *,
        pipeline_file: Path | None = None,
        backbone: str | None = None,
        run: RunOptions | None = None,
    ) -> Pipeline:
        """Fit the scenario's pipeline on all its events and publish it.

        A fit that dies leaves the artifact before it serving.

        Parameters
        ----------
        pipeline_file : Path, optional
            TOML whose keys replace those of the scenario's default pipeline.
        backbone : str, optional
            Name of a pretrained backbone that becomes one more source; "" for none. None takes the
            one that an installed distribution means for scenarios without events, where there is
            no event and no `pipeline_file`.

        Raises
        ------
        UsageError, ConfigError
            For an unknown scenario or a pipeline file that can't be used.
        WorkspaceError
            If another process is writing to the workspace.
        """
        known = self.registry.scenario(scenario)
        config = load_config(known, pipeline_file)
        if backbone:
            config = with_backbone(config, backbone, scenario)
        seen = survey_pretrained(self.workspace.path / FOLDER, self.registry)
        options = run or RunOptions(cache=self.workspace.cache)
        options = replace(options, pretrained=seen.folders())
        with self.workspace.writing():
            dataset = self.workspace.dataset(known)
            if not len(dataset.catalog):
                raise NotFittedError(
                    f"scenario {scenario!r} has no items: run `crossrec ingest {scenario}` first"
                )
            notes: list[str] = []
            if backbone is None:
                own = pipeline_file is not None
                config, notes = default_backbone(config, dataset, scenario, seen, own=own)
            pipeline = fit_pipeline(
                scenario, dataset, resolve_pipeline(config, self.registry), options, notes
            )
            save_pipeline(pipeline, self.workspace.artifact_path(scenario))
        return pipeline

    def recommend(
        self,
        scenario: str,
        user_id: str | None = None,
        *,
        history: Sequence[str] | None = None,
        item_ids: Sequence[str] = (),
        session: Sequence[str] = (),
        exclude: Sequence[str] = (),
        k: int = 10,
        surface: str | None = None,
        explain: bool = True,
        now: float | None = None,
    ) -> Slate:
        """Recommend `k` items to a user, for a given history, or about items.

        Parameters
        ----------
        user_id : str, optional
            The history is read from the store, with events that came after the fit.
        history : sequence of str, optional
            Item ids, oldest first: a new user is a history.
        item_ids : sequence of str
            Items that the list is about ("more like this").
        exclude : sequence of str
            Items that must not be returned.
        explain : bool
            Whether every item carries its reasons.

        Raises
        ------
        UsageError
            For an unknown scenario or surface, k below 1, or one string in place of a list of ids.
        NotFittedError
            If the scenario was not fitted yet.
        """
        known = self.registry.scenario(scenario)
        pipeline = self.pipeline(scenario)
        place = _surface(known, surface, about_items=bool(item_ids))
        query = Query(
            user_id=user_id,
            history=None if history is None else _ids("history", history),
            item_ids=_ids("item_ids", item_ids),
            session=_ids("session", session),
            exclude=_ids("exclude", exclude),
            now=now,
            surface=place.name,
            k=k,
        )
        past = Past()
        if user_id is not None and history is None and not item_ids:
            past = self._past(known, user_id)
        return answer(pipeline, query, past, surface=place.name, explain=explain)

    def similar(self, scenario: str, item_id: str, *, k: int = 10, explain: bool = True) -> Slate:
        """Recommend `k` items like one item."""
        return self.recommend(scenario, item_ids=(item_id,), k=k, explain=explain)

    def explain(
        self,
        scenario: str,
        item_id: str,
        user_id: str | None = None,
        *,
        history: Sequence[str] | None = None,
    ) -> ItemExplanation:
        """Return what every source makes of one item for one user or history.

        Raises
        ------
        UsageError
            If the item is not in the fitted catalog.
        """
        known = self.registry.scenario(scenario)
        pipeline = self.pipeline(scenario)
        item = pipeline.catalog.items.index(item_id)
        if item < 0:
            raise UsageError(f"item {item_id!r} is not in the fitted catalog of {scenario!r}")
        past = Past() if user_id is None or history is not None else self._past(known, user_id)
        given = None if history is None else _ids("history", history)
        query = Query(user_id=user_id, history=given)
        return explain_item(pipeline, resolve_query(pipeline, query, past, time.time()).batch, item)

    def pipeline(self, scenario: str) -> Pipeline:
        """Return the serving pipeline; a newer artifact is picked up at the next call.

        So are items that were ingested since the fit, by every source that can take them in.
        """
        folder = self.workspace.artifact_path(scenario)
        stamp = _stamp(folder / "current")
        serving = self._serving.get(scenario)
        if serving is None or (stamp is not None and stamp != serving.stamp):
            if stamp is None:
                raise NotFittedError(
                    f"scenario {scenario!r} is not fitted yet: run `crossrec fit {scenario}` first"
                )
            serving = _Serving(self._fresh(scenario, folder), stamp)
            self._serving[scenario] = serving
        return serving.fresh.pipeline()

    def _fresh(self, scenario: str, folder: Path) -> LivePipeline:
        """Load what was fitted, and let it take in what is ingested from then on."""
        return LivePipeline(
            load_pipeline(folder, self.registry),
            self.registry.scenario(scenario),
            self.workspace,
            RunOptions(cache=self.workspace.cache),
        )

    def _past(self, scenario: Scenario, user_id: str) -> Past:
        try:
            events = self.workspace.history(scenario, user_id, limit=_HISTORY)
        except UnicodeEncodeError:  # half a character: no user that was ever ingested
            return Past()
        return Past(
            liked=tuple(event.item_id for event in events if event.weight > 0),
            disliked=tuple(event.item_id for event in events if event.weight < 0),
            known=bool(events),
        )


def _ids(name: str, values: Sequence[str]) -> tuple[str, ...]:
    """Return ids as a tuple; one string would be taken for a list of letters."""
    if isinstance(values, str):
        raise UsageError(f"{name} is a list of ids, not one string: write [{values!r}]")
    return tuple(values)


def _stamp(pointer: Path) -> tuple[int, int] | None:
    try:
        status = pointer.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino


def _surface(scenario: Scenario, name: str | None, *, about_items: bool) -> Surface:
    """Return the surface of this name, or the scenario's usual one for such a query."""
    if name is None:
        wanted = "item" if about_items else "user"
        main = scenario.surface(scenario.main_surface)
        usual = [main] if main is not None and main.input == wanted else []
        usual += [surface for surface in scenario.surfaces if surface.input == wanted]
        if not usual:
            raise UsageError(f"scenario {scenario.name!r} has no surface about a {wanted}")
        return usual[0]
    found = scenario.surface(name)
    if found is None:
        known = ", ".join(surface.name for surface in scenario.surfaces)
        raise UsageError(f"scenario {scenario.name!r} has no surface {name!r}: it has {known}")
    if (found.input == "item") != about_items:
        need = "--item" if found.input == "item" else "--user or --history"
        raise UsageError(f"surface {name!r} is about a {found.input}: give {need}")
    return found
