"""Dense similarity: cosine between item vectors, centred over the catalog."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from crossrec_text.asked import Asked, Doubles, Floats, Ints, Pairs, Weights
from crossrec_text.moments import Sums

#: Pairs whose vectors are gathered at once.
_STEP = 8192
#: So much beside the diagonal of the Gram matrix, relative to the longest axis, is rounding.
_OBLIQUE = 1e-4


@dataclass(frozen=True, eq=False)
class DenseSpace:
    """Centred, normalised item vectors with the sums that give exact moments of any profile.

    Attributes
    ----------
    columns : float32 array, shape (dim, n_items)
        One item a column, along the principal axes, the longest first: one matrix-vector product
        over it scores the catalog, two to three times as fast as over rows, and the first of its
        rows tell most. Zero columns for items without a vector.
    total : float64 array, shape (dim,)
        Sum of all columns.
    gram : float64 array, shape (dim, dim)
        ``columns @ columns.T``.
    mean : float32 array, shape (dim,), or None
    axes : float32 array, shape (dim, dim), or None
        What was taken from the given vectors, and the axes they were turned into: by them later
        vectors join. None in what was kept before there were any.
    """

    columns: Floats
    total: Doubles
    gram: Doubles
    mean: Floats | None = None
    axes: Floats | None = None

    @classmethod
    def build(cls, vectors: Floats) -> DenseSpace:
        """Centre and normalise `vectors` (n_items, dim); zero rows stay zero."""
        given = np.linalg.norm(vectors, axis=1) > 0
        mean = np.zeros(vectors.shape[1], dtype=np.float32)
        if given.any():
            mean = vectors[given].mean(axis=0, dtype=np.float64).astype(np.float32)
        columns = np.ascontiguousarray(_centred(vectors, mean).T, dtype=np.float32)
        return replace(cls.turned(columns, _gram(columns)), mean=mean)

    @classmethod
    def turned(cls, columns: Floats, gram: Doubles) -> DenseSpace:
        """Turn the vectors into their principal axes, which leaves all similarities as they are."""
        axes = np.linalg.eigh(gram)[1][:, ::-1]
        columns = np.ascontiguousarray(axes.T.astype(np.float32) @ columns)
        total = columns.sum(axis=1, dtype=np.float64)
        return cls(columns, total, _gram(columns), axes=axes.astype(np.float32))

    def extended(self, vectors: Floats) -> DenseSpace:
        """Return the space with the vectors of later items behind, float32 (n_new, dim).

        Centred and turned as those before, which stay as they are. Where that is not known, or the
        vectors are of another width, later items have none.
        """
        own = np.zeros((len(self.columns), len(vectors)), dtype=np.float32)
        mean, axes = self.mean, self.axes
        if mean is not None and axes is not None and vectors.shape[1] == len(mean):
            own = axes.T @ _centred(vectors, mean).T
        columns = np.ascontiguousarray(np.concatenate([self.columns, own], axis=1))
        total = self.total + own.sum(axis=1, dtype=np.float64)
        return replace(self, columns=columns, total=total, gram=self.gram + _gram(own))

    @classmethod
    def restored(
        cls,
        columns: Floats,
        total: Doubles,
        gram: Doubles,
        mean: Floats | None = None,
        axes: Floats | None = None,
    ) -> DenseSpace:
        """Take back what was kept; vectors along other axes, as they were kept once, are turned."""
        beside = np.abs(gram - np.diag(np.diagonal(gram))).max(initial=0.0)
        if beside > _OBLIQUE * np.abs(gram).max(initial=0.0):
            return cls.turned(columns, gram)
        return cls(np.asarray(columns), np.asarray(total), np.asarray(gram), mean, axes)

    @classmethod
    def empty(cls, n_items: int) -> DenseSpace:
        """Return a space in which nothing is similar."""
        return cls(np.zeros((0, n_items), np.float32), np.zeros(0), np.zeros((0, 0)))

    @property
    def lead(self) -> int:
        """Number of leading axes that are looked at first: a quarter of them all.

        They hold 79 % of the squared lengths of all-MiniLM-L6-v2's vectors of Amazon Scientific.
        Of a third, a quarter, a fifth, a sixth and an eighth it is the fastest on Amazon Beauty; on
        Yelp fewer are faster still.
        """
        return -(-len(self.columns) // 4)

    @cached_property
    def rows(self) -> Floats:
        """The same vectors, one item a row: a few items are gathered without a miss a number."""
        return np.ascontiguousarray(np.asarray(self.columns).T)

    @property
    def squares(self) -> Doubles:
        """Sum of the squares along each axis, float64 (dim,)."""
        return np.diagonal(self.gram)

    @cached_property
    def rest_lengths(self) -> Floats:
        """Length of each vector along the axes behind the leading ones, float32 (n_items,)."""
        rest = self.columns[self.lead :]
        lengths: Floats = np.sqrt(np.einsum("di,di->i", rest, rest))
        return lengths

    def take(self, items: Ints) -> Floats:
        """Return the vectors of `items`, one a row."""
        return self.rows[items]

    def rest(self, items: Ints) -> Floats:
        """Return the vectors of `items` along the axes behind the leading ones, one a row."""
        return self.rows[items, self.lead :]

    def profiles(self, weights: Weights) -> Floats:
        """Return the weighted sums of vectors, float32 (n, dim)."""
        profiles = np.zeros((len(weights), len(self.columns)), dtype=np.float32)
        bounds = weights.rows.indptr.tolist()
        for row, (start, stop) in enumerate(pairwise(bounds)):
            if stop > start:
                vectors = self.take(weights.rows.values[start:stop])
                profiles[row] = weights.values[start:stop] @ vectors
        return profiles

    def sums(self, asked: Asked, decayed: Floats, last: Floats) -> Sums:
        """Return the sums of the similarity of all items to both profiles of each query."""
        both = np.stack([decayed, last]).astype(np.float64)
        norms = self.norms(asked.own.items)
        return Sums(
            both @ self.total,
            np.einsum("tij,tij->ti", both @ self.gram, both),
            self.dots(both, asked.excluded),
            self.dots(both, asked.own),
            np.stack([asked.own_decayed * norms, asked.own_last * norms]),
        )

    def dots(self, profiles: Doubles, pairs: Pairs) -> Doubles:
        """Return the similarity of each pair of a query and an item, float64 (t, p).

        `profiles` are t profiles of each query, float64 (t, n, dim): these are taken from sums in
        which rounding must not stay behind.
        """
        dots = np.zeros((len(profiles), len(pairs)))
        bounds = np.searchsorted(pairs.rows, np.arange(profiles.shape[1] + 1)).tolist()
        for row, (start, stop) in enumerate(pairwise(bounds)):
            if stop > start:
                vectors = self.rows[pairs.items[start:stop]].astype(np.float64)
                dots[:, start:stop] = profiles[:, row] @ vectors.T
        return dots

    def norms(self, items: Ints) -> Doubles:
        """Return 1 for each item that has a vector, else 0; float64."""
        norms = np.zeros(len(items))
        for start in range(0, len(items), _STEP):
            part = self.rows[items[start : start + _STEP]].astype(np.float64)
            norms[start : start + _STEP] = np.einsum("id,id->i", part, part)
        return norms


def _centred(vectors: Floats, mean: Floats) -> Floats:
    """Return vectors less `mean`, of length 1; zero rows stay zero."""
    given = np.linalg.norm(vectors, axis=1) > 0
    centred = vectors.astype(np.float32, copy=True)
    centred[given] -= mean
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.where(lengths > 1e-6, centred / np.maximum(lengths, 1e-6), 0.0)


def _gram(columns: NDArray[np.float32]) -> Doubles:
    """Return ``columns @ columns.T`` in float64, in slices that keep memory flat."""
    gram = np.zeros((len(columns), len(columns)))
    for start in range(0, columns.shape[1], _STEP):
        part = columns[:, start : start + _STEP].astype(np.float64)
        gram += part @ part.T
    return gram
