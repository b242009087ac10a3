"""Sessions of a source without times: events of one session stand at one position."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crossrec.store.rows import Coded


class SessionPositions:
    """Numbers the good rows of one source; a row of a known session has the number of its first.

    A session is of one user: the same id at another user is another one. A row without a session
    stands alone.
    """

    def __init__(self) -> None:
        self._first: dict[tuple[str, str], int] = {}
        self._rows = 0

    def of(self, users: Coded, sessions: Coded) -> NDArray[np.float64]:
        """Return the positions of the next rows of the source, float64 (n,), from 1."""
        n, width = len(users), max(len(sessions.values), 1)
        own = self._rows + 1 + np.arange(n, dtype=np.float64)
        self._rows += n
        keys, first, back = np.unique(
            users.codes * width + sessions.codes, return_index=True, return_inverse=True
        )
        starts = own[first]
        for at, key in enumerate(keys.tolist()):
            session = sessions.values[key % width]
            if session:
                known = (users.values[key // width], session)
                starts[at] = self._first.setdefault(known, int(starts[at]))
        alone = np.array([not session for session in sessions.values], dtype=bool)
        return np.where(alone[sessions.codes], own, starts[back])
