"""What ecommerce registers with crossrec: names and import paths, nothing heavy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossrec import hookimpl

from crossrec_ecommerce.scenario import SCENARIO

if TYPE_CHECKING:
    from crossrec.hookspecs import Register


@hookimpl
def register_scenarios(register: Register) -> None:
    """Register the scenario `ecommerce`."""
    register("ecommerce", "crossrec_ecommerce.scenario:scenario", summary=SCENARIO.summary)


@hookimpl
def register_importers(register: Register) -> None:
    """Register the importers."""
    register(
        "unisrec",
        "crossrec_ecommerce.importers.unisrec:importer",
        summary="UniSRec and RecBole-like leave-one-out files: NAME.train.inter, NAME.text",
    )
    register(
        "recbole",
        "crossrec_ecommerce.importers.recbole:importer",
        summary="RecBole atomic files: NAME.inter, NAME.item, NAME.user",
    )
    register(
        "uci-online-retail",
        "crossrec_ecommerce.importers.uci:importer",
        summary="UCI Online Retail: online_retail.csv",
    )
    register(
        "completejourney",
        "crossrec_ecommerce.importers.complete_journey:importer",
        summary="Complete Journey: transactions.csv and products.csv",
    )
    register(
        "tafeng",
        "crossrec_ecommerce.importers.tafeng:importer",
        summary="Ta Feng grocery baskets: history.csv and future.csv, order only",
    )
    register(
        "retailrocket",
        "crossrec_ecommerce.importers.retailrocket:importer",
        summary="Retailrocket as reduced by CaseRecommender: view, add_to_cart, purchase",
    )
    register(
        "amazon14",
        "crossrec_ecommerce.importers.amazon14:importer",
        summary="Amazon 2014 as in S3-Rec and P5: sequences.txt and items.tsv",
    )
