"""Why the closed forms propose an item: contributions of history items, counts and shared words."""

from __future__ import annotations

from typing import Any

import numpy as np
from crossrec.components.evidence import Evidence
from crossrec.data.catalog import Catalog
from crossrec.numeric.ragged import FloatArray, IntArray

from crossrec_backbone.relations.scores import decay_weights
from crossrec_backbone.relations.terms import Lexicon, shared_words
from crossrec_backbone.relations.text import TextRelations
from crossrec_backbone.relations.text_pairs import TextPairs

#: History items named for one candidate.
_NAMED = 3
#: Title n-grams so alike mean that two items are variants of one another.
_FAMILY = 0.6


def text_contributions(
    pairs: TextPairs,
    relations: TextRelations,
    mixture: dict[str, tuple[float, float]],
    weights: FloatArray,
    items: IntArray,
    history: IntArray,
) -> FloatArray:
    """Return what each history item adds to the consensus of each item.

    Returns
    -------
    float32 array, shape (len(history), len(items))
        Columns sum to T.
    """
    total = np.zeros((len(history), len(items)), dtype=np.float32)
    if not pairs.names:
        return total
    block = pairs.pairs(np.concatenate([items, history]), history)
    among, block = block[:, :, len(items) :], block[:, :, : len(items)]
    for at, name in enumerate(pairs.names):
        a, b = mixture.get(name, (0.0, 0.0))
        if a or b:
            length = np.sqrt(max(float(weights @ among[at] @ weights), 1e-12))
            total += (a / (relations.spread[name] * length)) * weights[:, None] * block[at]
            total[-1] += (b / relations.spread[name]) * block[at, -1]
    return total


def behaviour_contributions(
    matrix: Any, weights: FloatArray, items: IntArray, history: IntArray
) -> FloatArray:
    """Return what each history item adds to S of each item, (len(history), len(items))."""
    rows = np.asarray(matrix[history].toarray(), dtype=np.float32)
    return weights[:, None] * rows[:, items]


def joint_counts(joint: Any, items: IntArray, history: IntArray) -> FloatArray:
    """Return in how many histories each history item and each item are found together."""
    return np.asarray(joint[history].toarray(), dtype=np.float32)[:, items]


def evidence(
    contributions: FloatArray,
    history: IntArray,
    items: IntArray,
    phrases: list[list[str]],
) -> list[Evidence | None]:
    """Turn contributions into evidence: the strongest history items that speak for each item.

    Parameters
    ----------
    phrases : list of list of str
        For each history item, for each item: the words for that pair.
    """
    out: list[Evidence | None] = []
    for at in range(len(items)):
        merged: dict[int, float] = {}
        where: dict[int, int] = {}
        for place in range(len(history)):
            item = int(history[place])
            merged[item] = merged.get(item, 0.0) + float(contributions[place, at])
            where[item] = place
        strong = sorted(merged, key=lambda item: -merged[item])[:_NAMED]
        strong = [item for item in strong if merged[item] > 0]
        if not strong:
            out.append(None)
            continue
        phrase = phrases[where[strong[0]]][at]
        alike = [item for item in strong if phrases[where[item]][at] == phrase]
        out.append(Evidence(phrase, tuple(alike), tuple(merged[item] for item in alike)))
    return out


def text_phrase(
    catalog: Catalog, relations: TextRelations, similar: dict[str, float], item: int, other: int
) -> str:
    """Return in words what the texts of two items have in common.

    `similar` holds their similarity under each relation.
    """
    if similar.get("title_grams", 0.0) >= _FAMILY:
        return "same family as"
    common = shared_words(
        catalog.texts[item],
        catalog.texts[other],
        relations.lexicons.get(
            "text_words", Lexicon(np.zeros(0, np.uint64), np.zeros(0, np.float32), 1.0)
        ),
        limit=3,
    )
    if similar.get("text_words", 0.0) > 2 * relations.spread.get("text_words", 1.0) and common:
        return f"shares “{' '.join(common)}” with"
    if similar.get("creator", 0.0) > 0.99 and catalog.creators[item]:
        return f"from {catalog.creators[item]}, like"
    return "similar text to"


def text_phrases(
    catalog: Catalog,
    relations: TextRelations,
    pairs: TextPairs,
    items: IntArray,
    history: IntArray,
) -> list[list[str]]:
    """Return `text_phrase` of every history item and item."""
    block = pairs.pairs(items, history) if pairs.names else None
    out = []
    for place, other in enumerate(history):
        row = []
        for at, item in enumerate(items):
            similar = (
                {}
                if block is None
                else {name: float(block[k, place, at]) for k, name in enumerate(pairs.names)}
            )
            row.append(text_phrase(catalog, relations, similar, int(item), int(other)))
        out.append(row)
    return out


def behaviour_phrases(counts: FloatArray, otherwise: list[list[str]]) -> list[list[str]]:
    """Put the true joint count in place of the text phrase where there is one."""
    return [
        [
            _together(int(round(float(counts[place, at])))) if counts[place, at] > 0 else phrase
            for at, phrase in enumerate(row)
        ]
        for place, row in enumerate(otherwise)
    ]


def history_weights(history: IntArray, decay: Any) -> FloatArray:
    """Return the decayed weights of a history, oldest first."""
    return decay_weights(len(history), decay)


def _together(count: int) -> str:
    return "together once with" if count == 1 else f"together {count} times with"
