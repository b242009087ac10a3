"""From pipeline files to a configuration: the scenario's default, overridden by the user's file."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from crossrec.errors import ConfigError
from crossrec.pipeline.config import FALLBACKS, PipelineConfig
from crossrec.scenario import Scenario
from crossrec.tomlio import parse_toml, read_toml, validated_toml

#: Keys of a default that mean nothing once the key before them is the user's own.
_BOUND = {
    "sources": "item_sources",
    "ranker": "ranker_settings",
    "encoder": "encoder_settings",
}


def load_config(scenario: Scenario, path: Path | None = None) -> PipelineConfig:
    """Return the scenario's default pipeline, with the keys of the user's file in their place.

    Parameters
    ----------
    path : Path, optional
        A TOML file; each of its top-level keys replaces the default's, and each key of its surfaces
        the same key of that surface. Where it names sources of its own, the default's surfaces
        that sources of their own answer are gone, unless the file plans them.

    Raises
    ------
    ConfigError
        Names the file, the key and what is wrong with it.
    """
    name = f"default pipeline of {scenario.name}"
    values = parse_toml(_resource(scenario.pipeline, name), name)
    surfaces, lost = _surfaces(values, name), set[str]()
    if path is not None:
        if not path.is_file():
            raise ConfigError(f"there is no pipeline file {path}")
        name = str(path)
        own = read_toml(path)
        for key, bound in _BOUND.items():
            if key in own:
                values.pop(bound, None)
        # What the user sets for all surfaces goes before the default's plan of one.
        gone = {"history", "policies", "filter", "boost"} & own.keys()
        if own.keys() & {"ranker", "ranker_settings"}:
            gone |= {"ranker", "ranker_settings"}
        surfaces = {
            surface: {key: value for key, value in plan.items() if key not in gone}
            for surface, plan in surfaces.items()
        }
        if "sources" in own:
            lost = _bound_to_sources(surfaces, values["sources"]) - _surfaces(own, name).keys()
            surfaces = {key: plan for key, plan in surfaces.items() if key not in lost}
        if own.keys() & {"sources", "item_sources"}:
            surfaces = {key: _without_sources(plan) for key, plan in surfaces.items()}
        surfaces = _merged(surfaces, _surfaces(own, name))
        values |= own
    shown = [one for one in scenario.surfaces if one.name not in lost]
    declared = {one.name: {"input": one.input, "k": one.k} for one in shown}
    return parse_config({**values, "surfaces": _merged(declared, surfaces)}, name)


def over(
    config: PipelineConfig, own: Mapping[str, Any], name: str, for_all: Collection[str]
) -> PipelineConfig:
    """Return a pipeline with the keys of a file in their place, and those of its surfaces.

    Parameters
    ----------
    own : mapping
        The values of the file.
    name : str
        What errors call it.
    for_all : collection of str
        Keys that, where the file sets them for all surfaces, go before the plan of one.
    """
    values = config.model_dump(mode="json")
    gone = set(for_all) & own.keys()
    surfaces = {
        surface: {key: value for key, value in plan.items() if key not in gone}
        for surface, plan in values["surfaces"].items()
    }
    return parse_config(
        {**values, **own, "surfaces": _merged(surfaces, _surfaces(own, name))}, name
    )


def _surfaces(values: Mapping[str, Any], name: str) -> dict[str, dict[str, Any]]:
    """Return the surfaces of a file."""
    surfaces = values.get("surfaces", {})
    if not isinstance(surfaces, dict) or not all(isinstance(v, dict) for v in surfaces.values()):
        raise ConfigError(f"{name}: surfaces are tables: write [surfaces.NAME]")
    return surfaces


def _merged(
    below: Mapping[str, Mapping[str, Any]], above: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Return the surfaces of two files, the keys of the second in place of the first's."""
    merged = {name: dict(plan) for name, plan in below.items()}
    for name, plan in above.items():
        kept = merged.get(name, {})
        if "ranker" in plan:
            kept.pop(_BOUND["ranker"], None)
        merged[name] = {**kept, **plan}
    return merged


def _bound_to_sources(
    surfaces: Mapping[str, Mapping[str, Any]], sources: Sequence[Any]
) -> set[str]:
    """Return the surfaces that only sources of their own answer: without these they are gone."""
    listed = [one for one in sources if isinstance(one, dict) and one.get("listed_only")]
    own = {one.get("label") or one["name"] for one in listed}
    return {
        name
        for name, plan in surfaces.items()
        if plan.get("sources") and own.issuperset(plan["sources"])
    }


def _without_sources(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return a default's plan without its sources; a list that may stay short still may."""
    kept = {key: value for key, value in plan.items() if key not in ("sources", "fallback")}
    named = plan.get("fallback")
    fallback = [one for one in named if one in FALLBACKS] if isinstance(named, list) else []
    return {**kept, "fallback": fallback} if fallback or named == [] else kept


def parse_config(values: Mapping[str, Any], name: str) -> PipelineConfig:
    """Validate `values` as a pipeline; errors name `name`."""
    return validated_toml(PipelineConfig, values, name)


def _resource(target: str, name: str) -> str:
    """Return the text of ``"package:file"``."""
    package, _, resource = target.partition(":")
    try:
        return files(package).joinpath(resource).read_text(encoding="utf-8")
    except (ImportError, OSError, ValueError) as error:
        raise ConfigError(f"{name} ({target!r}) cannot be read: {error}") from None
