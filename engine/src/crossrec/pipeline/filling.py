"""From a scored pool to a list of any length: what fallbacks and known items put behind it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crossrec.components.candidates import Pool
from crossrec.components.ranked import Ranked
from crossrec.pipeline.config import FALLBACKS, GIVEN, MOST_POPULAR
from crossrec.pipeline.pipeline import Pipeline, ServedSurface, log
from crossrec.pipeline.query_resolution import ResolvedQuery
from crossrec.pipeline.time_limit import within


def filled(
    pipeline: Pipeline,
    surface: ServedSurface,
    pool: Pool,
    scores: NDArray[np.float32],
    resolved: ResolvedQuery,
    reach: int,
) -> Ranked:
    """Return the ranked pool, then the surface's fallbacks, then what the user knows already."""
    order = np.argsort(-scores[0], kind="stable")
    order = order[pool.index[0][order] >= 0]
    index, score = pool.index[0][order], scores[0][order].astype(np.float64)
    if len(index) >= reach:
        return Ranked.of(index[:reach], _graded(score[:reach]))
    taken = np.zeros(len(pipeline.catalog), dtype=bool)
    taken[index] = True
    taken[resolved.batch.exclude.values] = True
    parts = [index]
    left = reach - len(index)
    for name in surface.plan.config.fallback:
        found = _fallback(pipeline, name, resolved, left, taken)
        taken[found] = True
        parts.append(found)
        left -= len(found)
    parts.append(resolved.familiar[: max(left, 0)])
    rest = np.concatenate(parts[1:])
    score = _graded(np.concatenate([score, np.zeros(len(rest))]))
    return Ranked.of(np.concatenate([index, rest]), score)


def _graded(score: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return falling scores whose last ones, of 0, fall below all others by their place.

    What a policy weighs down would else keep its place among them.
    """
    flat = score <= 0
    least = float(score[~flat].min(initial=1.0))
    graded: NDArray[np.float64] = np.where(flat, least / (1.0 + np.cumsum(flat)), score)
    return graded


def _fallback(
    pipeline: Pipeline, name: str, resolved: ResolvedQuery, need: int, taken: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return at most `need` free items of one fallback, in its order."""
    if need <= 0:
        return np.zeros(0, dtype=np.int64)
    if name == MOST_POPULAR:
        order = pipeline.fallback
    elif name == "newest":
        order = np.arange(len(taken) - 1, -1, -1)
    elif name == GIVEN:
        given = resolved.subject.within
        order = np.zeros(0, dtype=np.int64) if given is None else given
    else:
        try:
            source, batch = pipeline.sources[name], resolved.batch
            limit = pipeline.limit(batch)
            order = within(limit, source, lambda: source.generate(batch, need)).row(0)
            order = order[(order >= 0) & (order < len(taken))]
        except (Exception, SystemExit) as error:
            log.warning("fallback %s failed", name, exc_info=error)
            return np.zeros(0, dtype=np.int64)
    window = order[: need + int(np.count_nonzero(taken))]
    free = window[~taken[window]]
    if name not in FALLBACKS:  # a source may name an item twice
        free = free[np.sort(np.unique(free, return_index=True)[1])]
    return free[:need]
