"""How models are evaluated: which split, which candidates, how many users, how deep."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from crossrec.components.eligibility import RuleName
from crossrec.data.dataset import Dataset
from crossrec.data.splits import (
    Split,
    cross_validation,
    leave_one_out,
    temporal_split,
)
from crossrec.errors import UsageError

#: ``served``: what a request would admit, by the scenario's consumption. ``unseen``: nothing of the
#: history. ``all``: every item of the catalog. A target that is no candidate counts as a miss.
CANDIDATES: tuple[RuleName, ...] = ("served", "unseen", "all")
SplitName = Literal["temporal", "leave-one-out", "cross-validation"]


@dataclass(frozen=True)
class EvaluationProtocol:
    """The settings of an evaluation. Ranking is always over the full catalog, never sampled.

    Attributes
    ----------
    split : {"temporal", "leave-one-out", "cross-validation"}
    candidates : {"served", "unseen", "all"}
    ks : tuple of int
        Depths of the lists, ascending; intervals of segments and tests are at the first.
    users : int or None
        Evaluate only so many test users, drawn with `seed`; all where None.
    folds, holdout : int
        Of the cross-validation over users: folds, and last interactions held out of each user.
    refit : bool
        Fit again on training and validation before the test.
    fractions : tuple of float
        Shares of training, validation and test of the temporal split.
    resamples : int
        Of the bootstrap.
    block : int
        Queries in one call of a model.
    """

    split: SplitName = "temporal"
    candidates: RuleName = "served"
    ks: tuple[int, ...] = (10, 50)
    users: int | None = None
    folds: int = 5
    holdout: int = 1
    refit: bool = False
    fractions: tuple[float, float, float] = (0.8, 0.1, 0.1)
    seed: int = 0
    resamples: int = 1000
    block: int = 512

    def __post_init__(self) -> None:
        if not self.ks or min(self.ks) < 1 or tuple(sorted(set(self.ks))) != self.ks:
            raise UsageError(f"ks must be ascending numbers of 1 or more, not {self.ks}")
        if self.users is not None and self.users < 1:
            raise UsageError(f"the number of users must be 1 or more, not {self.users}")
        if self.candidates not in CANDIDATES:
            known = ", ".join(CANDIDATES)
            raise UsageError(f"candidates must be one of {known}, not {self.candidates!r}")
        if self.resamples < 1 or self.block < 1:
            raise UsageError("resamples and block must be 1 or more")

    @classmethod
    def default_for(cls, dataset: Dataset) -> EvaluationProtocol:
        """Return the temporal protocol where the set has a clock, else leave-one-out."""
        return cls(split="temporal" if dataset.has_clock else "leave-one-out")

    def splits(self, dataset: Dataset) -> Iterator[Split]:
        """Yield the split, or the splits of a cross-validation, with the test users drawn.

        Raises
        ------
        DataError, UsageError
            If the set cannot be split in this way.
        """
        if self.split == "temporal":
            yield self._drawn(temporal_split(dataset, self.fractions, refit=self.refit))
        elif self.split == "leave-one-out":
            yield self._drawn(leave_one_out(dataset, refit=self.refit))
        elif self.split == "cross-validation":
            parts = cross_validation(
                dataset, self.folds, holdout=self.holdout, seed=self.seed, refit=self.refit
            )
            drawn = (self._drawn(part, number) for number, part in enumerate(parts))
            yield from (part for part in drawn if len(part.test))
        else:
            raise UsageError(f"no split is called {self.split!r}")

    def _drawn(self, split: Split, fold: int | None = None) -> Split:
        """Draw the test users of one split; folds share the number among them."""
        if self.users is None:
            return split
        if fold is None:
            return replace(split, test=split.test.sample(self.users, self.seed))
        share = self.users // self.folds + (fold < self.users % self.folds)
        return replace(split, test=split.test.sample(share, self.seed))
