"""Vectors of a catalog under the names by which components find them in a dataset."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from crossrec.components.protocols import Encoder
from crossrec.components.run import RunOptions
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset


def title_name(encoder: str) -> str:
    """Return the name under which the vectors of the titles are kept."""
    return f"{encoder}:title"


def encoded(
    catalog: Catalog, encoder: Encoder, run: RunOptions, texts: str, titles: str = ""
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Encode the texts of all items and, where they have a name, their titles.

    Parameters
    ----------
    texts, titles : str
        The names of the two; "" leaves the titles out.

    Yields
    ------
    (name, float32 array of shape (n_items, dim))
    """
    yield texts, encoder.encode(catalog, run)
    if titles:
        yield titles, encoder.encode(catalog.with_texts(catalog.titles), run)


def with_encoded(
    dataset: Dataset, encoder: Encoder, run: RunOptions, texts: str, titles: str = ""
) -> Dataset:
    """Return the dataset with the vectors that `encoded` yields."""
    return with_vectors(dataset, encoded(dataset.catalog, encoder, run, texts, titles))


def with_vectors(dataset: Dataset, vectors: Iterable[tuple[str, NDArray[np.float32]]]) -> Dataset:
    """Return the dataset with all these (name, vectors)."""
    for name, rows in vectors:
        dataset = dataset.with_vectors(name, rows)
    return dataset
