"""What past events do to candidates: remove them, weigh them down, or nothing.

The scenario declares it per event type, and nothing else decides:

* ``consumes="none"`` never removes an item;
* ``"hard"`` removes it for good; ``"soft"`` removes it while it is fresh, and later weighs it down;
* a negative event that consumes, or that was explicit, removes its item, or all items of the entity
  that its relation names, until its half-life is over; for good where it has none;
* a later opposite event cancels an earlier one.

The same function serves one request and the batches of an evaluation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from crossrec.numeric.arrays import among
from crossrec.numeric.ragged import IntArray, Ragged
from crossrec.scenario import Scenario

DAY = 86_400.0

#: Why an item is no candidate, as a code: words in any language can be made of it.
Code = Literal["consumed", "recently_consumed", "disliked", "entity_banned"]
CODES: tuple[Code, ...] = ("consumed", "recently_consumed", "disliked", "entity_banned")
_NONE, _SOFT, _HARD = 0, 1, 2
_CONSUMES = {"none": _NONE, "soft": _SOFT, "hard": _HARD}


@dataclass(frozen=True, eq=False)
class EventEffects:
    """What each event type of a scenario does, as arrays by type index.

    Attributes
    ----------
    names : tuple of str
    consumes : int64 array, shape (n_types,)
        0 none, 1 soft, 2 hard.
    half_life : float64 array, shape (n_types,)
        In days, or in events where there is no clock; NaN for none.
    explicit : bool array, shape (n_types,)
    cancels : bool array, shape (n_types, n_types)
        Row cancels column.
    relation : tuple of str
        The field whose value a type acts on; "" where it acts on its item.
    """

    names: tuple[str, ...]
    consumes: IntArray
    half_life: NDArray[np.float64]
    explicit: NDArray[np.bool_]
    cancels: NDArray[np.bool_]
    relation: tuple[str, ...]

    @classmethod
    def of(cls, scenario: Scenario) -> EventEffects:
        """Collect what `scenario` declares."""
        events = scenario.events
        names = tuple(event.name for event in events)
        fields = {relation.name: relation.field for relation in scenario.relations}
        cancels = np.zeros((len(events), len(events)), dtype=bool)
        for row, event in enumerate(events):
            cancels[row, [names.index(name) for name in event.cancels]] = True
        return cls(
            names,
            np.array([_CONSUMES[event.consumes] for event in events], dtype=np.int64),
            np.array(
                [np.nan if e.half_life_days is None else e.half_life_days for e in events],
                dtype=np.float64,
            ),
            np.array([event.kind == "explicit" for event in events], dtype=bool),
            cancels,
            tuple(fields.get(event.relation, "") for event in events),
        )

    @property
    def acting_types(self) -> tuple[str, ...]:
        """The types whose events act on candidates, or undo others', however old they are."""
        acts = (self.consumes > _NONE) | self.explicit | self.cancels_any
        return tuple(name for name, act in zip(self.names, acts, strict=True) if act)

    @cached_property
    def cancels_any(self) -> NDArray[np.bool_]:
        """Whether a type cancels another, bool (n_types,)."""
        cancels: NDArray[np.bool_] = np.asarray(self.cancels.any(axis=1))
        return cancels

    def cancelled_by(self, types: IntArray) -> NDArray[np.bool_]:
        """Return the types that one of some types cancels, bool (n_types,)."""
        cancelled: NDArray[np.bool_] = np.asarray(self.cancels[np.unique(types)].any(axis=0))
        return cancelled

    @cached_property
    def on_entity(self) -> NDArray[np.bool_]:
        """Whether a type acts on all items of an entity, bool (n_types,)."""
        return np.array([bool(field) for field in self.relation], dtype=bool)


@dataclass(frozen=True, eq=False)
class PastEvents:
    """Events of some users, each row's oldest first.

    Attributes
    ----------
    rows : int64 array, shape (n,)
        Which user, ascending.
    items : int64 array, shape (n,)
        -1 for an item that the catalog lacks.
    types : int64 array, shape (n,)
    weights : float32 array, shape (n,)
        Signed.
    ages : float64 array, shape (n,)
        In days, or in events where there is no clock; see `ages_of`.
    n_rows : int
    """

    rows: IntArray
    items: IntArray
    types: IntArray
    weights: NDArray[np.float32]
    ages: NDArray[np.float64]
    n_rows: int = 1


