"""Fit all sources once, fuse each set of them on validation, and measure them on the test users."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from crossrec.components.eligibility import RuleName
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.data.splits import Split
from crossrec.errors import DataError
from crossrec.evaluation.baselines import Popularity
from crossrec.evaluation.measure import Bench, ModelFigures, measure
from crossrec.evaluation.protocol import EvaluationProtocol
from crossrec.evaluation.significance import Comparison, bootstrap_means, compare, interval
from crossrec.pipeline.config import PipelineConfig, SourceConfig
from crossrec.pipeline.config_files import parse_config
from crossrec.pipeline.evaluate_models import PipelineModel, build_models, rule_for
from crossrec.pipeline.fit import FittedSources, fit_sources
from crossrec.pipeline.item_vectors import attach_vectors
from crossrec.pipeline.resolved import ResolvedPipeline, resolve_pipeline
from crossrec.plugins.registration import resolve
from crossrec.plugins.registry import Registry
from crossrec.scenario import Scenario

from crossrec_media.report.variants import Modality, Variant, pairs_of, variants_of

_WHAT, _FUSION = "for the report", "weighted"


@dataclass(frozen=True)
class Row:
    """One set of sources on the test users.

    Attributes
    ----------
    metrics : mapping of metric to its mean
    ci95 : mapping of metric to (low, high)
    weights : mapping of source to its weight in the fusion; empty where one serves alone
    """

    name: str
    metrics: Mapping[str, float]
    ci95: Mapping[str, tuple[float, float]]
    weights: Mapping[str, float]


@dataclass(frozen=True)
class ModalityReport:
    """All rows, all tests, and what was left out.

    Attributes
    ----------
    failed : mapping of source to the error that kept it out
    """

    scenario: str
    protocol: str
    candidates: str
    users: int
    items: int
    modalities: tuple[str, ...]
    rows: tuple[Row, ...]
    comparisons: tuple[Comparison, ...]
    failed: Mapping[str, str]
    notes: tuple[str, ...]

    def row(self, name: str) -> Row | None:
        """Return the row of this name, or None."""
        return next((row for row in self.rows if row.name == name), None)

    def comparison(self, first: str, second: str, metric: str) -> Comparison | None:
        """Return the test of two rows in one metric, or None."""
        for one in self.comparisons:
            if (one.model, one.against, one.metric) == (first, second, metric):
                return one
        return None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        rows, tests = [vars(row) for row in self.rows], [vars(one) for one in self.comparisons]
        return {**vars(self), "rows": rows, "comparisons": tests}


def reads_vectors(registry: Registry, source: SourceConfig) -> bool:
    """Whether a source's settings name an encoder."""
    model = registry.get("candidate_generators", source.name).config
    return model is not None and bool(getattr(resolve(model)(**source.settings), "encoder", ""))


def report_pipeline(
    config: PipelineConfig,
    main: str,
    base: Sequence[str],
    modalities: Sequence[Modality],
    registry: Registry,
) -> PipelineConfig:
    """Return a pipeline with all sources that the report compares: fused by weights, one surface.

    Parameters
    ----------
    config : PipelineConfig
        Where the base comes from.
    """
    encoders: list[dict[str, Any]] = []
    for one in modalities:
        settings = dict(one.settings)
        control = {"encoder": one.encoder, "settings": settings}
        encoders.append({"name": one.encoder, "label": one.name, "settings": settings})
        encoders.append({"name": "shuffled", "label": one.shuffled, "settings": control})
    alike = [
        {"name": "alike", "label": label, "settings": {"encoder": label}}
        for one in modalities
        for label in (one.name, one.shuffled)
    ]
    kept = [one for one in config.sources if one.label in base]
    needed = any(reads_vectors(registry, one) for one in kept)
    values = {
        "encoder": config.encoder if needed else "",
        "encoder_settings": config.encoder_settings if needed else {},
        "title_vectors": config.title_vectors and needed,
        "encoders": encoders,
        "candidates": config.candidates,
        "ranker": _FUSION,
        "sources": [{**one.model_dump(), "listed_only": False} for one in kept] + alike,
        "surfaces": {main: {**config.surfaces[main].model_dump(), "sources": (), "policies": ()}},
    }
    return parse_config(values, "modality report")


