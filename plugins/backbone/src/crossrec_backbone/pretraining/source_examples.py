"""Lessons of the sources, and what heads are worth to a source that they never saw.

Leaving one source out tells two things: the figures of the model card, and how much a head should
weigh where a target has no events to choose by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from crossrec.components.run import RunOptions
from crossrec.numeric.ragged import FloatArray

from crossrec_backbone.pretrained.model import BUCKETS, GENERAL, MORE, bucket_of
from crossrec_backbone.ranking.examples import Groups
from crossrec_backbone.ranking.mixture import Mixture, gains, mixed, parts_of
from crossrec_backbone.ranking.trees import TreeRanker

#: The head of the own family, as leaving one out knows it.
FAMILY = "family"
#: Weights that a head may begin with.
WEIGHTS = (0.0, 0.5, 1.0, 2.0)


@dataclass(frozen=True, eq=False)
class Lesson:
    """The examples of one source at one level.

    Attributes
    ----------
    asked : int
        Queries tried; `hits` of them had their target among the candidates.
    """

    source: str
    family: str
    events: int
    groups: Groups
    asked: int
    hits: int

    def some(self, count: int) -> Lesson:
        """Return the lesson with at most `count` of its examples, evenly spread."""
        rows = np.linspace(0, len(self.groups) - 1, min(count, len(self.groups))).astype(np.int64)
        return replace(self, groups=self.groups.take(rows))


@dataclass(frozen=True)
class Measured:
    """What leaving one source out tells.

    Attributes
    ----------
    results : mapping of source to level to method to ndcg@10
    weights : mapping of `GENERAL` or `FAMILY` to the weight to begin with at each amount of events
        One for each of `bucket_of`, by the examples of that amount and of those next to it: one
        amount alone has too few for two drawings to agree. 0 where the head helps less than its
        standard error.
    """

    results: dict[str, dict[str, dict[str, float]]]
    weights: dict[str, dict[str, float]]


def leave_one_out(
    lessons: Sequence[Lesson],
    fit: Callable[[Sequence[Lesson]], TreeRanker],
    kappa: float,
    run: RunOptions,
) -> Measured:
    """Measure every source with heads that never saw it, against the closed form alone.

    Figures are ndcg@10 over the unseen items of the source.

    Parameters
    ----------
    fit : callable
        Fits a head on some lessons.
    kappa : float
        Weight of behaviour in the closed form.
    """
    names = list(dict.fromkeys(lesson.source for lesson in lessons))
    results: dict[str, dict[str, dict[str, float]]] = {}
    told: dict[tuple[str, str], list[FloatArray]] = {}
    for at, name in enumerate(names):
        run.progress("leaving one source out", at, len(names))
        heads = _heads_without(name, lessons, fit)
        results[name] = {}
        for lesson in (one for one in lessons if one.source == name):
            figures, differences = _figures(lesson, heads, kappa)
            results[name][str(lesson.events)] = figures
            for head, table in differences.items():
                told.setdefault((head, bucket_of(lesson.events)), []).append(table)
    run.progress("leaving one source out", len(names), len(names))
    return Measured(results, _weights(told))


def _weights(told: Mapping[tuple[str, str], list[FloatArray]]) -> dict[str, dict[str, float]]:
    """Return the weight of each head at each amount of events that was measured."""
    amounts = [*map(str, BUCKETS), MORE]
    weights: dict[str, dict[str, float]] = {}
    for head, amount in told:
        at = amounts.index(amount)
        near = [told.get((head, one), []) for one in amounts[max(at - 1, 0) : at + 2]]
        weights.setdefault(head, {})[amount] = _best_weight([one for part in near for one in part])
    return weights


def _heads_without(
    name: str, lessons: Sequence[Lesson], fit: Callable[[Sequence[Lesson]], TreeRanker]
) -> dict[str, TreeRanker]:
    """Fit a head on all other sources, and one on those of the same family."""
    family = next(lesson.family for lesson in lessons if lesson.source == name)
    others = [lesson for lesson in lessons if lesson.source != name]
    akin = [lesson for lesson in others if lesson.family == family]
    heads = {GENERAL: fit(others)} if others else {}
    if akin:
        heads[FAMILY] = heads[GENERAL] if len(akin) == len(others) else fit(akin)
    return heads


def _figures(
    lesson: Lesson, heads: dict[str, TreeRanker], kappa: float
) -> tuple[dict[str, float], dict[str, FloatArray]]:
    """Return ndcg@10 of the closed form and of its sum with each head, and what each weight adds.

    The second part holds, for each head, the difference of every query under each of `WEIGHTS`.
    """
    groups, share = lesson.groups, lesson.hits / max(lesson.asked, 1)
    if not len(groups):
        return {"closed form": 0.0}, {}
    scores = {name: ranker.scores(groups.columns) for name, ranker in heads.items()}
    parts = parts_of(groups, scores, None)
    closed = gains(mixed(parts, Mixture(kappa)), groups.place)
    figures = {"closed form": round(share * float(closed.mean()), 5)}
    differences = {}
    for head in heads:
        under = [gains(mixed(parts, Mixture(kappa, head, w)), groups.place) for w in WEIGHTS]
        figures[head] = round(share * float(under[WEIGHTS.index(1.0)].mean()), 5)
        differences[head] = (np.stack(under, axis=1) - closed[:, None]).astype(np.float32)
    return figures, differences


def _best_weight(tables: Sequence[FloatArray]) -> float:
    """Return the weight with the largest mean gain less its standard error; every source equal."""
    mean = np.mean([table.mean(axis=0) for table in tables], axis=0)
    errors = [table.var(axis=0, ddof=1) / len(table) for table in tables if len(table) > 1]
    error = np.sqrt(np.sum(errors, axis=0)) / len(tables) if errors else np.zeros(len(WEIGHTS))
    lower: Any = mean - error
    lower[0] = 0.0
    return WEIGHTS[int(np.argmax(lower))]
