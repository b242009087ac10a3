"""A pipeline with a pretrained backbone as one more source."""

from __future__ import annotations

from crossrec.errors import ConfigError
from crossrec.pipeline.config import PipelineConfig, SourceConfig, parse_config

#: Name of the source that adapts a pretrained backbone, and its label where it is added.
BACKBONE = "backbone"


def with_backbone(config: PipelineConfig, name: str, family: str) -> PipelineConfig:
    """Return the pipeline with the backbone `name` as one more source.

    It must hold its own against the others on validation like any source. The pipeline must have an
    encoder, whose vectors of texts and titles the backbone reads. It joins the surfaces about a
    user that list no sources. Surfaces that list their own, and those about items, stay as they
    are: a backbone is on them where the pipeline file names it as a source and they list it.

    Raises
    ------
    ConfigError
        If the pipeline has a backbone already, or another source under its label.
    """
    why = why_no_backbone(config)
    if why:
        raise ConfigError(f"the backbone {name} cannot be added: {why}")
    settings = {"backbone": name, "family": family, "text": {"encoder": config.encoder}}
    source = SourceConfig(name=BACKBONE, settings=settings)
    values = config.model_dump(exclude_unset=True)
    values |= {
        "sources": [source.model_dump(), *(one.model_dump() for one in config.sources)],
        "title_vectors": bool(config.encoder),
        "item_sources": config.item_sources or tuple(one.label for one in config.sources),
    }
    return parse_config(values, "the pipeline with a backbone")


def why_no_backbone(config: PipelineConfig) -> str:
    """Return why a backbone cannot be added to a pipeline; "" where it can."""
    for source in config.sources:
        if source.name == BACKBONE:
            return (
                f"the pipeline has one already, the source {source.label!r}: change its setting "
                "`backbone`, or leave --backbone out"
            )
        if source.label == BACKBONE:
            return f"the source {source.name!r} is labelled {BACKBONE!r}: give it another label"
    return ""
