"""The transfer report: figures with intervals, verdicts, and notes for their reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from crossrec_backbone.transfer.methods import BARE, FULL
from crossrec_backbone.transfer.settings import Level

METRICS = ("recall@10", "ndcg@10")


@dataclass(frozen=True)
class Point:
    """One method on one budget: of one seed, or the mean over all where `seed` is None.

    Attributes
    ----------
    metrics, ci95 : mapping of metric to value, and to its percentile interval over users
    regime : str
        "Z0": nothing of the target but the query's own history. "Z1": the target's events are read
        as statistics, nothing is trained on them. "trained": weights or a ranker are.
    no_scores : bool
        The method had no scores at this budget; its figures are 0.
    apart : mapping of "new" and "repeat" to metrics
        The same by whether the target is in the history; where repeats count.
    """

    method: str
    events: Level
    seed: int | None
    metrics: Mapping[str, float]
    ci95: Mapping[str, tuple[float, float]]
    regime: str
    no_scores: bool = False
    apart: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class TransferVerdict:
    """What a method is worth against another one.

    Attributes
    ----------
    difference, ci95
        Of ndcg@10: the method minus the other, paired bootstrap over users, means over seeds.
    p : float
        Two-sided. Holm-corrected over the methods of the budget; the question of pretraining
        itself, against the same without it, is one of its own and is not corrected.
    recall_difference, recall_ci95
        The same of recall@10, for information; no verdict follows from it.
    method : str
        The full method, or a body where it is compared with itself without pretraining.
    """

    events: Level
    against: str
    verdict: Literal["helps", "no difference", "hurts"]
    difference: float
    ci95: tuple[float, float]
    p: float
    recall_difference: float
    recall_ci95: tuple[float, float]
    method: str = FULL


@dataclass(frozen=True, eq=False)
class TransferReport:
    """Curves of what a backbone brings to a target.

    Attributes
    ----------
    target : str
    sources : tuple of str
        What the backbone was pretrained on.
    users : int
        Test users, the same for every budget.
    points : tuple of Point
        One for each method, budget and seed.
    means : tuple of Point
        The same over all seeds.
    verdicts : tuple of TransferVerdict
    notes : tuple of str
    details : mapping of JSON values
        Budgets with their events and what the adapters chose.
    """

    target: str
    sources: tuple[str, ...]
    candidates: str
    users: int
    points: tuple[Point, ...]
    means: tuple[Point, ...]
    verdicts: tuple[TransferVerdict, ...]
    notes: tuple[str, ...]
    details: Mapping[str, Any]
    protocol: str = "leave-one-out, full ranking"

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "target": self.target,
            "sources": list(self.sources),
            "protocol": self.protocol,
            "candidates": self.candidates,
            "users": self.users,
            "points": [_point_values(point) for point in self.points],
            "means": [_point_values(point) for point in self.means],
            "verdicts": [_verdict_values(verdict) for verdict in self.verdicts],
            "notes": list(self.notes),
            **self.details,
        }

    @property
    def levels(self) -> tuple[Level, ...]:
        """The budgets, ascending."""
        return tuple(dict.fromkeys(point.events for point in self.means))

    def mean(self, method: str, level: Level) -> Point:
        """Return the mean over seeds of one method on one budget."""
        return next(p for p in self.means if (p.method, p.events) == (method, level))

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods, in their order."""
        return tuple(dict.fromkeys(point.method for point in self.means))

    def verdict(self, level: Level, against: str = BARE, method: str = FULL) -> TransferVerdict:
        """Return one verdict; by default that of pretraining itself."""
        wanted = (level, method, against)
        return next(v for v in self.verdicts if (v.events, v.method, v.against) == wanted)


def _point_values(point: Point) -> dict[str, Any]:
    values: dict[str, Any] = {
        "method": point.method,
        "events": point.events,
        "seed": point.seed,
        "metrics": {name: round(value, 5) for name, value in point.metrics.items()},
        "ci95": {name: _rounded(pair) for name, pair in point.ci95.items()},
        "regime": point.regime,
    }
    if point.no_scores:
        values["no_scores"] = True
    for kind, metrics in point.apart.items():
        values[kind] = {name: round(value, 5) for name, value in metrics.items()}
    return values


def _verdict_values(verdict: TransferVerdict) -> dict[str, Any]:
    return {
        "events": verdict.events,
        "method": verdict.method,
        "against": verdict.against,
        "verdict": verdict.verdict,
        "metric": "ndcg@10",
        "difference": round(verdict.difference, 5),
        "ci95": _rounded(verdict.ci95),
        "p": float(f"{verdict.p:.3g}"),
        "recall@10": {
            "difference": round(verdict.recall_difference, 5),
            "ci95": _rounded(verdict.recall_ci95),
        },
    }


def _rounded(pair: tuple[float, float]) -> list[float]:
    return [round(value, 5) for value in pair]
