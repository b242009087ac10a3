"""Loading plugins. One that is broken is skipped and named with its error; the others go on.

pluggy finds and checks the hook implementations. They are called one by one here, not through
``pm.hook``: there one raising implementation would abort the call for all plugins, and the
origin of each registration would be lost.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from typing import Any

import pluggy

from crossrec import hookspecs
from crossrec.errors import PluginError, nearest
from crossrec.plugins.collector import Collector
from crossrec.plugins.found import BUILTIN, FoundPlugin
from crossrec.plugins.registration import Registration
from crossrec.plugins.requirements import conflict
from crossrec.plugins.state import PluginState, Status, one_line

#: Called with a click group, by the command line alone.
COMMANDS_HOOK = "register_commands"
#: Libraries that a plugin may import in its factories only.
HEAVY = ("torch", "transformers", "pandas", "scipy", "sklearn", "implicit", "lightfm", "tensorflow")

Taken = Mapping[tuple[str, str], Registration]


@dataclass(frozen=True)
class LoadedPlugin:
    """A plugin after loading.

    Attributes
    ----------
    registrations : tuple of Registration
        Empty unless it is loaded. One whose name another plugin has is found as
        ``"distribution:name"`` only.
    commands : tuple of pluggy.HookImpl
        Its implementations of `register_commands`, not yet called.
    """

    state: PluginState
    registrations: tuple[Registration, ...] = ()
    commands: tuple[Any, ...] = ()


class IncompatibleError(PluginError):
    """What a plugin requires is missing, or installed in another version."""


def hook_names() -> tuple[str, ...]:
    """Return the names of all hooks, in the order of ``hookspecs``."""
    return tuple(name for name in vars(hookspecs) if name.startswith("register_"))


def load_plugins(
    found: Iterable[FoundPlugin], *, chosen: frozenset[str] | None = None, strict: bool = False
) -> list[LoadedPlugin]:
    """Load plugins one after the other; what the first registers, no later one replaces.

    Parameters
    ----------
    chosen : frozenset of str or None
        Names of plugins or distributions to load, None for all. The engine's own is always loaded.
    strict : bool
        For plugin authors: raise at the first broken plugin.

    Raises
    ------
    PluginError
        Where `strict`, with the plugin's own exception as its cause.
    """
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    taken: dict[tuple[str, str], Registration] = {}
    loaded = []
    for plugin in found:
        if _is_chosen(plugin, chosen):
            one = _load(manager, plugin, taken, strict=strict)
            taken = {(r.kind, r.name): r for r in one.registrations} | taken
        else:
            one = LoadedPlugin(
                PluginState(plugin.name, plugin.distribution, plugin.version, "blocked")
            )
        loaded.append(one)
    return loaded


def _is_chosen(plugin: FoundPlugin, chosen: frozenset[str] | None) -> bool:
    """Whether a plugin is to be loaded."""
    if chosen is None or plugin.name == BUILTIN:
        return True
    return bool({plugin.name, plugin.distribution} & chosen)


def _load(
    manager: pluggy.PluginManager, found: FoundPlugin, taken: Taken, *, strict: bool
) -> LoadedPlugin:
    """Check, import, validate and call one plugin; any error becomes its state."""
    state = PluginState(found.name, found.distribution, found.version, "loaded")
    collector = Collector(found.name, found.distribution)
    plugin: object | None = None
    try:
        _check_requirements(found)
        plugin, warnings = _import(found)
        state = replace(state, warnings=warnings)
        state = replace(state, hooks=_register(manager, found, plugin))
        _call_hooks(manager, plugin, collector)
        registrations = tuple(collector.registrations)
        collisions = _collisions(registrations, taken)
        if collisions and strict:
            raise PluginError(collisions[0])
        names = tuple(_name_of(one, taken) for one in registrations)
        state = replace(state, components=names, collisions=collisions)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # also SystemExit, and panics of compiled extensions
        if strict:
            raise PluginError(
                f"plugin {found.name} of {found.distribution} failed: {one_line(error)}"
            ) from error
        if plugin is not None and manager.is_registered(plugin):
            manager.unregister(plugin)
        status: Status = "incompatible" if isinstance(error, IncompatibleError) else "failed"
        return LoadedPlugin(replace(state, status=status, error=one_line(error)))
    return LoadedPlugin(state, registrations, _implementations(manager, plugin, COMMANDS_HOOK))


def _check_requirements(found: FoundPlugin) -> None:
    """Raise IncompatibleError where a declared requirement of the distribution is not met."""
    reason = conflict(found.requires)
    if reason:
        raise IncompatibleError(reason)


def _import(found: FoundPlugin) -> tuple[object, tuple[str, ...]]:
    """Import a plugin; what it prints goes to stderr, so that JSON output stays valid."""
    before = {name for name in HEAVY if name in sys.modules}
    with redirect_stdout(sys.stderr):
        plugin = found.load()
    heavy = [name for name in HEAVY if name in sys.modules and name not in before]
    warnings = (
        (f"imports {', '.join(heavy)} when it is loaded: do that in the factory",) if heavy else ()
    )
    return plugin, warnings


def _register(manager: pluggy.PluginManager, found: FoundPlugin, plugin: object) -> tuple[str, ...]:
    """Register a plugin with pluggy and return its hooks.

    Raises
    ------
    PluginError
        For an unknown hook, one that lacks ``@hookimpl``, a wrapper, or no hook at all.
    """
    manager.register(plugin, name=f"{found.distribution}:{found.name}")
    known = hook_names()
    callers = manager.get_hookcallers(plugin) or []
    for caller in callers:
        if not caller.has_spec():
            meant = nearest(caller.name, known)
            hint = f"did you mean {meant!r}?" if meant else f"there are {', '.join(known)}"
            raise PluginError(f"unknown hook {caller.name!r}: {hint}")
    hooks = tuple(name for name in known if any(caller.name == name for caller in callers))
    for name in known:
        if name not in hooks and callable(getattr(plugin, name, None)):
            raise PluginError(f"{name} is not marked: put @crossrec.hookimpl above it")
    if not hooks:
        raise PluginError("implements no hook: mark its functions with @crossrec.hookimpl")
    wrappers = [
        name
        for name in hooks
        for impl in _implementations(manager, plugin, name)
        if impl.wrapper or impl.hookwrapper
    ]
    if wrappers:
        raise PluginError(f"{wrappers[0]} is a hook wrapper, which crossrec does not call")
    return hooks


def _implementations(
    manager: pluggy.PluginManager, plugin: object, name: str
) -> tuple[pluggy.HookImpl, ...]:
    """Return the implementations of one hook by one plugin."""
    caller = getattr(manager.hook, name)
    return tuple(impl for impl in caller.get_hookimpls() if impl.plugin is plugin)


def _call_hooks(manager: pluggy.PluginManager, plugin: object, collector: Collector) -> None:
    """Call every hook implementation of one plugin but that of `register_commands`."""
    for name in hook_names():
        if name == COMMANDS_HOOK:
            continue
        register = collector.register_for(name.removeprefix("register_"))
        for impl in _implementations(manager, plugin, name):
            with redirect_stdout(sys.stderr):
                impl.function(*(register for _ in impl.argnames))


def _collisions(registrations: Iterable[Registration], taken: Taken) -> tuple[str, ...]:
    """Return one line for each other plugin that has names of these registrations already."""
    clashes: dict[tuple[str, str], list[Registration]] = {}
    for mine in registrations:
        theirs = taken.get((mine.kind, mine.name))
        if theirs is not None:
            clashes.setdefault((theirs.distribution, theirs.plugin), []).append(mine)
    return tuple(_collision(mine, *owner) for owner, mine in clashes.items())


def _collision(mine: list[Registration], distribution: str, plugin: str) -> str:
    """Say which names of one plugin another one has, and how to reach these components."""
    first = mine[0]
    names = ", ".join(f"{one.kind} {one.name!r}" for one in mine)
    qualified = ", ".join(f"'{one.distribution}:{one.name}'" for one in mine)
    verb = "is" if len(mine) == 1 else "are"
    return (
        f"{names} of {first.distribution} ({first.plugin}) {verb} already registered by "
        f"{distribution} ({plugin}), which stays; write {qualified} for this one"
    )


def _name_of(registration: Registration, taken: Taken) -> str:
    """Return kind and name of a component, with its distribution where the name is taken."""
    clash = (registration.kind, registration.name) in taken
    owner = f"{registration.distribution}:" if clash else ""
    return f"{registration.kind}:{owner}{registration.name}"
