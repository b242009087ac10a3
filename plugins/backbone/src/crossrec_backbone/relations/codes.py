"""Vectors in one byte a number, with a bound of what products with them are off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from crossrec.numeric.ragged import FloatArray, IntArray
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
        error = float(lengths(scaled).max(initial=0.0)) / _STEPS
        return cls(table, error, float(lengths(codes).max(initial=1.0)))

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


def lengths(rows: FloatArray) -> FloatArray:
    """Return the length of each row, float32 (n,)."""
    found: FloatArray = np.sqrt(np.einsum("na,na->n", rows, rows))
    return found
