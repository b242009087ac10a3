"""A pipeline as the text of a pipeline file: every key with its value and what it means."""

from __future__ import annotations

import json
import math
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any, TypeVar

from pydantic import BaseModel

from crossrec.errors import UsageError
from crossrec.pipeline.config import (
    EncoderConfig,
    PipelineConfig,
    PolicyConfig,
    SourceConfig,
    SurfaceConfig,
    WordingConfig,
)
from crossrec.pipeline.resolved import Component, ResolvedPipeline, ResolvedSurface
from crossrec.plugins.meanings import meanings
from crossrec.plugins.registration import resolve

Model = TypeVar("Model", bound=BaseModel)

_WIDTH = 100
#: Keys that are tables of their own, which come after the plain ones.
_TABLES = (
    "encoder_settings",
    "encoders",
    "ranker_settings",
    "settings",
    "sources",
    "surfaces",
    "wording",
)
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def effective(pipeline: ResolvedPipeline) -> PipelineConfig:
    """Return the pipeline with all that it leaves to defaults written out.

    Settings of components have their defaults, and each surface has its own sources, ranker,
    policies and rule for known items.

    Raises
    ------
    UsageError
        If a component is unknown, or its settings do not fit.
    """
    config = pipeline.config
    sources = [
        replaced(source, settings=settings_of(pipeline.sources[source.label]))
        for source in config.sources
    ]
    encoder = {} if pipeline.encoder is None else settings_of(pipeline.encoder)
    encoders = [
        replaced(one, settings=settings_of(pipeline.more_encoders[one.label]))
        for one in config.encoders
    ]
    features = [
        replaced(one, settings=settings_of(pipeline.features[one.name])) for one in config.features
    ]
    model = pipeline.language_model
    wording = {} if model is None else {"settings": settings_of(model)}
    surfaces = {name: _effective_surface(config, one) for name, one in pipeline.surfaces.items()}
    main = pipeline.main_surface
    own = main.config.policies is None
    policies = _policies(config.policies, main if own else None)
    return replaced(
        config,
        sources=sources,
        encoder_settings=encoder,
        encoders=encoders,
        features=features,
        wording=replaced(config.wording, **wording),
        surfaces=surfaces,
        policies=policies,
    )


def _effective_surface(config: PipelineConfig, plan: ResolvedSurface) -> SurfaceConfig:
    """Return a surface that leaves nothing to the pipeline."""
    ranker, settings = config.ranker_of(plan.name)
    if ranker in plan.rankers:
        settings = settings_of(plan.rankers[ranker])
    return replaced(
        plan.config,
        sources=plan.sources,
        ranker=ranker,
        ranker_settings=settings,
        policies=_policies(config.policies_of(plan.name), plan),
        history=plan.history,
    )


def _policies(
    policies: Sequence[PolicyConfig], plan: ResolvedSurface | None
) -> tuple[PolicyConfig, ...]:
    """Return policies with all their settings where a surface has looked them up."""
    if plan is None:
        return tuple(policies)
    found = zip(policies, plan.policies.values(), strict=True)
    return tuple(replaced(policy, settings=settings_of(part)) for policy, part in found)


def replaced(config: Model, **values: Any) -> Model:
    """Return a validated copy of a model with some fields replaced."""
    fields = {name: getattr(config, name) for name in type(config).model_fields}
    return type(config).model_validate({**fields, **values})


def settings_of(part: Component) -> dict[str, Any]:
    """Return all settings of a component, without those that are none.

    Raises
    ------
    UsageError
        If the component is unknown, or its settings do not fit.
    """
    if isinstance(part.error, UsageError):
        raise part.error
    model = model_of(part)
    if model is None:
        return dict(part.settings)
    return model(**part.settings).model_dump(exclude_none=True)


def model_of(part: Component) -> type[BaseModel] | None:
    """Return the model of a component's settings; None where it has none or cannot be used."""
    if part.registration is None or part.registration.config is None:
        return None
    found = resolve(part.registration.config)
    return found if isinstance(found, type) and issubclass(found, BaseModel) else None


