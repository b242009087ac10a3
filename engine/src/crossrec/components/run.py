"""How a fit runs, as opposed to what is fitted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

#: How much a component may do for a better answer.
Effort = Literal["quick", "standard", "thorough"]


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
    pretrained : mapping of name to Path
        Folders of the pretrained backbones that are at hand.
    progress : callable
        ``progress(message, done, total)``; quiet by default.
    effort : {"quick", "standard", "thorough"}
        How much a component may do for a better answer, where it has a choice.
    """

    seed: int = 0
    device: str = "cpu"
    threads: int | None = None
    cache: Path | None = None
    progress: Callable[[str, int, int], None] = _silent
    pretrained: Mapping[str, Path] = field(default_factory=dict)
    effort: Effort = "standard"

    def __getstate__(self) -> dict[str, Any]:
        """Leave the progress behind: it is shown by the process that started the work."""
        return {**self.__dict__, "progress": _silent}
