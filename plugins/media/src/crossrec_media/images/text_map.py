"""A linear map from what pictures look like to what texts say, learned on the catalogue itself.

Without a network that was trained on both, pictures and texts have spaces of their own. Items that
have both tie them: a ridge regression from one to the other (as Frome et al., DeViSE, 2013, with a
closed form). Then a picture finds texts. The control is the same map learned on shuffled pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from crossrec.components.state import State
from crossrec.errors import DataError
from crossrec.numeric.ragged import FloatArray

from crossrec_media.inputs.encode import unit_rows
from crossrec_media.vectors.shuffled import shuffled_rows

#: λ that are tried, in units of the mean variance of a picture's axis.
REGS = (0.01, 0.1, 1.0, 10.0, 100.0)
_FOLDS = 5
#: Pairs from which on a map can be learned and judged.
FEWEST = 20


@dataclass(frozen=True, eq=False)
class TextMap:
    """``text - offset ≈ (picture - mean) @ weights``.

    Texts are compared without the mean that all of them share.

    Attributes
    ----------
    mean : float32 array, shape (d,)
    weights : float32 array, shape (d, t)
    offset : float32 array, shape (t,)
    reg : float
        The λ that cross-validation chose.
    """

    mean: FloatArray
    weights: FloatArray
    offset: FloatArray
    reg: float

    @classmethod
    def fit(cls, pictures: FloatArray, texts: FloatArray, seed: int = 0) -> TextMap:
        """Learn from the rows that have both; λ by the rank of the right text in folds.

        Parameters
        ----------
        pictures : float32 array, shape (n, d)
        texts : float32 array, shape (n, t)
            Zero rows for items that have none.

        Raises
        ------
        DataError
            If fewer than `FEWEST` items have both.
        """
        x, y = _pairs(pictures, texts)
        folds = np.random.default_rng(seed).permutation(len(x)) % _FOLDS
        quality = {reg: float(_held_out(x, y, folds, reg).mean()) for reg in REGS}
        best = max(quality, key=lambda reg: quality[reg])
        return _solved(x, y, best)

    def rows(self, pictures: FloatArray) -> FloatArray:
        """Return where pictures lie among centred texts, float32 (n, t), rows of length 1 or 0."""
        mapped = (pictures - self.mean) @ self.weights
        mapped[~pictures.any(axis=1)] = 0.0
        return unit_rows(np.asarray(mapped, dtype=np.float32))

    def texts_of(self, picture: FloatArray, texts: FloatArray, k: int) -> list[int]:
        """Return the rows of the k texts nearest to one picture, best first."""
        scores = _centred(texts, self.offset) @ self.rows(picture[None])[0]
        scores[~texts.any(axis=1)] = -np.inf
        order = np.argsort(-scores, kind="stable")[:k]
        return [int(at) for at in order if np.isfinite(scores[at])]

    def state(self) -> State:
        """Return arrays and values for an artifact."""
        arrays: dict[str, Any] = {
            "mean": self.mean,
            "weights": self.weights,
            "offset": self.offset,
        }
        return State(arrays, {"reg": self.reg})

    @classmethod
    def restored(cls, state: State) -> TextMap:
        """Return the map that `state` describes."""
        arrays = state.arrays
        reg = float(state.values["reg"])
        return cls(arrays["mean"], arrays["weights"], arrays["offset"], reg)


@dataclass(frozen=True)
class MapQuality:
    """How well held-out pictures find their own texts.

    Attributes
    ----------
    items : int
    recall : mapping of int to float
        Share of pictures whose own text is among the nearest k.
    percentile : float
        Mean share of the other texts that the own one is ahead of: 0.5 by chance.
    """

    items: int
    recall: dict[int, float]
    percentile: float


def map_quality(
    pictures: FloatArray, texts: FloatArray, ks: Sequence[int] = (1, 10), seed: int = 0
) -> tuple[MapQuality, MapQuality]:
    """Judge the map by cross-validation; return it, and the control of shuffled pairs.

    Each fold's map, and its λ, are learned on the other folds alone.

    Raises
    ------
    DataError
        If fewer than `FEWEST` items have both.
    """
    x, y = _pairs(pictures, texts)
    return _judged(x, y, x, ks, seed), _judged(x, y, shuffled_rows(x, seed), ks, seed)


def _judged(
    x: FloatArray, y: FloatArray, learned: FloatArray, ks: Sequence[int], seed: int
) -> MapQuality:
    """Return the figures of maps that were learned on some pictures, for the true ones."""
    folds = np.random.default_rng([seed, 1]).permutation(len(x)) % _FOLDS
    ranks = np.zeros(len(x), dtype=np.int64)
    for fold in range(_FOLDS):
        inside, outside = folds != fold, folds == fold
        one = TextMap.fit(learned[inside], y[inside], seed)
        ranks[outside] = _ranks(one.rows(x[outside]), _centred(y, one.offset), outside)
    others = max(len(x) - 1, 1)
    found = {k: float((ranks < k).mean()) for k in ks}
    return MapQuality(len(x), found, float(1.0 - ranks.mean() / others))


def _pairs(pictures: FloatArray, texts: FloatArray) -> tuple[FloatArray, FloatArray]:
    both = pictures.any(axis=1) & texts.any(axis=1)
    if int(both.sum()) < FEWEST:
        raise DataError(
            f"{int(both.sum())} items have a picture and a text: a map needs {FEWEST} or more"
        )
    return pictures[both], texts[both]


def _solved(x: FloatArray, y: FloatArray, reg: float) -> TextMap:
    """Solve the ridge by the smaller of items and axes."""
    mean, offset = x.mean(axis=0), y.mean(axis=0)
    a, b = (x - mean).astype(np.float64), (y - offset).astype(np.float64)
    n, d = a.shape
    penalty = reg * max(float((a**2).sum()) / d, 1e-12)
    if n < d:
        weights = a.T @ np.linalg.solve(a @ a.T + penalty * np.eye(n), b)
    else:
        weights = np.linalg.solve(a.T @ a + penalty * np.eye(d), a.T @ b)
    return TextMap(
        mean.astype(np.float32), weights.astype(np.float32), offset.astype(np.float32), reg
    )


def _held_out(x: FloatArray, y: FloatArray, folds: np.ndarray, reg: float) -> FloatArray:
    """Return the share of texts behind the own one, for each picture, unseen."""
    shares = np.zeros(len(x), dtype=np.float32)
    for fold in range(_FOLDS):
        inside, outside = folds != fold, folds == fold
        one = _solved(x[inside], y[inside], reg)
        ranks = _ranks(one.rows(x[outside]), _centred(y, one.offset), outside)
        shares[outside] = 1.0 - ranks / max(len(x) - 1, 1)
    return shares


def _ranks(mapped: FloatArray, texts: FloatArray, own: np.ndarray) -> np.ndarray:
    """Return how many texts are nearer to each mapped picture than its own."""
    scores = mapped @ texts.T
    right = scores[np.arange(len(mapped)), np.flatnonzero(own)]
    ranks: np.ndarray = (scores > right[:, None]).sum(axis=1)
    return ranks


def _centred(texts: FloatArray, offset: FloatArray) -> FloatArray:
    """Return texts without what all of them share, of length 1 or 0."""
    centred = np.where(texts.any(axis=1, keepdims=True), texts - offset, 0.0)
    return unit_rows(np.asarray(centred, dtype=np.float32))
