"""The titles of a fit's stages: what progress shows, and what a plan estimates."""

from __future__ import annotations

BEFORE_CUT = "before the cut"
ALL_EVENTS = "on all events"


def encoding_title(encoder: str) -> str:
    """Return the title while texts are encoded."""
    return f"encoding with {encoder}"


def fitting_title(source: str, what: str) -> str:
    """Return the title while one source is fitted."""
    return f"fitting {source} {what}"


def fitted_title(what: str) -> str:
    """Return the title of what follows when all sources are fitted."""
    return f"fitted {what}"
