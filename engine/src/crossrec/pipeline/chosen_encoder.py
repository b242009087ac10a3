"""Which encoder a fit takes where the pipeline leaves it to one that chooses by the catalogue.

The choice is made once, before the plan, and is part of the fitted pipeline: later items are
encoded as the first ones were, whatever language they are in.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from crossrec.data.catalog import Catalog
from crossrec.pipeline.config import PipelineConfig, SourceConfig
from crossrec.pipeline.config_files import parse_config
from crossrec.pipeline.resolved import ResolvedPipeline, resolve_pipeline
from crossrec.plugins.registration import resolve
from crossrec.plugins.registry import Registry
from crossrec.plugins.state import one_line

log = logging.getLogger("crossrec")

#: The capability of encoders that name another one.
CHOOSE = "choose"


def choose_encoder(
    config: PipelineConfig, registry: Registry, catalog: Catalog
) -> tuple[PipelineConfig, str]:
    """Return the pipeline with the encoder for `catalog`, and why it is this one.

    A pipeline whose encoder does not choose stays as it is. An encoder that a source names itself
    goes before the choice, since the source reads no other vectors.

    Raises
    ------
    UsageError
        If there is no such encoder, or its settings do not fit.
    """
    name = config.encoder
    if not name or CHOOSE not in registry.get("encoders", name).capabilities:
        return config, ""
    own = {encoder: source for source, encoder in _named_by(config, registry, name).items()}
    if own:
        other, source = next(iter(own.items()))
        return with_encoder(config, other, {}), f"the source {source!r} reads its vectors"
    chooser = registry.get("encoders", name).build(config.encoder_settings)
    try:
        chosen = chooser.choose(catalog)
        registry.get("encoders", chosen.name)
    except (Exception, SystemExit) as error:
        log.warning("the encoder %s could not choose", name, exc_info=error)
        return config, f"{name} could not choose: {one_line(error)}"
    return with_encoder(config, chosen.name, dict(chosen.settings)), chosen.why


def with_encoder(config: PipelineConfig, name: str, settings: dict[str, Any]) -> PipelineConfig:
    """Return the pipeline with another encoder, named by the sources that named the chooser."""
    values = config.model_dump(exclude_unset=True)
    values |= {
        "encoder": name,
        "encoder_settings": settings,
        "sources": [
            source.model_copy(
                update={"settings": _renamed(source.settings, config.encoder, name)}
            ).model_dump(exclude_unset=True)
            for source in config.sources
        ],
    }
    return parse_config(values, "the pipeline with the chosen encoder")


def with_chosen_encoder(
    resolved: ResolvedPipeline, registry: Registry, catalog: Catalog
) -> ResolvedPipeline:
    """Return a resolved pipeline as `choose_encoder` leaves it."""
    config, _ = choose_encoder(resolved.config, registry, catalog)
    if config is resolved.config:
        return resolved
    return resolve_pipeline(config, registry, resolved.main)


def _named_by(config: PipelineConfig, registry: Registry, chooser: str) -> dict[str, str]:
    """Return the sources that read the vectors of a certain encoder, each with its name."""
    found = {}
    for source in config.sources:
        encoder = _encoder_of(source, registry)
        if encoder and encoder != chooser:
            found[source.label] = encoder
    return found


def _encoder_of(source: SourceConfig, registry: Registry) -> str:
    """Return the encoder that a source's settings name; "" for none, or where they do not fit."""
    try:
        registration = registry.get("candidate_generators", source.name)
        if registration.config is None:
            return ""
        settings = resolve(registration.config)(**source.settings)
        return str(getattr(settings, "encoder", None) or "")
    except (Exception, SystemExit):  # the fit names it as it looks the source up
        return ""


def _renamed(settings: Mapping[str, Any], before: str, after: str) -> dict[str, Any]:
    """Return settings in which every `encoder` that was `before` is `after`."""

    def value(key: str, old: Any) -> Any:
        if isinstance(old, Mapping):
            return _renamed(old, before, after)
        return after if key == "encoder" and old == before else old

    return {key: value(key, old) for key, old in settings.items()}
