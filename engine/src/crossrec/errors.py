"""The errors that crossrec raises on purpose: each message is one line that says what to do."""

from __future__ import annotations

from collections.abc import Iterable


class CrossrecError(Exception):
    """Base of all errors that a user can cause and fix.

    The command line prints ``str(error)`` as one line and exits with `exit_code`.
    """

    exit_code = 1


class UsageError(CrossrecError):
    """The call itself is wrong: an unknown name, an impossible `k`, a bad option."""

    exit_code = 2


class ConfigError(UsageError):
    """A pipeline file or a component's settings cannot be used as they are."""


class DataError(CrossrecError):
    """A user's file or its content cannot be read as what it was given for."""


class WorkspaceError(CrossrecError):
    """A workspace folder is missing, foreign, read-only or in use."""


class ArtifactError(CrossrecError):
    """A stored artifact is damaged, foreign or of another format."""


class PluginError(CrossrecError):
    """A plugin is missing, broken or in conflict with another."""


class NotFittedError(CrossrecError):
    """A component or a scenario is used before it was fitted."""


class RefitNeededError(CrossrecError):
    """What is new cannot be worked into what was learnt; the message says why, and a fit can."""


class CapacityError(CrossrecError):
    """The work would need more memory than its limit allows."""


def nearest(name: str, names: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the one of `names` that was probably meant; None where none is similar enough.

    Parameters
    ----------
    cutoff : float
        Least similarity, from 0 to 1, as `difflib` measures it.
    """
    from difflib import get_close_matches

    folded = {other.casefold(): other for other in names}
    close = get_close_matches(name.casefold(), folded, n=1, cutoff=cutoff)
    return folded[close[0]] if close else None
