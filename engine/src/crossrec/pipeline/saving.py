"""A pipeline as an artifact, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec.artifacts import Artifact, checked_state, open_artifact, publish
from crossrec.components.fusion import ReciprocalRankFusion
from crossrec.components.state import State
from crossrec.data.catalog import Catalog
from crossrec.errors import ArtifactError
from crossrec.pipeline.config_files import parse_config
from crossrec.pipeline.features import label_of
from crossrec.pipeline.frozen_catalog import FrozenCatalogSource
from crossrec.pipeline.pipeline import Pipeline, ServedSurface, log
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.pipeline.serving import served_surface
from crossrec.plugins.registry import Registry
from crossrec.plugins.state import one_line
from crossrec.scenario import ItemSchema

KIND = "pipeline"
#: What of an item schema is kept: which fields have a column of their own.
_SCHEMA = ("title", "categories", "creator")


def without_unstorable(pipeline: Pipeline) -> Pipeline:
    """Return the pipeline without what cannot be stored, which its report names.

    Sources are left out; where it is a ranker, ranks are fused.

    Raises
    ------
    ArtifactError
        If no source is left.
    """
    wrong = {label: _fault_of(source) for label, source in pipeline.sources.items()}
    failed = {label: f"cannot be stored: {why}" for label, why in wrong.items() if why}
    sources = {label: one for label, one in pipeline.sources.items() if not wrong[label]}
    if not sources:
        causes = "; ".join(f"{label} {why}" for label, why in failed.items())
        raise ArtifactError(f"no source can be stored ({causes})")
    surfaces = {}
    for name, surface in pipeline.surfaces.items():
        why = _fault_of(surface.ranker)
        if why:
            failed[f"ranker {surface.ranker_name}"] = f"cannot be stored: {why}"
            surface = replace(surface, ranker=ReciprocalRankFusion(), ranker_name="rrf")
        surfaces[name] = surface
    if not failed:
        return pipeline
    seconds = {k: v for k, v in pipeline.report["fit_seconds"].items() if k in sources}
    named = {**pipeline.report["failed"], **failed}
    report = {**pipeline.report, "failed": named, "fit_seconds": seconds}
    return replace(pipeline, sources=sources, surfaces=surfaces, report=report)


def _fault_of(component: Any) -> str:
    """Return why the state of a component cannot be stored; "" where it can."""
    try:
        checked_state(component)
    except ArtifactError as error:
        log.warning("%s cannot be stored", type(component).__name__, exc_info=error)
        return str(error)
    return ""


def save_pipeline(pipeline: Pipeline, folder: Path) -> Path:
    """Publish the pipeline in `folder` by one atomic step; return the version's folder.

    Raises
    ------
    ArtifactError
        If a component cannot be stored, or the folder cannot be written to.
    """
    states = {
        f"source/{label}": _state_of(f"source {label!r}", source)
        for label, source in pipeline.sources.items()
    }
    for name, surface in pipeline.surfaces.items():
        states[f"ranker/{name}"] = _state_of(f"ranker {surface.ranker_name!r}", surface.ranker)
        for label, policy in learning_policies(surface).items():
            states[f"policy/{name}/{label}"] = _state_of(f"policy {label!r}", policy)
    for name, features in pipeline.features.items():
        states[f"features/{name}"] = _state_of(f"feature set {name!r}", features)
    states["catalog"] = _catalog_state(pipeline.catalog)
    states["popularity"] = popularity_state(pipeline.people, pipeline.evidence)
    return publish(
        folder,
        kind=KIND,
        users=pipeline.users,
        items=pipeline.catalog.items,
        states=states,
        values={
            "scenario": pipeline.scenario,
            "config": pipeline.config.model_dump(mode="json"),
            "report": dict(pipeline.report),
            "has_clock": pipeline.has_clock,
            "main": pipeline.resolved.main,
            "schema": {name: getattr(pipeline.schema, name) for name in _SCHEMA},
            "known_items": {
                label: source.known_items
                for label, source in pipeline.sources.items()
                if isinstance(source, FrozenCatalogSource)
            },
            "surfaces": {
                name: {
                    "ranker": one.ranker_name,
                    "keeps_history": one.keeps_history,
                    "sources": list(one.plan.sources),
                }
                for name, one in pipeline.surfaces.items()
            },
        },
    )


def load_pipeline(folder: Path, registry: Registry, *, verify: bool = True) -> Pipeline:
    """Open the pipeline that serves in `folder`.

    A source or ranker that cannot be restored is named in ``unavailable``; instead of the ranker
    ranks are fused. A policy that cannot be built is an error: a list without it may break a rule.

    Raises
    ------
    NotFittedError
        If nothing was fitted yet.
    ArtifactError
        If it is damaged, foreign or newer, or if none of its sources can be restored.
    UsageError, PluginError
        If one of its policies is not installed, or cannot be built.
    """
    artifact = open_artifact(folder, verify=verify)
    manifest = artifact.manifest
    if manifest.kind != KIND:
        raise ArtifactError(f"{folder} holds a {manifest.kind!r} artifact, not a pipeline")
    config = parse_config(manifest.values["config"], str(artifact.path))
    resolved = resolve_pipeline(config, registry, manifest.values["main"])
    report = dict(manifest.values["report"])
    catalog = stored_catalog(artifact)
    popularity = artifact.states["popularity"].arrays
    stored = manifest.values["surfaces"]
    if "evidence" not in popularity or not all("sources" in one for one in stored.values()):
        raise ArtifactError(
            f"{artifact.path} was written by an older crossrec: fit again with `crossrec fit`"
        )
    known_items = manifest.values["known_items"]
    sources: dict[str, Any] = {}
    unavailable: dict[str, str] = {}
    for label, source in resolved.sources.items():
        state = artifact.states.get(f"source/{label}")
        if state is None:
            continue
        try:
            generator = source.build()
            known = known_items.get(label, len(catalog))
            generator.restore(
                state, catalog.take(range(known)) if label in known_items else catalog
            )
            if label in known_items:
                generator = FrozenCatalogSource(generator, known, len(catalog))
        except (Exception, SystemExit) as error:
            unavailable[label] = one_line(error)
            continue
        sources[label] = generator
    if not sources:
        causes = "; ".join(f"{label}: {error}" for label, error in unavailable.items())
        raise ArtifactError(f"no source of {artifact.path} can be restored ({causes})")
    features: dict[str, Any] = {}
    for name, component in resolved.features.items():
        state = artifact.states.get(f"features/{name}")
        if state is None:
            continue
        try:
            features[name] = component.build()
            features[name].restore(state, catalog)
        except Exception as error:
            features.pop(name, None)
            unavailable[label_of(name)] = one_line(error)
    surfaces: dict[str, ServedSurface] = {}
    for name, plan in resolved.surfaces.items():
        kept = stored[name]
        plan = replace(plan, sources=tuple(kept["sources"]))
        try:
            ranker = plan.rankers[kept["ranker"]].build()
            ranker.restore(artifact.states[f"ranker/{name}"], catalog)
        except (Exception, SystemExit) as error:
            unavailable[f"ranker {kept['ranker']}"] = one_line(error)
            ranker = ReciprocalRankFusion()
        surface = served_surface(plan, ranker, kept["ranker"], kept["keeps_history"])
        for label, policy in learning_policies(surface).items():
            try:
                policy.restore(artifact.states[f"policy/{name}/{label}"], catalog)
            except Exception as error:
                unavailable[f"what policy {label} of {name} learnt"] = one_line(error)
        surfaces[name] = surface
    return Pipeline(
        scenario=manifest.values["scenario"],
        resolved=resolved,
        users=artifact.users,
        catalog=catalog,
        sources=sources,
        capabilities=resolved.capabilities,
        surfaces=surfaces,
        fallback=popularity["fallback"],
        people=popularity["people"],
        evidence=popularity["evidence"],
        has_clock=bool(manifest.values["has_clock"]),
        report=report,
        unavailable=unavailable,
        features=features,
        schema=ItemSchema((), "", **manifest.values.get("schema", {})),
        version=artifact.path.name,
    )


def learning_policies(surface: ServedSurface) -> dict[str, Any]:
    """Return the policies of a surface that learn, by label."""
    return {
        label: policy
        for label, policy in surface.policies.items()
        if "learn" in surface.plan.policies[label].capabilities
    }


def popularity_state(people: NDArray[np.int64], evidence: NDArray[np.float64]) -> State:
    """Return what a list is filled up by: the items with the most evidence first."""
    fallback = np.argsort(-evidence, kind="stable").astype(np.int64)
    return State({"fallback": fallback, "people": people, "evidence": evidence})


def _state_of(what: str, component: Any) -> State:
    try:
        return checked_state(component)
    except ArtifactError as error:
        raise ArtifactError(f"{what} cannot be stored: {error}") from error


def _catalog_state(catalog: Catalog) -> State:
    """Keep the catalog as JSON values."""
    attributes = {name: list(column) for name, column in catalog.attributes.items()}
    values: Mapping[str, Any] = {
        "titles": list(catalog.titles),
        "texts": list(catalog.texts),
        "categories": [list(row) for row in catalog.categories],
        "creators": list(catalog.creators),
        "attributes": attributes,
    }
    return State({"known": catalog.known.astype(np.uint8)}, values)


def stored_catalog(artifact: Artifact) -> Catalog:
    """Return the catalog of a stored pipeline."""
    state = artifact.states["catalog"]
    values = state.values
    return Catalog(
        items=artifact.items,
        titles=tuple(values["titles"]),
        texts=tuple(values["texts"]),
        categories=tuple(tuple(row) for row in values["categories"]),
        creators=tuple(values["creators"]),
        known=state.arrays["known"].astype(bool),
        attributes={name: tuple(column) for name, column in values["attributes"].items()},
    )
