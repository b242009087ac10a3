"""Errors of this package that a user can mend."""

from __future__ import annotations

from crossrec.errors import CrossrecError


class ModelError(CrossrecError):
    """A text model cannot be loaded: not installed, not reachable, or of a kind not supported."""
