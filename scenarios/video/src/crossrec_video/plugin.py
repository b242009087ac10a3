"""What video registers with crossrec: names and import paths, nothing heavy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossrec import hookimpl

from crossrec_video.scenario import SCENARIO

if TYPE_CHECKING:
    from crossrec.hookspecs import Register


@hookimpl
def register_scenarios(register: Register) -> None:
    """Register the scenario `video`."""
    register("video", "crossrec_video.scenario:scenario", summary=SCENARIO.summary)


@hookimpl
def register_importers(register: Register) -> None:
    """Register the importers."""
    register(
        "movielens",
        "crossrec_video.importers.movielens:importer",
        summary="MovieLens: ml-latest csv, ml-1m dat, ml-100k u.data or atomic files",
    )
    register(
        "microlens",
        "crossrec_video.importers.microlens:importer",
        summary="MicroLens: *_pairs.tsv and *_titles.csv",
    )
    register(
        "ml1m-sequences",
        "crossrec_video.importers.ml1m:importer",
        summary="MovieLens 1M as sequences: sequences.tsv, movies.dat, movies_extrainfos.dat",
    )
