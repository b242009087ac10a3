"""The fit of one source as a job for an executor: plain data in, plain data out."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from typing import Any

from crossrec.components.protocols import CandidateGenerator
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.errors import UsageError
from crossrec.pipeline.kept_fits import KeptSource
from crossrec.pipeline.resolved import Component

log = logging.getLogger("crossrec")


@dataclass(frozen=True, eq=False)
class SourceJob:
    """One source to be fitted.

    Attributes
    ----------
    title : str
        What progress shows meanwhile.
    done, total : int
        Place among the jobs.
    chosen : CandidateGenerator, State or None
        The source as it was fitted on fewer events, where it keeps what it chose there.
    kept : KeptSource or None
        Where what is done is kept until the fit publishes.
    """

    source: Component
    dataset: Dataset
    run: RunOptions
    title: str
    done: int
    total: int
    chosen: CandidateGenerator | State | None = None
    kept: KeptSource | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Return the job with the fitted source as its state."""
        return {**self.__dict__, "chosen": _packed(self.chosen)}

    def generator(self) -> Any:
        """Return the source to fit.

        Raises
        ------
        UsageError
            If there is no such source, or its settings do not fit.
        """
        return _unpacked(self.chosen, self.source, self.dataset.catalog) or self.source.build()


@dataclass(frozen=True, eq=False)
class FittedSource:
    """What came of a job.

    Within a process the fitted source is handed on as it is; into another one it goes as its
    state, arrays and JSON values like in an artifact, and is restored there.

    Attributes
    ----------
    fitted : CandidateGenerator, State or None
        None where the fit failed.
    error : str
        Why it failed.
    taken : bool
        Whether it was taken from a fit that was stopped.
    """

    fitted: CandidateGenerator | State | None
    seconds: float = 0.0
    error: str = ""
    taken: bool = False

    def __getstate__(self) -> dict[str, Any]:
        """Return the source as its state."""
        return {**self.__dict__, "fitted": _packed(self.fitted)}

    def generator(self, source: Component, catalog: Catalog) -> CandidateGenerator:
        """Return the fitted source."""
        generator = _unpacked(self.fitted, source, catalog)
        assert generator is not None
        return generator


def _packed(source: CandidateGenerator | State | None) -> State | None:
    """Return a fitted source as its state."""
    return source if source is None or isinstance(source, State) else source.state()


def _unpacked(
    packed: CandidateGenerator | State | None, source: Component, catalog: Catalog
) -> CandidateGenerator | None:
    """Return the fitted source."""
    if not isinstance(packed, State):
        return packed
    generator: CandidateGenerator = source.build()
    generator.restore(packed, catalog)
    return generator


def fit_source(job: SourceJob) -> FittedSource:
    """Fit one source; whatever it raises becomes its error.

    Raises
    ------
    UsageError
        If there is no such source, or its settings do not fit.
    """
    job.run.progress(job.title, job.done, job.total)
    taken = _taken(job)
    if taken is not None:
        return taken
    run = job.run if job.kept is None else replace(job.run, checkpoints=job.kept.parts)
    started = time.perf_counter()
    try:
        generator = job.generator()
        learn = generator.fit if job.chosen is None else generator.refit
        learn(job.dataset, run)
    except UsageError:
        raise
    except (Exception, SystemExit) as error:
        log.warning("source %s could not be fitted", job.source.label, exc_info=error)
        return FittedSource(None, error=f"{type(error).__name__}: {error}")
    seconds = round(time.perf_counter() - started, 4)
    if job.kept is not None:
        job.kept.keep(generator, seconds)
    return FittedSource(generator, seconds)


def _taken(job: SourceJob) -> FittedSource | None:
    """Return the source as a fit that was stopped has left it; None where it has not."""
    kept = None if job.kept is None else job.kept.take()
    if job.kept is None or kept is None:
        return None
    state, seconds = kept
    try:
        generator: CandidateGenerator = job.source.build()
        generator.restore(state, job.dataset.catalog)
    except (Exception, SystemExit) as error:
        log.warning("%s: what was kept of it cannot be used", job.source.label, exc_info=error)
        job.kept.drop()
        return None
    return FittedSource(generator, seconds, taken=True)
