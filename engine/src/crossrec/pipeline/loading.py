"""Fitted pipelines as they serve: each loaded once, and again when a newer one was published."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from crossrec.components.run import RunOptions
from crossrec.errors import ArtifactError, NotFittedError
from crossrec.pipeline.live import LivePipeline
from crossrec.pipeline.pipeline import Pipeline
from crossrec.pipeline.saving import load_pipeline
from crossrec.pipeline.serving import Serving
from crossrec.plugins.registry import Registry
from crossrec.workspace import Workspace

if TYPE_CHECKING:
    from crossrec.pipeline.unfitted import Counted

log = logging.getLogger("crossrec")

Stamp = tuple[int, int]


@dataclass(frozen=True)
class _Loaded:
    """A loaded pipeline, kept up with the store's items, and the pointer it was loaded by."""

    live: LivePipeline
    pointer: Path
    stamp: Stamp


class LoadedPipelines:
    """The serving pipelines of a workspace. Safe for many threads.

    Parameters
    ----------
    background : bool
        Whether items that were ingested after the fit are taken in by a thread of their own.
    """

    def __init__(self, workspace: Workspace, registry: Registry, *, background: bool) -> None:
        self._workspace, self._registry, self._background = workspace, registry, background
        self._loaded: dict[str, _Loaded] = {}
        self._loading: dict[str, Lock] = {}
        self._counted: dict[tuple[str, str], Counted] = {}
        self._guard = Lock()

    def serving(self, scenario: str) -> Serving:
        """Return what requests are answered from; however many threads ask, it is loaded once.

        Where a newer version cannot be loaded the one before goes on serving.

        Raises
        ------
        NotFittedError
            If the scenario was not fitted yet.
        ArtifactError
            If the only version cannot be loaded.
        """
        loaded = self._loaded.get(scenario)
        stamp = _stamp(loaded.pointer if loaded else self._pointer(scenario))
        if loaded is None or (stamp is not None and stamp != loaded.stamp):
            with self._guard:
                lock = self._loading.setdefault(scenario, Lock())
            with lock:
                loaded = self._loaded.get(scenario)
                if loaded is None or (stamp is not None and stamp != loaded.stamp):
                    loaded = self._newest(scenario, loaded)
                    self._loaded[scenario] = loaded
        return loaded.live.serving()

    def answering(self, scenario: str, surface: str | None) -> Serving:
        """Return what a request on a surface is answered from: counts where nothing is fitted yet.

        Raises
        ------
        NotFittedError
            If nothing was fitted, and the surface needs a fit.
        """
        if surface is None or _stamp(self._pointer(scenario)) is not None:
            return self.serving(scenario)
        from crossrec.pipeline.unfitted import counted, stamp_of

        stamp = stamp_of(self._workspace, scenario)
        known = self._counted.get((scenario, surface))
        if known is None or known.stamp != stamp:
            known = counted(self._workspace, self._registry, scenario, surface)
            self._counted[scenario, surface] = known
        return known.live.serving()

    def stored(self, scenario: str) -> Pipeline:
        """Load what was fitted, without what came since.

        Raises
        ------
        NotFittedError
            If nothing was.
        """
        if _stamp(self._pointer(scenario)) is None:
            raise NotFittedError(
                f"scenario {scenario!r} is not fitted yet: run `crossrec fit {scenario}` first"
            )
        return load_pipeline(self._workspace.artifact_path(scenario), self._registry)

    def _newest(self, scenario: str, before: _Loaded | None) -> _Loaded:
        """Load the newest version, and let it take in what is ingested from then on."""
        pointer = self._pointer(scenario)
        stamp = _stamp(pointer) or (0, 0)  # (0, 0) is loaded again
        try:
            fitted = self.stored(scenario)
        except ArtifactError as error:
            if before is None:
                raise
            log.error("the newest version of %s is not served: %s", scenario, error)
            return _Loaded(before.live, pointer, stamp)
        live = LivePipeline(
            fitted,
            self._registry.scenario(scenario),
            self._workspace.store(),
            RunOptions(cache=self._workspace.cache),
            background=self._background,
        )
        return _Loaded(live, pointer, stamp)

    def _pointer(self, scenario: str) -> Path:
        """Return the file that names the serving version."""
        return self._workspace.artifact_path(scenario) / "current"


def _stamp(pointer: Path) -> Stamp | None:
    try:
        status = pointer.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino
