"""How the parts of the backbone add up, and how their weights are chosen so that noise does not.

Within the candidates of a query every part is standardised, then::

    score = z(T + κ·S) + w·z(pretrained head) + β·z(target ranker) + e·z(EASE) + c·z(content)

The weights start at values that suit the amount of evidence; cross-validation moves one only where
the gain is beyond noise (`paired_gain`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from crossrec.components.ndcg import target_gains
from crossrec.components.paired_gain import choose_option
from crossrec.numeric.ragged import FloatArray, IntArray
from crossrec.numeric.standard import standardised

from crossrec_backbone.ranking.examples import Groups


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
    held = target_gains(mixed(parts, best), place)
    for name, values in options.items():
        before = getattr(best, name)
        tried = {value: _with(best, name, value) for value in values if value != before}
        if not tried:
            continue
        gains = {value: target_gains(mixed(parts, one), place) for value, one in tried.items()}
        gains[before] = held
        choice = choose_option(gains, before, queries)
        steps.append(Step(name, before, choice.option, choice.gain.mean, choice.gain.error))
        best, held = tried.get(choice.option, best), gains[choice.option]
    return best, steps


def _with(mixture: Mixture, name: str, value: float | str) -> Mixture:
    """Return the mixture with one weight changed."""
    changed: dict[str, Any] = {name: value}
    return replace(mixture, **changed)


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
