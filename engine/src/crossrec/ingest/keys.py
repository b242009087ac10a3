"""The identity of events: what makes ingesting the same file twice change nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crossrec.ingest.validation import EventDraft
from crossrec.numeric.hashing import GOLDEN, Hashes, mixed
from crossrec.store.rows import Coded


class KeyMaker:
    """Gives each event of one source a 64-bit key.

    The key is a hash of (user, item, type, time, value) and of how many identical rows came
    before it in the same source. So overlapping exports share the keys of the rows that they
    share, and real repeats within one file stay apart. A row with an event id has the hash of
    that id alone. Where there is no clock the time is no part of it: of a file that has grown,
    the old rows are known and the new ones are appended.

    Two different events collide with a probability of n² / 2⁶⁵: 3 in 100 million for a million
    events, 3 in 10,000 for a hundred million.
    """

    def __init__(self) -> None:
        self._seen = _Occurrences()

    def keys(self, draft: EventDraft) -> NDArray[np.int64]:
        """Return the keys of the next events of the source, int64 (n,)."""
        parts = [_hashed(draft.users), _hashed(draft.items), _hashed(draft.types)]
        if draft.times is not None:
            parts.append(np.rint(draft.times * 1e6).astype(np.int64).view(np.uint64))
        rounded = (draft.values + 0.0).astype(np.float32)  # + 0.0 makes -0.0 equal to 0.0
        rounded[np.isnan(rounded)] = np.float32(np.nan)
        parts.append(rounded.view(np.uint32).astype(np.uint64))
        rows = _combined(parts)
        named = np.zeros(len(rows), dtype=bool)
        if draft.event_ids is not None:
            has_id = np.array([bool(id_) for id_ in draft.event_ids.values], dtype=bool)
            named = has_id[draft.event_ids.codes]
            rows = np.where(named, _combined([_hashed(draft.event_ids)]), rows)
        repeats = self._seen.before(rows)
        repeats[named] = 0
        return mixed(rows + repeats * GOLDEN).view(np.int64)


class _Occurrences:
    """Counts how often each hash was seen, over all chunks of a source.

    Sorted runs of growing size, merged like a binary counter: n hashes cost O(n log n) in all.
    """

    def __init__(self) -> None:
        self._runs: list[tuple[Hashes, Hashes]] = []

    def before(self, hashes: Hashes) -> Hashes:
        """Return how often each hash was seen before its row, and remember them all."""
        unique, inverse, counts = np.unique(hashes, return_inverse=True, return_counts=True)
        order = np.argsort(inverse, kind="stable")
        starts = np.cumsum(counts) - counts
        repeats = np.empty(len(hashes), dtype=np.uint64)
        repeats[order] = np.arange(len(hashes)) - np.repeat(starts, counts)
        earlier = np.zeros(len(unique), dtype=np.uint64)
        for known, totals in self._runs:
            place = np.minimum(np.searchsorted(known, unique), len(known) - 1)
            earlier += np.where(known[place] == unique, totals[place], np.uint64(0))
        if len(unique):
            self._remember(unique, counts.astype(np.uint64))
        return repeats + earlier[inverse]

    def _remember(self, unique: Hashes, counts: Hashes) -> None:
        while self._runs and len(self._runs[-1][0]) <= 2 * len(unique):
            known, totals = self._runs.pop()
            both = np.concatenate([known, unique])
            unique, inverse = np.unique(both, return_inverse=True)
            summed = np.zeros(len(unique), dtype=np.uint64)
            np.add.at(summed, inverse, np.concatenate([totals, counts]))
            counts = summed
        self._runs.append((unique, counts))


def _hashed(column: Coded) -> Hashes:
    """Return a stable hash of each row's string, uint64 (n,)."""
    import pandas as pd

    distinct = np.array(column.values, dtype=object)
    hashes = pd.util.hash_array(distinct, categorize=False)
    return hashes[column.codes]


def _combined(parts: list[Hashes]) -> Hashes:
    """Return one hash of several, in their order."""
    total = np.zeros(len(parts[0]), dtype=np.uint64)
    for part in parts:
        total = mixed(total * GOLDEN + part + GOLDEN)
    return total
