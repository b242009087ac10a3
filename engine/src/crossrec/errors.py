"""The errors that crossrec raises on purpose: each message is one line that says what to do."""

from __future__ import annotations


class CrossrecError(Exception):
    """Base of all errors that a user can cause and mend.

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
    """A stored artifact is damaged, foreign or of a newer format."""


class PluginError(CrossrecError):
    """A plugin is missing, broken or collides with another."""


class NotFittedError(CrossrecError):
    """A component or a scenario is asked for answers before it was fitted."""


class CapacityError(CrossrecError):
    """The work would need more memory than its limit allows."""