def pipeline_text(
    pipeline: ResolvedPipeline, head: Sequence[str], notes: Mapping[str, Sequence[str]]
) -> str:
    """Return a pipeline as TOML that reads back as the same pipeline.

    Parameters
    ----------
    head : sequence of str
        Comments that come first.
    notes : mapping of the label of a source or the name of a surface to comments on it

    Raises
    ------
    UsageError
        If a component is unknown, or its settings do not fit.
    """
    config = effective(pipeline)
    lines = [line for text in head for line in _comment(text)]
    lines += ["", *_keys(PipelineConfig, _plain(config, PipelineConfig))]
    if config.encoder_settings and pipeline.encoder is not None:
        model = model_of(pipeline.encoder)
        lines += ["", "[encoder_settings]", *_keys(model, config.encoder_settings)]
    if config.ranker_settings:
        lines += ["", "[ranker_settings]", *_keys(None, config.ranker_settings)]
    lines += ["", "[wording]", *_keys(WordingConfig, _plain(config.wording, WordingConfig))]
    if config.wording.settings and pipeline.language_model is not None:
        words = model_of(pipeline.language_model)
        lines += ["[wording.settings]", *_keys(words, config.wording.settings)]
    for one in config.encoders:
        lines += ["", "[[encoders]]", *_keys(EncoderConfig, _plain(one, EncoderConfig))]
        if one.settings:
            model = model_of(pipeline.more_encoders[one.label])
            lines += ["[encoders.settings]", *_keys(model, one.settings)]
    for source in config.sources:
        part = pipeline.sources[source.label]
        lines += ["", *_noted(notes, source.label, part), "[[sources]]"]
        lines += _keys(SourceConfig, _plain(source, SourceConfig))
        if source.settings:
            lines += ["[sources.settings]", *_keys(model_of(part), source.settings)]
    for name, surface in config.surfaces.items():
        table, plan = f"surfaces.{key_text(name)}", pipeline.surfaces[name]
        lines += ["", *_noted(notes, name), f"[{table}]"]
        lines += _keys(SurfaceConfig, _plain(surface, SurfaceConfig))
        if surface.ranker_settings:
            model = model_of(plan.rankers[surface.ranker])
            lines += [f"[{table}.ranker_settings]", *_keys(model, surface.ranker_settings)]
    return "\n".join(lines) + "\n"


def _plain(config: BaseModel, model: type[BaseModel]) -> dict[str, Any]:
    """Return the keys that stand in a table itself; settings and tables within come after them."""
    values = {name: getattr(config, name) for name in model.model_fields}
    for name in _TABLES:
        if name in values and not (name == "sources" and model is SurfaceConfig):
            del values[name]
    if isinstance(values.get("rows"), BaseModel):
        values["rows"] = values["rows"].model_dump()
    if "policies" in values:
        values["policies"] = [_listed(one) for one in values["policies"]]
    if "features" in values:
        values["features"] = [_listed(one) for one in values["features"]]
    return values


def _listed(part: PolicyConfig) -> str | dict[str, Any]:
    """Return a policy or a feature set as it stands in a list."""
    return {"name": part.name, "settings": part.settings} if part.settings else part.name


def _noted(
    notes: Mapping[str, Sequence[str]], name: str, part: Component | None = None
) -> Iterator[str]:
    """Yield the comments on a source or a surface."""
    if part is not None and part.error is not None:
        yield from _comment(f"cannot be used here: {part.error}")
    for note in notes.get(name, ()):
        yield from _comment(note)


def _keys(
    model: type[BaseModel] | None, values: Mapping[str, Any], prefix: str = ""
) -> Iterator[str]:
    """Yield keys with their values, each after what it means; groups as dotted keys."""
    known = {} if model is None else meanings(model)
    fields = {} if model is None else model.model_fields
    for name, value in values.items():
        if value is None:  # TOML has no word for it, and it is the default
            continue
        inner = fields[name].annotation if name in fields else None
        if isinstance(inner, type) and issubclass(inner, BaseModel) and isinstance(value, Mapping):
            yield from _keys(inner, value, f"{prefix}{key_text(name)}.")
            continue
        yield from _comment(known.get(name, ""))
        yield f"{prefix}{key_text(name)} = {toml_value(value)}"


def _comment(text: str) -> list[str]:
    """Return a text as lines of comment."""
    lines = textwrap.wrap(" ".join(text.split()), _WIDTH - 2, break_on_hyphens=False)
    return [f"# {line}" for line in lines]


def key_text(name: str) -> str:
    """Return a key as TOML writes it."""
    return name if _BARE.fullmatch(name) else toml_value(name)


def toml_value(value: Any) -> str:
    """Return a value as TOML; what is None within a table is left out."""
    if isinstance(value, Mapping):
        parts = [
            f"{key_text(str(key))} = {toml_value(part)}"
            for key, part in value.items()
            if part is not None
        ]
        return f"{{ {', '.join(parts)} }}" if parts else "{}"
    if isinstance(value, (list, tuple, set, frozenset)):
        return f"[{', '.join(toml_value(part) for part in value)}]"
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    if isinstance(value, (bool, int, float)):
        return json.dumps(value)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    # TOML escapes as JSON does, and the one control character that JSON leaves as it is, too.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
