"""What a fit starts from: the data, the pipeline with its backbone, and the plan made of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from crossrec.components.rating import RATE
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.errors import NotFittedError
from crossrec.pipeline.budget import Budget, default_memory, parse_budget, parse_memory
from crossrec.pipeline.chosen_encoder import choose_encoder
from crossrec.pipeline.config import PipelineConfig
from crossrec.pipeline.config_files import load_config
from crossrec.pipeline.estimating import (
    plan_fit,
    too_much,
    without_left_out,
    without_sources,
)
from crossrec.pipeline.linked_people import read_linked
from crossrec.pipeline.plan import EFFORTS, FitPlan
from crossrec.pipeline.pretrained import FOLDER, pipeline_to_fit, survey_pretrained
from crossrec.pipeline.resolved import ResolvedPipeline, resolve_pipeline
from crossrec.pipeline.with_backbone import LINKED, with_linked
from crossrec.plugins.registry import Registry
from crossrec.scenario import Scenario
from crossrec.workspace import Workspace


@dataclass(frozen=True)
class FitRequest:
    """What a user wants of a fit; the fields are those of `Engine.fit`.

    Attributes
    ----------
    budget : str, float or None
    memory : str, int or None
        Bytes, or a text such as ``"4GiB"``.
    """

    pipeline_file: Path | None = None
    backbone: str | None = None
    run: RunOptions | None = None
    budget: str | float | None = None
    memory: str | int | None = None

    def limits(self, registry: Registry, scenario: str) -> tuple[Budget, int]:
        """Return the budget, and the bytes that are allowed; nothing is read of the workspace yet.

        Raises
        ------
        UsageError, ConfigError
            If one of them cannot be understood, for an unknown scenario, or a pipeline file that
            can't be used.
        """
        load_config(registry.scenario(scenario), self.pipeline_file)
        effort = (self.run or RunOptions()).effort
        budget = Budget(effort, None, effort)
        if self.budget is not None:
            budget = parse_budget(self.budget)
        if self.memory is None:
            return budget, default_memory()
        memory = self.memory
        return budget, parse_memory(memory if isinstance(memory, str) else f"{memory} B")


@dataclass(frozen=True, eq=False)
class FitInputs:
    """What a fit starts from.

    Attributes
    ----------
    stamps : mapping of str to int
        How far the store was read: ``item_changes`` and ``last_event``.
    notes : tuple of str
        What there is to say of the pipeline.
    why_encoder : str
        Why it has this encoder; "" where nothing chose.
    """

    scenario: Scenario
    dataset: Dataset
    config: PipelineConfig
    run: RunOptions
    stamps: Mapping[str, int]
    notes: tuple[str, ...] = ()
    why_encoder: str = ""

    def resolved(self, registry: Registry) -> ResolvedPipeline:
        """Return the pipeline with its names looked up."""
        return resolve_pipeline(self.config, registry, self.scenario.main_surface)

    def planned(self, registry: Registry, budget: Budget, memory: int) -> tuple[FitPlan, FitInputs]:
        """Return the plan, and these inputs as it changes them.

        Raises
        ------
        UsageError, CrossrecError
            If the pipeline cannot be fitted as it is.
        CapacityError
            If the memory allows none of the sources.
        """
        # What no effort of the budget tries is not even loaded.
        gone = too_much(self.config, budget.effort or EFFORTS[0])
        tried = replace(self, config=without_sources(self.config, gone))
        resolved = tried.resolved(registry)
        resolved.refuse_unusable()
        why = self.why_encoder
        plan = plan_fit(resolved, self.dataset, self.run, budget, memory, gone, why)
        changed = replace(
            self,
            config=without_left_out(tried.config, plan.left_out),
            run=replace(self.run, effort=plan.effort),
            notes=(*self.notes, *plan.notes),
        )
        return plan, changed


def read_inputs(
    workspace: Workspace, registry: Registry, scenario: str, request: FitRequest
) -> FitInputs:
    """Read what a fit starts from.

    Raises
    ------
    UsageError, ConfigError
        For an unknown scenario or a pipeline file that can't be used.
    NotFittedError
        If the scenario has no items.
    """
    known = registry.scenario(scenario)
    seen = survey_pretrained(workspace.path / FOLDER, registry)
    config, notes = pipeline_to_fit(known, request.pipeline_file, request.backbone, seen)
    run = request.run or RunOptions(cache=workspace.cache)
    store = workspace.store()
    stamps = {
        "item_changes": store.item_changes(scenario),
        "last_event": store.last_event(scenario),
    }
    dataset = workspace.dataset(known, reviews=_reads_reviews(config, registry))
    if not len(dataset.catalog):
        raise NotFittedError(
            f"scenario {scenario!r} has no items: run `crossrec ingest {scenario}` first"
        )
    run = replace(run, pretrained=seen.folders())
    config, why = choose_encoder(config, registry, dataset.catalog)
    if why:
        notes = [*notes, f"encoder {config.encoder}: {why}"]
    linked, more = read_linked(store, known, dataset.users, registry.scenario)
    dataset = replace(dataset, linked=linked)
    if linked is not None and not any(source.name == LINKED for source in config.sources):
        if request.pipeline_file is None and config.encoder:
            config = with_linked(config)
        else:
            more.append(_not_linked(linked.people))
    return FitInputs(known, dataset, config, run, stamps, (*notes, *more), why)


def _not_linked(people: int) -> str:
    """Say that linked histories are at hand, which this pipeline does not use."""
    return (
        f"{people} people agreed to the use of what they did in other scenarios: a pipeline with "
        f"an encoder and the source {LINKED!r} answers from it"
    )


def _reads_reviews(config: PipelineConfig, registry: Registry) -> bool:
    """Whether a feature set of the pipeline learns from what events rate and say."""
    raters = {
        name
        for one in registry.all("features")
        if RATE in one.capabilities
        for name in (one.name, f"{one.distribution}:{one.name}")
    }
    return any(one.name in raters for one in config.features)
