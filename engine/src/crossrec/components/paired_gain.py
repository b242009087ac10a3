"""Is one option better than another? The one rule by which anything is chosen on held-out queries.

Options are compared on the same queries, so what counts is the difference of each query and not the
spread of the queries. An option takes the place of the default only where its mean gain is larger
than two standard errors: many options are tried, and the best of many that do nothing looks good.
With one standard error, the weight of behaviour fell to 0 on 188 held-out events of Amazon
Scientific and cost .002 ndcg@10 on its validation items.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

#: Standard errors that a mean gain has to exceed.
STANDARD_ERRORS = 2.0

Option = TypeVar("Option", bound=Hashable)


@dataclass(frozen=True)
class PairedGain:
    """The mean difference of two options on the same queries.

    Attributes
    ----------
    n : int
        Queries.
    mean, error : float
        Mean difference and its standard error.
    """

    n: int = 0
    mean: float = 0.0
    error: float = 0.0

    @classmethod
    def between(
        cls, gains: NDArray[Any], baseline: NDArray[Any], n: int | None = None
    ) -> PairedGain:
        """Compare two options.

        Parameters
        ----------
        gains, baseline : float arrays, aligned, one value for each query
        n : int, optional
            All queries, where those that are not in the arrays gain the same under both options.
        """
        difference = np.asarray(gains, np.float64) - np.asarray(baseline, np.float64)
        total = len(difference) if n is None else n
        if not total:
            return cls()
        mean = float(difference.sum()) / total
        variance = max(float(np.square(difference).sum()) / total - mean**2, 0.0)
        return cls(total, mean, float(np.sqrt(variance / max(total - 1, 1))))

    @classmethod
    def average(cls, gains: Sequence[PairedGain]) -> PairedGain:
        """Return the mean over independent sets of queries, each of which counts the same."""
        if not gains:
            return cls()
        error = float(np.sqrt(sum(gain.error**2 for gain in gains))) / len(gains)
        mean = sum(gain.mean for gain in gains) / len(gains)
        return cls(sum(gain.n for gain in gains), mean, error)

    @property
    def lower(self) -> float:
        """The mean less the noise: what is gained at least, as far as these queries can say."""
        return self.mean - STANDARD_ERRORS * self.error

    @property
    def beyond_noise(self) -> bool:
        """Whether the gain is proven; a single query proves nothing."""
        return self.n > 1 and self.lower > 0

    def __neg__(self) -> PairedGain:
        """Return the same comparison the other way round."""
        return PairedGain(self.n, -self.mean, self.error)


@dataclass(frozen=True)
class Choice(Generic[Option]):
    """Which of several options serves.

    Attributes
    ----------
    option
        The best alternative where its gain is beyond noise, else the default.
    best
        The best alternative: the one with the largest `PairedGain.lower`.
    gain : PairedGain
        Of the best alternative over the default.
    """

    option: Option
    best: Option
    gain: PairedGain


def choose_option(
    gains: Mapping[Option, NDArray[Any]], default: Option, n: int | None = None
) -> Choice[Option]:
    """Choose by held-out queries; the default stands unless an alternative's gain is proven.

    Parameters
    ----------
    gains : mapping of option to float array, one value for each query
        The same queries for all options, the default among them.
    n : int, optional
        All queries, where those that are not in the arrays gain the same under every option.
    """
    baseline = gains[default]
    return choose_gain(
        {option: PairedGain.between(values, baseline, n) for option, values in gains.items()},
        default,
    )


def choose_gain(gains: Mapping[Option, PairedGain], default: Option) -> Choice[Option]:
    """Choose by gains over the default; it stands unless an alternative's gain is proven."""
    best = max(
        (option for option in gains if option != default),
        key=lambda option: gains[option].lower,
        default=default,
    )
    gain = gains[best]
    return Choice(best if gain.beyond_noise else default, best, gain)
