"""What changed rules do to lists, before they serve: each list by the old rules and by the new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from crossrec.components.query import Query
from crossrec.errors import UsageError
from crossrec.pipeline.request import Trace, traced
from crossrec.pipeline.serving import Serving
from crossrec.pipeline.user_states import user_state_of
from crossrec.pipeline.why_not import why_not
from crossrec.scenario import Scenario
from crossrec.store.base import Store


@dataclass(frozen=True)
class ItemMove:
    """What becomes of one item of a list.

    Attributes
    ----------
    action : {"leaves", "enters", "moves"}
    before, after : int or None
        Its place by the old and by the new rules, from 1.
    codes : tuple of str
        ``policy: code`` of what the new rules did to it, or the old ones do no longer; where no
        policy touched it "filter" or "outranked", for what others made room or took its place.
    why : str
        The same in a sentence.
    """

    item_id: str
    title: str
    action: Literal["leaves", "enters", "moves"]
    before: int | None
    after: int | None
    codes: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class ListChange:
    """One list by the old and by the new rules.

    Attributes
    ----------
    subject : str
        The user, or the item that the list is about; "" on a surface that needs neither.
    overlap : float
        Items that both have, of the longer one; 1 where both are empty.
    moves : tuple of ItemMove
        Empty where the lists are the same.
    """

    subject: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    overlap: float
    moves: tuple[ItemMove, ...] = ()


@dataclass(frozen=True)
class RulePreview:
    """What other rules would do on one surface.

    Attributes
    ----------
    rules : tuple of str
        The rules that differ, as ``surfaces.home.policies``; also those of other surfaces.
    lists : tuple of ListChange
        Every list that was tried.
    """

    scenario: str
    surface: str
    k: int
    rules: tuple[str, ...]
    lists: tuple[ListChange, ...] = field(default=())

    @property
    def changed(self) -> tuple[ListChange, ...]:
        """The lists that would change."""
        return tuple(one for one in self.lists if one.before != one.after)

    @property
    def share(self) -> float:
        """Share of the lists that would change."""
        return len(self.changed) / len(self.lists) if self.lists else 0.0

    @property
    def overlap(self) -> float:
        """Mean overlap@k of the lists."""
        return sum(one.overlap for one in self.lists) / len(self.lists) if self.lists else 1.0

    @property
    def codes(self) -> dict[str, int]:
        """How often each reason code occurs, the most frequent first."""
        found = Counter(
            f"{move.action} {code}"
            for one in self.lists
            for move in one.moves
            for code in move.codes
        )
        return dict(found.most_common())

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            **asdict(self),
            "share": self.share,
            "overlap": self.overlap,
            "codes": self.codes,
        }


def subjects_of(serving: Serving, store: Store, surface: str, n: int, seed: int) -> tuple[str, ...]:
    """Return at most `n` users of the store, or items of the catalog, drawn by `seed`."""
    plan = serving.pipeline.surfaces[surface].plan
    if plan.config.input == "nothing":
        return ("",)
    ids: Sequence[str]
    if plan.about_items:
        catalog = serving.pipeline.catalog.items
        left = np.setdiff1d(np.arange(len(catalog)), serving.deleted)
        ids = [catalog.id(item) for item in left.tolist()]
    else:
        ids = store.users(serving.pipeline.scenario)[0].ids
    if not ids:
        raise UsageError("there is nobody to try the rules on: ingest events, or name users")
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(ids), size=min(n, len(ids)), replace=False)
    return tuple(ids[at] for at in np.sort(chosen).tolist())


def compared(
    old: Serving,
    new: Serving,
    store: Store,
    scenario: Scenario,
    surface: str,
    subjects: Sequence[str],
    now: float,
) -> tuple[ListChange, ...]:
    """Return one list for each user or item, by the old and by the new rules.

    Both draw the same chance, so that only the rules differ.
    """
    plan = new.pipeline.surfaces[surface].plan
    before_k = old.pipeline.surfaces[surface].plan.config.k
    found = []
    for subject in subjects:
        about: Mapping[str, Any] = {}
        if plan.config.input != "nothing":
            about = {"item_ids": (subject,)} if plan.about_items else {"user_id": subject}
        query = Query(now=now, surface=surface, k=before_k, **about)
        user = user_state_of(store, scenario, query)
        options: Mapping[str, Any] = {"explain": False, "request_id": f"preview of {subject}"}
        before = traced(old, query, user, surface, **options)
        after_query = Query(now=now, surface=surface, k=plan.config.k, **about)
        after = traced(new, after_query, user, surface, **options)
        pair = (_Side(old, before, query), _Side(new, after, after_query))
        found.append(_list_change(subject, *pair, scenario))
    return tuple(found)


@dataclass(frozen=True, eq=False)
class _Side:
    """One of the two answers."""

    serving: Serving
    trace: Trace
    query: Query

    @property
    def ids(self) -> tuple[str, ...]:
        return self.trace.slate.item_ids

    def place(self, item: str) -> int | None:
        """Return the place of an item in the list, from 1."""
        return self.ids.index(item) + 1 if item in self.ids else None

    def codes(self, item: str) -> tuple[str, ...]:
        """Return what was done to an item."""
        changes = self.trace.slate.changes
        return tuple(f"{one.policy}: {one.code}" for one in changes if one.item_id == item)


def _list_change(subject: str, old: _Side, new: _Side, scenario: Scenario) -> ListChange:
    before, after = old.ids, new.ids
    common = [item for item in before if item in set(after)]
    longer = max(len(before), len(after))
    overlap = len(common) / longer if longer else 1.0
    if before == after:
        return ListChange(subject, before, after, overlap)
    moves = [_move(item, "leaves", old, new, scenario) for item in before if item not in set(after)]
    moves += [
        _move(item, "enters", old, new, scenario) for item in after if item not in set(before)
    ]
    kept = [item for item in after if item in set(before)]
    moves += [
        _move(item, "moves", old, new, scenario)
        for item, other in zip(common, kept, strict=True)
        if item != other
    ]
    return ListChange(subject, before, after, overlap, tuple(moves))


def _move(
    item: str,
    action: Literal["leaves", "enters", "moves"],
    old: _Side,
    new: _Side,
    scenario: Scenario,
) -> ItemMove:
    """Return what becomes of an item, by which rule: one that is new, or one that is gone."""
    ours, theirs = new.codes(item), old.codes(item)
    codes = tuple(one for one in ours if one not in theirs)
    gone = tuple(f"no longer {one}" for one in theirs if one not in ours)
    index = new.serving.pipeline.catalog.items.index(item)
    lacks = old if action == "enters" else new
    why = ""
    if action != "moves":
        why = why_not(lacks.serving, lacks.trace, index, lacks.query, scenario).why
        if action == "enters":
            why = f"so far: {why}"
    filtered = index in lacks.trace.resolved.filtered.items
    plain = ("filter",) if filtered else ("outranked",) if action != "moves" else ("reordered",)
    return ItemMove(
        item,
        new.serving.pipeline.catalog.titles[index],
        action,
        old.place(item),
        new.place(item),
        (*codes, *gone) or plain,
        why,
    )
