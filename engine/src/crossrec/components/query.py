"""The query: `Query` at the edge (ids), `QueryBatch` inside (indexes)."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec.data.ids import requested_id
from crossrec.errors import UsageError
from crossrec.numeric.ragged import Ragged, read_only


@dataclass(frozen=True)
class Entity:
    """A value that items share: a genre, an artist, a community.

    Attributes
    ----------
    field : str
        The field of the items.
    value : str
        In upper or lower case.
    """

    field: str
    value: str


@dataclass(frozen=True)
class Query:
    """One request, in ids. The query carries the user: a new user is a history, not a retraining.

    Ids are read by the rule of files: whole numbers are taken for texts.

    Attributes
    ----------
    user_id : str or None
        History is read from the store unless `history` is given; bans are read in any case.
    history : tuple of str or None
        Item ids, oldest first.
    item_ids : tuple of str
        The items that an item surface is about ("more like this"), a cart or a playlist, or a list
        to put in order.
    entity : Entity or None
        The genre, artist … whose items alone are listed; on a surface about items they stand for
        it.
    row : int
        Which row of a surface with several, from 1.
    session : tuple of str
        Items of the running session, oldest first; they follow the history.
    exclude : tuple of str
        Items that must not be returned.
    shown : tuple of str
        Items of the pages before this one: none of them is returned again.
    context : mapping of str to value
        What is known of the moment: device, country, hour …
    now : float or None
        Seconds since 1970; the current time where None.
    filter, boost : str
        Expressions over item, user, history and context fields: only items for which the filter is
        true are returned, and the boost multiplies their scores. Besides those of the surface.
    text : str
        What is wanted, in words.
    """

    user_id: str | None = None
    history: tuple[str, ...] | None = None
    item_ids: tuple[str, ...] = ()
    entity: Entity | None = None
    row: int = 1
    session: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    context: Mapping[str, Any] = field(default_factory=dict)
    now: float | None = None
    surface: str | None = None
    k: int = 10
    filter: str = ""
    boost: str = ""
    text: str = ""

    def __post_init__(self) -> None:
        for name in ("k", "row"):
            value = getattr(self, name)
            try:
                operator.index(value)
            except TypeError:
                raise UsageError(f"{name} must be a whole number, not {value!r}") from None
            if value < 1:
                raise UsageError(f"{name} must be 1 or more, not {value}")
        if self.user_id is not None:
            object.__setattr__(self, "user_id", requested_id("user_id", self.user_id))
        for name in ("history", "item_ids", "session", "exclude", "shown"):
            given = getattr(self, name)
            if given:
                object.__setattr__(self, name, id_tuple(name, given))


@dataclass(frozen=True, eq=False)
class QueryBatch:
    """Queries in indexes; everything that scores takes this. All arrays are read-only.

    A component that needs only items reads `history`, or `seeds` where it relates items to items.

    Attributes
    ----------
    users : int64 array, shape (n,)
        User index, -1 for a user who is unknown to the fitted dataset.
    history : Ragged, n rows
        Items with evidence for them, oldest first, session included.
    exclude : Ragged, n rows
        Items that must not be returned.
    now : float64 array, shape (n,), or None
        Time of each query in the dataset's clock; None where it has none.
    about : Ragged, n rows
        The items that an item, cart or playlist surface is about; never mixed into the history.
    negatives : Ragged, n rows
        Items that the user has refused.
    demoted : Ragged, n rows
        Items that an earlier consumption weighs down, ascending in each row.
    factors : float32 array, aligned with ``demoted.values``, or None
        What is left of their weight.
    times : float64 array, aligned with ``history.values``, or None
    types : int64 array, aligned with ``history.values``, or None
        Index into the scenario's event types; None where only items are known.
    weights : float32 array, aligned with ``history.values``, or None
    session_start : float64 array, shape (n,), or None
        When the running session began, NaN where there is none.
    context : mapping of name to array, shape (n,)
    surface : str
    profile : mapping of name to array of str, shape (n,)
        Fields of the users table as categories, "" where one is not known.
    linked : Ragged, n rows
        What the user did in other scenarios and agreed to have used here, oldest first: indexes
        into the linked items that the pipeline was fitted with.
    """

    users: NDArray[np.int64]
    history: Ragged
    exclude: Ragged
    now: NDArray[np.float64] | None = None
    about: Ragged = field(default_factory=lambda: Ragged.empty(0))
    negatives: Ragged = field(default_factory=lambda: Ragged.empty(0))
    demoted: Ragged = field(default_factory=lambda: Ragged.empty(0))
    factors: NDArray[np.float32] | None = None
    times: NDArray[np.float64] | None = None
    types: NDArray[np.int64] | None = None
    weights: NDArray[np.float32] | None = None
    session_start: NDArray[np.float64] | None = None
    context: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    surface: str = ""
    profile: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)
    linked: Ragged = field(default_factory=lambda: Ragged.empty(0))

    def __post_init__(self) -> None:
        n = len(self.users)
        for name in ("about", "negatives", "demoted", "linked"):
            if len(getattr(self, name)) != n:
                object.__setattr__(self, name, Ragged.empty(n))
        same = self.exclude is self.history  # stays so, for who asks whether it is
        for name in ("history", "exclude", "about", "negatives", "demoted", "linked"):
            object.__setattr__(self, name, getattr(self, name).read_only())
        if same:
            object.__setattr__(self, "exclude", self.history)
        for name in ("users", "now", "factors", "times", "types", "weights", "session_start"):
            array = getattr(self, name)
            if array is not None:
                object.__setattr__(self, name, read_only(array))
        for name in ("context", "profile"):
            columns = {key: read_only(column) for key, column in getattr(self, name).items()}
            object.__setattr__(self, name, MappingProxyType(columns))

    @classmethod
    def from_histories(
        cls,
        history: Ragged,
        *,
        users: NDArray[np.int64] | None = None,
        exclude: Ragged | None = None,
        now: NDArray[np.float64] | None = None,
        about: Ragged | None = None,
    ) -> QueryBatch:
        """Build a batch; users default to unknown, `exclude` to the history itself."""
        n = len(history)
        return cls(
            np.full(n, -1, dtype=np.int64) if users is None else users,
            history,
            history if exclude is None else exclude,
            now,
            Ragged.empty(n) if about is None else about,
        )

    @classmethod
    def stack(cls, parts: Sequence[QueryBatch]) -> QueryBatch:
        """Return the queries of all parts, in their order; all have the same columns.

        A field of the profile that a part lacks is "" there.

        Raises
        ------
        ValueError
            If one part has a column that another lacks.
        """

        def flat(name: str) -> Any:
            columns = [getattr(part, name) for part in parts]
            missing = [column is None for column in columns]
            if any(missing) and not all(missing):
                raise ValueError(f"some queries have {name}, and others have none")
            return None if all(missing) else np.concatenate(columns)

        def rows(name: str) -> Ragged:
            return Ragged.stack([getattr(part, name) for part in parts])

        contexts = [part.context for part in parts]
        if any(one.keys() != contexts[0].keys() for one in contexts):
            raise ValueError("some queries have a context that others have not")
        fields = dict.fromkeys(name for part in parts for name in part.profile)

        return cls(
            flat("users"),
            rows("history"),
            rows("exclude"),
            flat("now"),
            rows("about"),
            rows("negatives"),
            rows("demoted"),
            flat("factors"),
            flat("times"),
            flat("types"),
            flat("weights"),
            flat("session_start"),
            {name: np.concatenate([one[name] for one in contexts]) for name in contexts[0]},
            parts[0].surface,
            {
                name: np.concatenate(
                    [part.profile.get(name, np.full(len(part), "")) for part in parts]
                )
                for name in fields
            },
            rows("linked"),
        )

    def __len__(self) -> int:
        return len(self.users)

    @property
    def seeds(self) -> Ragged:
        """What candidates are related to: the items of an item surface, else the history."""
        lengths = self.about.lengths
        if not lengths.any():
            return self.history
        if lengths.all():
            return self.about
        rows = [
            (self.about if long else self.history).row(at) for at, long in enumerate(lengths > 0)
        ]
        return Ragged.from_rows(rows)

    def related(self) -> QueryBatch:
        """Return the batch with `seeds` as its history: what sources get on a surface about items.

        The same object where no query is about items, so that what is kept with it is found again.
        """
        if not self.about.lengths.any():
            return self
        return replace(self, history=self.seeds, times=None, types=None, weights=None)

    def take(self, rows: NDArray[np.int64]) -> QueryBatch:
        """Return the chosen queries."""
        at = self.history.positions(rows)

        def aligned(column: NDArray[Any] | None) -> Any:
            return None if column is None else column[at]

        def chosen(column: NDArray[Any] | None) -> Any:
            return None if column is None else column[rows]

        return QueryBatch(
            self.users[rows],
            self.history.take(rows),
            self.exclude.take(rows),
            chosen(self.now),
            self.about.take(rows),
            self.negatives.take(rows),
            self.demoted.take(rows),
            None if self.factors is None else self.factors[self.demoted.positions(rows)],
            aligned(self.times),
            aligned(self.types),
            aligned(self.weights),
            chosen(self.session_start),
            {name: column[rows] for name, column in self.context.items()},
            self.surface,
            {name: column[rows] for name, column in self.profile.items()},
            self.linked.take(rows),
        )

    def blocks(self, size: int) -> list[NDArray[np.int64]]:
        """Return the row numbers in blocks of at most `size`."""
        return [np.arange(i, min(i + size, len(self))) for i in range(0, len(self), size)]

    def last_items(self) -> NDArray[np.int64]:
        """Return the last item of each history, int64 (n,), -1 where it is empty."""
        last = np.full(len(self), -1, dtype=np.int64)
        filled = self.history.lengths > 0
        last[filled] = self.history.values[self.history.indptr[1:][filled] - 1]
        return last


def id_tuple(name: str, values: Iterable[object]) -> tuple[str, ...]:
    """Return ids as a tuple; one string would be taken for a list of letters.

    Raises
    ------
    UsageError
        Names the argument that got one string, or holds what can be no id.
    """
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        what = "one string" if isinstance(values, str) else f"{values!r}"
        raise UsageError(f"{name} is a list of ids, not {what}: write [{values!r}]")
    return tuple(requested_id(name, value) for value in values)
