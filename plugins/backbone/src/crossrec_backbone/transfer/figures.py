"""From places to figures, intervals and verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from crossrec.evaluation.significance import bootstrap_means, bootstrap_p, holm, interval
from crossrec.numeric.gain import TOP, discount
from crossrec.numeric.ragged import FloatArray
from numpy.typing import NDArray

from crossrec_backbone.transfer.bodies import BODIES, BODY, BODY_ALONE
from crossrec_backbone.transfer.methods import BARE, FULL, METHODS
from crossrec_backbone.transfer.report import METRICS, Point, TransferReport, TransferVerdict
from crossrec_backbone.transfer.settings import Level

Wide = NDArray[np.float64]
#: What pretraining itself is worth: each a question of its own, whose p-value is not corrected.
_OWN_QUESTIONS = ((FULL, BARE), (BODY, BODY_ALONE))


@dataclass(frozen=True, eq=False)
class BudgetResult:
    """The places of all methods on one budget under one seed.

    Attributes
    ----------
    level : int or "all"
    events : int
        Interactions that the methods saw.
    places : mapping of method to float32 array, shape (n_users,)
        Place of each user's target from 0, infinity where it was no candidate.
    no_scores : frozenset of str
        Methods that had no scores at this budget.
    learnt : mapping of JSON values
        What the adapters chose, and whether the history stayed in.
    seconds : float
    """

    level: Level
    seed: int
    events: int
    places: Mapping[str, FloatArray]
    no_scores: frozenset[str]
    learnt: Mapping[str, Any]
    seconds: float

    @property
    def methods(self) -> list[str]:
        """The methods, in the order of the report."""
        return [method for method in (*METHODS, *BODIES) if method in self.places]


def build_report(
    results: Sequence[BudgetResult],
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
    results : sequence of BudgetResult
        All budgets under all seeds; each budget under every seed.
    repeat : bool array, shape (n_users,)
        Whether the target of a user is in the history.
    """
    levels = list(dict.fromkeys(result.level for result in results))
    points: list[Point] = []
    means: list[Point] = []
    verdicts: list[TransferVerdict] = []
    by_seed: dict[int, tuple[Mapping[str, FloatArray], dict[str, Point]]] = {}
    for level in levels:
        own = [result for result in results if result.level == level]
        for result in own:
            known = by_seed.get(id(result.places))
            if known is None:
                figures = _points(result, candidates, repeat, resamples)
                known = by_seed[id(result.places)] = result.places, figures
            points += [replace(point, seed=result.seed) for point in known[1].values()]
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
        details={"budgets": [_budget(result) for result in results]},
    )


def gains(place: FloatArray) -> Wide:
    """Return recall@10 and ndcg@10 of places, float64 (n, 2)."""
    return np.stack([(place < TOP).astype(np.float64), discount(place)], axis=1)


def _points(
    result: BudgetResult, candidates: str, repeat: NDArray[np.bool_], resamples: int
) -> dict[str, Point]:
    """Return the figures of one result."""
    table = {method: gains(result.places[method]) for method in result.methods}
    return _figures(table, result, candidates, repeat, _resampled(table, resamples))


def _over_seeds(
    results: Sequence[BudgetResult],
    candidates: str,
    repeat: NDArray[np.bool_],
    resamples: int,
    alpha: float,
) -> tuple[list[Point], list[TransferVerdict]]:
    """Return means over the seeds of one budget, and the verdicts on them."""
    table = {
        method: np.mean([gains(result.places[method]) for result in results], axis=0)
        for method in results[0].methods
    }
    samples = _resampled(table, resamples)
    last = results[-1]
    no_scores = frozenset.intersection(*(result.no_scores for result in results))
    last = replace(last, no_scores=no_scores)
    points = list(_figures(table, last, candidates, repeat, samples).values())
    return points, _verdicts(last.level, table, samples, alpha)


def _resampled(table: Mapping[str, Wide], resamples: int) -> dict[str, Wide]:
    """Return bootstrap means of every method on the same draws, (resamples, 2) each."""
    drawn = bootstrap_means(np.concatenate(list(table.values()), axis=1), resamples=resamples)
    return {method: drawn[:, 2 * at : 2 * at + 2] for at, method in enumerate(table)}


def _figures(
    table: Mapping[str, Wide],
    result: BudgetResult,
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
            result.level,
            None,
            _means(values),
            ci95,
            _regime(method, result),
            method in result.no_scores,
            {kind: metrics for kind, metrics in apart.items() if metrics},
        )
    return out


def _means(values: Wide) -> dict[str, float]:
    """Return mean metrics; nothing without users."""
    if not len(values):
        return {}
    return {name: float(value) for name, value in zip(METRICS, values.mean(axis=0), strict=True)}


def _regime(method: str, result: BudgetResult) -> str:
    """Name what a method was given of the target."""
    if not result.events:
        return "Z0"
    if method in BODIES:
        return "trained" if result.learnt["bodies"][method]["trained"] else "Z1"
    trained = method in (FULL, BARE) and result.learnt.get("trained", False)
    return "trained" if trained or method == "target-only" else "Z1"


def _verdicts(
    level: Level, table: Mapping[str, Wide], samples: Mapping[str, Wide], alpha: float
) -> list[TransferVerdict]:
    """Compare the full method with every other one, and a body with itself untrained elsewhere."""
    pairs = [(FULL, method) for method in table if method != FULL]
    pairs += [(BODY, BODY_ALONE)] * (BODY in table)
    moved = {pair: (table[pair[0]] - table[pair[1]]).mean(axis=0) for pair in pairs}
    drawn = {pair: samples[pair[0]] - samples[pair[1]] for pair in pairs}
    p = {pair: bootstrap_p(float(moved[pair][1]), drawn[pair][:, 1]) for pair in pairs}
    plain = [pair for pair in pairs if pair not in _OWN_QUESTIONS]
    p |= dict(zip(plain, holm([p[pair] for pair in plain]).tolist(), strict=True))
    out = []
    for pair in pairs:
        recall, ndcg = (float(value) for value in moved[pair])
        verdict: Literal["helps", "no difference", "hurts"] = "no difference"
        if p[pair] <= alpha and ndcg:
            verdict = "helps" if ndcg > 0 else "hurts"
        out.append(
            TransferVerdict(
                level,
                pair[1],
                verdict,
                ndcg,
                interval(drawn[pair][:, 1]),
                float(p[pair]),
                recall,
                interval(drawn[pair][:, 0]),
                pair[0],
            )
        )
    return out


def _notes(repeat: NDArray[np.bool_], candidates: str) -> list[str]:
    """Return what a reader has to know."""
    notes = [
        "intervals and verdicts are over test users; that other users might have been drawn into a "
        "budget shows in the spread between seeds only",
        "Z0 knows nothing of the target but each query's own history; Z1 reads the target's events "
        "as statistics and trains nothing on them",
    ]
    count = int(repeat.sum())
    if count and candidates == "unseen":
        notes.append(
            f"{count} of {len(repeat)} targets are in the history: misses by rule, for all"
        )
    return notes


def _budget(result: BudgetResult) -> dict[str, Any]:
    """Return what the report holds of one result besides its figures."""
    return {
        "events": result.level,
        "seed": result.seed,
        "interactions": result.events,
        "seconds": round(result.seconds, 1),
        **result.learnt,
    }
