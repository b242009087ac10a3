"""Why an item is like a history, in words that can be checked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from crossrec.components.evidence import Evidence
from crossrec.components.query import QueryBatch
from crossrec.data.catalog import Catalog
from numpy.typing import NDArray

from crossrec_text.asked import Floats, Ints
from crossrec_text.similarity import TextSimilarity
from crossrec_text.terms import WORD

#: History items and shared words that are named.
_HISTORY, _NAMED = 5, 3
_WORD = re.compile(WORD)


def evidence_for(
    fitted: TextSimilarity,
    names: Sequence[str],
    catalog: Catalog,
    queries: QueryBatch,
    index: NDArray[np.int64],
) -> list[Evidence | None]:
    """Return the evidence for each item of `index`, for a batch of one query.

    `names` are the words in the order of ``fitted.words``.
    None for an item without text, for `PAD`, and where nothing in the history speaks for it.
    """
    valid = (index >= 0) & fitted.described[np.maximum(index, 0)]
    evidence: list[Evidence | None] = [None] * len(index)
    at = np.flatnonzero(valid)
    if not len(at):
        return evidence
    history, dense, lexical = fitted.shares(queries, index[at])
    words = _Words(fitted, names, catalog)
    for row, place in enumerate(at):
        evidence[place] = _one(words, int(index[place]), history, dense[row], lexical[row])
    return evidence


@dataclass(frozen=True, eq=False)
class _Words:
    """Names what two texts have in common."""

    fitted: TextSimilarity
    names: Sequence[str]
    catalog: Catalog
    _read: dict[int, list[str]] = field(default_factory=dict)

    def shared(self, item: int, other: int) -> list[str]:
        """Return the shared words that weigh most, in the order of the item's text."""
        heaviest = [self.names[at] for at in self.fitted.words.shared(item, other)]
        words = [word for word in heaviest if len(word) > 1][:_NAMED]
        return sorted(words, key=self.of(item).index)

    def of(self, item: int) -> list[str]:
        """Return the words of an item's text, read once an explanation."""
        if item not in self._read:
            self._read[item] = _WORD.findall(self.catalog.texts[item].lower())
        return self._read[item]


def _one(
    words: _Words, item: int, history: Ints, dense: Floats, lexical: Floats
) -> Evidence | None:
    both = dense + lexical
    order = [int(at) for at in np.argsort(-both, kind="stable") if both[at] > 0]
    if not order:
        return None
    first = order[0]
    phrase = "similar text to"
    shared = words.shared(item, int(history[first])) if lexical[first] >= dense[first] else []
    if shared:
        phrase = f"shares '{' '.join(shared)}' with"
        order = [at for at in order if set(shared) <= set(words.of(int(history[at])))]
    order = order[:_HISTORY]
    return Evidence(
        phrase,
        tuple(int(history[at]) for at in order),
        tuple(round(float(both[at]), 4) for at in order),
    )
