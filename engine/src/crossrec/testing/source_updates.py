"""Conformance of sources that learn new events, or forget users, without a fit."""

from __future__ import annotations

from copy import copy
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from crossrec.components.query import QueryBatch
from crossrec.data.dataset import Dataset
from crossrec.data.event_change import EventChange
from crossrec.data.events import Events
from crossrec.testing import toy as toys
from crossrec.testing.answers import check_candidates, check_equal, check_same
from crossrec.testing.base import RUN, Conformance, through_disk
from crossrec.testing.toy import Toy

EACH = pytest.mark.parametrize("name", ["checkerboard", "shop"])
CLOCK = pytest.mark.parametrize("clock", [True, False], ids=["clock", "order"])


class UpdateTests(Conformance, kit=True):
    """What holds for the capabilities ``update`` and ``forget``; skipped without them."""

    kind: ClassVar[str] = "candidate_generators"

    def toy(self, name: str = "checkerboard", *, clock: bool = True) -> Toy:
        """Return a toy with the vectors that this source reads."""
        make = toys.checkerboard if name == "checkerboard" else toys.shop
        return self.prepared(make(clock=clock))

    def fitted(self, toy: Toy) -> Any:
        """Return a new source fitted on the toy."""
        return self.fitted_on(toy.dataset)

    def fitted_on(self, dataset: Dataset) -> Any:
        """Return a new source fitted on these events."""
        source = self.build()
        source.fit(dataset, RUN)
        return source

    @EACH
    @CLOCK
    def test_an_update_equals_a_fit_on_all_events(self, name: str, clock: bool) -> None:
        """New events of known and new users, among them negative and earlier ones."""
        self.able("update")
        toy = self.toy(name, clock=clock)
        for seed in range(3):
            late = late_events(toy.dataset, seed)
            earlier = toy.dataset.with_events(toy.dataset.events.take(~late))
            source = self.fitted_on(earlier)
            updated = copy(source)
            updated.update(change_by(toy.dataset, late))
            self._same(updated, self.fitted(toy), toy)

    @EACH
    def test_updates_add_up_and_survive_the_disk(self, name: str, tmp_path: Path) -> None:
        """Two updates, each of a source that was stored before, equal one fit."""
        self.able("update")
        toy = self.toy(name)
        whole = toy.dataset
        events = whole.events
        second = late_events(whole, 1)
        first = late_events(whole, 2) & ~second
        source = self.fitted_on(whole.with_events(events.take(~(first | second))))
        middle = whole.with_events(events.take(~second))
        for step, change in enumerate(
            (change_by(middle, first[~second]), change_by(whole, second))
        ):
            restored = self.build()
            state = through_disk(source.state(), tmp_path / str(step))
            restored.restore(state, whole.catalog)
            restored.update(change)
            source = restored
        self._same(source, self.fitted(toy), toy)

    @EACH
    def test_new_items_come_with_their_events(self, name: str) -> None:
        """An update to a longer catalog; a source with ``add_items`` gets the items first."""
        self.able("update")
        toy = self.toy(name)
        source = copy(self.fitted(toy))
        longer = toys.with_items_like(toy, [0, 1])
        if "add_items" in self.registration().capabilities:
            source.add_items(longer)
        n_items, old = longer.n_items, toy.dataset.events
        latest = float(old.times.max()) + 1.0
        buyers = np.array([0, 0, 2, 2])
        more = Events.from_columns(
            buyers, [n_items - 1, n_items - 2] * 2, np.full(4, latest), np.ones(4)
        )
        both = joined(old, more)
        late = np.arange(len(both)) >= len(old)
        everything = longer.with_events(both)
        source.update(change_by(everything, late[_sorted(both)]))
        queries = toys.batch([[n_items - 1], [0], list(range(n_items))], toy.queries)
        found = source.generate(queries, n_items)
        check_candidates(found, queries, n_items, n_items)
        assert np.isin([n_items - 2, n_items - 1], found.index).any(), "no new item is found"
        if "add_items" not in self.registration().capabilities:
            refitted = self.fitted_on(everything).generate(queries, n_items)
            check_same(found, refitted)

    @EACH
    def test_forgetting_equals_a_fit_without_the_user(self, name: str, tmp_path: Path) -> None:
        """As if the user had never been, also after a round trip through an artifact."""
        self.able("forget")
        toy = self.toy(name)
        events = toy.dataset.events
        source = self.fitted(toy)
        for user in (0, 3):
            own = events.users == user
            forgetful = copy(source)
            forgetful.forget(_change(toy.dataset, events.take(own), Events.empty()))
            without = self.fitted_on(toy.dataset.with_events(events.take(~own)))
            self._same(forgetful, without, toy)
            restored = self.build()
            state = through_disk(forgetful.state(), tmp_path / str(user))
            restored.restore(state, toy.dataset.catalog)
            self._same(restored, without, toy)

    @EACH
    def test_learning_leaves_the_serving_source_alone(self, name: str) -> None:
        """The original answers as before; a change of nothing changes nothing."""
        able = self.registration().capabilities
        if not able & {"update", "forget"}:
            self.able("update")
        toy = self.toy(name)
        late = late_events(toy.dataset, 0)
        source = self.fitted_on(toy.dataset.with_events(toy.dataset.events.take(~late)))
        everything = toy.dataset.n_items
        before = source.generate(toy.queries, everything)
        nothing = _change(toy.dataset, Events.empty(), Events.empty())
        if "update" in able:
            copy(source).update(change_by(toy.dataset, late))
            check_equal(source.generate(toy.queries, everything), before)
            same = copy(source)
            same.update(nothing)
            check_same(same.generate(toy.queries, everything), before)
        if "forget" in able:
            own = source_events(toy.dataset, late, user=1)
            copy(source).forget(_change(toy.dataset, own, Events.empty()))
            check_equal(source.generate(toy.queries, everything), before)

    def _same(self, source: Any, fitted: Any, toy: Toy) -> None:
        """Assert that two sources answer alike, for the toy's users and for strangers."""
        n_items = toy.dataset.n_items
        stranger = toys.batch([[0, 2], [1], []], toy.queries, exclude=[[], [], []])
        for queries in (toy.queries, stranger):
            found = source.generate(queries, n_items)
            check_candidates(found, queries, n_items, n_items)
            check_same(found, fitted.generate(queries, n_items))
            if "score" in self.registration().capabilities:
                ours, theirs = (_scores(one, queries, n_items) for one in (source, fitted))
                np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5)


