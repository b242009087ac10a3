"""Which items a query admits, by the rule that serving and evaluation share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from crossrec.components.consumption import (
    EventEffects,
    PastEffects,
    PastEvents,
    ages_of,
    effects_of,
)
from crossrec.components.live_items import LiveItems
from crossrec.components.query import QueryBatch
from crossrec.data.dataset import Dataset
from crossrec.data.splits import Targets
from crossrec.numeric.ragged import IntArray, Ragged

RuleName = Literal["served", "unseen", "all"]


@dataclass(frozen=True, eq=False)
class CandidateRule:
    """What is a candidate.

    Attributes
    ----------
    name : {"served", "unseen", "all"}
        ``served``: what a request would admit, by the consumption that the scenario declares.
        ``unseen``: nothing of the history. ``all``: everything.
    keeps_history : bool
        Whether known items that no consumption removes are candidates like others.
    effects : EventEffects or None
        Of the scenario; needed for ``served``.
    fresh, weighs : float
    keeps_consumed : bool
        Of the surface; see `effects_of`.
    items : LiveItems or None
        Needed where event types act on entities.
    """

    name: RuleName
    keeps_history: bool = False
    effects: EventEffects | None = None
    fresh: float = 1.0
    weighs: float = 1.0
    keeps_consumed: bool = False
    items: LiveItems | None = None

    def effects_on(self, past: PastEvents) -> PastEffects:
        """Return what the past does to candidates under this rule."""
        assert self.effects is not None
        return effects_of(
            past,
            self.effects,
            fresh=self.fresh,
            weighs=self.weighs,
            keeps_consumed=self.keeps_consumed,
            entities=self._entities(past),
        )

    def _entities(self, past: PastEvents) -> dict[str, list[IntArray]]:
        """Return for each field that events act on the items that share it with each event's."""
        assert self.effects is not None
        # A positive event on an entity does nothing but be undone.
        wanted = (past.weights < 0) | self.effects.cancelled_by(past.types)[past.types]
        wanted &= self.effects.on_entity[past.types]
        if self.items is None or not wanted.any():
            return {}
        kinds = np.unique(past.types[wanted]).tolist()
        fields = {self.effects.relation[kind] for kind in kinds}
        out: dict[str, list[IntArray]] = {}
        for field in fields:
            entities = self.items.entities(field)
            own = np.array([one == field for one in self.effects.relation])[past.types]
            acts = (own & wanted).tolist()
            none = np.zeros(0, dtype=np.int64)
            out[field] = [
                entities.sharing(item) if on and item >= 0 else none
                for item, on in zip(past.items.tolist(), acts, strict=True)
            ]
        return out


UNSEEN = CandidateRule("unseen")
ALL = CandidateRule("all", keeps_history=True)


def eligible_targets(
    targets: Targets, rule: CandidateRule, *, seed: int, limit: int | None = None
) -> Targets:
    """Return at most `limit` targets that a list can hold, of users with a history.

    What the rule does not admit is no target.
    """
    left = targets.targets.without(excluded(targets, rule)[0])
    targets = replace(targets, targets=left)
    useful = np.flatnonzero((targets.history.lengths > 0) & (left.lengths > 0))
    if limit is not None and len(useful) > limit:
        useful = np.sort(np.random.default_rng(seed).choice(useful, limit, replace=False))
    return targets.take(useful)


def queries_of(targets: Targets, fitted: Dataset, rule: CandidateRule) -> QueryBatch:
    """Return the queries that should find `targets`, for a model that was fitted on `fitted`.

    Users without an interaction in `fitted` are unknown (-1): their history is all that is known.
    """
    known = fitted.sequences.lengths[targets.users] > 0
    exclude, effects = excluded(targets, rule)
    batch = QueryBatch(
        users=np.where(known, targets.users, -1),
        history=targets.history,
        exclude=exclude,
        now=targets.times if fitted.has_clock else None,
        profile={name: one.of(targets.users) for name, one in fitted.profiles.items()},
    )
    if targets.known is not None:
        at = targets.known.sequences.positions(targets.users)
        seen = targets.known.interactions
        batch = replace(batch, times=seen.times[at], types=seen.types[at], weights=seen.weights[at])
    if effects is None:
        return batch
    return replace(batch, demoted=effects.demoted, factors=effects.factors)


def excluded(targets: Targets, rule: CandidateRule) -> tuple[Ragged, PastEffects | None]:
    """Return what each query excludes, and what its past does where the rule obeys that."""
    if rule.name == "all":
        return Ragged.empty(len(targets)), None
    if rule.name == "unseen" or targets.known is None or rule.effects is None:
        return targets.history, None
    effects = rule.effects_on(_past_of(targets, targets.known))
    if rule.keeps_history:
        return effects.removed, effects
    both = np.concatenate([effects.removed.row_of, targets.history.row_of])
    items = np.concatenate([effects.removed.values, targets.history.values])
    order = np.lexsort((items, both))
    joined = Ragged.grouped(both[order], items[order], len(targets))
    return joined.distinct(), effects


def _past_of(targets: Targets, known: Dataset) -> PastEvents:
    """Return all events of the users of `targets` that came before their queries."""
    events = known.events
    counts = np.bincount(events.users, minlength=known.n_users)
    by_user = Ragged(
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), np.arange(len(events))
    ).take(targets.users)
    at, rows = by_user.values, by_user.row_of
    now = targets.times if known.has_clock else None
    return PastEvents(
        rows,
        events.items[at],
        events.types[at],
        events.weights[at],
        ages_of(rows, events.times[at], now, len(targets)),
        len(targets),
    )
