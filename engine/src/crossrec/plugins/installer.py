"""Installing and removing plugins with the pip of the running interpreter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from crossrec.errors import CrossrecError, PluginError, UsageError, nearest
from crossrec.plugins.found import find_plugins
from crossrec.plugins.known import SHIPPED
from crossrec.plugins.registry import STRICT, SUBSET
from crossrec.plugins.requirements import installed_version
from crossrec.plugins.state import PluginState

_PROBE = (
    "import json; from crossrec.plugins.registry import load_registry; "
    "print(json.dumps([s.to_dict() for s in load_registry(warn=False).plugins]))"
)


@dataclass(frozen=True)
class PluginChanges:
    """What pip changed among the plugins.

    Attributes
    ----------
    appeared, changed, disappeared : tuple of PluginState
        New plugins; those of another version or status, as they are now; those that are gone.
    """

    appeared: tuple[PluginState, ...] = ()
    changed: tuple[PluginState, ...] = ()
    disappeared: tuple[PluginState, ...] = ()

    @property
    def broken(self) -> tuple[PluginState, ...]:
        """The new or changed plugins that cannot be used."""
        return tuple(state for state in (*self.appeared, *self.changed) if state.broken)


def install(
    packages: Sequence[str], options: Sequence[str] = (), *, editable: bool = False
) -> PluginChanges:
    """Install packages with pip, whose output goes to the terminal.

    Parameters
    ----------
    packages : sequence of str
        Names, folders, files or addresses, as pip takes them.
    options : sequence of str
        Further options of pip, such as ``--upgrade``.
    editable : bool
        The packages are folders, to be used where they lie.

    Raises
    ------
    UsageError
        For no package, an option in place of one, or a plugin's short name.
    CrossrecError
        If pip is missing or fails.
    """
    _check(packages)
    wanted = [f"--editable={one}" for one in packages] if editable else ["--", *packages]
    return _run_pip(["install", *options, *wanted])


def uninstall(packages: Sequence[str]) -> PluginChanges:
    """Remove packages with pip; works also for plugins that fail to import.

    Raises
    ------
    UsageError
        If one is not installed, or is the engine itself; nothing is removed then.
    CrossrecError
        If pip is missing or fails.
    """
    _check(packages)
    for package in packages:
        if package.lower() == "crossrec":
            raise UsageError("crossrec cannot remove itself: use `pip uninstall crossrec`")
        if installed_version(package) is None:
            meant = nearest(package, {state.distribution for state in probe()} - {"crossrec"})
            hint = f": did you mean {meant!r}?" if meant else "; see `crossrec plugins list`"
            raise UsageError(f"{package!r} is not installed{hint}")
    return _run_pip(["uninstall", "--yes", "--", *packages])


def probe() -> list[PluginState]:
    """Return the state of every plugin, as a fresh interpreter finds them.

    Raises
    ------
    PluginError
        If a plugin takes the interpreter down, as a compiled one can.
    """
    hidden = {SUBSET, STRICT}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run(
        [sys.executable, "-c", _PROBE], capture_output=True, text=True, env=environment, check=False
    )
    if done.returncode != 0 or not done.stdout:
        message = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise PluginError(f"a plugin ends the interpreter, none can be listed: {message}")
    return [PluginState.from_dict(record) for record in json.loads(done.stdout.splitlines()[-1])]


def _run_pip(arguments: Sequence[str]) -> PluginChanges:
    """Run pip and return what changed among the plugins."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    if not _has_pip():
        raise CrossrecError(
            f"{sys.executable} has no pip: run `{sys.executable} -m ensurepip`, or use the "
            "tool that made this environment"
        )
    before = {(state.distribution, state.name): state for state in _before()}
    code = subprocess.run(command, check=False).returncode
    if code != 0:
        raise CrossrecError(f"pip {arguments[0]} failed with exit code {code}: see above")
    after = {(state.distribution, state.name): state for state in probe()}
    return PluginChanges(
        appeared=tuple(after[key] for key in after if key not in before),
        changed=tuple(
            state
            for key, state in after.items()
            if key in before
            and (state.version, state.status) != (before[key].version, before[key].status)
        ),
        disappeared=tuple(before[key] for key in before if key not in after),
    )


def _before() -> list[PluginState]:
    """Return the plugins as they are; from their metadata alone where one ends the interpreter."""
    try:
        return probe()
    except PluginError as error:
        return [
            PluginState(one.name, one.distribution, one.version, "failed", error=str(error))
            for one in find_plugins()
        ]


def _has_pip() -> bool:
    """Whether this interpreter has pip."""
    try:
        return find_spec("pip.__main__") is not None
    except ModuleNotFoundError:
        return False


def _check(packages: Sequence[str]) -> None:
    """Raise UsageError for what is not a package, or is the short name of one of ours.

    ``crossrec install music`` would fetch a stranger's package called music.
    """
    if not packages:
        raise UsageError("name at least one package")
    ours = {name.removeprefix("crossrec-"): name for name in SHIPPED}
    for package in packages:
        if package.startswith("-"):
            raise UsageError(f"{package!r} is not a package")
        name, bracket, extras = package.partition("[")
        if name in ours:
            meant = f"{ours[name]}{bracket}{extras}"
            raise UsageError(f"{package!r} is not ours: did you mean {meant!r}?")
