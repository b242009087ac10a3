"""The items of a scenario: ids, titles, texts, categories, creators and further attributes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec.data.vocabulary import Vocabulary
from crossrec.numeric.ragged import read_only
from crossrec.scenario import ItemSchema

_PLACEHOLDER = re.compile(r"\{(\w+)\}([^{]*)")


@dataclass(frozen=True, eq=False)
class Catalog:
    """Items as columns, aligned with the item vocabulary. Immutable.

    Attributes
    ----------
    items : Vocabulary
    titles, texts, creators : tuple of str, length n
        Empty string where unknown. `texts` is the full text after the schema's template.
    categories : tuple of tuple of str, length n
    attributes : mapping of str to tuple
        Every further field of the schema, None where missing.
    known : bool array, shape (n,)
        False for items that occur in events only and have no row in the item table.
    """

    items: Vocabulary
    titles: tuple[str, ...]
    texts: tuple[str, ...]
    categories: tuple[tuple[str, ...], ...]
    creators: tuple[str, ...]
    known: NDArray[np.bool_]
    attributes: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "known", read_only(self.known))
        object.__setattr__(self, "attributes", MappingProxyType(dict(self.attributes)))

    def __getstate__(self) -> dict[str, Any]:
        """Return plain values, for an executor in another process: a read-only view stays here."""
        return {**self.__dict__, "attributes": dict(self.attributes)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take back what `__getstate__` returned."""
        self.__dict__.update(state)
        self.__post_init__()

    @classmethod
    def from_records(
        cls, items: Vocabulary, records: Mapping[str, Mapping[str, Any]], schema: ItemSchema
    ) -> Catalog:
        """Build from one mapping of fields per item id; those without get `known` = False."""
        rows = [records.get(id_) for id_ in items.ids]
        fields: list[Mapping[str, Any]] = [row or {} for row in rows]
        shown = {schema.title, schema.categories, schema.creator}
        names = {name for row in fields for name in row} - shown
        return cls(
            items=items,
            titles=tuple(as_text(row.get(schema.title)) for row in fields),
            texts=tuple(render(schema.text_template, row) for row in fields),
            categories=tuple(as_list(row.get(schema.categories)) for row in fields),
            creators=tuple(as_text(row.get(schema.creator)) for row in fields),
            known=np.array([row is not None for row in rows], dtype=bool),
            attributes={name: tuple(row.get(name) for row in fields) for name in sorted(names)},
        )

    @classmethod
    def of_texts(cls, texts: Sequence[str], name: str = "text") -> Catalog:
        """Return items of which nothing but the texts is known, called `name` and a number."""
        n = len(texts)
        ids = Vocabulary(f"{name} {at}" for at in range(n))
        none = ("",) * n
        return cls(ids, none, tuple(texts), ((),) * n, none, np.ones(n, dtype=bool))

    def __len__(self) -> int:
        return len(self.items)

    def with_texts(self, texts: Sequence[str]) -> Catalog:
        """Return the same catalog with other texts, e.g. ``catalog.with_texts(catalog.titles)``."""
        if len(texts) != len(self):
            raise ValueError(f"{len(texts)} texts for {len(self)} items")
        return replace(self, texts=tuple(texts))

    def with_titles(self, titles: Sequence[str]) -> Catalog:
        """Return the same catalog with other titles."""
        if len(titles) != len(self):
            raise ValueError(f"{len(titles)} titles for {len(self)} items")
        return replace(self, titles=tuple(titles))

    def take(self, rows: Sequence[int]) -> Catalog:
        """Return the chosen items, in the order given."""

        def of(column: Sequence[Any]) -> tuple[Any, ...]:
            return tuple(column[at] for at in rows)

        return Catalog(
            Vocabulary(self.items.id(at) for at in rows),
            of(self.titles),
            of(self.texts),
            of(self.categories),
            of(self.creators),
            self.known[np.asarray(rows, dtype=np.int64)],
            {name: of(column) for name, column in self.attributes.items()},
        )

    def followed_by(self, other: Catalog) -> Catalog:
        """Return a catalog of these items followed by the others, which must have other ids.

        Indexes of the items before stay what they are. An attribute that only one side has is None
        on the other.
        """
        names = sorted({*self.attributes, *other.attributes})
        none, nothing = (None,) * len(self), (None,) * len(other)
        return Catalog(
            Vocabulary((*self.items.ids, *other.items.ids)),
            self.titles + other.titles,
            self.texts + other.texts,
            self.categories + other.categories,
            self.creators + other.creators,
            np.concatenate([self.known, other.known]),
            {
                name: tuple(self.attributes.get(name, none))
                + tuple(other.attributes.get(name, nothing))
                for name in names
            },
        )

    def label(self, index: int) -> str:
        """Return the item's title, else its id."""
        return self.titles[index] or self.items.id(index)


def as_text(value: Any) -> str:
    """Return a field as one string: lists joined by spaces, None and NaN as the empty string."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, (list, tuple)):
        return " ".join(as_text(part) for part in value if part not in (None, ""))
    return str(value).strip()


def as_list(value: Any) -> tuple[str, ...]:
    """Return a field as a tuple of strings; a string is split at ``|``."""
    if isinstance(value, (list, tuple)):
        parts = [as_text(part) for part in value]
    else:
        parts = [part.strip() for part in as_text(value).split("|")]
    return tuple(part for part in parts if part)


def render(template: str, row: Mapping[str, Any]) -> str:
    """Fill `template` from `row`; empty fields fall out with what follows them."""
    pieces = []
    for name, after in _PLACEHOLDER.findall(template):
        value = as_text(row.get(name))
        if value:
            pieces.append(value + after)
    return "".join(pieces).strip(" .,;|-") if pieces else ""
