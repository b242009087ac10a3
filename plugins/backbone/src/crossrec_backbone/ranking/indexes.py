"""Text relations laid out to find the best items of a whole catalogue without reading all of it.

Dense vectors are read along their leading axes first, then along most of them, in one byte a
number. Words and n-grams are looked up in posting lists, the heaviest terms of a query first and
only so many entries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from crossrec.numeric.ragged import FloatArray, IntArray, offsets
from crossrec.numeric.sparse import gathered_rows
from numpy.typing import NDArray

#: Steps of a code between 0 and 1, and the largest sum of products of codes.
_STEPS, _LARGEST = 127, 32_767
#: A vector shorter than this has no direction.
SHORTEST = 1e-9


@dataclass(frozen=True, eq=False)
class Codes:
    """Rows of numbers between -1 and 1 in steps of 1/127.

    To read many vectors is to wait for memory, and codes are a quarter of it.

    Attributes
    ----------
    table : int8 array, shape (width, n)
        One row a column. Laid out by rows to be read as a whole, by columns to be read in places.
    error, longest : float
        The largest length of what rounding took from a row, and the largest length of the codes of
        a row.
    """

    table: NDArray[np.int8]
    error: float
    longest: float

    @classmethod
    def of(cls, rows: FloatArray, *, whole: bool) -> Codes:
        """Code rows, float32 (n, width), to be read as a whole or in places."""
        scaled = rows * np.float32(_STEPS)
        codes = np.round(scaled)
        scaled -= codes
        table = codes.T.astype(np.int8, order="C" if whole else "F")
        error = float(_lengths(scaled).max(initial=0.0)) / _STEPS
        return cls(table, error, float(_lengths(codes).max(initial=1.0)))

    def products(self, vector: FloatArray) -> tuple[FloatArray, float]:
        """Return the products of a vector with all rows, and their error.

        The vector is coded as finely as sums of 16 bits hold: by Cauchy and Schwarz none is larger
        than the product of two lengths. Without BLAS, whose threads wait for one another: as fast
        on an idle machine, and five times as fast on a busy one.

        Returns
        -------
        products : float32 array, shape (n,)
        error : float
            No product is further off.
        """
        length = float(np.linalg.norm(vector))
        most = _LARGEST / self.longest - 0.5 * len(vector) ** 0.5
        fineness = most / max(length, SHORTEST)
        codes = np.round(vector * fineness).astype(np.int16)
        lost = float(np.linalg.norm(vector - codes / fineness))
        sums = np.einsum("a,an->n", codes, self.table)
        error = length * self.error + lost * self.longest / _STEPS
        return sums * np.float32(1 / (fineness * _STEPS)), error

    def products_of(self, items: IntArray, vector: FloatArray) -> tuple[FloatArray, float]:
        """Return the same of some rows; here the vector is taken as it is."""
        sums = np.einsum("na,a->n", self.table.T.take(items, axis=0), vector)
        return sums * np.float32(1 / _STEPS), float(np.linalg.norm(vector)) * self.error


@dataclass(frozen=True, eq=False)
class DenseIndex:
    """A dense relation with its axes laid out for a scan.

    The axes of a relation ascend by their spread (see `Projection`), so the last ones hold most of
    a similarity: a sixth of them 62 % of the squared lengths of all-MiniLM-L6-v2's vectors of a
    shop of 20,000 items, half whitened, and three quarters 96 %. A scan reads codes of the last
    sixth first, of the items that can still be among the best those of the axes up to three
    quarters, and exactly what is left then.

    Attributes
    ----------
    rows : float32 array, shape (n_items, width)
        Of length 1 or 0.
    cuts : tuple of int
        Where the axes that are read second start, and where those that are read first.
    codes : tuple of Codes
        Of those that are read first, and second.
    rest : tuple of float32 arrays, shape (n_items,)
        Length of what is left of each row after the first, and after the second.
    total, squares : float64 arrays, shape (axes but those read first,)
        Sums along the axes, and sums of squares.
    """

    rows: FloatArray
    cuts: tuple[int, int]
    codes: tuple[Codes, Codes]
    rest: tuple[FloatArray, FloatArray]
    total: NDArray[np.float64]
    squares: NDArray[np.float64]

    @classmethod
    def build(cls, rows: FloatArray) -> DenseIndex:
        """Lay out a relation.

        The rows are copied: few of a memory map, from pages of 4 kB, take twice as long to read.
        """
        rows, width = np.array(rows), rows.shape[1]
        second, first = cuts = width // 4, width * 5 // 6
        others = rows[:, :first]
        return cls(
            rows,
            cuts,
            (Codes.of(rows[:, first:], whole=True), Codes.of(rows[:, second:first], whole=False)),
            (_lengths(others), _lengths(rows[:, :second])),
            others.sum(axis=0, dtype=np.float64),
            np.square(others).sum(axis=0, dtype=np.float64),
        )

    @property
    def cut(self) -> int:
        """Number of axes before those that are read first."""
        return self.cuts[1]

    def coarse(self, vector: FloatArray) -> tuple[FloatArray, FloatArray, float]:
        """Return the products of a vector with all items along the axes that are read first.

        Returns
        -------
        products : float32 array, shape (n_items,)
        missing : float32 array, shape (n_items,)
            No product lacks more, but for
        error : float
            what rounding takes from any of them.
        """
        products, error = self.codes[0].products(vector[self.cut :])
        return products, self.rest[0] * _longer(vector[: self.cut]), error

    def finer(self, vector: FloatArray, items: IntArray) -> tuple[FloatArray, FloatArray, float]:
        """Return the same of a few items along the axes that are read second, to be added."""
        second, first = self.cuts
        products, error = self.codes[1].products_of(items, vector[second:first])
        return products, self.rest[1].take(items) * _longer(vector[:second]), error

    def exact(self, vector: FloatArray, items: IntArray) -> FloatArray:
        """Return the products of a vector with a few items, float32 (len(items),)."""
        products: FloatArray = np.einsum("na,a->n", self.rows.take(items, axis=0), vector)
        return products

    def between(self, items: IntArray, others: IntArray) -> FloatArray:
        """Return the similarity of each of `items` to each of `others`."""
        similar: FloatArray = self.rows[items] @ self.rows[others].T
        return similar


@dataclass(frozen=True, eq=False)
class TermProfile:
    """The terms of a history that are looked up.

    Attributes
    ----------
    terms : int64 array, shape (t,), ascending
    weights : float32 array, shape (t,)
    """

    terms: IntArray
    weights: FloatArray


@dataclass(frozen=True, eq=False)
class PostingLists:
    """Lexical relations side by side, by item and by term: all are looked up at once.

    Attributes
    ----------
    names : tuple of str
    starts : int64 array, shape (len(names) + 1,)
        The first term of each relation, and the number of terms.
    rows : scipy CSR, float32, shape (n_items, n_terms)
    lists : scipy CSR, float32, shape (n_terms, n_items)
    budget : int
        Only the heaviest terms of a query are looked up, until their lists together are this long
        in a relation; the very heaviest always is. Light terms occur in most texts, so their lists
        are the longest and contribute the least.
    """

    names: tuple[str, ...]
    starts: IntArray
    rows: Any
    lists: Any
    budget: int

    @classmethod
    def build(cls, relations: Mapping[str, Any], n_items: int, budget: int) -> PostingLists:
        """Turn the rows of some relations, scipy CSR (n_items, terms), into posting lists."""
        from scipy.sparse import csr_matrix, hstack

        # Of no relation there is one without terms.
        parts = list(relations.values()) or [csr_matrix((n_items, 0), dtype=np.float32)]
        rows = hstack(parts, format="csr")
        widths = np.array([part.shape[1] for part in relations.values()], dtype=np.int64)
        return cls(tuple(relations), offsets(widths), rows, rows.T.tocsr(), budget)

    def parts(self, terms: IntArray) -> dict[str, slice]:
        """Return where the terms of each relation stand among some terms, ascending."""
        bounds = np.searchsorted(terms, self.starts).tolist()
        return dict(zip(self.names, map(slice, bounds, bounds[1:]), strict=True))

    def entries(self, items: IntArray) -> tuple[IntArray, FloatArray, IntArray]:
        """Return terms and weights of some items, and for each entry the place of its item."""
        terms, weights, counts = _joined(self.rows, items)
        return terms, weights, np.repeat(np.arange(len(items)), counts)

    def profile(
        self,
        items: IntArray,
        weights: FloatArray,
        mixture: Mapping[str, tuple[float, float]],
        *,
        whole: bool = False,
    ) -> tuple[TermProfile, dict[str, float]]:
        """Return the heaviest terms of a history, the last item at the end of `items`.

        Parameters
        ----------
        mixture : mapping of relation to (float, float)
            Length that the decayed sum of the history is given, and weight of the last item.
        whole : bool
            Whether to return all terms, however long their lists are.

        Returns
        -------
        profile : TermProfile
        scales : mapping of relation to float
            What the decayed sum was multiplied with.
        """
        found, values, place = self.entries(items)
        terms, back = np.unique(found, return_inverse=True)
        sums = np.bincount(back, values * weights[place], len(terms)).astype(np.float64, copy=False)
        own = place == len(items) - 1
        latest = np.bincount(back[own], values[own], len(terms))
        scales: dict[str, float] = {}
        for name, part in self.parts(terms).items():
            decayed, last = mixture[name]
            length = float(np.linalg.norm(sums[part]))
            scales[name] = decayed / length if length > SHORTEST else 0.0
            sums[part] = sums[part] * scales[name] + latest[part] * last
        profile = TermProfile(terms.astype(np.int64), sums.astype(np.float32))
        return profile if whole else self._heaviest(profile), scales

    def _heaviest(self, profile: TermProfile) -> TermProfile:
        """Keep each relation's heaviest terms within the budget; of equal ones the first."""
        terms, sums = profile.terms, profile.weights
        counts = self.lists.indptr[terms + 1] - self.lists.indptr[terms]
        kept = np.ones(len(terms), dtype=bool)
        for part in self.parts(terms).values():
            if counts[part].sum() > self.budget:
                order = np.argsort(-sums[part], kind="stable")
                within = np.searchsorted(np.cumsum(counts[part][order]), self.budget, "right")
                kept[part][order[max(int(within), 1) :]] = False
        return TermProfile(terms[kept], sums[kept])

    def scores(self, profile: TermProfile) -> FloatArray:
        """Return the similarity of all items to a profile, float32 (n_items,)."""
        from scipy.sparse import csc_matrix

        items, weights, counts = _joined(self.lists, profile.terms)
        chosen = (weights, items, offsets(counts).astype(items.dtype))
        shape = (self.rows.shape[0], len(counts))
        product: FloatArray = csc_matrix(chosen, shape) @ profile.weights
        return product

    def scores_at(self, profile: TermProfile, items: IntArray) -> FloatArray:
        """Return the similarity of a few items to a profile, float32 (len(items),)."""
        weight = np.zeros(self.rows.shape[1], dtype=np.float32)
        weight[profile.terms] = profile.weights
        at, bounds = gathered_rows(self.rows.indptr, items)
        products = weight.take(self.rows.indices.take(at))
        products *= self.rows.data.take(at)
        place = np.repeat(np.arange(len(items)), np.diff(bounds))
        return np.bincount(place, products, len(items)).astype(np.float32)

    def between(
        self, items: IntArray, others: IntArray, profile: TermProfile
    ) -> dict[str, tuple[FloatArray, FloatArray]]:
        """Return each relation's similarity of each of `items` to each of `others`.

        Whole, and by the terms of `profile` alone.
        """
        entries = self.entries(others)
        terms = np.unique(entries[0]).astype(np.int64)
        left, right = self.over(items, terms), _spread_out(entries, len(others), terms)
        looked_up = left * (_found(terms, profile.terms) >= 0)
        return {
            name: (left[:, part] @ right[:, part].T, looked_up[:, part] @ right[:, part].T)
            for name, part in self.parts(terms).items()
        }

    def over(self, items: IntArray, terms: IntArray) -> FloatArray:
        """Return the weights of items over a few terms, ascending: dense float32 (m, t)."""
        return _spread_out(self.entries(items), len(items), terms)


