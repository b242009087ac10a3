"""The results of an evaluation: frozen values, and their JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crossrec.evaluation.significance import Comparison
from crossrec.jsonio import plain

#: The pipeline's row; the others are sources and baselines.
PIPELINE = "pipeline"
Interval = tuple[float, float]


@dataclass(frozen=True)
class SegmentResult:
    """One model on a part of the users or targets."""

    users: int
    metrics: Mapping[str, float]
    ci95: Mapping[str, Interval]


@dataclass(frozen=True)
class ModelResult:
    """One model's row.

    Attributes
    ----------
    baseline : bool
        True for popularity and repeat-last, which are in every table.
    fit_seconds, recommend_seconds : float
        Wall clock, summed over the folds of a cross-validation.
    metrics : mapping of str to float
        NaN where a metric is undefined; null in JSON.
    ci95 : mapping of str to (low, high)
        For every metric that is a mean over users.
    segments : group → name → SegmentResult
    """

    model: str
    baseline: bool
    fit_seconds: float
    recommend_seconds: float
    metrics: Mapping[str, float]
    ci95: Mapping[str, Interval]
    segments: Mapping[str, Mapping[str, SegmentResult]]


@dataclass(frozen=True)
class FailedModel:
    """A model that was left out because it raised."""

    model: str
    error: str


@dataclass(frozen=True)
class Report:
    """An evaluation of one scenario.

    Attributes
    ----------
    users : int
        Number of test users.
    ks : tuple of int
        Depths; tests and segments are at the first.
    results : tuple of ModelResult
        Sources, the pipeline, then the two baselines.
    comparisons : tuple of Comparison
        All pairs of models, in the headline metrics.
    failed : tuple of FailedModel
    notes : tuple of str
        What a reader of the figures has to know.
    """

    scenario: str
    protocol: str
    candidates: str
    users: int
    ks: tuple[int, ...]
    results: tuple[ModelResult, ...]
    comparisons: tuple[Comparison, ...] = ()
    failed: tuple[FailedModel, ...] = ()
    notes: tuple[str, ...] = ()

    def result(self, model: str) -> ModelResult | None:
        """Return the row of `model`, or None."""
        return next((row for row in self.results if row.model == model), None)

    def to_dict(self) -> dict[str, Any]:
        """Return the report ready for JSON; undefined figures are None."""
        return {
            "scenario": self.scenario,
            "protocol": self.protocol,
            "candidates": self.candidates,
            "users": self.users,
            "results": [_result(row) for row in self.results],
            "comparisons": [plain(vars(pair)) for pair in self.comparisons],
            "failed": [vars(failure).copy() for failure in self.failed],
            "notes": list(self.notes),
        }


def _result(row: ModelResult) -> dict[str, Any]:
    """Return the public form of one row."""
    segments = {
        group: {name: plain(vars(part)) for name, part in parts.items()}
        for group, parts in row.segments.items()
    }
    return {name: plain(part) for name, part in vars(row).items()} | {"segments": segments}
