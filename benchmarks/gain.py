"""What a neural body adds to the default pipeline of a set: the group ``gain`` of ``deep.py``.

The default pipeline and the same with the body among its sources are fitted and gated on one split,
sharing the sources that both have, and answer the same test queries. Nothing is chosen by the test.
The backbone is not pretrained, since the shipped ones have seen some of the sets.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from common import machine, peak_mib
from crossrec.evaluation.evaluate import evaluate
from crossrec.evaluation.protocol import EvaluationProtocol
from crossrec.pipeline.config import SourceConfig
from crossrec.pipeline.config_files import parse_config
from crossrec.pipeline.evaluate_models import (
    PipelineModel,
    build_models,
    rule_for,
    sources_to_evaluate,
)
from crossrec.pipeline.fit import FittedSources
from crossrec.pipeline.resolved import ResolvedPipeline, resolve_pipeline
from crossrec.plugins.registry import load_registry
from real_sets import without_pretraining

if TYPE_CHECKING:
    from crossrec.components.run import RunOptions
    from crossrec.data.dataset import Dataset
    from crossrec.data.splits import Targets
    from crossrec.evaluation.report import Report

DEFAULT, PIPELINE = "default", "pipeline"
#: Of the figures that a cell holds.
METRICS = ("recall@10", "ndcg@10")


def with_body(
    resolved: ResolvedPipeline, body: str, settings: Mapping[str, Any], surface: str
) -> ResolvedPipeline:
    """Return a pipeline with one more source."""
    values = resolved.config.model_dump(exclude_unset=True)
    added = SourceConfig(name=body, settings=dict(settings)).model_dump(exclude_unset=True)
    values["sources"] = [*values["sources"], added]
    return resolve_pipeline(parse_config(values, "the pipeline"), load_registry(), surface)


def gained(
    dataset: Dataset,
    scenario_name: str,
    body: str,
    settings: Mapping[str, Any],
    protocol: EvaluationProtocol,
    run: RunOptions,
) -> dict[str, Any]:
    """Return the figures of both pipelines, their paired difference, and what the gate chose."""
    registry = load_registry()
    scenario = registry.scenario(scenario_name)
    config = without_pretraining(scenario)
    plain = resolve_pipeline(config, registry, scenario.main_surface)
    whole = with_body(plain, body, settings, scenario.main_surface)
    (split,) = protocol.splits(dataset)
    started, worked = time.perf_counter(), time.process_time()
    fitted = sources_to_evaluate(split.train, whole, run)
    rule, gates = rule_for(scenario, whole, protocol.candidates), dict[str, Any]()

    def build(train: Dataset, validation: Targets) -> list[PipelineModel]:
        models = []
        for name, resolved in ((DEFAULT, plain), (body, whole)):
            (model,) = build_models(
                scenario, resolved, train, validation, run, rule_for=rule, only=(PIPELINE,),
                fitted=among(fitted, resolved),
            )  # fmt: skip
            assert isinstance(model, PipelineModel)
            gates[name] = model.pipeline.report["gate"]
            models.append(replace(model, name=name))
        return models

    report = evaluate(dataset, build, protocol, rule_for=rule, scenario=scenario.name)
    return {
        "machine": machine(), "users": report.users, "items": dataset.n_items,
        "events": len(split.train.interactions), "protocol": protocol.split,
        "candidates": protocol.candidates, "sources": dict(fitted.seconds),
        "failed": dict(fitted.failed), "gates": gates, **compared(report, body),
        "seconds": round(time.perf_counter() - started, 1),
        "cpu_seconds": round(time.process_time() - worked, 1), "memory_mib": peak_mib(),
    }  # fmt: skip


def among(fitted: FittedSources, resolved: ResolvedPipeline) -> FittedSources:
    """Return those of the fitted sources that a pipeline has."""
    own = resolved.sources
    return FittedSources(
        {name: source for name, source in fitted.sources.items() if name in own},
        {name: seconds for name, seconds in fitted.seconds.items() if name in own},
        {name: error for name, error in fitted.failed.items() if name in own},
    )


def compared(report: Report, body: str) -> dict[str, Any]:
    """Return the figures of both pipelines and the report's own comparison of them."""
    values = report.to_dict()
    figures = {
        row["model"]: {metric: round(row["metrics"][metric], 5) for metric in METRICS}
        for row in values["results"]
        if row["model"] in (DEFAULT, body)
    }
    pairs = [
        pair
        for pair in values["comparisons"]
        if {pair["model"], pair["against"]} == {DEFAULT, body}
    ]
    return {"figures": figures, "comparisons": pairs}
