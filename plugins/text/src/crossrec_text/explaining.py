"""Why an item is like a history, in words that can be checked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from crossrec.components.evidence import Evidence
from crossrec.components.query import QueryBatch
from crossrec.data.catalog import Catalog
from numpy.typing import NDArray

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
    words = _Words(fitted, names, catalog, history.tolist())
    rows = zip(index[at].tolist(), (dense + lexical).tolist(), lexical >= dense, strict=True)
    for place, (item, both, by_words) in zip(at.tolist(), rows, strict=True):
        evidence[place] = _one(words, item, both, by_words)
    return evidence


@dataclass(frozen=True, eq=False)
class _Words:
    """Names what texts have in common with those of a history."""

    fitted: TextSimilarity
    names: Sequence[str]
    catalog: Catalog
    history: list[int]

    @cached_property
    def terms(self) -> list[dict[int, float]]:
        """The words of each history item, with their weights."""
        return [self.fitted.words.terms(item) for item in self.history]

    def shared(self, item: int, at: int) -> list[int]:
        """Return the words shared with a history item that weigh most, in the item's order."""
        own, other = self.fitted.words.terms(item), self.terms[at]
        weights = {term: weight * other[term] for term, weight in own.items() if term in other}
        heaviest = sorted(weights, key=lambda term: -weights[term])
        named = [term for term in heaviest if len(self.names[term]) > 1][:_NAMED]
        if len(named) < 2:
            return named
        text = _WORD.findall(self.catalog.texts[item].lower())
        return sorted(named, key=lambda term: text.index(self.names[term]))


def _one(
    words: _Words, item: int, both: list[float], by_words: NDArray[np.bool_]
) -> Evidence | None:
    """Return the evidence for one item; `both` and `by_words` are aligned with the history."""
    order = sorted((at for at, share in enumerate(both) if share > 0), key=lambda at: -both[at])
    if not order:
        return None
    phrase = "similar text to"
    shared = words.shared(item, order[0]) if by_words[order[0]] else []
    if shared:
        phrase = f"shares '{' '.join(words.names[term] for term in shared)}' with"
        order = [at for at in order if all(term in words.terms[at] for term in shared)]
    order = order[:_HISTORY]
    return Evidence(
        phrase,
        tuple(words.history[at] for at in order),
        tuple(round(both[at], 4) for at in order),
    )
