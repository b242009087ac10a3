"""Categories and creators as numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from crossrec.data.catalog import Catalog
from crossrec.numeric.ragged import IntArray

#: Tags of one item that count, from the first on; the creator comes first.
WIDTH = 8
#: A tag of more than this share of the items distinguishes nothing.
_COMMON = 0.5


@dataclass(frozen=True)
class TagSpace:
    """The tags that have an embedding: those of two items or more, and not of most.

    Attributes
    ----------
    names : tuple of str
        ``"category:…"`` or ``"creator:…"``, the most frequent first.
    """

    names: tuple[str, ...] = ()

    @classmethod
    def fit(cls, catalog: Catalog) -> TagSpace:
        """Collect the tags of a catalogue."""
        counts = Counter(tag for item in range(len(catalog)) for tag in set(_tags(catalog, item)))
        most = max(2.0, _COMMON * len(catalog))
        kept = (tag for tag, count in counts.items() if 2 <= count <= most)
        return cls(tuple(sorted(kept, key=lambda tag: (-counts[tag], tag))))

    @cached_property
    def codes(self) -> dict[str, int]:
        """Tag → its number, from 1 on."""
        return {tag: at for at, tag in enumerate(self.names, start=1)}

    @cached_property
    def categories(self) -> IntArray:
        """The numbers of the tags that are categories, int64, ascending."""
        found = [code for tag, code in self.codes.items() if tag.startswith("category:")]
        return np.array(found, dtype=np.int64)

    def rows(self, catalog: Catalog, items: Sequence[int]) -> IntArray:
        """Return the tags of some items, int64 (n, `WIDTH`), 0 behind the last of each."""
        table = np.zeros((len(items), WIDTH), dtype=np.int64)
        for row, item in enumerate(items):
            codes = (self.codes.get(tag, 0) for tag in dict.fromkeys(_tags(catalog, item)))
            known = [code for code in codes if code][:WIDTH]
            table[row, : len(known)] = known
        return table


def _tags(catalog: Catalog, item: int) -> list[str]:
    creator = catalog.creators[item]
    named = [f"creator:{creator.casefold()}"] if creator else []
    return named + [f"category:{name.casefold()}" for name in catalog.categories[item]]
