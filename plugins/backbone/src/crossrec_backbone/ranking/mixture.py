"""How the parts of the backbone add up, and how their weights are chosen so that noise does not.

Within the candidates of a query every part is standardised, then::

    score = z(T + κ·S) + w·z(pretrained head) + β·z(target ranker) + e·z(EASE) + c·z(content)

The weights start at values that suit the amount of evidence. Cross-validation moves one only where
the gain is larger than two standard errors: many values are tried, and the best of many that do
nothing looks good. With one standard error, κ fell to 0 on 188 held-out events of Scientific and
cost .002 ndcg@10 on its validation items.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from crossrec.numeric.ragged import FloatArray, IntArray
from crossrec.numeric.standard import standardised

from crossrec_backbone.ranking.examples import Groups

#: Length of the lists that are measured.
TOP = 10
#: Standard errors that a gain must exceed to move a weight.
ERRORS = 2.0


@dataclass(frozen=True)
class Mixture:
    """Weights of the parts; 0 leaves one out.

    Attributes
    ----------
    kappa : float
        κ: behaviour against text in the closed form.
    head : str
        Which head of the backbone: "general", a family, or "" for none.
    head_weight : float
    target_weight : float
        β: the ranker that was fitted on the target.
    ease, content : float
        Plain EASE, and the dense text similarity to the decayed history.
    """

    kappa: float
    head: str = ""
    head_weight: float = 0.0
    target_weight: float = 0.0
    ease: float = 0.0
    content: float = 0.0


@dataclass(frozen=True, eq=False)
class Parts:
    """The scores of the parts for the candidates of some queries, float32 (n, m) each.

    Attributes
    ----------
    text, behaviour : T and S on their raw scales
    ease, content : standardised
    heads : mapping of head to its standardised scores
    target : standardised scores of the target's ranker, or None
    """

    text: FloatArray
    behaviour: FloatArray
    ease: FloatArray
    content: FloatArray
    heads: Mapping[str, FloatArray]
    target: FloatArray | None
    valid: np.ndarray


def mixed(parts: Parts, mixture: Mixture) -> FloatArray:
    """Return the score of every candidate, float32 (n, m); -inf at padding."""
    total = standardised(parts.text + np.float32(mixture.kappa) * parts.behaviour, parts.valid)
    if mixture.head and mixture.head_weight:
        total = total + np.float32(mixture.head_weight) * parts.heads[mixture.head]
    if mixture.target_weight and parts.target is not None:
        total = total + np.float32(mixture.target_weight) * parts.target
    if mixture.ease:
        total = total + np.float32(mixture.ease) * parts.ease
    if mixture.content:
        total = total + np.float32(mixture.content) * parts.content
    return np.where(parts.valid, total, -np.inf).astype(np.float32)


def gains(scores: FloatArray, place: IntArray) -> FloatArray:
    """Return ndcg@10 of each query with one right answer, float64 (n,); ties share their places."""
    own = np.take_along_axis(scores, place[:, None], axis=1)
    ahead = (scores > own).sum(axis=1) + ((scores == own).sum(axis=1) - 1) / 2
    return np.where(ahead < TOP, 1.0 / np.log2(ahead + 2.0), 0.0)


@dataclass(frozen=True)
class Step:
    """One weight that was looked at: what it was, what it became, and why.

    Attributes
    ----------
    part : str
    before, after : float or str
    gain, error : float
        Mean difference in ndcg@10 of the best other value, and its standard error.
    """

    part: str
    before: float | str
    after: float | str
    gain: float
    error: float


def choose(
    parts: Parts,
    place: IntArray,
    queries: int,
    start: Mixture,
    options: Mapping[str, Sequence[float | str]],
) -> tuple[Mixture, list[Step]]:
    """Walk through the weights in the order of `options` and move those that clearly gain.

    Parameters
    ----------
    place : int64 array, shape (n,)
        Where the targets are, for the queries whose target is among the candidates.
    queries : int
        All queries; those that are not among `place` gain nothing under any weights.
    start : Mixture
        The mixture to start with, kept where nothing clearly gains.
    options : mapping of attribute to values
    """
    best, steps = start, []
    held = gains(mixed(parts, best), place)
    for name, values in options.items():
        before = getattr(best, name)
        tried = []
        for value in values:
            if value == before:
                continue
            other = _with(best, name, value)
            difference = gains(mixed(parts, other), place) - held
            tried.append((*_interval(difference, queries), value))
        if not tried:
            continue
        gain, error, value = max(tried, key=lambda one: one[0] - ERRORS * one[1])
        moved = gain > ERRORS * error
        steps.append(Step(name, before, value if moved else before, gain, error))
        if moved:
            best = _with(best, name, value)
            held = gains(mixed(parts, best), place)
    return best, steps


def _with(mixture: Mixture, name: str, value: float | str) -> Mixture:
    """Return the mixture with one weight changed."""
    changed: dict[str, Any] = {name: value}
    return replace(mixture, **changed)


def _interval(difference: FloatArray, queries: int) -> tuple[float, float]:
    """Return mean and standard error over all queries; those not given differ by 0."""
    mean = float(difference.sum()) / max(queries, 1)
    square = float(np.square(difference).sum()) / max(queries, 1) - mean**2
    return mean, float(np.sqrt(max(square, 0.0) / max(queries - 1, 1)))


def parts_of(groups: Groups, heads: Mapping[str, FloatArray], target: FloatArray | None) -> Parts:
    """Read the parts from the columns of `groups` and the raw scores of the rankers."""
    valid = groups.valid
    return Parts(
        groups.column("text_consensus"),
        groups.column("prior_ease.decayed"),
        standardised(groups.column("ease.decayed"), valid),
        standardised(groups.column("text_dense.decayed"), valid),
        {name: standardised(scores, valid) for name, scores in heads.items()},
        None if target is None else standardised(target, valid),
        valid,
    )
