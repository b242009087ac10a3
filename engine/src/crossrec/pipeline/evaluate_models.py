"""The models of one evaluation: every source of a pipeline by itself, and the pipeline."""

from __future__ import annotations

import time
from dataclasses import dataclass

from crossrec.components.candidates import Candidates
from crossrec.components.protocols import CandidateGenerator
from crossrec.components.query import QueryBatch
from crossrec.components.query_building import queries_of
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.data.splits import Targets
from crossrec.errors import NotFittedError, UsageError
from crossrec.pipeline.cut import eligible_targets
from crossrec.pipeline.fit import (
    assemble,
    attach_vectors,
    collect_examples,
    fit_sources,
)
from crossrec.pipeline.pipeline import Pipeline
from crossrec.pipeline.ranker_choice import choose_ranker
from crossrec.pipeline.resolved import ResolvedPipeline


@dataclass(frozen=True, eq=False)
class SourceModel:
    """One source by itself."""

    name: str
    fit_seconds: float
    source: CandidateGenerator

    def top(self, queries: QueryBatch, k: int) -> Candidates:
        """Return the source's best k."""
        return self.source.generate(queries, k)


@dataclass(frozen=True, eq=False)
class FailedModel:
    """A source that could not be fitted: the report names it with its error."""

    name: str
    error: str
    fit_seconds: float = 0.0

    def top(self, queries: QueryBatch, k: int) -> Candidates:
        """Raise what the fit raised."""
        raise NotFittedError(self.error)


@dataclass(frozen=True, eq=False)
class PipelineModel:
    """The whole pipeline; its seconds hold those of its sources and of choosing the ranker."""

    name: str
    fit_seconds: float
    pipeline: Pipeline

    def top(self, queries: QueryBatch, k: int) -> Candidates:
        """Return the pipeline's best k."""
        return self.pipeline.rank(queries, k)


def build_models(
    scenario: str,
    resolved: ResolvedPipeline,
    train: Dataset,
    validation: Targets,
    run: RunOptions,
    *,
    keep_history: bool,
    only: tuple[str, ...] = (),
    refit: Dataset | None = None,
) -> list[SourceModel | FailedModel | PipelineModel]:
    """Fit every source on `train`, choose the ranker on `validation`, return them as models.

    Parameters
    ----------
    keep_history : bool
        Whether history items are candidates, as in the test that follows.
    only : tuple of str
        Source labels to report, and ``"pipeline"``; all where empty. The pipeline always has all
        its sources.
    refit : Dataset, optional
        Fit the sources again on it, with the ranker that was chosen.

    Raises
    ------
    UsageError
        If `only` names what is not in the pipeline.
    """
    labels = list(resolved.sources)
    for name in only:
        if name not in (*labels, "pipeline"):
            raise UsageError(f"no model {name!r} here: there are {', '.join(labels)}, pipeline")
    if only and "pipeline" not in only:
        resolved = resolved.with_sources(only)
    resolved.refuse_unusable()
    started = time.perf_counter()
    train, notes = attach_vectors(train, resolved, run)
    fitted = fit_sources(train, resolved, run, "for evaluation")
    wanted = eligible_targets(validation, keep_history=keep_history, seed=run.seed)
    queries = queries_of(wanted, train, keep_history=keep_history)
    examples = collect_examples(fitted, resolved, queries, wanted.targets, train.n_items)
    ranker, gate = choose_ranker(resolved, train, examples, run)
    if refit is not None:
        train = attach_vectors(refit, resolved, run)[0]
        fitted = fit_sources(train, resolved, run, "again with validation")
    report = {"gate": gate.to_dict(), "failed": dict(fitted.failed), "notes": notes}
    pipeline = assemble(scenario, train, resolved, fitted, ranker, report)
    seconds = time.perf_counter() - started
    models: list[SourceModel | FailedModel | PipelineModel] = [
        SourceModel(label, fitted.seconds[label], source)
        for label, source in fitted.sources.items()
        if not only or label in only
    ]
    models += [
        FailedModel(label, error)
        for label, error in fitted.failed.items()
        if not only or label in only
    ]
    if not only or "pipeline" in only:
        models.append(PipelineModel("pipeline", round(seconds, 3), pipeline))
    return models
