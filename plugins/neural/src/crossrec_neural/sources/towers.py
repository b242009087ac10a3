"""Both towers for use outside: item vectors in a file, and user vectors by a function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from crossrec.artifacts import new_folder, write_file, write_tensors
from crossrec.components.query import QueryBatch
from crossrec.data.catalog import Catalog
from crossrec.data.vocabulary import Vocabulary
from crossrec.errors import ArtifactError
from crossrec.jsonio import encode
from crossrec.numeric.ragged import FloatArray, IntArray, Ragged

from crossrec_neural.sources.fitted import Fitted

#: What `Towers.save` writes, and the name of the tensor in it.
ITEMS, IDS, TENSOR = "items.safetensors", "ids.json", "items"


@dataclass(frozen=True, eq=False)
class Towers:
    """Items and users as vectors whose products are the scores of the source.

    Attributes
    ----------
    ids : tuple of str
        The candidates: all items of which the source knows anything.
    items : float32 array, shape (n, size)
    """

    ids: tuple[str, ...]
    items: FloatArray
    _fitted: Fitted
    _vocabulary: Vocabulary

    @classmethod
    def of(cls, fitted: Fitted, catalog: Catalog) -> Towers:
        """Return the towers of a two-tower model.

        Parameters
        ----------
        catalog : Catalog
            Of the fit, with the items that were added since.
        """
        rows = np.flatnonzero(fitted.known)
        ids = tuple(catalog.items.id(row) for row in rows.tolist())
        return cls(ids, fitted.table[torch.from_numpy(rows)].numpy(), fitted, catalog.items)

    def users(self, histories: Sequence[Sequence[str]]) -> FloatArray:
        """Return the vectors of users by their histories, float32 (n, size).

        The oldest item comes first; items that the source does not know are left out. A history of
        which nothing is left has the zero vector.
        """
        rows = [self._known(history) for history in histories]
        queries = QueryBatch.from_histories(Ragged.from_rows(rows))
        states, readable = self._fitted.states(queries)
        vectors = np.zeros((len(histories), self.items.shape[1]), dtype=np.float32)
        with torch.no_grad():
            vectors[readable] = self._fitted.model.multiplied(states).numpy()
        return vectors

    def save(self, folder: Path) -> None:
        """Write `folder` in one step: the vectors as safetensors, the ids as a JSON list.

        What an earlier call wrote there is replaced.

        Raises
        ------
        ArtifactError
            If the folder holds something else, or cannot be written.
        """
        if folder.exists() and not (folder / ITEMS).is_file():
            raise ArtifactError(f"{folder} exists and holds something else: name another folder")
        with new_folder(folder) as unfinished:
            write_tensors(unfinished / ITEMS, {TENSOR: self.items})
            write_file(unfinished / IDS, encode(list(self.ids), "the ids"))

    def _known(self, history: Sequence[str]) -> IntArray:
        found = self._vocabulary.indexes(history)
        return found[found >= 0]
