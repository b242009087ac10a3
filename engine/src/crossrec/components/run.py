"""How a fit runs, as opposed to what is fitted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


def _silent(message: str, done: int, total: int) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class RunOptions:
    """Options of a run. They never enter a component's configuration or an artifact.

    Attributes
    ----------
    seed : int
    device : str
        ``"cpu"``, ``"cuda"``, ``"cuda:1"`` …
    threads : int or None
        None leaves it to the libraries.
    cache : Path or None
        Folder for what may be reused, such as encoded vectors.
    backbones : Path or None
        Folder of the workspace's own pretrained backbones.
    progress : callable
        ``progress(message, done, total)``; quiet by default.
    """

    seed: int = 0
    device: str = "cpu"
    threads: int | None = None
    cache: Path | None = None
    progress: Callable[[str, int, int], None] = _silent
    backbones: Path | None = None
