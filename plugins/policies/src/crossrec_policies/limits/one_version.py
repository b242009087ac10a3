"""The policy `one_version`: of several versions of one thing the best alone."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from crossrec.components.item_columns import codes_of, first_codes, values_of
from crossrec.components.policy_context import PolicyContext
from crossrec.components.ranked import PolicyChange, Ranked
from crossrec.components.settings import Settings
from crossrec.numeric.arrays import among
from pydantic import Field


class OneVersionConfig(Settings):
    """Settings of `one_version`.

    Attributes
    ----------
    fields : tuple of str
        Items that share the value of one of these fields are versions of one thing.
    of_given : bool
        Whether versions of the items that the list is about are taken out too.
    """

    fields: Annotated[tuple[str, ...], Field(min_length=1)] = ("primary_product_id", "isrc")
    of_given: bool = True


class OneVersion:
    """Drops items that share a variant group, a recording or another key with a better one."""

    def __init__(self, config: OneVersionConfig | None = None) -> None:
        self.config = config or OneVersionConfig()

    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        """Return the pool with one item of each value of each field."""
        for field in self.config.fields:
            ranked = self._by(field, ranked, context)
        return ranked

    def _by(self, field: str, ranked: Ranked, context: PolicyContext) -> Ranked:
        name, entities = values_of(context.items, field)
        if entities is None:
            return ranked
        vocabulary = context.items.catalog.items
        given = vocabulary.indexes(context.query.item_ids if self.config.of_given else ())
        given = given[given >= 0]
        keys = first_codes(codes_of(entities, np.concatenate([given, ranked.index])))
        _, first, group = np.unique(keys, return_index=True, return_inverse=True)
        kept = first[group]
        again = (kept < np.arange(len(keys))) & (keys >= 0)
        again[len(given) :] &= ~among(ranked.index, np.sort(given))
        places = np.flatnonzero(again[len(given) :])
        if not len(places):
            return ranked
        both = np.concatenate([given, ranked.index])
        better = both[kept[places + len(given)]].tolist()
        changes = [
            PolicyChange(
                item, "dropped", "other_version", {"field": name, "of": vocabulary.id(other)}
            )
            for item, other in zip(ranked.index[places].tolist(), better, strict=True)
        ]
        left = np.ones(len(ranked), dtype=bool)
        left[places] = False
        return ranked.take(left, *changes)
