"""What this package registers with crossrec; imports nothing heavy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossrec import hookimpl

if TYPE_CHECKING:
    import click
    from crossrec.hookspecs import Register


@hookimpl
def register_encoders(register: Register) -> None:
    """Register the encoders by import path."""
    register(
        "transformer",
        "crossrec_text.transformer:TransformerEncoder",
        config="crossrec_text.settings:TransformerConfig",
        capabilities={"adapt", "estimate", "top_layers"},
        summary="sentence vectors of a transformer, all-MiniLM-L6-v2 by default, cached by content",
    )
    register(
        "tfidf-svd",
        "crossrec_text.tfidf_svd:TfidfSvdEncoder",
        config="crossrec_text.settings:TfidfSvdConfig",
        capabilities={"estimate"},
        summary="latent semantic vectors: TF-IDF of words and truncated SVD, no transformer needed",
    )


@hookimpl
def register_commands(cli: click.Group) -> None:
    """Add `crossrec vectors`."""
    from crossrec_text.commands import vectors

    cli.add_command(vectors)
