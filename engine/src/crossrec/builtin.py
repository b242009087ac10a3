"""The components of the engine itself, registered through the same hooks as those of plugins.

Its commands are not here but in `crossrec.cli.table`: they work without loading any plugin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossrec.hookspecs import hookimpl

if TYPE_CHECKING:
    from crossrec.hookspecs import Register


@hookimpl
def register_candidate_generators(register: Register) -> None:
    """Register the source that a fit adds where people agreed to the use of other scenarios."""
    register(
        "linked-history",
        "crossrec.components.linked_source:LinkedHistorySource",
        config="crossrec.components.linked_source:LinkedHistoryConfig",
        capabilities={"score", "explain", "report", "refit", "linked"},
        summary="what people did in other scenarios, where they agreed to it: text space and ridge",
    )


@hookimpl
def register_rankers(register: Register) -> None:
    """Register the ways to join several sources without training a model."""
    register(
        "rrf",
        "crossrec.components.fusion:ReciprocalRankFusion",
        config="crossrec.components.fusion:RrfConfig",
        capabilities={"report", "select"},
        summary="reciprocal rank fusion: equal votes, but none for a source that harms by proof",
    )
    register(
        "weighted",
        "crossrec.components.fusion:WeightedFusion",
        config="crossrec.components.fusion:WeightedConfig",
        capabilities={"report", "select"},
        summary="weighted sum of standardised scores, weights chosen on validation",
    )
    register(
        "best",
        "crossrec.components.fusion:BestSource",
        capabilities={"report", "select"},
        summary="the order of one source: the first, or one that validation proves better",
    )
    register(
        "linear",
        "crossrec.components.linear_ranker:LinearRanker",
        config="crossrec.components.linear_ranker:LinearConfig",
        capabilities={"features"},
        summary="weighted sum of scores, ranks and features, weights learnt from choices",
    )


@hookimpl
def register_features(register: Register) -> None:
    """Register what rankers may know of an item besides its scores."""
    register(
        "item_facts",
        "crossrec.components.item_facts:ItemFacts",
        config="crossrec.components.item_facts:ItemFactsConfig",
        summary="age, people, price, category, creator and text length of an item",
    )


@hookimpl
def register_policies(register: Register) -> None:
    """Register the policies that every scenario needs."""
    register(
        "availability",
        "crossrec.components.policies:Availability",
        capabilities={"bars"},
        summary="drops items that are hidden, expired, not yet there or out of stock",
    )


@hookimpl
def register_language_models(register: Register) -> None:
    """Register what words reasons without a model."""
    register(
        "template",
        "crossrec.components.template_model:TemplateModel",
        config="crossrec.components.template_model:TemplateConfig",
        summary="words reasons by a file of templates for each language: English, German",
    )


@hookimpl
def register_stores(register: Register) -> None:
    """Register the store of a local workspace."""
    register(
        "sqlite",
        "crossrec.store.sqlite:SqliteStore",
        summary="one SQLite file in the workspace, write-ahead log",
    )


@hookimpl
def register_executors(register: Register) -> None:
    """Register where heavy work runs."""
    register(
        "local",
        "crossrec.executors:LocalExecutor",
        config="crossrec.executors:LocalConfig",
        summary="threads of this process; one after the other with 1 worker",
    )
