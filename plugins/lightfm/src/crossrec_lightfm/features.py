"""Items as bags of features: words of the text, categories, maker."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from crossrec.data.catalog import Catalog
from numpy.typing import NDArray

_WORD = re.compile(r"[^\W_]{2,}")
#: A feature that more than this share of the items have tells them apart from nothing.
_COMMON = 0.5


@dataclass(frozen=True, eq=False)
class ItemFeatures:
    """Which item has which feature, in CSR form without values.

    Attributes
    ----------
    names : tuple of str
        What a person calls each feature, the most frequent first.
    indptr : int64 array, shape (n_items + 1,)
    indices : int64 array, shape (nnz,)
        Features of each item, ascending.
    """

    names: tuple[str, ...]
    indptr: NDArray[np.int64]
    indices: NDArray[np.int64]

    @classmethod
    def of(cls, catalog: Catalog, limit: int) -> ItemFeatures:
        """Collect the `limit` most frequent features that at least two items share."""
        rows = [dict.fromkeys(_of_item(catalog, i)) for i in range(len(catalog))]
        counts = Counter(key for row in rows for key in row)
        common = max(2.0, _COMMON * len(rows))
        shared = [key for key, count in counts.items() if 2 <= count <= common]
        kept = sorted(shared, key=lambda key: (-counts[key], key))[:limit]
        place = {key: at for at, key in enumerate(kept)}
        lists = [sorted(place[key] for key in row if key in place) for row in rows]
        lengths = [len(row) for row in lists]
        return cls(
            tuple(name for _, name in kept),
            np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            np.array([at for row in lists for at in row], dtype=np.int64),
        )

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def row(self, item: int) -> NDArray[np.int64]:
        """Return the features of one item."""
        return self.indices[self.indptr[item] : self.indptr[item + 1]]

    def matrix(self) -> Any:
        """Return items × features as scipy CSR, float32; the features of an item weigh 1 in all."""
        from scipy.sparse import csr_matrix

        lengths = np.diff(self.indptr)
        share = np.repeat(1.0 / np.maximum(lengths, 1), lengths).astype(np.float32)
        return csr_matrix((share, self.indices, self.indptr), (len(self), len(self.names)))


def _of_item(catalog: Catalog, item: int) -> Iterator[tuple[str, str]]:
    """Yield (kind, name) of each feature of an item."""
    for category in catalog.categories[item]:
        yield "category", category
    if catalog.creators[item]:
        yield "creator", catalog.creators[item]
    for word in _WORD.findall(catalog.texts[item].lower()):
        yield "word", word
