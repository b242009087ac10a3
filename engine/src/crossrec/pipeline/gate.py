"""Which ranker serves: the one that wins on validation, in folds, or none but rank fusion."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec.components.gain import Judge
from crossrec.components.protocols import Examples, Ranker
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.pipeline.config import PipelineConfig
from crossrec.pipeline.cut import ENOUGH
from crossrec.plugins.registry import Registry

#: The rankers that any other has to beat, the simplest first.
BASELINES = ("best", "rrf", "weighted")


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
    """

    chosen: str
    why: str
    queries: int
    ndcg: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return dict(vars(self))


def choose_ranker(
    registry: Registry, config: PipelineConfig, train: Dataset, examples: Examples, run: RunOptions
) -> tuple[Ranker, GateReport]:
    """Fit the rankers on one half of the queries, judge them on the other, and the other way round.

    The winner is fitted again on all examples. A ranker with something to learn must win against
    the best single source and reciprocal rank fusion; with fewer than `ENOUGH` queries nothing can
    be told apart, and rank fusion serves.
    """
    n = len(examples.queries)
    if n < ENOUGH:
        why = f"only {n} validation queries: too few to choose, so ranks are fused"
        return registry.get("rankers", "rrf").build(), GateReport("rrf", why, n)
    names = dict.fromkeys(BASELINES if config.ranker == "auto" else (*BASELINES, config.ranker))
    folds = np.random.default_rng(run.seed).permutation(n) % 2
    ndcg: dict[str, float] = {}
    for name in names:
        gains = np.zeros(n)
        for fold in (0, 1):
            ranker = _build(registry, config, name)
            ranker.fit(train, _part(examples, np.flatnonzero(folds != fold)), run)
            part = _part(examples, np.flatnonzero(folds == fold))
            scores = ranker.score(part.queries, part.pool)
            gains[folds == fold] = Judge(part.pool.index, part.targets).gains(scores)
        ndcg[name] = float(gains.mean())
    chosen = max(ndcg, key=lambda name: ndcg[name])
    winner = _build(registry, config, chosen)
    winner.fit(train, examples, run)
    others = ", ".join(f"{name} {value:.4f}" for name, value in ndcg.items() if name != chosen)
    why = f"ndcg@10 {ndcg[chosen]:.4f} on {n} validation queries, against {others}"
    return winner, GateReport(chosen, why, n, ndcg)


def _build(registry: Registry, config: PipelineConfig, name: str) -> Ranker:
    settings = config.ranker_settings if name == config.ranker else {}
    ranker: Ranker = registry.get("rankers", name).build(settings)
    return ranker


def _part(examples: Examples, rows: NDArray[np.int64]) -> Examples:
    return Examples(
        examples.queries.take(rows), examples.pool.take(rows), examples.targets.take(rows)
    )
