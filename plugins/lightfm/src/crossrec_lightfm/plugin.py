"""What this package registers with crossrec; imports nothing heavy."""

from __future__ import annotations

from crossrec import hookimpl
from crossrec.hookspecs import Register


@hookimpl
def register_candidate_generators(register: Register) -> None:
    """Register the source by import path."""
    register(
        "lightfm",
        "crossrec_lightfm.source:LightFm",
        config="crossrec_lightfm.config:LightFmConfig",
        capabilities=frozenset({"score", "explain", "estimate"}),
        summary="Hybrid factors of items and their words and categories (Kula 2015)",
    )
