"""Catalogs and datasets that have texts alone, for tests of encoders and of what reads texts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary


def text_catalog(texts: Sequence[str], titles: Sequence[str] | None = None) -> Catalog:
    """Return a catalog of items i0, i1 … with these texts; titles are the texts where not given."""
    n = len(texts)
    return Catalog(
        items=Vocabulary(f"i{at}" for at in range(n)),
        titles=tuple(texts if titles is None else titles),
        texts=tuple(texts),
        categories=((),) * n,
        creators=("",) * n,
        known=np.ones(n, dtype=bool),
    )


def text_dataset(
    texts: Sequence[str],
    titles: Sequence[str] | None = None,
    vectors: ArrayLike | None = None,
    name: str = "transformer",
) -> Dataset:
    """Return a dataset without users or events; `vectors` are those of the encoder `name`."""
    catalog = text_catalog(texts, titles)
    dataset = Dataset.build(Vocabulary(), catalog, Events.empty(), has_clock=False)
    if vectors is None:
        return dataset
    return dataset.with_vectors(name, np.asarray(vectors, dtype=np.float32))
