"""The base of every component's settings."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Frozen, and strict about misspelt names."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())
