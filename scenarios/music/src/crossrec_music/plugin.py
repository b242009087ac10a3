"""What music registers with crossrec: names and import paths, nothing heavy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossrec import hookimpl

from crossrec_music.scenario import SCENARIO

if TYPE_CHECKING:
    from crossrec.hookspecs import Register


@hookimpl
def register_scenarios(register: Register) -> None:
    """Register the scenario `music`."""
    register("music", "crossrec_music.scenario:scenario", summary=SCENARIO.summary)


@hookimpl
def register_importers(register: Register) -> None:
    """Register the importers."""
    register(
        "hetrec-lastfm",
        "crossrec_music.importers.hetrec:importer",
        summary="HetRec 2011 Last.fm: user_artists.dat and artists.dat",
    )
    register(
        "llara-lastfm",
        "crossrec_music.importers.llara:importer",
        summary="Last.fm as in LLaRA: sequences.tsv and id2name.txt",
    )
