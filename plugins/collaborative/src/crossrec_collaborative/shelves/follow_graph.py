"""Who follows whom: people, the accounts that they follow, and the accounts that they have."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from crossrec.numeric.ragged import IntArray
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FollowGraph:
    """A graph of people and accounts.

    Attributes
    ----------
    follows : scipy CSR matrix, (n_users, n_accounts)
        1 where a person follows an account.
    own : int64 array, (n_users,)
        The account that each person has; -1 for none.
    shrink : float
        Added to the norm of two accounts, so that a few common followers prove little.
    through, back : float
        Weights of accounts that the followed ones follow, and of one's own followers, where 1 is
        that of accounts with the same followers.
    """

    follows: Any
    own: IntArray
    shrink: float = 5.0
    through: float = 0.5
    back: float = 1.0
    _floor: float = field(default=1e-6, repr=False)

    @property
    def n_accounts(self) -> int:
        """Number of accounts."""
        return int(self.follows.shape[1])

    @cached_property
    def followers(self) -> FloatArray:
        """How many people follow each account, float64 (n_accounts,)."""
        return np.asarray(self.follows.sum(axis=0), dtype=np.float64).ravel()

    @cached_property
    def _followed(self) -> Any:
        """The same graph by accounts: CSR (n_accounts, n_users)."""
        return self.follows.T.tocsr()

    @cached_property
    def _reach(self) -> FloatArray:
        """Square root of how many accounts each person follows, at least 1."""
        counts = np.asarray(self.follows.sum(axis=1), dtype=np.float64).ravel()
        reach: FloatArray = np.sqrt(np.maximum(counts, 1.0))
        return reach

    @cached_property
    def _person_of(self) -> IntArray:
        """The person who has each account, int64 (n_accounts,); -1 for none."""
        people = np.full(self.n_accounts, -1, dtype=np.int64)
        having = np.flatnonzero(self.own >= 0)
        people[self.own[having]] = having
        return people

    def together(self, followed: IntArray) -> FloatArray:
        """Return the accounts with the same followers, float64 (n_accounts,).

        The sum over the followed accounts of ``common / (sqrt(n_a * n_b) + shrink)``.
        """
        if not len(followed):
            return np.zeros(self.n_accounts)
        common = (self._followed[followed] @ self.follows).tocsr()
        rows = np.repeat(np.arange(len(followed)), np.diff(common.indptr))
        counts = self.followers
        norm = np.sqrt(counts[followed][rows] * counts[common.indices]) + self.shrink
        parts = (common.data / norm).astype(np.float64)
        return np.bincount(common.indices, parts, minlength=self.n_accounts).astype(np.float64)

    def nearness(self, account: int, followed: IntArray) -> FloatArray:
        """Return the part of each followed account in `together` of one account."""
        common = np.asarray((self._followed[followed] @ self._followed[[account]].T).todense())
        norm = np.sqrt(self.followers[followed] * self.followers[account]) + self.shrink
        parts: FloatArray = common.ravel().astype(np.float64) / norm
        return parts

    def by_followed(self, followed: IntArray) -> FloatArray:
        """Return the accounts that the followed ones follow, float64 (n_accounts,).

        Each of them counts ``1 / sqrt(its follows)``.
        """
        people = self._person_of[followed]
        people = people[people >= 0]
        if not len(people):
            return np.zeros(self.n_accounts)
        weights = csr_matrix(1.0 / self._reach[people][None, :])
        return np.asarray((weights @ self.follows[people]).todense(), dtype=np.float64).ravel()

    def following_back(self, own: int) -> FloatArray:
        """Return 1 for the accounts of people who follow an account, float64 (n_accounts,)."""
        found = np.zeros(self.n_accounts)
        if own >= 0:
            accounts = self.own[self._followed[[own]].indices]
            found[accounts[accounts >= 0]] = 1.0
        return found

    def scores(self, followed: IntArray, own: int) -> FloatArray:
        """Return how much each account is one to follow, float64 (n_accounts,).

        0 for those that are followed already, for the person's own, and for accounts that nobody
        follows. Of what nothing else says anything those with more followers come first.
        """
        score = (
            _on_unit(self.together(followed))
            + self.through * _on_unit(self.by_followed(followed))
            + self.back * self.following_back(own)
            + self._floor * _on_unit(self.followers)
        )
        score[followed] = 0.0
        if own >= 0:
            score[own] = 0.0
        return score


def _on_unit(values: FloatArray) -> FloatArray:
    """Return the values over their largest."""
    return values / max(float(values.max(initial=0.0)), 1e-12)