def late_events(dataset: Dataset, seed: int) -> NDArray[np.bool_]:
    """Return a third of the events at random, and all of one user: what is learnt later."""
    rng = np.random.default_rng(seed)
    late: NDArray[np.bool_] = rng.random(len(dataset.events)) < 1 / 3
    late |= dataset.events.users == seed
    return late


def change_by(dataset: Dataset, late: NDArray[np.bool_]) -> EventChange:
    """Return how the late ones among the events of a dataset change those before."""
    events = dataset.events
    changed = np.isin(events.users, events.users[late])
    return _change(dataset, events.take(changed & ~late), events.take(changed))


def source_events(dataset: Dataset, late: NDArray[np.bool_], user: int) -> Events:
    """Return the events of one user that are not late."""
    return dataset.events.take((dataset.events.users == user) & ~late)


def joined(first: Events, second: Events) -> Events:
    """Return the events of both."""

    def both(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(first, name), getattr(second, name)])

    return Events(both("users"), both("items"), both("types"), both("times"), both("weights"))


def _sorted(events: Events) -> NDArray[np.int64]:
    """Return the order of the events in a dataset."""
    return np.lexsort((np.arange(len(events)), events.times, events.users))


def _change(dataset: Dataset, before: Events, after: Events) -> EventChange:
    return EventChange.between(
        dataset.users, dataset.catalog, before, after, has_clock=dataset.has_clock
    )


def _scores(source: Any, queries: QueryBatch, n_items: int) -> NDArray[np.float32]:
    scores: NDArray[np.float32] = source.score(
        queries, np.tile(np.arange(n_items), (len(queries), 1))
    )
    return scores
