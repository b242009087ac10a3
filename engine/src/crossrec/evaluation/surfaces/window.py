"""The events that are held out to ask surfaces about: the last ones, by time or of each user."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from crossrec.components.consumption import DAY
from crossrec.data.dataset import Dataset
from crossrec.data.splits import LEAKS_OVER_TIME, before, without_tails
from crossrec.errors import DataError
from crossrec.numeric.ragged import IntArray, Ragged, offsets

#: Share of the interactions that lies after the cut of time.
TEST_SHARE = 0.1
#: Without a clock: one of so many interactions of a user is held out …
_ONE_OF = 5
#: … but at least and at most so many.
_LEAST, _MOST = 2, 10


@dataclass(frozen=True, eq=False)
class Window:
    """What is held out, and what came before it.

    Attributes
    ----------
    whole : Dataset
        All events; places in it are those of ``whole.events``.
    train : Dataset
        What may be fitted: the events before the window.
    users : int64 array, shape (n,)
        Users with interactions in the window, ascending.
    places : Ragged, n rows
        Where their interactions of the window stand, oldest first; at least one.
    starts, known : int64 arrays, shape (n,)
        Where the events of each user begin, and where the first stands that the fit has not seen.
    cut : float
        Seconds since 1970; NaN where only the order is known.
    notes : tuple of str
        What readers of the figures have to know.
    """

    whole: Dataset
    train: Dataset
    users: IntArray
    places: Ragged
    starts: IntArray
    known: IntArray
    cut: float
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.users)

    @property
    def protocol(self) -> str:
        """How the window was cut: ``"temporal"`` or ``"last events"``."""
        return "last events" if np.isnan(self.cut) else "temporal"

    @property
    def items(self) -> Ragged:
        """The items of the window, with repeats, oldest first."""
        return Ragged(self.places.indptr, self.whole.events.items[self.places.values])

    @property
    def times(self) -> NDArray[np.float64]:
        """The times of the events of the window, aligned with ``places.values``."""
        times: NDArray[np.float64] = self.whole.events.times[self.places.values]
        return times

    def take(self, rows: IntArray) -> Window:
        """Return the window of the chosen rows."""
        return replace(
            self,
            users=self.users[rows],
            places=self.places.take(rows),
            starts=self.starts[rows],
            known=self.known[rows],
        )

    def sample(self, n: int | None, seed: int) -> Window:
        """Return the window of `n` users drawn at random, or of all where there are fewer."""
        if n is None or n >= len(self):
            return self
        rows = np.random.default_rng(seed).choice(len(self), size=n, replace=False)
        note = f"a sample of {n:,} of {len(self):,} test users, seed {seed}"
        return replace(self.take(np.sort(rows)), notes=(*self.notes, note))


def window_of(dataset: Dataset) -> Window:
    """Hold out the last tenth of the interactions by time, or the last fifth of each user's.

    Without times users with five interactions or more are tested, on 2 to 10 of them; the others
    only train. An event at exactly the time of the cut comes after it.

    Raises
    ------
    DataError
        If too few times differ, or no user has five interactions.
    """
    events = dataset.events
    starts = offsets(np.bincount(events.users, minlength=dataset.n_users))
    if dataset.has_clock:
        cut = _cut_time(dataset)
        held = np.flatnonzero(dataset.interactions.times >= cut)
        # Sorted by user and time: what a user did before the cut is the head of the own events.
        ends = starts[:-1] + np.bincount(
            events.users[events.times < cut], minlength=dataset.n_users
        )
        days = (float(dataset.interactions.times.max()) - cut) / DAY
        note = f"the window is the last {days:.1f} days"
        return _window(dataset, before(dataset, cut), held, starts, ends, cut, (note,))
    lengths = dataset.sequences.lengths
    users = np.flatnonzero(lengths >= _ONE_OF)
    if not len(users):
        raise DataError(
            "without times surfaces are tested on people with five events or more, and nobody has "
            "so many"
        )
    tails = np.zeros(dataset.n_users, dtype=np.int64)
    tails[users] = np.clip(lengths[users] // _ONE_OF, _LEAST, _MOST)
    held = np.flatnonzero(dataset.sequences.from_end() < tails[dataset.sequences.row_of])
    first = dataset.sequences.indptr[1:] - tails
    ends = starts[1:].copy()
    ends[users] = dataset.interaction_rows[first[users]]
    train = without_tails(dataset, users, tails[users])
    notes = ("no times: the last fifth of each user's events is the test", LEAKS_OVER_TIME)
    return _window(dataset, train, held, starts, ends, float("nan"), notes)


def _cut_time(dataset: Dataset) -> float:
    """Return the time that nine tenths of the interactions precede."""
    times = np.sort(dataset.interactions.times)
    if len(times):
        cut = float(times[min(int((1.0 - TEST_SHARE) * len(times)), len(times) - 1)])
        if cut > times[0]:
            return cut
    raise DataError("too few distinct times to hold the last events out: ingest more events")


def _window(
    dataset: Dataset,
    train: Dataset,
    held: IntArray,
    starts: IntArray,
    ends: IntArray,
    cut: float,
    notes: tuple[str, ...],
) -> Window:
    """Put a window together from the held-out interactions, given by their number."""
    places = dataset.interaction_rows[held]
    by_user = Ragged.grouped(dataset.events.users[places], places, dataset.n_users)
    users = np.flatnonzero(by_user.lengths > 0)
    return Window(
        dataset, train, users, by_user.take(users), starts[users], ends[users], cut, notes
    )