def ages_of(
    rows: IntArray, times: NDArray[np.float64], now: NDArray[np.float64] | None, n_rows: int
) -> NDArray[np.float64]:
    """Return the age of each event: in days before `now`, or in later events where it is None.

    Parameters
    ----------
    rows : int64 array, shape (n,)
        Ascending; within a row the oldest first.
    now : float64 array, shape (n_rows,), or None
        Seconds since 1970; None where the dataset has no clock.
    """
    if now is None:
        ends = np.cumsum(np.bincount(rows, minlength=n_rows))
        return (ends[rows] - 1 - np.arange(len(rows))).astype(np.float64)
    return np.maximum(now[rows] - times, 0.0) / DAY


@dataclass(frozen=True, eq=False)
class PastEffects:
    """What the past does to candidates.

    Attributes
    ----------
    removed : Ragged
        Items that are no candidates; distinct and ascending in each row.
    codes, types : int64 arrays, aligned with ``removed.values``
        Why: index into `CODES`, and the type of the event that says so.
    demoted : Ragged
        Items that are weighed down; distinct and ascending in each row.
    factors : float32 array, aligned with ``demoted.values``
        In (0, 1): what is left of the weight.
    undone : bool array, shape (n events,)
        Positive events on an entity that a later one has undone, at whichever of its items: a
        follow after an unfollow.
    """

    removed: Ragged
    codes: IntArray
    types: IntArray
    demoted: Ragged
    factors: NDArray[np.float32]
    undone: NDArray[np.bool_]


def effects_of(
    past: PastEvents,
    effects: EventEffects,
    *,
    fresh: float = 1.0,
    weighs: float = 1.0,
    keeps_consumed: bool = False,
    entities: Mapping[str, Sequence[IntArray]] | None = None,
) -> PastEffects:
    """Apply what the scenario declares to the events of some users.

    Parameters
    ----------
    fresh : float
        Half-lives during which a soft consumption removes its item.
    weighs : float
        How much of ``0.5 ** (age / half_life)`` an item loses afterwards; 0 leaves it alone.
    keeps_consumed : bool
        Whether only negative events act: the list is of what to have again.
    entities : mapping of field to one int64 array for each event of `past`, optional
        All items that share the field's value with the event's item; needed for types that act on
        entities.
    """
    kind = effects.consumes[past.types]
    half_life = effects.half_life[past.types]
    negative = past.weights < 0
    consumes = (kind > _NONE) & (not keeps_consumed)
    acts = np.where(negative, (kind > _NONE) | effects.explicit[past.types], consumes)
    entities = entities or {}
    cancelled = _cancelled(past, effects, entities)
    alive = acts & ~cancelled
    with np.errstate(invalid="ignore", divide="ignore"):
        share = past.ages / half_life
    # A hard consumption never ends; neither does a negative event that has no half-life.
    ends = ~np.isnan(half_life) & (negative | (kind == _SOFT))
    fades = np.where(ends, share, 0.0)
    removes = alive & (~ends | (fades < fresh))
    code = np.where(negative, 2, np.where(ends, 1, 0))
    removed, codes, types = _removed(past, effects, removes, code, entities)
    faded = np.flatnonzero(alive & ~removes & ~effects.on_entity[past.types] & (past.items >= 0))
    lost = weighs * np.power(0.5, fades[faded])
    demoted, factors = _demoted(past, faded[lost > 0], lost[lost > 0], removed)
    undone = cancelled & (past.weights > 0) & effects.on_entity[past.types]
    return PastEffects(removed, codes, types, demoted, factors, undone)


