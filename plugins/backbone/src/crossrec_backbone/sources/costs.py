"""What the sources of this package cost: formulas with timed constants.

They were timed by ``benchmarks/estimates.py``; seconds are those of one core of the reference
machine (`crossrec.components.cost.Cost.of`), bytes are at the highest moment of the fit. Relating
the texts and the text graph are done once in a process for all sources and both of their fits, and
so is one solve on the same events.
"""

from __future__ import annotations

from dataclasses import replace

from crossrec.components.cost import Cost, DatasetSize
from crossrec.components.machine import machine_speed

from crossrec_backbone.adaptation.adapter import AdapterConfig
from crossrec_backbone.relations.config import GraphConfig, PriorConfig

RELATIONS, GRAPH = "relations of texts", "graph of texts"
#: Items of the exact solve within folds, and what a choice of κ asks.
_EXACT_IN_FOLDS, _KAPPA_QUERIES, _KAPPA_FOLDS = 4_000, 2_000, 2
#: Reference seconds of the columns of one held-out event, of the answer to one query, and of one
#: tree over the candidates of one held-out event.
_EXAMPLE, _ANSWER, _TREE = 1.2e-2, 9e-3, 4e-6


def content_cost(size: DatasetSize) -> Cost:
    """Return the cost of `content`: an index over what relates the texts."""
    answers = size.queries * (9e-4 + 1.2e-7 * min(size.items, 10_000))
    own = Cost.of(
        scattered=0.02 + 1e-7 * size.characters + 5e-6 * size.items + answers,
        memory=_relations_memory(size),
    )
    return own.plus(_relations(size))


def closed_form_cost(
    size: DatasetSize, prior: PriorConfig, graph: GraphConfig, *, chooses_kappa: bool, texts: bool
) -> Cost:
    """Return the cost of prior-EASE, with the choice of its weight where that is wanted."""
    statistics = solve(size, prior.solved_in(size.items))
    cost = text_side(size, graph).plus(statistics)
    if chooses_kappa:
        fold = solve(size, min(prior.solved_in(size.items), _EXACT_IN_FOLDS))
        judged = min(_KAPPA_QUERIES, size.users)
        scored = Cost.of(scattered=1.2e-7 * judged * size.items)
        cost = cost.plus(times(fold, _KAPPA_FOLDS)).plus(scored)
    one = 6e-5 + 2e-7 * size.items if texts else 4e-5 + 3.5e-8 * size.items
    answers = Cost.of(scattered=size.queries * one)
    return replace(cost.plus(answers), again=statistics.seconds)


def backbone_cost(
    size: DatasetSize, prior: PriorConfig, graph: GraphConfig, adapter: AdapterConfig
) -> Cost:
    """Return the cost of `backbone`: statistics in folds, columns of held-out events, trees.

    Parameters
    ----------
    adapter : AdapterConfig
        As the effort of the fit has it.
    """
    statistics = solve(size, prior.solved_in(size.items)).plus(_counted(size))
    held_out = min(adapter.queries_in(size.items), size.users + size.interactions // 10)
    columns = Cost.of(scattered=held_out * _EXAMPLE, memory=held_out * 1.2e5)
    trees = Cost.of(scattered=_TREE * held_out * adapter.rounds * (adapter.folds + 1))
    in_threads = times(columns.plus(trees), 1 / machine_speed().cores)
    answers = Cost.of(scattered=size.queries * _ANSWER)
    folds = times(statistics, adapter.folds).plus(in_threads)
    whole = text_side(size, graph).plus(statistics).plus(folds).plus(answers)
    return replace(whole, again=statistics.seconds)


def text_side(size: DatasetSize, graph: GraphConfig) -> Cost:
    """Return the cost of relating all items by their texts."""
    compared = size.items if size.items <= graph.exact_up_to else 3 * graph.shortlist
    seconds = Cost.of(scattered=1e-7 * size.items * compared).seconds
    own = Cost(0.0, int(_relations_memory(size) + 9e7), {GRAPH: seconds})
    return own.plus(_relations(size))


def solve(size: DatasetSize, exact_up_to: int) -> Cost:
    """Return the cost of one solve of prior-EASE, without its text side."""
    solved = float(min(size.active_items, exact_up_to))
    return Cost.of(
        dense=1.1e-11 * solved**3,
        scattered=2e-3 + 1.1e-7 * solved * size.items + 3e-7 * _counts(size),
        memory=_relations_memory(size)
        + 9e7
        + 8.0 * solved * solved
        + 4800.0 * size.items
        + 16.0 * min(size.pairs, 4_000_000),
    )


def times(cost: Cost, factor: float) -> Cost:
    """Return the cost of doing the same so many times, or of a part of it."""
    return replace(cost, seconds=factor * cost.seconds)


def _relations(size: DatasetSize) -> Cost:
    """Return the cost of projecting vectors, and of counting words and n-grams."""
    own = Cost.of(scattered=0.05 + 9e-7 * size.characters + 1.5e-5 * size.items)
    return Cost(0.0, int(_relations_memory(size)), {RELATIONS: own.seconds})


def _counted(size: DatasetSize) -> Cost:
    """Return the cost of the counted relations between items."""
    return Cost.of(scattered=1e-6 * _counts(size) + 2e-5 * size.items)


def _counts(size: DatasetSize) -> float:
    """Return the pairs that are counted: those that come again cost a multiplication each."""
    return min(float(size.pairs), float(size.active_items) ** 2) + 1e-2 * size.pairs


def _relations_memory(size: DatasetSize) -> float:
    return 1e7 + 6000.0 * size.items + 15.0 * size.characters
