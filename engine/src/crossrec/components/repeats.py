"""Do people of this scenario come back to what they had? Their own events tell.

Similarity ranks highest what was consumed before, so where nothing repeats a history must not be
offered again, and where much repeats it must.
"""

from __future__ import annotations

from dataclasses import dataclass

from crossrec.numeric.ragged import Ragged

#: From this share of repeating users on, known items are candidates …
_RATE = 0.05
#: … where at least so many users can show it.
_USERS = 20


@dataclass(frozen=True)
class RepeatRate:
    """How often people come back.

    Attributes
    ----------
    rate : float
        Share of the users with two or more events whose last one is of an item they had before.
    users : int
        How many users have two or more events.
    """

    rate: float
    users: int

    @property
    def comes_back(self) -> bool:
        """Whether known items should be candidates."""
        return self.users >= _USERS and self.rate >= _RATE


def repeat_rate(sequences: Ragged) -> RepeatRate:
    """Look at the last event of every user who has two or more.

    Parameters
    ----------
    sequences : Ragged
        Items of each user, oldest first.
    """
    last = sequences.indptr[1:][sequences.lengths >= 2] - 1
    if not len(last):
        return RepeatRate(0.0, 0)
    return RepeatRate(float((~sequences.distinct_mask()[last]).mean()), len(last))
