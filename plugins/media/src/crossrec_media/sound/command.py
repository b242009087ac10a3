"""``crossrec sound-model``: weights of a music tagger out of a package, once, as safetensors."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("sound-model", short_help="Read a tagger of musicnn, once.")
@click.argument("package", type=click.Path(path_type=Path, exists=True))
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--checkpoint",
    type=click.Choice(["MTT_musicnn", "MSD_musicnn"]),
    default="MTT_musicnn",
    show_default=True,
    help="Tags of MagnaTagATune, or of the Million Song Dataset.",
)
def sound_model(package: Path, out: Path, checkpoint: str) -> None:
    """Write a tagger of PACKAGE, the wheel or folder of musicnn, to OUT as safetensors.

    The package itself cannot be installed beside crossrec, since it pins TensorFlow 1: download its
    wheel by `pip download --no-deps musicnn==0.1.0`. Nothing of it is run.
    """
    from crossrec_media.sound.musicnn import convert

    count = convert(package, checkpoint, out)
    click.echo(f"{out}: {checkpoint}, {count:,} weights")
