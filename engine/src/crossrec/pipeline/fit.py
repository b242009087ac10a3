"""The fit path: dataset → vectors → cut → sources → ranker → gate → sources on all → pipeline."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crossrec.components.candidates import Pool
from crossrec.components.protocols import CandidateGenerator, Examples
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.vectors import encoded, title_name
from crossrec.data.dataset import Dataset
from crossrec.errors import CrossrecError, UsageError
from crossrec.numeric.ragged import Ragged
from crossrec.pipeline.config import PipelineConfig, SourceConfig
from crossrec.pipeline.cut import cut_for_validation
from crossrec.pipeline.gate import choose_ranker
from crossrec.pipeline.pipeline import Pipeline, gather, refuse_silence
from crossrec.plugins.registry import Registry

log = logging.getLogger("crossrec")

#: Queries that pass through the sources at once.
BLOCK = 512


@dataclass(frozen=True, eq=False)
class FittedSources:
    """Sources that were fitted on the same events.

    Attributes
    ----------
    sources : mapping of label to candidate generator
    seconds : mapping of label to the seconds its fit took
    failed : mapping of label to the error that kept it out
    """

    sources: Mapping[str, CandidateGenerator]
    seconds: Mapping[str, float]
    failed: Mapping[str, str]


def fit_pipeline(
    scenario: str,
    dataset: Dataset,
    config: PipelineConfig,
    registry: Registry,
    run: RunOptions,
    notes: Sequence[str] = (),
) -> Pipeline:
    """Fit a pipeline on all events of `dataset`, with everything chosen before a cut.

    Parameters
    ----------
    notes : sequence of str
        What the caller has to say, for the report.

    Raises
    ------
    ConfigError
        If the configuration names what is not installed, or settings that do not fit.
    CrossrecError
        If no source can be fitted.
    """
    refuse_unusable(config, registry)
    dataset, missing = attach_vectors(dataset, config, registry, run)
    keep = config.history == "keep"
    cut = cut_for_validation(dataset, keep_history=keep, seed=run.seed)
    trial = fit_sources(cut.train, config, registry, run, "before the cut")
    n_items = dataset.n_items
    examples = collect_examples(trial, config, registry, cut.queries, cut.targets, n_items)
    ranker, gate = choose_ranker(registry, config, cut.train, examples, run)
    final = fit_sources(dataset, config, registry, run, "on all events")
    report = {
        "cut": cut.rule,
        "gate": gate.to_dict(),
        "fit_seconds": dict(final.seconds),
        "failed": dict(final.failed),
        "notes": [*notes, *missing],
        "users": dataset.n_users,
        "items": dataset.n_items,
        "events": len(dataset.events),
    }
    return assemble(scenario, dataset, config, registry, final, ranker, report)


def assemble(
    scenario: str,
    dataset: Dataset,
    config: PipelineConfig,
    registry: Registry,
    fitted: FittedSources,
    ranker: Any,
    report: Mapping[str, Any],
) -> Pipeline:
    """Put the fitted parts together."""
    counts = dataset.item_counts
    return Pipeline(
        scenario=scenario,
        config=config,
        users=dataset.users,
        catalog=dataset.catalog,
        sources=fitted.sources,
        capabilities=capabilities(config, registry, fitted.sources),
        ranker=ranker,
        policies=build_policies(config, registry),
        fallback=np.argsort(-counts, kind="stable").astype(np.int64),
        counts=counts,
        has_clock=dataset.has_clock,
        report=report,
    )


def attach_vectors(
    dataset: Dataset, config: PipelineConfig, registry: Registry, run: RunOptions
) -> tuple[Dataset, list[str]]:
    """Encode the catalog with the configured encoder; say so where that is not possible.

    Raises
    ------
    UsageError
        If there is no such encoder, or its settings do not fit.
    """
    if not config.encoder:
        return dataset, []
    registration = registry.get("encoders", config.encoder)
    try:
        encoder = registration.build(config.encoder_settings)
        titles = title_name(config.encoder) if config.title_vectors else ""
        for name, rows in encoded(dataset.catalog, encoder, run, config.encoder, titles):
            dataset = dataset.with_vectors(name, rows)  # texts stay where titles fail
    except UsageError:
        raise
    except Exception as error:
        log.warning("encoder %s failed", config.encoder, exc_info=error)
        return dataset, [f"encoder {config.encoder} failed: {type(error).__name__}: {error}"]
    return dataset, []


def fit_sources(
    dataset: Dataset, config: PipelineConfig, registry: Registry, run: RunOptions, what: str
) -> FittedSources:
    """Fit every source of the pipeline; one that fails is left out and named.

    Raises
    ------
    UsageError
        If there is no such source, or its settings do not fit.
    CrossrecError
        If none is left.
    """
    executor = registry.get("executors", "local").build()
    jobs = list(enumerate(config.sources))

    def fit(job: tuple[int, SourceConfig]) -> tuple[CandidateGenerator | None, float, str]:
        done, source = job
        run.progress(f"fitting {source.label} {what}", done, len(jobs))
        started = time.perf_counter()
        try:
            generator = build_source(source, registry)
            generator.fit(dataset, run)
        except UsageError:
            raise
        except Exception as error:
            log.warning("source %s could not be fitted", source.label, exc_info=error)
            return None, 0.0, f"{type(error).__name__}: {error}"
        return generator, round(time.perf_counter() - started, 4), ""

    sources: dict[str, CandidateGenerator] = {}
    seconds: dict[str, float] = {}
    failed: dict[str, str] = {}
    for source, (generator, took, error) in zip(config.sources, executor.map(fit, jobs)):
        if generator is None:
            failed[source.label] = error
        else:
            sources[source.label], seconds[source.label] = generator, took
    run.progress(f"fitted {what}", len(config.sources), len(config.sources))
    if not sources:
        causes = "; ".join(f"{label}: {error}" for label, error in failed.items())
        raise CrossrecError(f"no source could be fitted ({causes})")
    return FittedSources(sources, seconds, failed)


def collect_examples(
    fitted: FittedSources,
    config: PipelineConfig,
    registry: Registry,
    queries: QueryBatch,
    targets: Ragged,
    n_items: int,
) -> Examples:
    """Return the pool of every validation query, gathered in blocks.

    Raises
    ------
    CrossrecError
        If no source answers.
    """
    able = capabilities(config, registry, fitted.sources)
    parts = [queries.take(rows) for rows in queries.blocks(BLOCK)] or [queries]
    pools = []
    for part in parts:
        pool, degraded = gather(fitted.sources, able, part, config.candidates, n_items)
        refuse_silence(pool, degraded)
        pools.append(pool)
    return Examples(queries, _stacked(pools), targets)


def refuse_unusable(config: PipelineConfig, registry: Registry) -> None:
    """Find what is misspelt in a pipeline before the fit, not after an hour of it.

    Raises
    ------
    UsageError
        If a component is unknown, or its settings do not fit.
    """
    if config.encoder:
        registry.get("encoders", config.encoder)
    if config.ranker != "auto":
        registry.get("rankers", config.ranker).build(config.ranker_settings)
    build_policies(config, registry)
    for source in config.sources:
        try:
            build_source(source, registry)
        except UsageError:
            raise
        except Exception:  # a library is missing, say: the fit leaves the source out and says so
            continue


def build_source(source: SourceConfig, registry: Registry) -> CandidateGenerator:
    """Build an unfitted source from its configuration."""
    generator: CandidateGenerator = registry.get("candidate_generators", source.name).build(
        source.settings
    )
    return generator


def build_policies(config: PipelineConfig, registry: Registry) -> dict[str, Any]:
    """Build the pipeline's policies, in order; a name that comes again gets a number."""
    policies: dict[str, Any] = {}
    for policy in config.policies:
        times = sum(name.partition(" #")[0] == policy.name for name in policies)
        label = f"{policy.name} #{times + 1}" if times else policy.name
        policies[label] = registry.get("policies", policy.name).build(policy.settings)
    return policies


def capabilities(
    config: PipelineConfig, registry: Registry, labels: Collection[str]
) -> dict[str, frozenset[str]]:
    """Return what each of these sources declares that it can do."""
    return {
        source.label: registry.get("candidate_generators", source.name).capabilities
        for source in config.sources
        if source.label in labels
    }


def _stacked(pools: list[Pool]) -> Pool:
    """Put pools below one another; a source that failed in one of them is left out."""
    common = tuple(name for name in pools[0].sources if all(name in pool.sources for pool in pools))
    pools = [pool.select(common) for pool in pools]
    width = max(pool.index.shape[1] for pool in pools)

    def pad(name: str, fill: float) -> Any:
        parts = []
        for pool in pools:
            array = getattr(pool, name)
            missing = [(0, 0)] * array.ndim
            missing[1] = (0, width - array.shape[1])
            parts.append(np.pad(array, missing, constant_values=fill))
        return np.concatenate(parts)

    return Pool(
        index=pad("index", -1),
        scores=pad("scores", np.nan),
        ranks=pad("ranks", -1),
        sources=pools[0].sources,
        mean=np.concatenate([pool.mean for pool in pools]),
        std=np.concatenate([pool.std for pool in pools]),
    )
