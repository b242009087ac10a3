"""The transfer report: figures with intervals, verdicts, and what a reader has to know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from crossrec.backbone.transfer.methods import BARE, FULL, METHODS
from crossrec.backbone.transfer.settings import Level
from crossrec.data.ragged import FloatArray
from crossrec.evaluation.significance import bootstrap_means, bootstrap_p, holm, interval

#: Length of the lists that are judged.
TOP = 10
METRICS = ("recall@10", "ndcg@10")
Wide = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Answer:
    """What all methods made of one budget under one seed.

    Attributes
    ----------
    level : int or "all"
    events : int
        Interactions that the methods saw.
    places : mapping of method to float32 array, shape (n_users,)
        Place of each user's target from 0, infinity where it was not offered.
    silent : frozenset of str
        Methods that had nothing to say.
    learnt : mapping of JSON values
        What the adapters chose, and whether the history stayed in.
    seconds : float
    """

    level: Level
    seed: int
    events: int
    places: Mapping[str, FloatArray]
    silent: frozenset[str]
    learnt: Mapping[str, Any]
    seconds: float


@dataclass(frozen=True)
class Point:
    """One method on one budget: of one seed, or the mean over all where `seed` is None.

    Attributes
    ----------
    metrics, ci95 : mapping of metric to value, and to its percentile interval over users
    regime : str
        "Z0": nothing of the target but the query's own history. "Z1": the target's events are read
        as statistics, nothing is trained on them. "trained": weights or a ranker are.
    silent : bool
        The method had nothing to say; its figures are 0.
    apart : mapping of "new" and "repeat" to metrics
        The same by whether the target stands in the history; where repeats count.
    """

    method: str
    events: Level
    seed: int | None
    metrics: Mapping[str, float]
    ci95: Mapping[str, tuple[float, float]]
    regime: str
    silent: bool = False
    apart: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """What the full method is worth against another one.

    Attributes
    ----------
    difference, ci95
        Of ndcg@10: full method minus the other, paired bootstrap over users, means over seeds.
    p : float
        Two-sided. Holm-corrected over the methods of the budget; the question of pretraining
        itself, against "without-pretraining", is one of its own and stands uncorrected.
    recall_difference, recall_ci95
        The same of recall@10, for information; no verdict follows from it.
    """

    events: Level
    against: str
    verdict: Literal["helps", "no difference", "hurts"]
    difference: float
    ci95: tuple[float, float]
    p: float
    recall_difference: float
    recall_ci95: tuple[float, float]


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
    verdicts : tuple of Verdict
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
    verdicts: tuple[Verdict, ...]
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

    def verdict(self, level: Level, against: str = BARE) -> Verdict:
        """Return one verdict; by default that of pretraining itself."""
        return next(v for v in self.verdicts if (v.events, v.against) == (level, against))


def build_report(
    answers: Sequence[Answer],
    *,
    target: str,
    sources: Sequence[str],
    candidates: str,
    repeat: NDArray[np.bool_],
    resamples: int,
    alpha: float,
    notes: Sequence[str] = (),
) -> TransferReport:
    """Turn places into figures, intervals and verdicts.

    Parameters
    ----------
    answers : sequence of Answer
        All budgets under all seeds; each budget under every seed.
    repeat : bool array, shape (n_users,)
        Whether the target of a user stands in the history.
    """
    levels = list(dict.fromkeys(answer.level for answer in answers))
    points: list[Point] = []
    means: list[Point] = []
    verdicts: list[Verdict] = []
    by_seed: dict[int, tuple[Mapping[str, FloatArray], dict[str, Point]]] = {}
    for level in levels:
        own = [answer for answer in answers if answer.level == level]
        for answer in own:
            known = by_seed.get(id(answer.places))
            if known is None:
                told = _points(answer, candidates, repeat, resamples)
                known = by_seed[id(answer.places)] = answer.places, told
            points += [replace(point, seed=answer.seed) for point in known[1].values()]
        average, compared = _over_seeds(own, candidates, repeat, resamples, alpha)
        means += average
        verdicts += compared
    return TransferReport(
        target=target,
        sources=tuple(sources),
        candidates=candidates,
        users=len(repeat),
        points=tuple(points),
        means=tuple(means),
        verdicts=tuple(verdicts),
        notes=(*notes, *_notes(repeat, candidates)),
        details={"budgets": [_budget(answer) for answer in answers]},
    )


def gains(place: FloatArray) -> Wide:
    """Return recall@10 and ndcg@10 of places, float64 (n, 2)."""
    hit = place < TOP
    discount = np.where(hit, 1.0 / np.log2(np.where(hit, place, 0.0) + 2.0), 0.0)
    return np.stack([hit.astype(np.float64), discount], axis=1)


def _points(
    answer: Answer, candidates: str, repeat: NDArray[np.bool_], resamples: int
) -> dict[str, Point]:
    """Return the figures of one answer."""
    table = {method: gains(answer.places[method]) for method in METHODS}
    return _figures(table, answer, candidates, repeat, _resampled(table, resamples))


def _over_seeds(
    answers: Sequence[Answer],
    candidates: str,
    repeat: NDArray[np.bool_],
    resamples: int,
    alpha: float,
) -> tuple[list[Point], list[Verdict]]:
    """Return means over the seeds of one budget, and the verdicts on them."""
    table = {
        method: np.mean([gains(answer.places[method]) for answer in answers], axis=0)
        for method in METHODS
    }
    samples = _resampled(table, resamples)
    last = answers[-1]
    silent = frozenset.intersection(*(answer.silent for answer in answers))
    told = replace(last, silent=silent)
    points = list(_figures(table, told, candidates, repeat, samples).values())
    return points, _verdicts(last.level, table, samples, alpha)


def _resampled(table: Mapping[str, Wide], resamples: int) -> dict[str, Wide]:
    """Return bootstrap means of every method on the same draws, (resamples, 2) each."""
    drawn = bootstrap_means(np.concatenate(list(table.values()), axis=1), resamples=resamples)
    return {method: drawn[:, 2 * at : 2 * at + 2] for at, method in enumerate(table)}


def _figures(
    table: Mapping[str, Wide],
    answer: Answer,
    candidates: str,
    repeat: NDArray[np.bool_],
    samples: Mapping[str, Wide],
) -> dict[str, Point]:
    """Return one point for each method."""
    out = {}
    for method, values in table.items():
        apart = {}
        if candidates == "all":
            apart = {"new": _means(values[~repeat]), "repeat": _means(values[repeat])}
        ci95 = {name: interval(samples[method][:, at]) for at, name in enumerate(METRICS)}
        out[method] = Point(
            method,
            answer.level,
            None,
            _means(values),
            ci95,
            _regime(method, answer),
            method in answer.silent,
            {kind: told for kind, told in apart.items() if told},
        )
    return out


def _means(values: Wide) -> dict[str, float]:
    """Return mean metrics; nothing without users."""
    if not len(values):
        return {}
    return {name: float(value) for name, value in zip(METRICS, values.mean(axis=0), strict=True)}


def _regime(method: str, answer: Answer) -> str:
    """Name what a method was given of the target."""
    if not answer.events:
        return "Z0"
    trained = method in (FULL, BARE) and answer.learnt.get("trained", False)
    return "trained" if trained or method == "target-only" else "Z1"


def _verdicts(
    level: Level, table: Mapping[str, Wide], samples: Mapping[str, Wide], alpha: float
) -> list[Verdict]:
    """Compare the full method with every other one."""
    others = [method for method in METHODS if method != FULL]
    moved = {method: (table[FULL] - table[method]).mean(axis=0) for method in others}
    drawn = {method: samples[FULL] - samples[method] for method in others}
    p = {method: bootstrap_p(float(moved[method][1]), drawn[method][:, 1]) for method in others}
    plain = [method for method in others if method != BARE]
    p |= dict(zip(plain, holm([p[method] for method in plain]).tolist(), strict=True))
    out = []
    for method in others:
        recall, ndcg = (float(value) for value in moved[method])
        verdict: Literal["helps", "no difference", "hurts"] = "no difference"
        if p[method] <= alpha and ndcg:
            verdict = "helps" if ndcg > 0 else "hurts"
        out.append(
            Verdict(
                level,
                method,
                verdict,
                ndcg,
                interval(drawn[method][:, 1]),
                float(p[method]),
                recall,
                interval(drawn[method][:, 0]),
            )
        )
    return out


def _notes(repeat: NDArray[np.bool_], candidates: str) -> list[str]:
    """Say what a reader has to know."""
    notes = [
        "intervals and verdicts are over test users; that other users might have been drawn into a "
        "budget shows in the spread between seeds only",
        "Z0 knows nothing of the target but each query's own history; Z1 reads the target's events "
        "as statistics and trains nothing on them",
    ]
    count = int(repeat.sum())
    if count and candidates == "unseen":
        notes.append(
            f"{count} of {len(repeat)} targets stand in the history: misses by rule, for all"
        )
    return notes


def _budget(answer: Answer) -> dict[str, Any]:
    """Return what is to be told of one answer."""
    return {
        "events": answer.level,
        "seed": answer.seed,
        "interactions": answer.events,
        "seconds": round(answer.seconds, 1),
        **answer.learnt,
    }


def _point_values(point: Point) -> dict[str, Any]:
    values: dict[str, Any] = {
        "method": point.method,
        "events": point.events,
        "seed": point.seed,
        "metrics": {name: round(value, 5) for name, value in point.metrics.items()},
        "ci95": {name: _rounded(pair) for name, pair in point.ci95.items()},
        "regime": point.regime,
    }
    if point.silent:
        values["silent"] = True
    for kind, told in point.apart.items():
        values[kind] = {name: round(value, 5) for name, value in told.items()}
    return values


def _verdict_values(verdict: Verdict) -> dict[str, Any]:
    return {
        "events": verdict.events,
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