def _lengths(rows: FloatArray) -> FloatArray:
    """Return the length of each row, float32 (n,)."""
    found: FloatArray = np.sqrt(np.einsum("na,na->n", rows, rows))
    return found


def _longer(vector: FloatArray) -> np.float32:
    """Return a little more than the length of a vector: what rounding may take from it."""
    return np.float32(np.linalg.norm(vector) * (1.0 + 1e-4))


def _joined(matrix: Any, rows: IntArray) -> tuple[IntArray, FloatArray, IntArray]:
    """Return columns and values of some rows of a CSR matrix, and how many each row has.

    Slice by slice: half the time that scipy's choice of rows takes.
    """
    starts, stops = matrix.indptr[rows], matrix.indptr[rows + 1]
    parts = list(map(slice, starts.tolist(), stops.tolist())) or [slice(0)]
    columns, values = matrix.indices, matrix.data
    return (
        np.concatenate([columns[part] for part in parts]),
        np.concatenate([values[part] for part in parts]),
        stops - starts,
    )


def _spread_out(
    entries: tuple[IntArray, FloatArray, IntArray], n_items: int, terms: IntArray
) -> FloatArray:
    """Return entries of `n_items` items over some terms, ascending: dense float32 (n_items, t)."""
    found, weights, place = entries
    at = _found(found, terms)
    known = at >= 0
    dense = np.zeros((n_items, len(terms)), dtype=np.float32)
    dense[place[known], at[known]] = weights[known]
    return dense


def _found(wanted: IntArray, terms: IntArray) -> IntArray:
    """Return where each wanted term stands among some terms, ascending; -1 where it does not."""
    if not len(terms):
        return np.full(len(wanted), -1, dtype=np.int64)
    at = np.minimum(np.searchsorted(terms, wanted), len(terms) - 1)
    return np.where(terms[at] == wanted, at, -1)
