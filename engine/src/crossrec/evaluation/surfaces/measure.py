"""One surface beside its baselines on the same questions."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crossrec.components.candidates import PAD
from crossrec.components.query import QueryBatch
from crossrec.evaluation.evaluate import compared
from crossrec.evaluation.models import Model
from crossrec.evaluation.protocol import EvaluationProtocol
from crossrec.evaluation.report import Report
from crossrec.evaluation.surfaces.figures import ItemFacts, answered, figures_of
from crossrec.evaluation.surfaces.questions import Questions
from crossrec.evaluation.surfaces.report import SurfaceResult
from crossrec.numeric.ragged import BoolArray, IntArray

#: Queries in one call of a baseline.
_BLOCK = 256


@dataclass(frozen=True, eq=False)
class SurfaceAnswers:
    """What a surface answered.

    Attributes
    ----------
    lists : int64 array, shape (n, ≤ k)
        Best first, `PAD` in empty slots. One row where the questions are anonymous.
    queries : QueryBatch, as many queries
        What the surface saw, for the baselines: they leave out the same items.
    seconds : float
    short : tuple of str
        Why lists are short; "" for those that are not.
    """

    lists: IntArray
    queries: QueryBatch
    seconds: float
    short: tuple[str, ...]


def measured(
    name: str,
    input_: str,
    questions: Questions,
    answers: SurfaceAnswers,
    baselines: Sequence[Model],
    facts: ItemFacts,
    protocol: EvaluationProtocol,
    *,
    scenario: str = "",
    split: str = "temporal",
) -> SurfaceResult:
    """Return the figures of a surface and its baselines, with intervals and paired tests.

    Parameters
    ----------
    protocol : EvaluationProtocol
        Length of the lists, resamples and seed of the bootstrap.
    split : str
        How the window was cut, for the report.
    """
    k = protocol.ks[0]
    there = answered(answers.lists)
    reason = _why_empty(answers.short, there)
    if not there.any():
        return SurfaceResult(name, input_, questions.what, None, reason)
    rows = np.zeros(len(questions), dtype=np.int64)
    if not questions.anonymous:
        rows = np.arange(len(questions))
    figures = [
        figures_of(name, answers.lists[rows], questions.targets, facts, k, seconds=answers.seconds)
    ]
    for model in baselines:
        started = time.perf_counter()
        lists = _lists(model, answers.queries, k)[rows]
        seconds = time.perf_counter() - started
        free = f"{model.name} (baseline)" if model.name == name else model.name
        figures.append(
            figures_of(free, lists, questions.targets, facts, k, baseline=True, seconds=seconds)
        )
    results, comparisons = compared(figures, protocol)
    excluded = answers.queries.exclude.take(rows)
    notes = []
    known = int(questions.targets.isin(excluded).sum())
    if known:
        notes.append(
            f"{known:,} of {len(questions.targets.values):,} targets are no candidates of the "
            "request, since the user had them: they count as misses"
        )
    report = Report(
        scenario, split, "served", len(questions), (k,), results, comparisons, (), tuple(notes)
    )
    return SurfaceResult(name, input_, questions.what, report, reason)


def _why_empty(short: Sequence[str], there: BoolArray) -> str:
    """Return how many lists are empty and the most frequent cause; "" where none is."""
    if there.all():
        return ""
    causes = [why for why, filled in zip(short, there.tolist(), strict=True) if not filled]
    cause = max(dict.fromkeys(causes), key=causes.count)
    return f"{len(causes):,} of {len(short):,} lists are empty, most often: {cause}"


def _lists(model: Model, queries: QueryBatch, k: int) -> IntArray:
    """Return the lists of a baseline, int64 (n, k)."""
    lists = np.full((len(queries), k), PAD, dtype=np.int64)
    for rows in queries.blocks(_BLOCK):
        found = model.top(queries.take(rows), k).index
        lists[rows, : found.shape[1]] = found
    return lists
