"""Rules of a pipeline file put in the place of those that serve, without a fit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from crossrec.errors import ConfigError, UsageError
from crossrec.pipeline.conditions import check_conditions
from crossrec.pipeline.config import FALLBACKS, PipelineConfig, SurfaceConfig
from crossrec.pipeline.config_files import over
from crossrec.pipeline.pipeline import Pipeline, ServedSurface
from crossrec.pipeline.resolved import ResolvedSurface, resolve_pipeline
from crossrec.pipeline.serving import Serving
from crossrec.plugins.registry import Registry
from crossrec.tomlio import read_toml

#: Keys of a pipeline file, and of its surfaces, that are read at every request and by no fit.
RULES = frozenset({"policies", "filter", "boost"})
SURFACE_RULES = RULES | {"k", "fallback"}


def config_with_rules(config: PipelineConfig, path: Path, scenario: str) -> PipelineConfig:
    """Return a pipeline's configuration with the rules of a file.

    Keys that the file does not have stay as they are; as in a fit, a rule for all surfaces goes
    before what a surface had of its own.

    Raises
    ------
    ConfigError
        If the file cannot be used, or changes what needs a fit: names the key.
    """
    if not path.is_file():
        raise ConfigError(f"there is no pipeline file {path}")
    changed = over(config, read_toml(path), str(path), RULES)
    for key in _beyond_rules(config, changed):
        raise ConfigError(
            f"{path}: {key} differs from what serves, and that needs a fit: run `crossrec fit "
            f"{scenario} --pipeline {path}`, or leave the key out"
        )
    return changed


def changed_rules(before: PipelineConfig, after: PipelineConfig) -> tuple[str, ...]:
    """Return the rules that differ, as ``surfaces.home.policies``, for every surface."""
    found = []
    for name, plan in after.surfaces.items():
        old = before.surfaces[name]
        pairs = {
            "policies": (before.policies_of(name), after.policies_of(name)),
            "filter": (before.filter_of(name), after.filter_of(name)),
            "boost": (before.boost_of(name), after.boost_of(name)),
            "k": (old.k, plan.k),
            "fallback": (old.fallback, plan.fallback),
        }
        found += [f"surfaces.{name}.{key}" for key, (one, two) in pairs.items() if one != two]
    return tuple(found)


def serving_with_rules(serving: Serving, config: PipelineConfig, registry: Registry) -> Serving:
    """Return what answers requests by other rules; see `with_rules`."""
    pipeline = with_rules(serving.pipeline, config, registry)
    check_conditions((one.plan for one in pipeline.surfaces.values()), serving.items)
    return replace(serving, pipeline=pipeline)


def with_rules(pipeline: Pipeline, config: PipelineConfig, registry: Registry) -> Pipeline:
    """Return a fitted pipeline with other rules; sources, rankers and what they learnt stay.

    A policy that learns keeps what it has learnt where its settings are the same.

    Raises
    ------
    UsageError, ConfigError
        If a policy is not installed, a setting does not fit, or a fallback was not fitted.
    """
    resolved = resolve_pipeline(config, registry, pipeline.resolved.main)
    surfaces: dict[str, ServedSurface] = {}
    kept: set[str] = set()
    for name, served in pipeline.surfaces.items():
        plan = replace(resolved.surfaces[name], sources=served.plan.sources)
        if plan.config.fallback != served.plan.config.fallback:
            _check_fallback(plan, pipeline)
        policies = {}
        for label, component in plan.policies.items():
            old = served.plan.policies.get(label)
            same = old is not None and (old.registration, old.settings) == (
                component.registration,
                component.settings,
            )
            policies[label] = served.policies[label] if same else component.build()
            if same:
                kept.add(f"{name}/{label}")
        surfaces[name] = replace(served, plan=plan, policies=policies)
    # How far policies have read the log: a new one starts from its first decision.
    learnt = pipeline.report.get("policies_learnt", {})
    stamps = {key: at for key, at in learnt.items() if key in kept}
    report = {**pipeline.report, **({"policies_learnt": stamps} if learnt else {})}
    return replace(pipeline, resolved=resolved, surfaces=surfaces, report=report)


def _check_fallback(plan: ResolvedSurface, pipeline: Pipeline) -> None:
    """Refuse to fall back to a source that does not serve."""
    for label in plan.config.fallback:
        if label not in FALLBACKS and label not in pipeline.sources:
            raise UsageError(
                f"surface {plan.name!r} falls back to {label!r}, which does not serve: name one of "
                f"{', '.join((*FALLBACKS, *pipeline.sources))}"
            )


def _beyond_rules(before: PipelineConfig, after: PipelineConfig) -> Iterator[str]:
    """Yield the keys that differ and are no rules."""
    for key in PipelineConfig.model_fields:
        if key not in RULES | {"surfaces"} and getattr(before, key) != getattr(after, key):
            yield key
    for name, plan in after.surfaces.items():
        old: SurfaceConfig | None = before.surfaces.get(name)
        if old is None:
            yield f"surfaces.{name}"
            continue
        for key in SurfaceConfig.model_fields:
            if key not in SURFACE_RULES and getattr(old, key) != getattr(plan, key):
                yield f"surfaces.{name}.{key}"
