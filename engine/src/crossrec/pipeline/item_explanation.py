"""What every source makes of one item for one user: the long answer to "why this?"."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from crossrec.components.live_items import LiveItems
from crossrec.components.query import QueryBatch
from crossrec.pipeline.pipeline import Pipeline, ServedSurface
from crossrec.pipeline.reasons import evidence_of, in_words


@dataclass(frozen=True)
class SourceExplanation:
    """One source's view.

    Attributes
    ----------
    rank : int or None
        Place in the source's own list, from 1; None where it did not propose the item.
    z : float or None
        Score in standard deviations above the source's mean for this user.
    """

    source: str
    rank: int | None
    z: float | None
    reason: str


@dataclass(frozen=True)
class ItemExplanation:
    """All sources' views of one item.

    Attributes
    ----------
    place : int or None
        Place in the ranked pool, from 1; None where the item is not in it.
    outside : str
        Why it is not in the pool.
    """

    item_id: str
    title: str
    place: int | None
    outside: str
    sources: tuple[SourceExplanation, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return asdict(self)


def explain_item(
    pipeline: Pipeline,
    surface: ServedSurface,
    batch: QueryBatch,
    item: int,
    items: LiveItems | None = None,
) -> ItemExplanation:
    """Return what the pipeline makes of `item` for a batch of one query."""
    pool, scores, _ = pipeline.scored_pool(surface, batch, items)
    catalog = pipeline.catalog
    columns = np.flatnonzero(pool.index[0] == item)
    place, outside = None, ""
    views: list[SourceExplanation] = []
    if len(columns):
        column = int(columns[0])
        order = np.argsort(-scores[0], kind="stable")
        place = int(np.flatnonzero(order == column)[0]) + 1
        for at, label in enumerate(pool.sources):
            rank, score = int(pool.ranks[0, column, at]), float(pool.scores[0, column, at])
            spread = float(pool.std[0, at])
            z = (score - float(pool.mean[0, at])) / spread if spread > 1e-12 else 0.0
            found = evidence_of(pipeline, batch, {label: [item]}).get(label, {}).get(item)
            reason = in_words(label, found, catalog).text if found is not None else ""
            views.append(
                SourceExplanation(
                    label,
                    rank + 1 if rank >= 0 else None,
                    z if np.isfinite(score) else None,
                    reason,
                )
            )
    elif item in batch.exclude.values:
        outside = "excluded for this user (consumed, disliked or in `exclude`)"
    else:
        outside = f"not among the {pool.valid[0].sum()} candidates that the sources proposed"
    return ItemExplanation(
        catalog.items.id(item), catalog.titles[item], place, outside, tuple(views)
    )
