"""Which backbone a fit adapts where none was asked for: the installed default, at no events."""

from __future__ import annotations

from pathlib import Path

from crossrec.backbone.library import Survey, survey
from crossrec.data.dataset import Dataset
from crossrec.pipeline.config import PipelineConfig, with_backbone


def begin(
    config: PipelineConfig, dataset: Dataset, scenario: str, folder: Path, *, own: bool
) -> tuple[PipelineConfig, list[str]]:
    """Return the pipeline to fit, and notes on the backbones that are at hand.

    A scenario without events has nothing of its own to learn from: it begins with the backbone that
    an installed distribution means for that. Where there are events, or the pipeline is the user's
    own, nothing is added and the note says what could be.

    Parameters
    ----------
    folder : Path
        The workspace's folder of backbones.
    own : bool
        Whether the pipeline is the user's own.
    """
    if any(source.name == "backbone" for source in config.sources):
        return config, []
    seen = survey(folder)
    default = seen.default
    if default is None or own or len(dataset.interactions):
        return config, _at_hand(seen, scenario)
    note = (
        f"no events yet: the backbone {default.reference} of {default.origin} serves beside the "
        "other sources (--no-backbone leaves it out)"
    )
    return with_backbone(config, default.reference, scenario), [note]


def _at_hand(seen: Survey, scenario: str) -> list[str]:
    """Say which backbones could be adapted."""
    if not seen.found:
        return []
    names = ", ".join(entry.reference for entry in seen.found)
    return [f"backbones at hand: {names}; `crossrec fit {scenario} --backbone NAME` adapts one"]
