"""The registry: the components of all loaded plugins, by kind and name."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from crossrec.errors import PluginError, UsageError, nearest
from crossrec.plugins.found import BUILTIN, FoundPlugin, find_plugins
from crossrec.plugins.loader import LoadedPlugin, load_plugins
from crossrec.plugins.registration import KINDS, Registration
from crossrec.plugins.state import PluginState, one_line
from crossrec.plugins.unknown import unknown_name

if TYPE_CHECKING:
    from crossrec.scenario import Scenario

SUBSET = "CROSSREC_PLUGINS"
STRICT = "CROSSREC_STRICT_PLUGINS"

log = logging.getLogger("crossrec.plugins")


class Registry:
    """What the loaded plugins registered. Made by `load_registry`.

    Attributes
    ----------
    strict : bool
        Whether a plugin that fails later raises too, instead of being marked failed.
    """

    def __init__(self, loaded: Iterable[LoadedPlugin], *, strict: bool = False) -> None:
        self.strict = strict
        self._loaded = list(loaded)
        self._scenarios: dict[str, Scenario] = {}
        self._index()

    def _index(self) -> None:
        """Build the tables of plain and of qualified names."""
        self._plain: dict[tuple[str, str], Registration] = {}
        self._qualified: dict[tuple[str, str], Registration] = {}
        for one in self._loaded:
            for item in one.registrations:
                self._qualified[item.kind, f"{item.plugin}:{item.name}"] = item
                self._qualified[item.kind, f"{item.distribution}:{item.name}"] = item
                self._plain.setdefault((item.kind, item.name), item)

    @property
    def plugins(self) -> list[PluginState]:
        """The state of every plugin that was found, the engine's own first."""
        return [one.state for one in self._loaded]

    @property
    def loaded(self) -> list[LoadedPlugin]:
        """The plugins with their registrations."""
        return list(self._loaded)

    def get(self, kind: str, name: str) -> Registration:
        """Return the component of this kind and name.

        Parameters
        ----------
        name : str
            A plain name, or ``"distribution:name"`` where two plugins use the same one.

        Raises
        ------
        UsageError
            For an unknown name: names the nearest, the installed ones and what to install.
        """
        if kind not in KINDS:
            raise UsageError(f"unknown kind {kind!r}: there are {', '.join(KINDS)}")
        found = self._plain.get((kind, name)) or self._qualified.get((kind, name))
        if found is None:
            raise UsageError(unknown_name(kind, name, self.names(kind), self.plugins))
        return found

    def all(self, kind: str) -> list[Registration]:
        """Return every component of this kind, in the order of loading."""
        return [item for (of, _), item in self._plain.items() if of == kind]

    def registered(self, kind: str) -> list[Registration]:
        """Return every registration of this kind, those whose plain name another has included."""
        return [item for one in self._loaded for item in one.registrations if item.kind == kind]

    def names(self, kind: str) -> list[str]:
        """Return the names of every component of this kind, sorted."""
        return sorted(item.name for item in self.all(kind))

    def scenario(self, name: str) -> Scenario:
        """Return the scenario called `name`.

        Raises
        ------
        UsageError
            For an unknown name.
        PluginError
            If the factory that declares it does not return a `Scenario`.
        """
        from crossrec.scenario import Scenario

        registration = self.get("scenarios", name)
        key = f"{registration.distribution}:{registration.name}"
        if key not in self._scenarios:
            try:
                scenario = registration.build()
            except Exception as error:
                raise PluginError(
                    f"scenario {name!r} of {registration.distribution} cannot be built: "
                    f"{one_line(error)}"
                ) from error
            if not isinstance(scenario, Scenario):
                raise PluginError(
                    f"scenario {name!r} of {registration.distribution} is not a crossrec Scenario "
                    f"but a {type(scenario).__name__}"
                )
            self._scenarios[key] = scenario
        return self._scenarios[key]

    def mark_failed(self, state: PluginState, error: BaseException) -> PluginState:
        """Mark a plugin failed after it was loaded, take back what it registered, return its state.

        For errors in what is called only later, such as its commands.

        Raises
        ------
        PluginError
            Where `strict`.
        """
        if self.strict:
            raise PluginError(
                f"plugin {state.name} of {state.distribution} failed: {one_line(error)}"
            ) from error
        failed = replace(
            state, status="failed", components=(), collisions=(), error=one_line(error)
        )
        self._loaded = [LoadedPlugin(failed) if one.state == state else one for one in self._loaded]
        self._index()
        return failed


def load_registry(*, warn: bool = True, fresh: bool = False) -> Registry:
    """Return the registry of this process; plugins are loaded at the first call.

    The environment is read at each call: ``CROSSREC_PLUGINS=a,b`` loads these plugins (or
    distributions) alone, an empty value none but the engine's own; ``CROSSREC_STRICT_PLUGINS=1``
    raises at the first broken one.

    Parameters
    ----------
    warn : bool
        Log one line about broken plugins, and one for each collision of names, the first time.
    fresh : bool
        Load again, as after installing a plugin in this process.

    Raises
    ------
    UsageError
        If ``CROSSREC_PLUGINS`` names a plugin that is not installed.
    PluginError
        For a broken plugin, where strict.
    """
    subset = os.environ.get(SUBSET)
    strict = os.environ.get(STRICT, "") not in ("", "0")
    if fresh:
        _registry.cache_clear()
        _warn.cache_clear()
        _warn_of_collisions.cache_clear()
    registry = _registry(subset, strict)
    broken = tuple(state for state in registry.plugins if state.broken)
    if warn and broken:
        _warn(broken)
    collisions = tuple(line for state in registry.plugins for line in state.collisions)
    if warn and collisions:
        _warn_of_collisions(collisions)
    return registry


@lru_cache
def _registry(subset: str | None, strict: bool) -> Registry:
    """Load the registry once for each setting of the environment."""
    found = find_plugins()
    chosen = None if subset is None else _chosen(subset, found)
    return Registry(load_plugins(found, chosen=chosen, strict=strict), strict=strict)


@lru_cache
def _warn(broken: tuple[PluginState, ...]) -> None:
    """Log once which plugins are not used."""
    if len(broken) == 1:
        (one,) = broken
        log.warning("Skipped plugin %s (%s): %s", one.name, one.distribution, one.error)
    else:
        names = ", ".join(state.name for state in broken)
        log.warning("Skipped %d plugins (%s): see `crossrec plugins check`", len(broken), names)


@lru_cache
def _warn_of_collisions(lines: tuple[str, ...]) -> None:
    """Log once which names two plugins have registered."""
    for line in lines:
        log.warning("%s", line)


def _chosen(subset: str, found: list[FoundPlugin]) -> frozenset[str]:
    """Return the names in ``CROSSREC_PLUGINS``, all of them installed."""
    names = frozenset(part.strip() for part in subset.split(",") if part.strip())
    there = {p.name for p in found} | {p.distribution for p in found} | {BUILTIN}
    for name in sorted(names - there):
        meant = nearest(name, there)
        hint = f"did you mean {meant!r}?" if meant else "see `crossrec plugins list`"
        raise UsageError(f"{SUBSET} names {name!r}, which is not installed: {hint}")
    return names
