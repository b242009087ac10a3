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
        "image",
        "crossrec_media.images.encoder:ImageEncoder",
        config="crossrec_media.settings:ImageConfig",
        summary="pictures in a folder or at addresses, as EfficientNet or CLIP sees them",
    )
    register(
        "cover-text",
        "crossrec_media.images.cover_text:CoverTextEncoder",
        config="crossrec_media.settings:CoverTextConfig",
        summary="what is written on pictures, read by rapidocr and by a text encoder",
    )
    register(
        "sound",
        "crossrec_media.sound.encoder:SoundEncoder",
        config="crossrec_media.settings:SoundConfig",
        summary="sounds in a folder or at addresses, as log-mel statistics or a tagger hears them",
    )
    register(
        "video",
        "crossrec_media.video.encoder:VideoEncoder",
        config="crossrec_media.settings:VideoConfig",
        summary="sampled frames of videos, and on request what is said in them and their titles",
    )
    register(
        "vectors",
        "crossrec_media.vectors.given:GivenVectors",
        config="crossrec_media.settings:VectorsConfig",
        summary="ready vectors from a file (.npy, .parquet) or a column",
    )
    register(
        "shuffled",
        "crossrec_media.vectors.shuffled:ShuffledVectors",
        config="crossrec_media.settings:ShuffledConfig",
        summary="another encoder's vectors dealt out to the wrong items: a control",
    )


@hookimpl
def register_candidate_generators(register: Register) -> None:
    """Register the source by import path."""
    register(
        "alike",
        "crossrec_media.sources.alike:AlikeSource",
        config="crossrec_media.settings:AlikeConfig",
        capabilities={"add_items", "estimate", "explain", "forget", "score", "update", "vectors"},
        summary="Items that look, sound or are like the history, by the vectors of one encoder",
    )


@hookimpl
def register_commands(cli: click.Group) -> None:
    """Add `crossrec modality-report`, `crossrec by-picture` and `crossrec sound-model`."""
    from crossrec_media.images.command import by_picture
    from crossrec_media.report.command import report_command
    from crossrec_media.sound.command import sound_model

    cli.add_command(report_command)
    cli.add_command(by_picture)
    cli.add_command(sound_model)
