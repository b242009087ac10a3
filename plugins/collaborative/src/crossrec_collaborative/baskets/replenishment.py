"""How long things last: intervals between purchases, learnt with the purchases still open.

A purchase is followed by another one with a chance ``p``, after a log-normal interval. The last
purchase of a user is open: either the next one is still to come, or there will be none. Leaving the
open ones out would make intervals too short and chances too high, so both are estimated together by
the EM algorithm for mixture cure models (Boag, 1949; Farewell, 1982), each item drawn towards the
mean of all items by some purchases that it is lent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from crossrec_collaborative.baskets.lines import DAY, BasketLines, FloatArray, IntArray

#: Shorter intervals, in days, count as this.
_SHORTEST = 0.25
_ROUNDS = 30
#: Intervals that every item is lent at the mean interval and spread, and purchases at the mean
#: chance.
_LENT, _LENT_PURCHASES = 5.0, 10.0
#: The same for a user, of the item's.
_LENT_TO_USER = 2.0


@dataclass(frozen=True, eq=False)
class Purchases:
    """Each user's purchases of each item.

    Attributes
    ----------
    rows, items : int64 arrays, shape (n,)
        The pairs that occur, ordered by row and item.
    times : int64 array, shape (n,)
        In how many baskets.
    last : float64 array, shape (n,)
        When the item was bought last, in seconds.
    gaps : int64 array, shape (m,)
        The pair of each interval between two purchases.
    logs : float64 array, shape (m,)
        Natural logarithm of the interval in days.
    """

    rows: IntArray
    items: IntArray
    times: IntArray
    last: FloatArray
    gaps: IntArray
    logs: FloatArray

    @classmethod
    def of(cls, lines: BasketLines) -> Purchases:
        """Gather them from baskets with times."""
        order = np.lexsort((lines.baskets, lines.items, lines.rows))
        rows, items = lines.rows[order], lines.items[order]
        times = lines.times[lines.baskets[order]]
        first = np.ones(len(order), dtype=bool)
        first[1:] = (rows[1:] != rows[:-1]) | (items[1:] != items[:-1])
        pair = np.cumsum(first) - 1
        again = np.flatnonzero(~first)
        last = np.append(np.flatnonzero(first)[1:], len(order)) - 1 if len(order) else again
        return cls(
            rows[first],
            items[first],
            np.bincount(pair, minlength=int(first.sum())).astype(np.int64, copy=False),
            times[last],
            pair[again],
            log_days(times[again] - times[again - 1]),
        )

    def __len__(self) -> int:
        return len(self.items)


def log_days(seconds: FloatArray) -> FloatArray:
    """Return the logarithm of a length of time in days, not below that of the shortest."""
    logs: FloatArray = np.log(np.maximum(seconds / DAY, _SHORTEST))
    return logs


@dataclass(frozen=True, eq=False)
class Intervals:
    """When things are bought again, float64 arrays of one shape: by item, or by pair.

    Attributes
    ----------
    chance : that there is another purchase at all.
    log_mean, log_spread : of the logarithm of the interval in days, if there is one.
    """

    chance: FloatArray
    log_mean: FloatArray
    log_spread: FloatArray

    @property
    def days(self) -> FloatArray:
        """The usual interval in days: half are longer."""
        days: FloatArray = np.exp(self.log_mean)
        return days

    def take(self, at: IntArray) -> Intervals:
        """Return those of the chosen places."""
        return Intervals(self.chance[at], self.log_mean[at], self.log_spread[at])

    def lasting(self, days: FloatArray) -> FloatArray:
        """Return the share of intervals that are longer than so many days."""
        from scipy.special import ndtr

        logs = np.log(np.maximum(days, 1e-9))
        share: FloatArray = ndtr((self.log_mean - logs) / self.log_spread)
        return share

    def within(self, since: FloatArray, horizon: float) -> FloatArray:
        """Return the probability of a purchase in the next days, with none since the last.

        Parameters
        ----------
        since : float64 array
            Days since the last purchase.
        horizon : float
            Days.
        """
        now = self.lasting(since)
        later = self.lasting(since + horizon)
        probability: FloatArray = (
            self.chance * (now - later) / np.maximum(1.0 - self.chance * (1.0 - now), 1e-12)
        )
        return probability

    def of_users(self, purchases: Purchases) -> Intervals:
        """Return those of each pair: the item's, drawn towards what the user's own say."""
        base = self.take(purchases.items)
        n = len(purchases)
        own = np.bincount(purchases.gaps, minlength=n)
        logs = np.bincount(purchases.gaps, purchases.logs, minlength=n)
        share = own + _LENT_TO_USER
        return replace(
            base,
            chance=(own + _LENT_TO_USER * base.chance) / share,
            log_mean=(logs + _LENT_TO_USER * base.log_mean) / share,
        )


def learn_intervals(purchases: Purchases, end: float, n_items: int) -> Intervals:
    """Estimate the intervals of all items; those without any purchase get the mean.

    Parameters
    ----------
    end : float
        Until when there are events, in seconds.
    """
    logs, open_logs = purchases.logs, log_days(end - purchases.last)
    together = np.zeros(1, dtype=np.int64)
    n, m = len(logs), len(open_logs)
    if not n:
        return Intervals(*(np.full(n_items, value) for value in (0.0, np.log(30.0), 1.0)))
    spread = max(float(logs.std()), 0.2)
    start = Intervals(*(np.array([value]) for value in (n / (n + m), logs.mean(), spread)))
    mean = _estimated(
        start, logs, together.repeat(n), open_logs, together.repeat(m), lent=0.0, purchases=0.0
    )
    return _estimated(
        mean.take(together.repeat(n_items)),
        logs,
        purchases.items[purchases.gaps],
        open_logs,
        purchases.items,
        lent=_LENT,
        purchases=_LENT_PURCHASES,
    )


def _estimated(
    prior: Intervals,
    logs: FloatArray,
    of: IntArray,
    open_logs: FloatArray,
    open_of: IntArray,
    *,
    lent: float,
    purchases: float,
) -> Intervals:
    """Return the estimate of each group by EM, from ended and open intervals.

    Parameters
    ----------
    prior : Intervals, n groups
    of, open_of : int64 arrays
        Group of each ended and each open interval.
    lent, purchases : float
        Intervals and purchases with which the prior counts.
    """
    from scipy.special import log_ndtr

    n = len(prior.chance)

    def sums(at: IntArray, mass: NDArray[np.float64] | None = None) -> FloatArray:
        return np.bincount(at, mass, minlength=n).astype(np.float64, copy=False)

    ended, total, opened = sums(of), sums(of, logs), sums(open_of)
    squares = sums(of, np.square(logs))
    found = prior
    for _ in range(_ROUNDS):
        here = found.take(open_of)
        z = (open_logs - here.log_mean) / here.log_spread
        survives = log_ndtr(-z)
        still = here.chance * np.exp(survives)
        weight = still / (1.0 - here.chance + still + 1e-12)
        # Mean and mean square of a normal beyond z (Johnson et al. 1994, 13.10).
        beyond = np.exp(-0.5 * z * z - survives) / np.sqrt(2.0 * np.pi)
        first = here.log_mean + here.log_spread * beyond
        second = (
            np.square(here.log_spread) * (1.0 + z * beyond)
            + 2.0 * here.log_mean * here.log_spread * beyond
            + np.square(here.log_mean)
        )
        count = ended + sums(open_of, weight)
        mean = (total + sums(open_of, weight * first) + lent * prior.log_mean) / (
            np.maximum(count + lent, 1e-12)
        )
        square = (
            squares
            + sums(open_of, weight * second)
            - 2.0 * mean * (total + sums(open_of, weight * first))
        )
        square += count * np.square(mean) + lent * np.square(prior.log_spread)
        found = Intervals(
            (count + purchases * prior.chance) / np.maximum(ended + opened + purchases, 1e-12),
            mean,
            np.sqrt(np.maximum(square / np.maximum(count + lent, 1e-12), 0.01)),
        )
    return found
