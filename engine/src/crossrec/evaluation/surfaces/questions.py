"""Questions to a surface and what would have been right: one question for each test user.

A question never knows what comes after it: `known` ends before the first of its targets, and what
was fitted ends before that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from crossrec.components.consumption import DAY
from crossrec.components.user_state import SESSION_GAP
from crossrec.evaluation.surfaces.window import Window
from crossrec.numeric.ragged import BoolArray, IntArray, Ragged

#: What somebody takes behind an item: so many items of the day.
NEXT = 10


@dataclass(frozen=True, eq=False)
class Questions:
    """Questions to a surface.

    Attributes
    ----------
    users : int64 array, shape (n,)
        Whose targets these are.
    starts, known : int64 arrays, shape (n,)
        A request knows the events of the user from the first of these places to before the second.
    now : float64 array, shape (n,)
        Seconds since 1970; NaN where only the order is known.
    about : Ragged, n rows
        Items that the request is about.
    session : Ragged, n rows
        Items of the running session.
    targets : Ragged, n rows
        Distinct items that were right; at least one in each row.
    what : str
        The question in words, for the report.
    anonymous : bool
        Whether the request names nobody: then all questions are the same.
    """

    users: IntArray
    starts: IntArray
    known: IntArray
    now: NDArray[np.float64]
    about: Ragged
    session: Ragged
    targets: Ragged
    what: str
    anonymous: bool = False

    def __len__(self) -> int:
        return len(self.users)

    def where(self, keep: BoolArray) -> Questions:
        """Return the questions where the mask is true."""
        rows = np.flatnonzero(keep)
        flat = {name: getattr(self, name)[rows] for name in ("users", "starts", "known", "now")}
        ragged = {n: getattr(self, n).take(rows) for n in ("about", "session", "targets")}
        return replace(self, **flat, **ragged)


def of_users(window: Window) -> Questions:
    """Ask for what each user takes in the window, knowing what came before it."""
    return _questions(
        window,
        window.known,
        targets=window.items.distinct(),
        what="what a user takes after the cut",
    )


def of_nobody(window: Window) -> Questions:
    """Ask, without a user, for what each test user takes in the window."""
    wanted = of_users(window)
    what = "what people take after the cut, without a user"
    return replace(wanted, what=what, anonymous=True)


def of_items(window: Window) -> Questions:
    """Ask, of the first item of a day, for the next items of that day."""
    what = f"from the first item of a day to the next of it, at most {NEXT}"
    return _first(_parted(window, _days(window), 0.0, what), NEXT)


def of_baskets(window: Window) -> Questions:
    """Ask, of the first half of a day's items, for the other half."""
    return _parted(window, _days(window), 0.5, "from half of the items of a day to the other half")


def of_sessions(window: Window) -> Questions:
    """Ask, of the first half of a session's items, for the next one."""
    what = "from half of a session to the next item of it"
    wanted = _first(_parted(window, _sessions(window), 0.5, what), 1)
    return replace(wanted, about=Ragged.empty(len(wanted)), session=wanted.about)


#: Input of a surface → the questions to it. An input that is not here has no protocol.
QUESTIONS_OF: Mapping[str, Callable[[Window], Questions]] = {
    "user": of_users,
    "nothing": of_nobody,
    "item": of_items,
    "items": of_baskets,
    "session": of_sessions,
}


def of_returns(window: Window) -> Questions:
    """Ask for those items that a user takes again: for surfaces that show the own history.

    Only users who take one again are tested; the report says how many these are.
    """
    wanted = of_users(window)
    events = window.whole.events
    lengths = wanted.known - wanted.starts
    rows = np.repeat(np.arange(len(wanted)), lengths)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    places = wanted.starts[rows] + within
    positive = events.weights[places] > 0
    had = Ragged.grouped(rows[positive], events.items[places[positive]], len(wanted))
    again = wanted.targets.where(wanted.targets.isin(had))
    share = float(np.mean(again.lengths > 0)) if len(wanted) else 0.0
    what = f"what a user takes again after the cut; {share:.0%} of the test users do"
    return replace(wanted, targets=again, what=what).where(again.lengths > 0)


def _days(window: Window) -> IntArray:
    """Return the day of each event of the window; one day for all where only order is known."""
    if np.isnan(window.cut):
        return np.zeros(len(window.places.values), dtype=np.int64)
    return np.floor(window.times / DAY).astype(np.int64)


def _sessions(window: Window) -> IntArray:
    """Number the sessions of the window: half an hour without an event begins another one."""
    if np.isnan(window.cut):
        return np.zeros(len(window.places.values), dtype=np.int64)
    breaks = np.diff(window.times, prepend=-np.inf) > SESSION_GAP
    return np.cumsum(breaks | (window.places.from_start() == 0))


def _parted(window: Window, group: IntArray, share: float, what: str) -> Questions:
    """Give the head of each user's first group with two distinct items, and ask for the rest.

    Parameters
    ----------
    group : int64 array, aligned with ``window.places.values``
        Events of one group are neighbours.
    share : float
        Of the distinct items of the group that are given, rounded up; one item at least.
    """
    rows, items = window.places.row_of, window.items.values
    begins = np.ones(len(group), dtype=bool)
    begins[1:] = (group[1:] != group[:-1]) | (rows[1:] != rows[:-1])
    number = np.cumsum(begins) - 1
    n_groups = int(begins.sum())
    groups = Ragged.grouped(number, np.arange(len(group)), n_groups)
    distinct = Ragged(groups.indptr, items).distinct_mask()
    sizes = np.bincount(number[distinct], minlength=n_groups)
    usable = np.flatnonzero(sizes >= 2)
    owners, at = np.unique(rows[groups.indptr[usable]], return_index=True)
    chosen = usable[at]
    firsts = groups.where(distinct).take(chosen)
    given = np.maximum(np.ceil(share * sizes[chosen]).astype(np.int64), 1)
    head = firsts.from_start() < given[firsts.row_of]
    part = window.take(owners)
    start = groups.indptr[chosen]
    return _questions(
        part,
        window.places.values[start],
        now=window.times[start],
        about=_items_at(firsts.where(head), items),
        targets=_items_at(firsts.where(~head), items),
        what=what,
    )


def _first(questions: Questions, n: int) -> Questions:
    """Ask for the first `n` targets alone."""
    targets = questions.targets
    return replace(questions, targets=targets.heads(np.minimum(targets.lengths, n)))


def _items_at(places: Ragged, items: IntArray) -> Ragged:
    return Ragged(places.indptr, items[places.values])


def _questions(
    window: Window,
    known: IntArray,
    *,
    targets: Ragged,
    what: str,
    about: Ragged | None = None,
    now: NDArray[np.float64] | None = None,
) -> Questions:
    """Put questions together; they are put at the cut where no time is given."""
    n = len(window)
    clock = np.full(n, window.cut) if now is None or np.isnan(window.cut) else now
    return Questions(
        window.users,
        window.starts,
        known,
        clock,
        Ragged.empty(n) if about is None else about,
        Ragged.empty(n),
        targets,
        what,
    )
