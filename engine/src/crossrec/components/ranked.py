"""A ranked pool as arrays, and what policies do to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from crossrec.numeric.ragged import read_only

Action = Literal["dropped", "moved", "inserted", "demoted"]


@dataclass(frozen=True)
class PolicyChange:
    """What a policy did to one item: a code with numbers, to be worded in any language.

    Attributes
    ----------
    policy : str
        Filled in by the host: the label of the policy in the pipeline.
    item : int
        Index in the catalog.
    action : {"dropped", "moved", "inserted", "demoted"}
    code : str
        Why, e.g. ``"out_of_stock"``.
    values : mapping of str to JSON value
        The numbers and names behind it, e.g. ``{"expires_at": 1577836800.0}``.
    """

    item: int
    action: Action
    code: str
    values: Mapping[str, Any] = field(default_factory=dict)
    policy: str = ""


@dataclass(frozen=True, eq=False)
class Ranked:
    """Candidates of one request, the best first. Arrays are read-only.

    Attributes
    ----------
    index : int64 array, shape (m,)
        Distinct items of the catalog.
    score : float64 array, shape (m,)
        Above 0 and at most 1 where it comes from the pipeline; an order, never a probability.
    propensity : float64 array, shape (m,)
        Chance with which a randomised policy put the item where it is; 1 from deterministic ones.
    changes : tuple of PolicyChange
    """

    index: NDArray[np.int64]
    score: NDArray[np.float64]
    propensity: NDArray[np.float64]
    changes: tuple[PolicyChange, ...] = ()

    def __post_init__(self) -> None:
        shapes = {self.index.shape, self.score.shape, self.propensity.shape}
        if len(shapes) != 1 or self.index.ndim != 1:
            raise ValueError("index, score and propensity must be flat and equally long")
        for name in ("index", "score", "propensity"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    @classmethod
    def of(cls, index: NDArray[np.int64], score: NDArray[np.float64]) -> Ranked:
        """Return a ranked pool that nothing was done to."""
        return cls(index, score, np.ones(len(index)))

    def __len__(self) -> int:
        return len(self.index)

    def take(self, places: NDArray[np.int64] | NDArray[np.bool_], *changes: PolicyChange) -> Ranked:
        """Return the items at these places (or where the mask is true), with what was changed."""
        return Ranked(
            self.index[places],
            self.score[places],
            self.propensity[places],
            (*self.changes, *changes),
        )

    def without(
        self,
        dropped: NDArray[np.bool_],
        code: str,
        values: Sequence[Mapping[str, Any]] | None = None,
    ) -> Ranked:
        """Return the pool without some items, for one reason.

        Parameters
        ----------
        dropped : bool array, shape (m,)
        values : sequence of mapping, optional
            The numbers behind each drop, in the order of the dropped items.
        """
        gone = self.index[dropped].tolist()
        if not gone:
            return self
        details = values if values is not None else [{}] * len(gone)
        changes = (
            PolicyChange(item, "dropped", code, value)
            for item, value in zip(gone, details, strict=True)
        )
        return self.take(~dropped, *changes)

    def weighed(
        self,
        factors: NDArray[np.float64],
        code: str,
        *,
        first: int | None = None,
        values: Callable[[int], Mapping[str, Any]] | None = None,
    ) -> Ranked:
        """Return the pool in a new order: scores times `factors`; what loses is recorded.

        Parameters
        ----------
        first : int, optional
            Only what stands among the first so many, before or after, is recorded; for policies
            that weigh nearly everything.
        values : callable, optional
            From a place in the pool to further numbers behind its change.
        """
        score = self.score * factors
        order = np.argsort(-score, kind="stable")
        loses = factors < 1
        if first is not None:
            near = np.zeros(len(self), dtype=bool)
            near[:first] = near[order[:first]] = True
            loses &= near
        changes = []
        for at in np.flatnonzero(loses).tolist():
            own = values(at) if values is not None else {}
            detail = {"factor": round(float(factors[at]), 4), **own}
            changes.append(PolicyChange(int(self.index[at]), "demoted", code, detail))
        return replace(self, score=score).take(order, *changes)
