"""What was shown to people and what they did with it: what a policy learns from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossrec.data.catalog import Catalog


@dataclass(frozen=True, eq=False)
class Impressions:
    """Items of answered requests, a row for each, in the order in which they were written down.

    Attributes
    ----------
    items : int64 array, shape (n,)
        Item indexes.
    requests : int64 array, shape (n,)
        Rows of one request have the same number.
    positions : int64 array, shape (n,)
        Place in the list, from 0.
    propensities : float64 array, shape (n,)
        Probability with which a randomised policy put the item there; 1 where none did.
    times : float64 array, shape (n,)
        Seconds since 1970, of the request.
    """

    items: NDArray[np.int64]
    requests: NDArray[np.int64]
    positions: NDArray[np.int64]
    propensities: NDArray[np.float64]
    times: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True, eq=False)
class Feedback:
    """What came since a policy learnt last, on one surface.

    An event may be about an impression that came earlier and was handed over then: it carries
    what is known of that impression.

    Attributes
    ----------
    catalog : Catalog
        What indexes point into.
    shown : Impressions
        New impressions, with feedback or without.
    answered : Impressions, n rows
        The impression behind each new event of feedback.
    types : int64 array, shape (n,)
        Index into the scenario's event types.
    weights : float32 array, shape (n,)
        Signed strength, value included.
    times : float64 array, shape (n,)
        Seconds since 1970, of the event.
    """

    catalog: Catalog
    shown: Impressions
    answered: Impressions
    types: NDArray[np.int64]
    weights: NDArray[np.float32]
    times: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.types)
