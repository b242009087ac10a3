"""The models of one evaluation: every source of a pipeline by itself, and the pipeline."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from crossrec.components.candidates import Candidates
from crossrec.components.eligibility import (
    ALL,
    UNSEEN,
    CandidateRule,
    RuleName,
    eligible_targets,
    queries_of,
)
from crossrec.components.live_items import LiveItems
from crossrec.components.protocols import CandidateGenerator
from crossrec.components.query import QueryBatch
from crossrec.components.repeats import repeat_rate
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.data.splits import Targets
from crossrec.errors import NotFittedError, UsageError
from crossrec.executors import Executor
from crossrec.pipeline.cut import LIMIT
from crossrec.pipeline.estimating import within_effort
from crossrec.pipeline.features import fit_features, with_features
from crossrec.pipeline.fit import (
    FittedSources,
    assemble,
    choose_surfaces,
    collect_examples,
    fit_sources,
    left_out_notes,
    served_rule,
)
from crossrec.pipeline.item_vectors import attach_vectors
from crossrec.pipeline.pipeline import Pipeline
from crossrec.pipeline.pretrained import pipeline_to_fit, survey_pretrained
from crossrec.pipeline.resolved import ResolvedPipeline, resolve_pipeline
from crossrec.pipeline.time_limit import within
from crossrec.plugins.registry import Registry
from crossrec.scenario import Scenario

#: What the sources are fitted for, in progress lines.
_WHAT = "for evaluation"


@dataclass(frozen=True, eq=False)
class SourceModel:
    """One source by itself."""

    name: str
    fit_seconds: float
    source: CandidateGenerator
    time_limit: float

    def top(self, queries: QueryBatch, k: int) -> Candidates:
        """Return the source's best k."""
        limit = self.time_limit * max(len(queries), 1)
        return within(limit, self.source, lambda: self.source.generate(queries, k))


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
    """The whole pipeline; its seconds hold those of its sources and of choosing the ranker.

    Attributes
    ----------
    faults : mapping of component to what it did wrong, filled in while lists are made
    """

    name: str
    fit_seconds: float
    pipeline: Pipeline
    faults: dict[str, str] = field(default_factory=dict)

    def top(self, queries: QueryBatch, k: int) -> Candidates:
        """Return the pipeline's best k; what had to be left out of them is among the `faults`."""
        best, degraded = self.pipeline.ranked(queries, k)
        self.faults.update({one.component: one.error for one in degraded})
        return best


def pipeline_to_evaluate(
    scenario: Scenario,
    registry: Registry,
    run: RunOptions,
    backbones: Path | None = None,
    file: Path | None = None,
    backbone: str | None = None,
) -> tuple[ResolvedPipeline, RunOptions]:
    """Return the pipeline that a fit of the run's effort would take, resolved, and the run.

    The run has the backbones at hand.

    Parameters
    ----------
    backbones : Path, optional
        The workspace's folder of backbones.
    file, backbone
        As in `crossrec.pipeline.pretrained.pipeline_to_fit`, which says what is raised.
    """
    seen = survey_pretrained(backbones, registry)
    config, _ = pipeline_to_fit(scenario, file, backbone, seen)
    config = within_effort(config, run.effort)
    resolved = resolve_pipeline(config, registry, scenario.main_surface)
    return resolved, replace(run, pretrained=seen.folders())


def rule_for(
    scenario: Scenario, resolved: ResolvedPipeline, candidates: RuleName
) -> Callable[[Dataset], CandidateRule]:
    """Return what is a candidate once the training part is known.

    ``served`` is what the pipeline's main surface would admit.
    """
    if candidates != "served":
        rule = ALL if candidates == "all" else UNSEEN
        return lambda train: rule

    def served(train: Dataset) -> CandidateRule:
        comes_back = repeat_rate(train.sequences).comes_back
        return served_rule(scenario, train.catalog, resolved.main_surface, comes_back)

    return served


def sources_to_evaluate(
    train: Dataset, resolved: ResolvedPipeline, run: RunOptions
) -> FittedSources:
    """Fit the sources to evaluate on the training part; no rule of candidates has a say in it."""
    resolved = resolved.with_sources(resolved.tried)
    train, _ = attach_vectors(train, resolved, run)
    return fit_sources(train, resolved, run, _WHAT)


def build_models(
    scenario: Scenario,
    resolved: ResolvedPipeline,
    train: Dataset,
    validation: Targets,
    run: RunOptions,
    *,
    rule_for: Callable[[Dataset], CandidateRule],
    only: tuple[str, ...] = (),
    refit: Dataset | None = None,
    executor: Executor | None = None,
    fitted: FittedSources | None = None,
) -> list[SourceModel | FailedModel | PipelineModel]:
    """Fit every source on `train`, choose the ranker on `validation`, return them as models.

    Parameters
    ----------
    rule_for : callable
        From the training part to what is a candidate, the same as in the test that follows.
    only : tuple of str
        Source labels to report, and ``"pipeline"``; where empty the pipeline and all that its main
        surface, or another with a choice, asks. The pipeline always has all its sources.
    refit : Dataset, optional
        Fit the sources again on it, with the ranker that was chosen.
    executor : Executor, optional
        Where the sources are fitted; one after the other in this thread where None.
    fitted : FittedSources, optional
        All sources of the pipeline, fitted on `train` by `sources_to_evaluate` already: rules of
        candidates that are compared on one split share them.

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
    elif not only:
        resolved = resolved.with_sources(resolved.tried)
    resolved.refuse_unusable()
    shared = 0.0 if fitted is None else sum(fitted.seconds.values())
    started = time.perf_counter() - shared
    train, notes = attach_vectors(train, resolved, run)
    fitted = fitted or fit_sources(train, resolved, run, _WHAT, executor)
    comes_back = repeat_rate(train.sequences).comes_back
    rule = rule_for(train)
    wanted = eligible_targets(validation, rule, seed=run.seed, limit=LIMIT)
    queries = queries_of(wanted, train, rule)
    examples, left = collect_examples(fitted, resolved, queries, wanted.targets, train.n_items)
    notes += left_out_notes(left)
    features = fit_features(train, resolved, run)
    items = LiveItems(train.catalog, scenario.items)
    examples = with_features(examples, features, items)
    surfaces, gates = choose_surfaces(resolved, train, examples, run, comes_back)
    if refit is not None:
        train = attach_vectors(refit, resolved, run)[0]
        fitted = fit_sources(
            train, resolved, run, "again with validation", executor, fitted.sources
        )
        features = fit_features(train, resolved, run)
    report = {
        "gate": gates[resolved.main].to_dict(),
        "failed": {**fitted.failed, **features.failed},
        "notes": notes,
    }
    pipeline = assemble(scenario, train, resolved, fitted, surfaces, report, features)
    seconds = time.perf_counter() - started
    models: list[SourceModel | FailedModel | PipelineModel] = [
        SourceModel(label, fitted.seconds[label], source, resolved.config.time_limit)
        for label, source in fitted.sources.items()
        if not only or label in only
    ]
    models += [
        FailedModel(label, error)
        for label, error in fitted.failed.items()
        if not only or label in only
    ]
    if not only or "pipeline" in only:
        faults = {label: f"on the validation queries: {why}" for label, why in left.items()}
        models.append(PipelineModel("pipeline", round(seconds, 3), pipeline, faults))
    return models
