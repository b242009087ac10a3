"""Finding plugins: the entry points of the group ``crossrec``, the engine's own first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import Distribution, EntryPoint, distributions, entry_points

from crossrec.errors import PluginError
from crossrec.version import __version__

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
    found = _all_found()
    others = [p for p in found if (p.distribution, p.name) != (GROUP, BUILTIN)]
    return [_builtin(), *sorted(others, key=lambda p: (p.distribution.lower(), p.name))]


def _all_found() -> list[FoundPlugin]:
    """Return the plugins in the entry points of all distributions.

    One distribution whose list of entry points is damaged makes the standard library raise for all;
    then they are read one by one, and the damaged ones are listed if they look like a plugin.
    """
    try:
        return [_found(entry) for entry in entry_points(group=GROUP)]
    except Exception:
        return [plugin for each in distributions() for plugin in _found_in(each)]


def _found_in(distribution: Distribution) -> list[FoundPlugin]:
    """Return the plugins of one distribution, which may be damaged."""
    try:
        return [_found(entry) for entry in distribution.entry_points.select(group=GROUP)]
    except Exception as error:
        damage = PluginError(f"its list of entry points cannot be read: {error}")
        name = _metadata(distribution, "Name")
        if GROUP not in name.lower():
            return []
        version = _metadata(distribution, "Version")
        return [FoundPlugin(name, name, version, _raiser(damage))]


def _metadata(distribution: Distribution, field: str) -> str:
    """Return one field of a distribution's metadata, empty where it is missing."""
    metadata = distribution.metadata
    return str(metadata[field]) if field in metadata else ""


def _raiser(error: Exception) -> Callable[[], object]:
    """Return a function that raises `error`."""

    def load() -> object:
        raise error

    return load


def _builtin() -> FoundPlugin:
    """Return the engine's own plugin, which exists even where the engine has no metadata."""
    return FoundPlugin(BUILTIN, GROUP, __version__, lambda: import_module("crossrec.builtin"))


def _found(entry: EntryPoint) -> FoundPlugin:
    """Describe an entry point; damaged metadata leaves gaps instead of raising."""
    distribution, version = "unknown", ""
    requires: tuple[str, ...] = ()
    if entry.dist is not None:
        try:
            distribution = _metadata(entry.dist, "Name") or distribution
            version = _metadata(entry.dist, "Version")
            requires = tuple(entry.dist.requires or ())
        except Exception:  # metadata is a foreign file; the plugin is still listed
            requires = ()
    return FoundPlugin(entry.name, distribution, version, entry.load, requires)
