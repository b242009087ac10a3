"""Why an item is recommended to somebody, in true statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from crossrec.components.slate import Degraded
from crossrec.data.dataset import Dataset
from crossrec.pipeline.engine import Engine

from crossrec_language.calls.caller import Caller
from crossrec_language.features.explain import statements as made
from crossrec_language.features.explain.paraphrase import reworded
from crossrec_language.features.explain.review_phrases import phrases_of
from crossrec_language.features.explain.statements import Statement, ranked

#: Reviews of one item that are read.
_MOST_REVIEWS = 2_000


@dataclass(frozen=True)
class Explanation:
    """True statements about one item for one user.

    Attributes
    ----------
    statements : tuple of Statement
        In their order, as the evidence gives them.
    text : str
        The same as sentences.
    model : str
        What worded them; "template" where no model did.
    dropped : tuple of str
        What a model said that is not among the evidence.
    """

    item_id: str
    title: str
    statements: tuple[Statement, ...]
    text: str
    model: str
    dropped: tuple[str, ...] = ()
    degraded: tuple[Degraded, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return asdict(self)


def explain_recommendation(
    engine: Engine,
    scenario: str,
    item_id: str,
    user_id: str | None = None,
    *,
    history: Sequence[str] | None = None,
    caller: Caller | None = None,
    reviews: Sequence[str] | None = None,
) -> Explanation:
    """Return why an item is recommended to a user or a history.

    Parameters
    ----------
    caller : Caller, optional
        A model that rewords the statements; templates by default.
    reviews : sequence of str, optional
        Reviews of the item; those that the workspace holds by default.

    Raises
    ------
    UsageError
        If the item is not in the fitted catalog.
    """
    caller = caller or Caller()
    views = engine.explain(scenario, item_id, user_id, history=history)
    serving = engine.serving(scenario)
    catalog = serving.pipeline.catalog
    item = catalog.items.index(item_id)
    texts = reviews if reviews is not None else stored_reviews(engine, scenario, item_id)
    past = history if history is not None else _history_of(engine, scenario, user_id)
    known = [one for one in catalog.items.indexes(tuple(past)).tolist() if one >= 0]
    found = [
        Statement("model", view.reason, 1000 - (view.rank or 1000), {"source": view.source})
        for view in views.sources
        if view.reason and view.rank is not None
    ]
    found += made.from_history(serving.items, item, known)
    found += made.from_reviews(phrases_of(texts))
    found += made.from_item(serving.items, item)
    chosen = _without_repetition(ranked(found))
    sentences, dropped, degraded = reworded(chosen, caller)
    used = any(a != b.text for a, b in zip(sentences, chosen, strict=True))
    return Explanation(
        item_id,
        views.title,
        chosen,
        _joined(sentences),
        caller.name if used else "template",
        tuple(dropped),
        degraded,
    )


def stored_reviews(engine: Engine, scenario: str, item_id: str) -> list[str]:
    """Return the newest reviews of an item that the workspace holds; none without ratings."""
    dataset = engine.workspace.dataset(engine.registry.scenario(scenario), reviews=True)
    return reviews_of(dataset, dataset.catalog.items.index(item_id))


def reviews_of(dataset: Dataset, item: int) -> list[str]:
    """Return the newest texts that events of an item carry."""
    reviews = dataset.events.reviews
    if reviews is None or item < 0:
        return []
    rows = np.flatnonzero((dataset.events.items == item) & (reviews.numbers >= 0))
    rows = rows[np.argsort(dataset.events.times[rows], kind="stable")][-_MOST_REVIEWS:]
    return [reviews.texts[number] for number in reviews.numbers[rows].tolist()]


def _history_of(engine: Engine, scenario: str, user_id: str | None) -> Sequence[str]:
    if user_id is None:
        return ()
    events = engine.workspace.store().user_events(engine.registry.scenario(scenario), user_id)
    return tuple(one for one, w in zip(events.item_ids, events.weights.tolist()) if w > 0)


def _without_repetition(statements: Sequence[Statement]) -> tuple[Statement, ...]:
    """Leave out a field of the item that a statement about the history names already."""
    shared = {
        (one.source.get("field"), one.source.get("value"))
        for one in statements
        if one.kind == "history"
    }
    return tuple(
        one
        for one in statements
        if one.kind != "item" or (one.source.get("field"), one.source.get("value")) not in shared
    )


def _joined(sentences: Sequence[str]) -> str:
    """Return sentences with a capital and a full stop."""
    return " ".join(f"{one[:1].upper()}{one[1:]}." for one in sentences if one)
