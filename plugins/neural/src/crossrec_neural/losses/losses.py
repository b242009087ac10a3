"""The losses: a positive score against those of shared negatives.

`softmax` and `sampled_softmax` are one: the cross-entropy of the positive among the negatives, each
of which counts for as many items as its probability says. The positive is in the sum with
certainty, so it is not corrected, and it is no negative of itself: the gradient is that of
Khrylchenko et al. (2025), whose weight, the probability of a miss, comes out of the softmax.
"""

from __future__ import annotations

import numpy as np
import torch
from crossrec.numeric.ragged import BoolArray
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import logsigmoid

from crossrec_neural.settings import LossSettings


def loss_of(
    positive: Tensor,
    others: Tensor,
    hits: BoolArray,
    chance: NDArray[np.float64],
    settings: LossSettings,
    n_items: int,
    rng: np.random.Generator,
) -> Tensor:
    """Return the mean loss.

    Parameters
    ----------
    positive : tensor, shape (m,)
        Score of each target, over the temperature.
    others : tensor, shape (m, c)
        The same of the shared negatives.
    hits : bool array, shape (m, c)
        Which of them are no negatives of a row: the target itself, for one.
    chance : float64 array, shape (c,)
        The probability with which each got into the sample.
    n_items : int
        Items that could be negatives.
    rng : numpy Generator
        Picks the negatives of each positive, for the pairwise losses.
    """
    barred = torch.from_numpy(hits).to(others.device)
    if settings.name in ("softmax", "sampled-softmax"):
        return softmax(positive, others - torch.from_numpy(chance).to(others).log(), barred)
    at = rng.integers(len(chance), size=(len(hits), settings.per_positive))
    picked = torch.from_numpy(at).to(others.device)
    some, wrong = others.gather(1, picked), barred.gather(1, picked)
    if settings.name == "bpr":
        return bpr(positive, some, wrong)
    power = 1.0
    if settings.name == "gbce":
        power = calibrated_power(settings.per_positive, n_items, settings.calibration)
    return bce(positive, some, wrong, power)


def softmax(positive: Tensor, others: Tensor, hits: Tensor) -> Tensor:
    """Return the cross-entropy of the positive among itself and the others, but for `hits`."""
    others = others.masked_fill(hits, float("-inf"))
    return (torch.logsumexp(torch.cat([positive[:, None], others], 1), 1) - positive).mean()


def bce(positive: Tensor, others: Tensor, hits: Tensor, power: float = 1.0) -> Tensor:
    """Return binary cross-entropy: the positive is right with σ(score) to a power, others wrong.

    A power of 1 is SASRec's loss, a smaller one that of gSASRec (Petrov and Macdonald, 2023).
    """
    wrong = logsigmoid(-others).masked_fill(hits, 0.0).sum(dim=1)
    return -(power * logsigmoid(positive) + wrong).mean() / (others.shape[1] + 1)


def calibrated_power(per_positive: int, n_items: int, calibration: float) -> float:
    """Return β of gBCE: with share α of the negatives, α · (t · (1 - 1 / α) + 1 / α)."""
    share = min(1.0, per_positive / max(n_items - 1, 1))
    return share * (calibration * (1.0 - 1.0 / share) + 1.0 / share)


def bpr(positive: Tensor, others: Tensor, hits: Tensor) -> Tensor:
    """Return Bayesian personalised ranking (Rendle et al., 2009)."""
    right = logsigmoid(positive[:, None] - others).masked_fill(hits, 0.0)
    return -right.sum() / (~hits).sum().clamp(min=1)
