"""How a fit runs, as opposed to what is fitted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from crossrec.components.state import State

#: How much a component may do for a better answer.
Effort = Literal["quick", "standard", "thorough"]


def _silent(message: str, done: int, total: int) -> None:
    """Report nothing."""


class Checkpoints(Protocol):
    """Where a long fit keeps parts of itself: one that is killed finds them when it runs again.

    They belong to one component on one dataset with one seed, so a key names only the part. They
    are gone when the component's fit is done.
    """

    def get(self, key: str) -> State | None:
        """Return the part, its arrays read-only; None where there is none, or a damaged one."""
        ...

    def put(self, key: str, state: State) -> None:
        """Keep a part; what cannot be written is left out."""
        ...


@dataclass(frozen=True)
class NoCheckpoints:
    """Keeps nothing."""

    def get(self, key: str) -> State | None:
        """Return None."""
        return None

    def put(self, key: str, state: State) -> None:
        """Do nothing."""


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
    encoders : mapping of name to settings
        Those of the encoders that made the item vectors, for sources that train one further.
    progress : callable
        ``progress(message, done, total)``; quiet by default.
    effort : {"quick", "standard", "thorough"}
        How much a component may do for a better answer, where it has a choice.
    checkpoints : Checkpoints
        Where a long fit may keep parts of itself; nothing is kept by default.
    """

    seed: int = 0
    device: str = "cpu"
    threads: int | None = None
    cache: Path | None = None
    progress: Callable[[str, int, int], None] = _silent
    pretrained: Mapping[str, Path] = field(default_factory=dict)
    encoders: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    effort: Effort = "standard"
    checkpoints: Checkpoints = NoCheckpoints()

    def __getstate__(self) -> dict[str, Any]:
        """Leave the progress behind: it is shown by the process that started the work."""
        return {**self.__dict__, "progress": _silent}
