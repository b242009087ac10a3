"""Items as bags of features: words of the text, categories, creator."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from crossrec.data.catalog import Catalog
from crossrec.numeric.ragged import Ragged

_WORD = re.compile(r"[^\W_]{2,}")
#: A feature of more than this share of the items distinguishes nothing.
_COMMON = 0.5


@dataclass(frozen=True, eq=False)
class ItemFeatures:
    """Which item has which feature.

    Attributes
    ----------
    names : tuple of str
        The readable name of each feature, the most frequent first.
    rows : Ragged, n_items rows
        Features of each item, ascending.
    """

    names: tuple[str, ...]
    rows: Ragged

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
        return cls(tuple(name for _, name in kept), Ragged.from_rows(lists))

    def matrix(self) -> Any:
        """Return items × features as scipy CSR, float32; the features of an item weigh 1 in all."""
        from scipy.sparse import csr_matrix

        rows, lengths = self.rows, self.rows.lengths
        share = np.repeat(1.0 / np.maximum(lengths, 1), lengths).astype(np.float32)
        return csr_matrix((share, rows.values, rows.indptr), (len(rows), len(self.names)))


def _of_item(catalog: Catalog, item: int) -> Iterator[tuple[str, str]]:
    """Yield (kind, name) of each feature of an item."""
    for category in catalog.categories[item]:
        yield "category", category
    if catalog.creators[item]:
        yield "creator", catalog.creators[item]
    for word in _WORD.findall(catalog.texts[item].lower()):
        yield "word", word
