"""From places to figures, intervals and verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from crossrec.evaluation.significance import bootstrap_means, bootstrap_p, holm, interval
from crossrec.numeric.ragged import FloatArray
from numpy.typing import NDArray

from crossrec_backbone.transfer.methods import BARE, FULL, METHODS
from crossrec_backbone.transfer.report import METRICS, Point, TransferReport, Verdict
from crossrec_backbone.transfer.settings import Level

#: Length of the lists that are judged.
TOP = 10
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
