"""What is known of each item before anything is learnt of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.errors import ConfigError
from crossrec.numeric.ragged import BoolArray, FloatArray, IntArray

from crossrec_neural.inputs.tags import WIDTH, TagSpace
from crossrec_neural.inputs.text import TextSpace
from crossrec_neural.settings import NeuralSettings


@dataclass(frozen=True, eq=False)
class ItemColumns:
    """The inputs of items.

    Attributes
    ----------
    text : float32 array, shape (n, size)
        Rows of length 1, zero for items without text.
    tags : int64 array, shape (n, width)
        Numbers of tags, 0 for none.
    counts : int64 array, shape (n,)
        Events of each item; items that came after the fit have none.
    """

    text: FloatArray
    tags: IntArray
    counts: IntArray

    @classmethod
    def none(cls, text: TextSpace) -> ItemColumns:
        """Return the columns of no items."""
        whole = np.zeros((0, WIDTH), dtype=np.int64)
        return cls(np.zeros((0, text.size), dtype=np.float32), whole, whole[:, 0])

    def __len__(self) -> int:
        return len(self.counts)

    def followed_by(self, other: ItemColumns) -> ItemColumns:
        """Return the columns of these items and of others behind them."""
        return ItemColumns(
            np.concatenate([self.text, other.text]),
            np.concatenate([self.tags, other.tags]),
            np.concatenate([self.counts, other.counts]),
        )

    def evidence(self, ids: bool) -> BoolArray:
        """Return which items there is anything to judge by, bool (n,)."""
        described: BoolArray = (self.text != 0).any(axis=1) | (self.tags != 0).any(axis=1)
        return described | (self.counts > 0) if ids else described


def fit_columns(
    name: str, dataset: Dataset, settings: NeuralSettings, axes: FloatArray | None = None
) -> tuple[ItemColumns, TextSpace, TagSpace]:
    """Learn the spaces of texts and tags, and return the columns of all items.

    Parameters
    ----------
    axes : float32 array, shape (width, size), optional
        That several catalogues have in common; centre and whitening are learnt.

    Raises
    ------
    ConfigError
        If the dataset has vectors, but none of the configured encoder.
    """
    inputs = settings.inputs
    tags = TagSpace.fit(dataset.catalog) if inputs.tags else TagSpace()
    encoder = settings.encoder if inputs.text else ""
    vectors = named_vectors(name, encoder, dataset.vectors)
    text = TextSpace.none()
    if vectors is not None:
        text = (
            TextSpace.fit(vectors, inputs.text_size, inputs.whitening)
            if axes is None
            else TextSpace.along(vectors, axes, inputs.whitening)
        )
    rows = np.zeros((dataset.n_items, 0), np.float32) if vectors is None else text.rows(vectors)
    codes = tags.rows(dataset.catalog, range(dataset.n_items))
    return ItemColumns(rows, codes, np.array(dataset.item_counts)), text, tags


def new_columns(
    catalog: Catalog, items: Sequence[int], vectors: FloatArray | None, text: TextSpace,
    tags: TagSpace,
) -> ItemColumns:  # fmt: skip
    """Return the columns of items that came after the fit.

    Parameters
    ----------
    vectors : float32 array, shape (len(items), width), or None

    Raises
    ------
    DataError
        If the vectors have another width than those of the fit.
    """
    rows = np.zeros((len(items), text.size), np.float32) if vectors is None else text.rows(vectors)
    return ItemColumns(rows, tags.rows(catalog, items), np.zeros(len(items), dtype=np.int64))


def named_vectors(name: str, encoder: str, vectors: Mapping[str, FloatArray]) -> FloatArray | None:
    """Return the vectors of an encoder; None where it is "", or where there are no vectors at all.

    Raises
    ------
    ConfigError
        If there are vectors, but none of this encoder.
    """
    if not encoder or encoder in vectors:
        return vectors.get(encoder)
    if vectors:
        known = ", ".join(vectors)
        raise ConfigError(
            f"{name}: no vectors of encoder {encoder!r}; set encoder to one of: {known}"
        )
    return None
