"""Which items of a source are consumed together: pairs that an encoder is trained on."""

from __future__ import annotations

import numpy as np
from crossrec.components.joint_items import JointItems
from crossrec.data.dataset import Dataset
from crossrec.errors import CrossrecError

from crossrec_backbone.relations.prior_ease import co_occurrence

#: A pair counts by its joint histories over the items' popularity to this power, so that what is
#: bought with everything does not make everything similar.
_POPULARITY = 0.25


def joint_items(name: str, dataset: Dataset) -> JointItems:
    """Return the pairs of a source.

    Costs time and memory in the square of the longest histories, as EASE does.

    Raises
    ------
    CrossrecError
        If no two items with a text share a history.
    """
    texts = dataset.catalog.texts
    has_text = np.array([bool(text.strip()) for text in texts], dtype=bool)
    counts = co_occurrence(dataset.sequences, dataset.n_items).tocsr()
    popularity = counts.diagonal()
    joint = counts.copy()
    joint.setdiag(0)
    joint.eliminate_zeros()
    pairs = joint.tocoo()
    kept = has_text[pairs.row] & has_text[pairs.col]
    first, second = pairs.row[kept].astype(np.int64), pairs.col[kept].astype(np.int64)
    if not len(first):
        raise CrossrecError(f"{name}: no two items with a text share a history: leave it out")
    weight = pairs.data[kept] / (popularity[first] * popularity[second]) ** _POPULARITY
    odds = np.cumsum(weight, dtype=np.float64)
    return JointItems(tuple(texts), first, second, odds / odds[-1], joint)
