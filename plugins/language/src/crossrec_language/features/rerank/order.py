"""The order that a model gives to a list, freed of where in the list it saw an item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from crossrec.components.live_items import LiveItems
from crossrec.data.catalog import as_list, as_text
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from crossrec_language.calls.caller import Caller, Outcome, Task
from crossrec_language.calls.closed_set import ClosedSet
from crossrec_language.calls.hostile import speaks_to_a_model
from crossrec_language.features.explain.statements import last_part

#: Items of a list that are reordered, and titles of a history that a model sees.
TOP, _PAST = 20, 10


class Order(BaseModel):
    """Candidates, the best first."""

    order: list[Annotated[str, Field(max_length=6)]] = Field(max_length=40)


TASK = Task(
    "rerank",
    "A customer chose the titles in “chosen”, the latest last. Order the candidates by how likely "
    "the customer chooses each next, the likeliest first. Name every candidate once, by its key.",
    Order(order=["c2", "c1", "c3"]),
    max_tokens=60,
    personal=True,
)


@dataclass(frozen=True)
class ModelOrder:
    """What a model makes of a list.

    Attributes
    ----------
    score : float array, shape (n,), or None
        In [0, 1], for the items of the list in their own order; NaN for one that keeps its place.
    dropped : tuple of str
        What it named that is no candidate.
    outcome : Outcome
        Of the last call.
    """

    score: NDArray[np.float64] | None
    dropped: tuple[str, ...]
    outcome: Outcome[Order]


def model_order(
    items: LiveItems, history: Sequence[int], listed: Sequence[int], caller: Caller
) -> ModelOrder:
    """Return what a model makes of a list.

    It sees the list forwards and backwards, and each item counts by the mean of its two places: a
    model likes what it reads first (Hou et al., 2024, LLMRank). What it does not name comes last.
    An item whose text speaks to a model is not sent and keeps its place.
    """
    chosen = [_words(items, one)["title"] for one in history[-_PAST:]]
    sent = [at for at, one in enumerate(listed) if not _is_suspicious(items, one)]
    total = np.zeros(len(listed))
    dropped: list[str] = []
    outcome: Outcome[Order] | None = None
    for order in (sent, sent[::-1]):
        closed = ClosedSet(tuple(map(str, order)))
        words = (_words(items, listed[at]) for at in order)
        candidates = dict(zip(closed.handles, words, strict=True))
        outcome = caller.call(TASK, {"chosen": chosen, "candidates": candidates})
        if outcome.value is None:
            return ModelOrder(None, (), outcome)
        ids, unknown = closed.chosen(outcome.value.order)
        dropped += unknown
        if not ids:
            return ModelOrder(None, tuple(dropped), _without(outcome, "it named no candidate"))
        named = [int(one) for one in ids]
        places = [*named, *(at for at in sent if at not in named)]
        total[places] += 1.0 - np.arange(len(places)) / max(len(places), 1)
    assert outcome is not None
    score = np.full(len(listed), np.nan)
    score[sent] = total[sent] / 2.0
    return ModelOrder(score, tuple(dropped), outcome)


def mixed(score: NDArray[np.float64], weight: float) -> list[int]:
    """Return the places of a list in the order of its own and a model's scores, ties as they were.

    Items without a score of the model keep their place.
    """
    n = len(score)
    known = np.flatnonzero(~np.isnan(score))
    own = 1.0 - np.arange(n) / max(n, 1)
    both = (1.0 - weight) * own[known] + weight * score[known]
    order = list(range(n))
    moved = known[np.argsort(-both, kind="stable")].tolist()
    for place, item in zip(known.tolist(), moved, strict=True):
        order[place] = item
    return order


def _without(outcome: Outcome[Order], problem: str) -> Outcome[Order]:
    return replace(outcome, value=None, problem=problem)


def _words(items: LiveItems, item: int) -> dict[str, str]:
    """Return what a model sees of an item."""
    names = as_list(items.value(items.schema.categories, item)) if items.schema.categories else ()
    kinds = ", ".join(map(last_part, names[:4]))
    return {"title": as_text(items.value(items.schema.title, item)), "kinds": kinds}


def _is_suspicious(items: LiveItems, item: int) -> bool:
    return any(speaks_to_a_model(text) for text in _words(items, item).values())


def self_test(caller: Caller) -> Outcome[Order]:
    """Return whether the model puts the one related title before unrelated ones."""
    values = {
        "chosen": ["Beginner's guitar chords", "Acoustic guitar strings", "Guitar tuner"],
        "candidates": {
            "c1": {"title": "Garden hose 20 m", "kinds": "garden"},
            "c2": {"title": "Guitar capo", "kinds": "guitar"},
            "c3": {"title": "Baby blanket", "kinds": "baby"},
        },
    }
    outcome = caller.call(TASK, values)
    if outcome.value is None or outcome.value.order[:1] == ["c2"]:
        return outcome
    return _without(outcome, "it did not put a guitar capo first for somebody who plays guitar")
