"""What evaluation needs of a model: a name, how long it took to fit, and its best k."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from crossrec.components.candidates import Candidates
from crossrec.components.query import QueryBatch
from crossrec.data.dataset import Dataset
from crossrec.data.splits import Targets


@runtime_checkable
class Model(Protocol):
    """Anything fitted that answers queries: a source, a pipeline, a baseline."""

    @property
    def name(self) -> str:
        """The name of its row in the table."""
        ...

    @property
    def fit_seconds(self) -> float:
        """Wall-clock seconds of fitting, with all it needs for itself."""
        ...

    def top(self, queries: QueryBatch, k: int) -> Candidates:
        """Return the best ≤ k items of each query, best first, none of ``queries.exclude``."""
        ...


class BuildModels(Protocol):
    """Fits the models of one split."""

    def __call__(
        self, train: Dataset, validation: Targets, *, refit: Dataset | None = None
    ) -> Sequence[Model]:
        """Return fitted models.

        Parameters
        ----------
        train : Dataset
            All that may be learnt from while settings are chosen.
        validation : Targets
            What came next: choose settings and weights on it.
        refit : Dataset or None
            `train` with the validation part, where the protocol refits: fit again on it with the
            settings that were chosen.
        """
        ...