def _cancelled(
    past: PastEvents, effects: EventEffects, entities: Mapping[str, Sequence[IntArray]]
) -> NDArray[np.bool_]:
    """Return which events a later opposite one of the same user and item has undone.

    What acts on an entity is undone at any item of that entity.
    """
    n = len(past.rows)
    if not (past.weights < 0).any() and not effects.cancels_any[past.types].any():
        return np.zeros(n, dtype=bool)
    width = int(past.items.max(initial=0)) + 2
    _, pair = np.unique(past.rows * width + past.items + 1, return_inverse=True)
    n_pairs = int(pair.max()) + 1
    place = np.arange(n)
    out = np.zeros(n, dtype=bool)

    def undo(later: NDArray[np.bool_], earlier: NDArray[np.bool_]) -> None:
        if later.any() and earlier.any():
            last = np.full(n_pairs, -1, dtype=np.int64)
            np.maximum.at(last, pair[later], place[later])
            out[earlier & (place < last[pair])] = True

    likes = (past.weights > 0) & effects.explicit[past.types]
    undo(likes, past.weights < 0)
    for row in np.flatnonzero(effects.cancels_any).tolist():
        undo(past.types == row, effects.cancels[row][past.types])
    on_entity = np.array([field in entities for field in effects.relation])[past.types]
    on_entity &= effects.cancelled_by(past.types)[past.types]
    for at in np.flatnonzero(on_entity & ~out).tolist():
        end = int(np.searchsorted(past.rows, past.rows[at], side="right"))
        opposite = effects.cancels[past.types[at + 1 : end], past.types[at]]
        related = entities[effects.relation[past.types[at]]][at]
        out[at] = bool(np.isin(past.items[at + 1 : end][opposite], related).any())
    return out


def _removed(
    past: PastEvents,
    effects: EventEffects,
    removes: NDArray[np.bool_],
    code: IntArray,
    entities: Mapping[str, Sequence[IntArray]],
) -> tuple[Ragged, IntArray, IntArray]:
    """Spread entity events over their items, and keep the strongest cause for each item.

    Returns the items, distinct and ascending in each row, and the aligned codes and types.
    """
    on_entity = effects.on_entity[past.types]
    alone = np.flatnonzero(removes & ~on_entity & (past.items >= 0))
    parts = [(past.rows[alone], past.items[alone], code[alone], past.types[alone])]
    for at in np.flatnonzero(removes & on_entity).tolist():
        field = effects.relation[past.types[at]]
        related = entities[field][at] if field in entities else past.items[at : at + 1]
        related = related[related >= 0]
        same = [np.full(len(related), value) for value in (past.rows[at], 3, past.types[at])]
        parts.append((same[0], related, same[1], same[2]))
    row, item, reason, kind = parts[0] if len(parts) == 1 else map(np.concatenate, zip(*parts))
    key = row * (int(item.max(initial=0)) + 1) + item
    # Of several causes the one that lasts longest is given: for good before a while.
    order = np.lexsort((reason == 1, key))
    key = key[order]
    first = np.ones(len(key), dtype=bool)
    first[1:] = key[1:] != key[:-1]
    kept = order[first]
    return Ragged.grouped(row[kept], item[kept], past.n_rows), reason[kept], kind[kept]


def _demoted(
    past: PastEvents, faded: IntArray, lost: NDArray[np.float64], removed: Ragged
) -> tuple[Ragged, NDArray[np.float32]]:
    """Return what is weighed down and not removed, and what is left of each item's weight.

    Parameters
    ----------
    faded : int64 array, shape (m,)
        Places of the events that weigh their items down.
    lost : float64 array, shape (m,)
        Share of the weight that each of them takes.
    """
    if not len(faded):
        return Ragged.empty(past.n_rows), np.zeros(0, dtype=np.float32)
    rows, items = past.rows[faded], past.items[faded]
    stride = int(max(items.max(), removed.values.max(initial=0))) + 1
    key, at = np.unique(rows * stride + items, return_inverse=True)
    factors = np.ones(len(key))
    np.minimum.at(factors, at, 1.0 - lost)
    open_ = ~among(key, removed.row_of * stride + removed.values)
    key, factors = key[open_], factors[open_]
    demoted = Ragged.grouped(key // stride, key % stride, past.n_rows)
    return demoted, factors.astype(np.float32)
