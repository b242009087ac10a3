"""An approximate index over the rows of a dense relation, for catalogues too large to scan.

HNSW graphs (Malkov & Yashunin 2018) over one byte a number, by usearch. What it proposes is scored
exactly by whoever asks.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from typing import Any

import numpy as np
from crossrec.numeric.ragged import FloatArray, IntArray
from numpy.typing import NDArray

log = logging.getLogger("crossrec")

#: From so many items on a catalogue is indexed. There a query takes two thirds of the time of the
#: scan at a recall of .98, and below it saves a few milliseconds (``benchmarks/index.py``).
LEAST_ITEMS = 200_000
#: Edges of a node, and how many nodes are looked at to place one.
CONNECTIVITY, EXPANSION_ADD = 16, 64
#: How many nodes are looked at to answer a query: this share of all, and no fewer than so many. Of
#: fewer the 300 best are not found with a recall of .98.
_EXPANSION_SHARE, _LEAST_EXPANSION = 0.024, 1_200


@dataclass(frozen=True, eq=False)
class NearIndex:
    """An index over the first rows of a relation; items that came later are not in it.

    Attributes
    ----------
    packed : uint8 array
        The index as usearch writes it; may be a memory map. What reads it is native code that
        trusts it: it must come from `build`, or from an artifact whose checksum was compared.
    n_items : int
    width : int
    """

    packed: NDArray[np.uint8]
    n_items: int
    width: int

    @classmethod
    def build(cls, rows: FloatArray) -> NearIndex:
        """Index rows, float32 (n, width), of length 1 or 0; on one thread, so that it is the same.

        100,000 rows of 384 take about 10 s.
        """
        index = _empty(rows.shape[1])
        index.add(np.arange(len(rows)), rows, threads=1)
        return cls(np.frombuffer(index.save(), dtype=np.uint8), *rows.shape)

    def nearest(self, vector: FloatArray, k: int) -> IntArray:
        """Return about the `k` rows with the largest product with a vector, in no order."""
        length = float(np.linalg.norm(vector))
        if not length or not self.n_items or k <= 0:
            return np.zeros(0, dtype=np.int64)
        unit = (vector / length).astype(np.float32)
        found = self._opened.search(unit, min(k, self.n_items), threads=1).keys
        return np.asarray(found).astype(np.int64)

    @cached_property
    def _opened(self) -> Any:
        """The index, read where it lies."""
        index = _empty(self.width)
        index.view(self.packed)
        expansion = int(_EXPANSION_SHARE * self.n_items)
        index.expansion_search = max(expansion, _LEAST_EXPANSION)
        return index


def wanted(n_items: int) -> bool:
    """Return whether a catalogue is large enough for an index, and usearch is installed."""
    return n_items >= LEAST_ITEMS and installed()


def installed() -> bool:
    """Return whether usearch is installed; say so where it is missed."""
    found = find_spec("usearch") is not None
    if not found:
        log.warning("large catalogues are scanned for want of an index: pip install usearch")
    return found


def _empty(width: int) -> Any:
    """Return an index without rows."""
    from usearch.index import Index

    return Index(
        ndim=width,
        metric="ip",
        dtype="i8",
        connectivity=CONNECTIVITY,
        expansion_add=EXPANSION_ADD,
        enable_key_lookups=False,
    )
