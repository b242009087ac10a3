"""A pipeline with more sources: a pretrained backbone, and what thorough fits try."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from crossrec.errors import ConfigError
from crossrec.pipeline.config import PipelineConfig, SourceConfig
from crossrec.pipeline.config_files import parse_config

#: Name of the source that adapts a pretrained backbone, and its label where it is added.
BACKBONE = "backbone"
#: Name of the source that answers from what people did in other scenarios.
LINKED = "linked-history"


def with_backbone(
    config: PipelineConfig, name: str, family: str, source: str = BACKBONE
) -> PipelineConfig:
    """Return the pipeline with the backbone `name` as one more source.

    `source` is the candidate generator that it belongs to: `BACKBONE`, which comes first, or
    another one that can be pretrained, which then starts from what has this name and comes last.

    It must hold its own against the others on validation like any source. The pipeline must have an
    encoder, whose vectors of texts and titles the backbone reads. It joins the surfaces about a
    user that list no sources. Surfaces that list their own, and those about items, stay as they
    are: a backbone is on them where the pipeline file names it as a source and they list it.

    Raises
    ------
    ConfigError
        If the pipeline has a backbone already, or another source under its label.
    """
    why = why_no_backbone(config, source)
    if why:
        raise ConfigError(f"the backbone {name} cannot be added: {why}")
    if source != BACKBONE:
        return _with_last(config, source, {"pretrained": name, "encoder": config.encoder})
    settings = {"backbone": name, "family": family, "text": {"encoder": config.encoder}}
    added = SourceConfig(name=source, settings=settings)
    titles = {"title_vectors": bool(config.encoder)}
    return _with_sources(config, (added, *config.sources), **titles)


def with_thorough(config: PipelineConfig, names: Iterable[str]) -> PipelineConfig:
    """Return the pipeline with sources that thorough fits alone try, behind the others.

    They join the surfaces that a backbone joins. What the pipeline has already stays as it is.
    """
    for name in names:
        if not why_no_backbone(config, name):
            config = _with_last(config, name, {"encoder": config.encoder}, effort="thorough")
    return config


def with_linked(config: PipelineConfig) -> PipelineConfig:
    """Return the pipeline with the source that answers from linked histories, behind the others.

    It joins the surfaces that a backbone joins. What the pipeline has already stays as it is.
    """
    if any(LINKED in (source.name, source.label) for source in config.sources):
        return config
    return _with_last(config, LINKED, {"encoder": config.encoder})


def _with_last(
    config: PipelineConfig, name: str, settings: dict[str, Any], **more: Any
) -> PipelineConfig:
    added = SourceConfig(name=name, settings=settings, **more)
    return _with_sources(config, (*config.sources, added))


def _with_sources(
    config: PipelineConfig, sources: Iterable[SourceConfig], **more: Any
) -> PipelineConfig:
    """Return the pipeline with other sources; surfaces about items keep those that they have."""
    values = config.model_dump(exclude_unset=True) | more
    values |= {
        "sources": [source.model_dump() for source in sources],
        "item_sources": config.item_sources
        or tuple(one.label for one in config.sources if not one.listed_only),
    }
    return parse_config(values, "the pipeline with a backbone")


def why_no_backbone(config: PipelineConfig, source: str = BACKBONE) -> str:
    """Return why a backbone cannot be added to a pipeline as this source; "" where it can."""
    setting = "backbone" if source == BACKBONE else "pretrained"
    for other in config.sources:
        if other.name == source:
            return (
                f"the pipeline has one already, the source {other.label!r}: change its setting "
                f"`{setting}`, or leave --backbone out"
            )
        if other.label == source:
            return f"the source {other.name!r} is labelled {source!r}: give it another label"
    return ""
