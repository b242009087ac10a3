"""The state of each plugin, as data: for ``crossrec plugins list`` and for error messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from crossrec.errors import CrossrecError

Status = Literal["loaded", "failed", "incompatible", "blocked"]


@dataclass(frozen=True)
class PluginState:
    """One plugin that was found, whether or not it could be used.

    Attributes
    ----------
    name, distribution, version : str
        Entry point, and the installed distribution that it belongs to.
    status : {"loaded", "failed", "incompatible", "blocked"}
        ``failed``: it raised or mistyped a hook. ``incompatible``:
        what it requires is not installed in that version; it was not imported. ``blocked``: left
        out by ``CROSSREC_PLUGINS``.
    hooks : tuple of str
        The hooks it implements.
    components : tuple of str
        What it registered, as ``"kind:name"``; as ``"kind:distribution:name"`` where another
        plugin has the name.
    error : str
        One line; empty where it is loaded or blocked.
    warnings : tuple of str
        What its author should fix though it works.
    collisions : tuple of str
        One line for each plugin that has names of this one.
    """

    name: str
    distribution: str
    version: str
    status: Status
    hooks: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    error: str = ""
    warnings: tuple[str, ...] = ()
    collisions: tuple[str, ...] = ()

    @property
    def broken(self) -> bool:
        """Whether it failed or is incompatible."""
        return self.status in ("failed", "incompatible")

    def to_dict(self) -> dict[str, Any]:
        """Return the state ready for JSON."""
        return {
            "name": self.name,
            "distribution": self.distribution,
            "version": self.version,
            "status": self.status,
            "hooks": list(self.hooks),
            "components": list(self.components),
            "error": self.error,
            "warnings": list(self.warnings),
            "collisions": list(self.collisions),
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> PluginState:
        """Return the state that `to_dict` gave."""
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in record.items()
        }
        return cls(**fields)


def one_line(error: BaseException) -> str:
    """Return an exception as one line: its type and the first line of its message.

    The type is left out for crossrec's own errors, whose messages are complete by themselves.
    """
    message = (str(error).strip().splitlines() or [""])[0]
    if message and isinstance(error, CrossrecError):
        return message
    name = type(error).__name__
    return f"{name}: {message}" if message else name
