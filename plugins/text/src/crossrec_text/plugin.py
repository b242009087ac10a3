"""What this package registers with crossrec; imports nothing heavy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossrec import hookimpl

if TYPE_CHECKING:
    import click
    from crossrec.hookspecs import Register


#: Encoders over weights that packages carry: name → class, settings, summary.
_PACKAGED = {
    "e5": (
        "e5:E5Encoder",
        "E5Config",
        "sentence vectors of multilingual-e5-small in 4 bits, about 100 languages, without torch",
    ),
    "use": (
        "use:UseEncoder",
        "UseConfig",
        "universal sentence encoder for 16 languages, fast and without torch",
    ),
    "minilm-int8": (
        "minilm_int8:MiniLmInt8Encoder",
        "MiniLmInt8Config",
        "all-MiniLM-L6-v2 in 8 bits by ONNX Runtime, English, without torch",
    ),
    "static": (
        "static:StaticEncoder",
        "StaticConfig",
        "one vector for each token, distilled once from a transformer; encodes at once",
    ),
}


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
        "auto",
        "crossrec_text.language.auto:AutoEncoder",
        config="crossrec_text.language.auto:AutoConfig",
        capabilities={"choose"},
        summary="the encoder that suits the languages of the catalogue: MiniLM, or a multilingual",
    )
    for name, (target, config, summary) in _PACKAGED.items():
        register(
            name,
            f"crossrec_text.packaged.{target}",
            config=f"crossrec_text.packaged.settings:{config}",
            capabilities={"estimate"},
            summary=summary,
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
