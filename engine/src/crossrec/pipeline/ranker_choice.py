"""Which ranker serves: the default one, unless another one wins on validation, in folds."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec.components.ndcg import NdcgScorer
from crossrec.components.paired_gain import choose_option
from crossrec.components.protocols import Examples, Ranker, SourceReport
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.errors import UsageError
from crossrec.jsonio import plain
from crossrec.pipeline.cut import ENOUGH
from crossrec.pipeline.guard import scores_of
from crossrec.pipeline.resolved import ResolvedSurface
from crossrec.pipeline.time_limit import within

log = logging.getLogger("crossrec")

#: Why nothing is chosen where a surface has one source.
_ALONE = "its one source alone: nothing to choose"


@dataclass(frozen=True, eq=False)
class GateReport:
    """What the gate saw.

    Attributes
    ----------
    chosen : str
        Name of the ranker that serves.
    why : str
    ndcg : mapping of ranker to its cross-validated ndcg@10 on the validation queries
    queries : int
    failed : mapping of ranker to the error that kept it out
    learnt : mapping
        What the ranker that serves reports of its fit, such as the sources that it leaves out.
    """

    chosen: str
    why: str
    queries: int
    ndcg: dict[str, float] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    learnt: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return dict(vars(self))


def choose_ranker(
    plan: ResolvedSurface, train: Dataset, examples: Examples | None, run: RunOptions
) -> tuple[Ranker, GateReport]:
    """Fit the rankers on one half of the queries, score them on the other, and the other way round.

    The first ranker of the plan is the default: another one serves where its gain over it is beyond
    noise (`crossrec.components.paired_gain`). It is fitted again on all examples. The default is
    rank fusion with equal votes, in which nothing is chosen but which sources are left out by
    proof; where the first source leads it is that source alone. With fewer than `ENOUGH` queries no
    ranker can be distinguished from another, and the default serves. A ranker that fails is left
    out and named. Without examples there is nothing to choose: ranks are fused.
    """
    if examples is None:
        why = "no events of this surface to choose by" if plan.about_items else _ALONE
        return _build(plan, "rrf"), GateReport("rrf", why, 0)
    if plan.about_items:
        return _of_items(plan, train, examples, run)
    n = len(examples.queries)
    if n < ENOUGH:
        return _unjudged(plan, train, examples, run, n)
    folds = np.random.default_rng(run.seed).permutation(n) % 2
    gains: dict[str, NDArray[np.float64]] = {}
    failed: dict[str, str] = {}
    for name in plan.rankers:
        try:
            gains[name] = _cross_validated(plan, name, train, examples, folds, run)
        except UsageError:
            raise
        except (Exception, SystemExit) as error:
            failed[name] = _named(name, error)
    while gains:
        # The default is the simplest that did not fail.
        chosen = choose_option(gains, default=next(iter(gains))).option
        try:
            winner = _build(plan, chosen)
            winner.fit(train, examples, run)
        except (Exception, SystemExit) as error:
            failed[chosen] = _named(chosen, error)
            del gains[chosen]
            continue
        ndcg = {name: float(values.mean()) for name, values in gains.items()}
        why = _why(chosen, n, ndcg, failed)
        return _reported(plan, winner, GateReport(chosen, why, n, ndcg, failed))
    why = f"every ranker failed, so ranks are fused{_left_out(failed)}"
    return _build(plan, "rrf"), GateReport("rrf", why, n, {}, failed)


def _unjudged(
    plan: ResolvedSurface, train: Dataset, examples: Examples, run: RunOptions, n: int
) -> tuple[Ranker, GateReport]:
    """Return the default, fitted as far as it can be, where nothing can be chosen by."""
    default = next(iter(plan.rankers))
    why = f"only {n} validation queries: too few to choose"
    ranker = _build(plan, default)
    ranker.fit(train, examples, run)
    return _reported(plan, ranker, GateReport(default, why, n))


def _reported(plan: ResolvedSurface, ranker: Any, gate: GateReport) -> tuple[Ranker, GateReport]:
    """Add what the ranker that serves reports of its fit, where it declares that it can."""
    if "report" not in plan.rankers[gate.chosen].capabilities:
        return ranker, gate
    try:
        report: SourceReport = ranker.report()
        why = "; ".join((gate.why, *report.lines))
        return ranker, replace(gate, why=why, learnt=plain(report.values))
    except (Exception, SystemExit) as error:
        unable = f"{gate.chosen} could not report ({_named(gate.chosen, error)})"
        return ranker, replace(gate, why=f"{gate.why}; {unable}")


def _of_items(
    plan: ResolvedSurface, train: Dataset, examples: Examples, run: RunOptions
) -> tuple[Ranker, GateReport]:
    """Return the ranker of a surface about items, which has no events of its own to be judged on.

    The configured one serves; where none is, ranks are fused.
    """
    name = "rrf" if plan.ranker == "auto" else plan.ranker
    ranker, why = _build(plan, name), "no events of this surface to choose by"
    if plan.ranker != "auto":
        ranker.fit(train, examples, run)
        why = "named in the pipeline file"
    return ranker, GateReport(name, why, 0)


def _cross_validated(
    plan: ResolvedSurface,
    name: str,
    train: Dataset,
    examples: Examples,
    folds: NDArray[np.int64],
    run: RunOptions,
) -> NDArray[np.float64]:
    """Return ndcg@10 of each query, ordered by a ranker that has not learnt from it."""
    gains = np.zeros(len(folds))
    for fold in (0, 1):
        ranker = _build(plan, name)
        ranker.fit(train, _part(examples, np.flatnonzero(folds != fold)), run)
        part = _part(examples, np.flatnonzero(folds == fold))
        limit = plan.time_limit * max(len(part.queries), 1)
        scores = within(limit, ranker, partial(scores_of, ranker, part.queries, part.pool))
        gains[folds == fold] = NdcgScorer(part.pool.index, part.targets).gains(scores)
    return gains


def _named(name: str, error: BaseException) -> str:
    log.warning("ranker %s failed", name, exc_info=error)
    return f"{type(error).__name__}: {error}"


def _why(chosen: str, n: int, ndcg: dict[str, float], failed: dict[str, str]) -> str:
    """Say what the choice rests on."""
    others = ", ".join(f"{name} {value:.4f}" for name, value in ndcg.items() if name != chosen)
    why = f"ndcg@10 {ndcg[chosen]:.4f} on {n} validation queries, against {others or 'none'}"
    if ndcg[chosen] < max(ndcg.values()):
        why += "; none of them is ahead by more than noise"
    return why + _left_out(failed)


def _left_out(failed: dict[str, str]) -> str:
    left_out = "; ".join(f"{name} ({error})" for name, error in failed.items())
    return f"; left out: {left_out}" if left_out else ""


def _build(plan: ResolvedSurface, name: str) -> Ranker:
    ranker: Ranker = plan.rankers[name].build()
    return ranker


def _part(examples: Examples, rows: NDArray[np.int64]) -> Examples:
    return Examples(
        examples.queries.take(rows), examples.pool.take(rows), examples.targets.take(rows)
    )
