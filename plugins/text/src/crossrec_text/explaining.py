"""Why an item is like a history, in words that can be checked."""

from __future__ import annotations

import re

import numpy as np
from crossrec.components.evidence import Evidence
from crossrec.components.query import QueryBatch
from crossrec.data.catalog import Catalog
from numpy.typing import NDArray

from crossrec_text.asked import Floats, Ints
from crossrec_text.lexical import WORD
from crossrec_text.similarity import TextSimilarity

#: History items and shared words that are named.
_HISTORY, _WORDS = 5, 3
_WORD = re.compile(WORD)


def evidence_for(
    fitted: TextSimilarity, catalog: Catalog, queries: QueryBatch, index: NDArray[np.int64]
) -> list[Evidence | None]:
    """Return the evidence for each item of `index`, for a batch of one query.

    None for an item without text, for `PAD`, and where nothing in the history speaks for it.
    """
    valid = (index >= 0) & fitted.described[np.maximum(index, 0)]
    evidence: list[Evidence | None] = [None] * len(index)
    at = np.flatnonzero(valid)
    if not len(at):
        return evidence
    history, dense, lexical = fitted.shares(queries, index[at])
    for row, place in enumerate(at):
        item = int(index[place])
        evidence[place] = _one(fitted, catalog, item, history, dense[row], lexical[row])
    return evidence


def _one(
    fitted: TextSimilarity,
    catalog: Catalog,
    item: int,
    history: Ints,
    dense: Floats,
    lexical: Floats,
) -> Evidence | None:
    both = dense + lexical
    order = [int(at) for at in np.argsort(-both, kind="stable") if both[at] > 0]
    if not order:
        return None
    first = order[0]
    phrase = "similar text to"
    if lexical[first] >= dense[first]:
        words = _named_words(fitted, catalog, item, int(history[first]))
        if words:
            phrase = f"shares '{' '.join(words)}' with"
            order = [at for at in order if _has(catalog, int(history[at]), words)]
    order = order[:_HISTORY]
    return Evidence(
        phrase,
        tuple(int(history[at]) for at in order),
        tuple(round(float(both[at]), 4) for at in order),
    )


def _named_words(fitted: TextSimilarity, catalog: Catalog, item: int, other: int) -> list[str]:
    """Return the shared words that weigh most, in the order in which the item's text has them."""
    words = [word for word in fitted.words.shared(item, other) if len(word) > 1][:_WORDS]
    text = _words_of(catalog, item)
    return sorted(words, key=text.index)


def _has(catalog: Catalog, item: int, words: list[str]) -> bool:
    """Whether the text of `item` has all `words`."""
    return set(words) <= set(_words_of(catalog, item))


def _words_of(catalog: Catalog, item: int) -> list[str]:
    return _WORD.findall(catalog.texts[item].lower())
