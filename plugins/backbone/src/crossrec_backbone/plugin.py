"""What this package registers with crossrec; imports nothing heavy."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from crossrec import hookimpl

if TYPE_CHECKING:
    from crossrec.commands import LazyGroup
    from crossrec.hookspecs import Register

_MODELS = Path(__file__).parent / "models"


@hookimpl
def register_candidate_generators(register: Register) -> None:
    """Register the layers of the backbone, each as a source of its own."""
    source = "crossrec_backbone.sources.closed_forms:"
    config = f"{source}ClosedFormConfig"
    able = {"score", "explain", "add_items", "estimate"}
    learns = {*able, "update", "forget"}
    refits = {"refit"}  # what validation chose before the cut is not chosen again
    register(
        "content",
        "crossrec_backbone.sources.content:ContentSource",
        config="crossrec_backbone.sources.content:ContentConfig",
        capabilities=learns | {"vectors", "score_text"},
        summary="what reads like the history: vectors, words and title n-grams; needs no events",
    )
    register(
        "prior-ease",
        f"{source}PriorEaseSource",
        config=config,
        capabilities=learns | refits,
        summary="item-item weights between the text graph and EASE, by the evidence there is",
    )
    register(
        "text-behaviour",
        f"{source}TextBehaviourSource",
        config=config,
        capabilities=learns | refits,
        summary="text consensus plus prior-EASE, with the weight chosen on the target",
    )
    register(
        "backbone",
        "crossrec_backbone.sources.backbone:BackboneSource",
        config="crossrec_backbone.sources.backbone:BackboneSourceConfig",
        capabilities={*able, "report", "leads", "refit"},
        summary="a ranker pretrained on other scenarios, adapted to this one",
    )


@hookimpl
def register_pretrained(register: Register) -> None:
    """Register the pretrained backbones of this package."""
    register(
        "four-scenarios",
        partial(_MODELS.joinpath, "four-scenarios"),
        capabilities={"default"},
        summary="what a shop, songs, films and short videos teach about a catalogue without events",
    )
    register(
        "without-scientific",
        partial(_MODELS.joinpath, "without-scientific"),
        summary="the same, Amazon Scientific left out: for honest tests on it",
    )


@hookimpl
def register_commands(cli: LazyGroup) -> None:
    """Add `crossrec pretrain`, `backbones` and `transfer`, unimported."""
    commands = "crossrec_backbone.commands"
    cli.add_lazy(
        "pretrain", f"{commands}.pretrain:pretrain", "Learn a backbone from several scenarios."
    )
    cli.add_lazy(
        "backbones", f"{commands}.backbones:backbones", "List, show, export and import backbones."
    )
    cli.add_lazy(
        "transfer", f"{commands}.transfer:transfer", "What other scenarios teach about a new one."
    )
