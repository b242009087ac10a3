"""What social registers with crossrec: names and import paths, nothing heavy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossrec import hookimpl

from crossrec_social.scenario import SCENARIO

if TYPE_CHECKING:
    from crossrec.hookspecs import Register


@hookimpl
def register_scenarios(register: Register) -> None:
    """Register the scenario `social`."""
    register("social", "crossrec_social.scenario:scenario", summary=SCENARIO.summary)


@hookimpl
def register_importers(register: Register) -> None:
    """Register the importers."""
    register(
        "stackexchange",
        "crossrec_social.importers.stackexchange:importer",
        summary="Stack Exchange dumps: Posts.xml and Comments.xml",
    )
    register(
        "deskdrop",
        "crossrec_social.importers.deskdrop:importer",
        summary="CI&T DeskDrop: users_interactions.csv.zip",
    )
    register(
        "yelp-s3rec",
        "crossrec_social.importers.yelp:importer",
        summary="Yelp as in S3-Rec: Yelp.txt and Yelp.item.json",
    )
