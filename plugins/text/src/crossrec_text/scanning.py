"""The scan over the vectors: all of them for a batch, of a single query no more than is needed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from crossrec.components.candidates import Candidates
from crossrec.components.topk import top_k
from crossrec.numeric.ragged import Ragged
from numpy.typing import NDArray

from crossrec_text.asked import Floats, Ints
from crossrec_text.dense import DenseSpace

#: Scores are rounded, so that items of equal text tie whatever the order of summation was.
_DECIMALS = 5
#: What rounding may add to a score or take from it, with some to spare.
_SLACK = 1e-4
#: Where more than one item in so many may be among the best, all are scored exactly.
_MOST = 4


@dataclass(frozen=True, eq=False)
class Scan:
    """The scores of n queries: along the leading axes at once, along the others where asked.

    Vectors lie along the principal axes of the catalog, so that the leading quarter of the axes
    tells most of a similarity, and the length of the rest bounds what is missing. For one query the
    time of a scan is the time to read the vectors, and a quarter of them may stay in the cache.

    Attributes
    ----------
    dense : DenseSpace
    profiles : float32 array, shape (n, dim)
        The score of an item is its product with the profile, plus what is not of vectors.
    coarse : float32 array, shape (n, n_items)
        The scores but for the product along the axes from ``dense.lead`` on; NaN for items without
        text, and in rows whose history holds no item with text.
    """

    dense: DenseSpace
    profiles: Floats
    coarse: Floats

    def __len__(self) -> int:
        return len(self.coarse)

    @cached_property
    def whole(self) -> Floats:
        """The score of every item, float32 (n, n_items), NaN where `coarse` is."""
        lead = self.dense.lead
        scores = self.profiles[:, lead:] @ self.dense.columns[lead:]
        scores += self.coarse
        return np.round(scores, _DECIMALS, out=scores)

    @cached_property
    def _exact(self) -> Floats:
        """The scores of a single query that were asked for, float32 (n_items,), else NaN."""
        return np.full(self.coarse.shape[1], np.nan, dtype=np.float32)

    def at(self, row: int, items: Ints) -> Floats:
        """Return the scores of a few items for one of the queries, float32 (m,)."""
        if "whole" in self.__dict__ or len(self) > 1:
            known: Floats = self.whole[row, items]
            return known
        scores: Floats = self._exact[items]
        places = np.flatnonzero(np.isnan(scores))
        if len(places):
            new = items[places]
            found = self.coarse[0, new] + self.dense.rest(new) @ self._missing
            scores[places] = self._exact[new] = np.round(found, _DECIMALS)
        return scores

    def best(self, k: int, exclude: Ragged) -> Candidates:
        """Return the best ≤ k items of each query that it does not exclude.

        A batch, and a query of which the leading axes tell too little, is scored as a whole; the
        answers are the same. Only `std` of a single query leaves out that what the leading axes
        miss goes together with words, and is some tenths of a percent too small.
        """
        found = self._pruned(k, exclude) if len(self) == 1 and k > 0 else None
        return top_k(self.whole.copy(), k, exclude) if found is None else found

    @property
    def _missing(self) -> Floats:
        return self.profiles[0, self.dense.lead :]

    def _pruned(self, k: int, exclude: Ragged) -> Candidates | None:
        """Score exactly what may be among the best of a single query; None where that is much.

        The least of any k exact scores bounds the k-th best of all from below, and by Cauchy and
        Schwarz no item misses more than the product of the two lengths that were left out.
        """
        n_items = self.coarse.shape[1]
        if k * _MOST > n_items:
            return None
        likely = top_k(self.coarse.copy(), k, exclude)
        seeds = likely.index[0]
        if likely.full is None or len(seeds) < k:
            return None
        floor = self.at(0, seeds).min() - _SLACK
        length = np.linalg.norm(self._missing) * (1.0 + _SLACK)
        items = np.flatnonzero(likely.full[0] >= floor - length * self.dense.rest_lengths)
        if len(items) > k + n_items // _MOST:
            return None
        scores = self.at(0, items)
        order = np.argsort(-scores, kind="stable")[:k]
        mean, std = self._moments(likely, items, scores)
        return Candidates(items[order][None], scores[order][None], "", mean, std)

    def _moments(
        self, likely: Candidates, items: Ints, scores: Floats
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean and standard deviation of the scores, from those along the leading axes.

        What is missing spreads as it does over the catalog, apart from all else but at `items`.
        """
        assert likely.mean is not None
        assert likely.std is not None
        lead, n = self.dense.lead, self.coarse.shape[1]
        missing = self._missing.astype(np.float64)
        spread = np.square(missing) @ self.dense.squares[lead:] / n
        known = self.coarse[0, items] - likely.mean[0]
        together = 2.0 * (known @ (scores - self.coarse[0, items])) / n
        variance = np.maximum(likely.std.astype(np.float64) ** 2 + spread + together, 0.0)
        mean = likely.mean + np.float32(missing @ self.dense.total[lead:] / n)
        return mean, np.sqrt(variance).astype(np.float32)
