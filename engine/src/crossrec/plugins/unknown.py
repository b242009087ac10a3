"""The message for a name that no loaded plugin registered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from crossrec.errors import nearest
from crossrec.plugins.known import PROVIDERS
from crossrec.plugins.state import PluginState

_MANY = 12


def unknown_name(
    kind: str, name: str, installed: Sequence[str], plugins: Iterable[PluginState]
) -> str:
    """Return one line: the name that was probably meant, the installed ones and what to install.

    Parameters
    ----------
    installed : sequence of str
        The names of this kind that are installed.
    """
    provided = {of: dist for (k, of), dist in PROVIDERS.items() if k == kind}
    meant = name if name in provided else nearest(name, [*installed, *provided])
    message = f"unknown {singular(kind)} {name!r}"
    message += f": did you mean {meant!r}? " if meant not in (None, name) else "; "
    message += f"installed: {_listed(installed)}"
    if meant in provided and meant not in installed:
        message += f"; {_how_to_get(meant, provided[meant], plugins)}"
    return message


def singular(kind: str) -> str:
    """Return what one component of a kind is called: ``candidate_generators`` → source."""
    names = {"candidate_generators": "source", "policies": "policy", "features": "feature set"}
    return names.get(kind, kind.removesuffix("s").replace("_", " "))


def _how_to_get(name: str, distribution: str, plugins: Iterable[PluginState]) -> str:
    """Return how to get what a distribution provides; it may be installed but unusable."""
    for state in plugins:
        if state.distribution != distribution:
            continue
        if state.broken:
            fate = "failed to load" if state.status == "failed" else "is incompatible"
            return f"{name!r} comes with {distribution}, which {fate}: {state.error}"
        if state.status == "blocked":
            return f"{name!r} comes with {distribution}, which CROSSREC_PLUGINS leaves out"
    return f"{name!r} comes with {distribution}: run `crossrec install {distribution}`"


def _listed(names: Sequence[str]) -> str:
    """Return names as a list that fits a line."""
    shown = ", ".join(names[:_MANY])
    more = len(names) - _MANY
    return (f"{shown} and {more} more" if more > 0 else shown) or "none"
