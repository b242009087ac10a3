"""From what people did in other scenarios to what they may want here, in closed form.

The features of a person are the centroid of the linked history in the text space that both
catalogues share. A ridge regression takes them to the items that consenting people chose here, with
popularity as the prior (as in multi-task linear regression; Hoerl & Kennard, 1970). Where too few
people are linked it is plain text similarity beside popularity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec.numeric.ragged import Ragged
from crossrec.numeric.standard import standardised

Floats = NDArray[np.float32]

#: Directions of the text space that are kept: 64 and 384 were equal on Amazon Beauty and Sports.
RANK = 128
#: Share of the text beside popularity where nothing is learnt of linked people. On the linked
#: people of the generated world 0.1 gained .010 ndcg@10 one way and lost .003 the other (0.5 lost
#: .009 and .040); on Amazon Beauty and Sports neither changed anything beyond noise.
ALONE = 0.1
#: People that the popularity among all counts for against that among linked people.
PRIOR_PEOPLE = 200.0


@dataclass(frozen=True, eq=False)
class LinkedSpace:
    """Both catalogues in one text space, each less its own mean: (n, RANK) with rows of length 1.

    Attributes
    ----------
    linked, own : float32 arrays, shapes (n_linked_items, r) and (n_items, r)
        Rows of items without a text are 0.
    """

    linked: Floats
    own: Floats

    @classmethod
    def of(cls, linked: Floats, own: Floats) -> LinkedSpace:
        """Centre two catalogues, and keep the directions in which their items differ most."""
        centred = [_centred(rows) for rows in (linked, own)]
        gram = sum((rows.T @ rows for rows in centred), np.zeros((own.shape[1],) * 2, np.float32))
        basis = np.linalg.eigh(gram)[1][:, ::-1][:, :RANK]
        return cls(*(unit_rows(rows @ basis.astype(np.float32)) for rows in centred))

    def features(self, histories: Ragged) -> Floats:
        """Return the centroid of each history's distinct items, float32 (n, r) of length 1 or 0."""
        distinct = histories.distinct()
        sums = np.zeros((len(histories), self.linked.shape[1]), dtype=np.float32)
        np.add.at(sums, distinct.row_of, self.linked[distinct.values])
        return unit_rows(sums)


def _centred(rows: Floats) -> Floats:
    """Return rows less the mean of those that are not 0; these stay 0."""
    filled = rows.any(axis=1, keepdims=True)
    mean = rows.sum(axis=0) / max(int(filled.sum()), 1)
    return np.where(filled, rows - mean, 0.0).astype(np.float32)


def unit_rows(rows: Floats) -> Floats:
    """Return rows of length 1; those of (almost) no length become 0."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.where(length > 1e-6, rows / np.maximum(length, 1e-6), 0.0).astype(np.float32)


@dataclass(frozen=True, eq=False)
class LinkedModel:
    """Scores of all items from a person's features.

    Attributes
    ----------
    base : float32 array, shape (n_items,)
        What everybody gets: the share of people who chose each item, or its standardised logarithm.
    weights : float32 array, shape (r, n_items)
        Of the features less `mean`; all 0 where nothing was learnt of people.
    mean : float32 array, shape (r,)
        Features of the average linked person.
    share : float
        Of the text similarity, in spreads of the rest.
    """

    base: Floats
    weights: Floats
    mean: Floats
    share: float

    def scores(self, features: Floats, own: Floats) -> Floats:
        """Return float32 (n, n_items).

        Parameters
        ----------
        own : float32 array, shape (n_items, r)
            The items of the scenario in the text space.
        """
        scores: Floats = (self.base + (features - self.mean) @ self.weights).astype(np.float32)
        if self.share:
            spread = np.float32(self.share) * scores.std(axis=1, keepdims=True)
            scores = scores + spread * standardised(features @ own.T)
        return scores


def text_alone(counts: NDArray[Any], rank: int) -> LinkedModel:
    """Return the model that learns nothing of linked people.

    Parameters
    ----------
    counts : array, shape (n_items,)
        How many people chose each item.
    """
    base = standardised(np.log1p(counts, dtype=np.float64)[None].astype(np.float32))[0]
    n = len(counts)
    return LinkedModel(base, np.zeros((rank, n), np.float32), np.zeros(rank, np.float32), ALONE)


def ridge(features: Floats, chosen: Any, prior: Floats, penalty: float) -> LinkedModel:
    """Return the ridge regression from features to what people chose.

    Parameters
    ----------
    features : float32 array, shape (n, r)
    chosen : scipy CSR matrix, shape (n, n_items)
        1 where a person chose an item.
    prior : float32 array, shape (n_items,)
        The share of all people who chose each item.
    """
    n, rank = features.shape
    among = np.asarray(chosen.sum(axis=0), dtype=np.float64).ravel()
    base = (among + PRIOR_PEOPLE * prior) / (n + PRIOR_PEOPLE)
    mean = features.mean(axis=0, dtype=np.float64)
    centred = features - mean
    # Centred features need no intercept: their products with a constant are 0.
    right = np.asarray(chosen.T @ centred).T
    weights = np.linalg.solve(centred.T @ centred + penalty * np.eye(rank), right)
    return LinkedModel(
        base.astype(np.float32), weights.astype(np.float32), mean.astype(np.float32), 0.0
    )
