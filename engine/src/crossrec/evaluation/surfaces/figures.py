"""The figures of one model's lists for the questions to a surface."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossrec.components.candidates import PAD
from crossrec.components.consumption import DAY
from crossrec.data.dataset import Dataset
from crossrec.evaluation import metrics
from crossrec.evaluation.measure import ModelFigures
from crossrec.evaluation.metrics import FloatArray, ItemVectors
from crossrec.numeric.ragged import BoolArray, IntArray, Ragged

#: Items whose first event is younger than so many days are new.
NEW_DAYS = 30.0
#: Metrics of a user, in the order of the report; the first two get tests.
PER_USER = {
    "recall": metrics.recall,
    "ndcg": metrics.ndcg,
    "hit": metrics.hit,
    "mrr": metrics.mrr,
}


@dataclass(frozen=True, eq=False)
class ItemFacts:
    """What lists are measured on besides their targets.

    Attributes
    ----------
    n_items : int
    vectors : ItemVectors or None
        What the diversity of lists is measured on.
    new : bool array, shape (n_items,)
        Items without an event before the cut, or with the first one less than `NEW_DAYS` before it.
    creators : Ragged, n_items rows
        Codes of the creators (brand, author, artist) of each item.
    n_creators : int
    """

    n_items: int
    vectors: ItemVectors | None
    new: BoolArray
    creators: Ragged
    n_creators: int

    @classmethod
    def of(cls, train: Dataset, cut: float) -> ItemFacts:
        """Collect them from what came before the cut; `cut` is NaN where there are no times."""
        first = np.full(train.n_items, np.inf)
        np.minimum.at(first, train.events.items, train.events.times)
        new = np.isinf(first) if np.isnan(cut) else first > cut - NEW_DAYS * DAY
        names: dict[str, int] = {}
        codes = [names.setdefault(one, len(names)) if one else -1 for one in train.catalog.creators]
        rows = Ragged.from_rows([code] if code >= 0 else [] for code in codes)
        return cls(train.n_items, ItemVectors.of(train), new, rows, len(names))


def figures_of(
    name: str,
    lists: IntArray,
    targets: Ragged,
    facts: ItemFacts,
    k: int,
    *,
    baseline: bool = False,
    seconds: float = 0.0,
) -> ModelFigures:
    """Return the figures of lists, as an evaluation of models has them.

    Parameters
    ----------
    lists : int64 array, shape (n, ≤ k)
        Best first, `PAD` in empty slots.
    targets : Ragged, n rows
        At least one in each row.
    seconds : float
        That the lists took.
    """
    lists = lists[:, :k]
    ranks = metrics.target_ranks(lists, targets, facts.n_items)
    return ModelFigures(
        name,
        baseline,
        0.0,
        seconds,
        {f"{metric}@{k}": at(ranks, targets, k) for metric, at in PER_USER.items()},
        {f"{metric}@{k}": value for metric, value in _of_lists(lists, facts, k).items()},
    )


def _of_lists(lists: IntArray, facts: ItemFacts, k: int) -> dict[str, float]:
    """Values of the lists as a whole, NaN where undefined."""
    shown = metrics.exposure(lists, facts.n_items)
    total = float(shown.sum())
    of_creators = np.bincount(
        facts.creators.values,
        weights=shown[facts.creators.row_of].astype(np.float64),
        minlength=facts.n_creators,
    )
    nothing = float("nan")
    values = {
        "filled": total / (len(lists) * k) if len(lists) else nothing,
        "coverage": metrics.coverage(shown),
        "new_items": float(shown[facts.new].sum()) / total if total else nothing,
        "creator_gini": metrics.gini(of_creators) if facts.n_creators else nothing,
        "diversity": nothing,
    }
    if facts.vectors is not None:
        values["diversity"] = _mean(metrics.diversity(lists, facts.vectors))
    return values


def answered(lists: IntArray) -> BoolArray:
    """Return which lists have an item, bool (n,)."""
    there: BoolArray = (lists != PAD).any(axis=1)
    return there


def _mean(values: FloatArray) -> float:
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else float("nan")
