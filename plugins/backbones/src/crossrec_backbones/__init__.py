"""Pretrained backbones of crossrec: JSON and LightGBM's text format, no code and no data set."""

from pathlib import Path


def folder() -> Path:
    """Return the folder of the backbones, one folder each; the engine asks for it."""
    return Path(__file__).parent / "models"