def modality_report(
    scenario: Scenario,
    registry: Registry,
    dataset: Dataset,
    config: PipelineConfig,
    base: Sequence[str],
    modalities: Sequence[Modality],
    run: RunOptions,
    *,
    protocol: EvaluationProtocol | None = None,
) -> ModalityReport:
    """Measure what each modality adds to the base, and what its shuffled vectors add.

    The fusion is the pipeline's weighted one: a source weighs something only where its gain on
    validation is beyond noise.

    Parameters
    ----------
    base : sequence of str
        Labels of sources of `config` that read no modality.

    Raises
    ------
    DataError
        If the split leaves no test user.
    CrossrecError
        If no source can be fitted, or settings do not fit.
    """
    protocol = protocol or EvaluationProtocol.default_for(dataset)
    made = report_pipeline(config, scenario.main_surface, base, modalities, registry)
    resolved = _by_weights(resolve_pipeline(made, registry, scenario.main_surface))
    resolved.refuse_unusable()
    split = next(iter(protocol.splits(dataset)))
    if not len(split.test):
        raise DataError("this split leaves no test user: ingest more events")
    train, notes = attach_vectors(split.train, resolved, run)
    fitted = fit_sources(train, resolved, run, _WHAT)
    rows = variants_of(base, modalities)
    split = replace(split, train=train)
    models = _models(scenario, resolved, fitted, rows, split, protocol.candidates, run)
    bench = Bench.of(
        protocol,
        rule_for(scenario, resolved, protocol.candidates)(train),
        split.test,
        train,
        Popularity(train, "popularity"),
    )
    figures = []
    for done, (name, model) in enumerate(models.items()):
        run.progress(f"measuring {name}", done, len(models))
        figures.append(measure(model, bench))
    named, tests = _compared(
        dict(zip(models, figures, strict=True)), models, protocol, pairs_of(base, modalities)
    )
    return ModalityReport(
        scenario.name,
        protocol.split,
        protocol.candidates,
        len(bench.queries),
        train.n_items,
        tuple(one.name for one in modalities),
        named,
        tests,
        dict(fitted.failed),
        (*split.notes, *notes),
    )


def _by_weights(resolved: ResolvedPipeline) -> ResolvedPipeline:
    """Return the pipeline with weighted fusion for its only ranker: all rows are fused alike."""
    surfaces = {
        name: replace(one, rankers={_FUSION: one.rankers[_FUSION]})
        for name, one in resolved.surfaces.items()
    }
    return replace(resolved, surfaces=surfaces)


def _models(
    scenario: Scenario,
    resolved: ResolvedPipeline,
    fitted: FittedSources,
    rows: Sequence[Variant],
    split: Split,
    candidates: RuleName,
    run: RunOptions,
) -> dict[str, PipelineModel]:
    """Return the fused model of each row whose sources could all be fitted."""
    bare = replace(resolved, encoder=None, more_encoders={})  # the vectors are there already
    models: dict[str, PipelineModel] = {}
    for row in rows:
        if not set(row.sources) <= set(fitted.sources):
            continue
        few = bare.with_sources(row.sources)
        parts = FittedSources(
            {label: fitted.sources[label] for label in row.sources},
            {label: fitted.seconds[label] for label in row.sources},
            {},
        )
        (model,) = build_models(
            scenario,
            few,
            split.train,
            split.validation,
            run,
            rule_for=rule_for(scenario, few, candidates),
            only=("pipeline",),
            fitted=parts,
        )
        assert isinstance(model, PipelineModel)
        models[row.name] = model
    return models


def _compared(
    figures: Mapping[str, ModelFigures],
    models: Mapping[str, PipelineModel],
    protocol: EvaluationProtocol,
    pairs: Sequence[tuple[str, str]],
) -> tuple[tuple[Row, ...], tuple[Comparison, ...]]:
    """Return means with intervals, and the tests of the pairs that were measured."""
    import numpy as np

    shown = [f"{name}@{protocol.ks[0]}" for name in ("recall", "ndcg")]
    names = list(figures)
    columns = [figures[name].columns[metric] for metric in shown for name in names]
    means = bootstrap_means(
        np.stack(columns, axis=1), resamples=protocol.resamples, seed=protocol.seed
    )
    drawn = {
        metric: dict(zip(names, means[:, at * len(names) : (at + 1) * len(names)].T, strict=True))
        for at, metric in enumerate(shown)
    }
    values = {metric: {name: figures[name].columns[metric] for name in names} for metric in shown}
    rows = tuple(
        Row(
            name,
            {metric: float(values[metric][name].mean()) for metric in shown},
            {metric: interval(drawn[metric][name]) for metric in shown},
            _weights(models[name]),
        )
        for name in names
    )
    there = [(a, b) for a, b in pairs if a in figures and b in figures]
    return rows, compare(values, drawn, pairs=there) if there else ()


def _weights(model: PipelineModel) -> dict[str, float]:
    """Return the weights of the fusion, as its gate reports them."""
    learnt: Mapping[str, Any] = model.pipeline.report["gate"]["learnt"]
    return {str(name): float(weight) for name, weight in learnt.get("weights", {}).items()}
