"""Finding plugins: the entry points of the group ``crossrec``, the engine's own first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

GROUP = "crossrec"
BUILTIN = "builtin"


@dataclass(frozen=True)
class FoundPlugin:
    """A plugin that is installed and not yet imported.

    Attributes
    ----------
    load : callable
        Imports the plugin and returns it; may raise anything.
    requires : tuple of str
        Requirements that its distribution declares.
    """

    name: str
    distribution: str
    version: str
    load: Callable[[], object]
    requires: tuple[str, ...] = ()


def find_plugins() -> list[FoundPlugin]:
    """Return all installed plugins: the engine's own, then by distribution and entry point."""
    found = [_found(entry) for entry in entry_points(group=GROUP)]
    others = [p for p in found if (p.distribution, p.name) != (GROUP, BUILTIN)]
    return [_builtin(), *sorted(others, key=lambda p: (p.distribution.lower(), p.name))]


def _builtin() -> FoundPlugin:
    """Return the engine's own plugin, which is there even where the engine has no metadata."""
    from crossrec import __version__

    return FoundPlugin(BUILTIN, GROUP, __version__, lambda: import_module("crossrec.builtin"))


def _found(entry: EntryPoint) -> FoundPlugin:
    """Describe an entry point; damaged metadata leaves gaps instead of raising."""
    distribution, version = "unknown", ""
    requires: tuple[str, ...] = ()
    if entry.dist is not None:
        try:
            metadata = entry.dist.metadata
            distribution, version = metadata["Name"] or distribution, metadata["Version"] or ""
            requires = tuple(entry.dist.requires or ())
        except Exception:  # metadata is a foreign file; the plugin is still listed
            requires = ()
    return FoundPlugin(entry.name, distribution, version, entry.load, requires)
