"""What this package registers with crossrec; imports nothing heavy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossrec import hookimpl

if TYPE_CHECKING:
    from crossrec.commands import LazyGroup
    from crossrec.hookspecs import Register


@hookimpl
def register_language_models(register: Register) -> None:
    """Register the language models by import path."""
    register(
        "local",
        "crossrec_language.models.local:LocalModel",
        config="crossrec_language.models.local:LocalConfig",
        summary="a small instruct model in this process, through transformers; fetches nothing",
    )
    register(
        "endpoint",
        "crossrec_language.models.endpoint:EndpointModel",
        config="crossrec_language.models.endpoint:EndpointConfig",
        summary="any server that speaks the protocol of chat completions, by url and model",
    )


@hookimpl
def register_commands(cli: LazyGroup) -> None:
    """Add `crossrec language`, unimported."""
    cli.add_lazy(
        "language",
        "crossrec_language.commands.language:language",
        "What a language model, or none, is used for.",
    )
