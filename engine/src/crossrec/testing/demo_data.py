"""Conformance of demo data that a scenario package generates."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from crossrec.ingest.frames import Frames
from crossrec.plugins.registration import Registration, resolve
from crossrec.scenario import Scenario
from crossrec.testing.base import Kit

if TYPE_CHECKING:
    import pandas as pd

_DAY = 86_400.0


class DemoDataTests(Kit, kit=True):
    """What generated demo data must be: readable, the same for a seed, and worth learning from.

    Attributes
    ----------
    n_users : int
    start, days : float
        The period of the events: seconds since 1970, and its length.
    event_types : set of str
        All event types that occur.
    dislike : str
        The one of them that shows dislike.
    """

    kind: ClassVar[str] = "scenarios"
    n_users: ClassVar[int]
    start: ClassVar[float]
    days: ClassVar[float]
    event_types: ClassVar[set[str]]
    dislike: ClassVar[str]

    def scenario(self) -> Scenario:
        """Return the scenario that the data belongs to."""
        scenario: Scenario = self.build()
        return scenario

    def frames(self) -> Frames:
        """Return the data of seed 0, generated once."""
        return demo_frames(self.registration(), 0)

    def items(self) -> pd.DataFrame:
        """Return the items by their ids."""
        items = self.frames().items
        assert items is not None, "the demo has no items"
        return items.set_index("item_id")

    def events(self) -> pd.DataFrame:
        """Return the events."""
        events = self.frames().events
        assert events is not None, "the demo has no events"
        return events

    def topics(self) -> pd.Series[str]:
        """Return the topic of each item."""
        return self.items()["categories"].map(lambda row: row[0])

    def test_the_note_says_that_it_is_generated(self) -> None:
        """Nobody takes the data for real."""
        note = self.frames().note
        assert note.startswith(f"generated: {len(self.items())} "), note
        assert "seed 0" in note, note

    def test_one_seed_one_data_set(self) -> None:
        """The same seed gives the same tables, another seed others."""
        import pandas as pd

        demo = self.scenario().demo
        assert demo is not None
        again, other = resolve(demo)(0), resolve(demo)(1)
        pd.testing.assert_frame_equal(again.items.set_index("item_id"), self.items())
        pd.testing.assert_frame_equal(again.events, self.events())
        assert not other.events.equals(self.events())

    def test_size(self) -> None:
        """Large enough to learn from, small enough for a demo of seconds."""
        assert 300 <= len(self.items()) <= 600
        assert self.events()["user_id"].nunique() == self.n_users
        assert 5_000 <= len(self.events()) <= 30_000

    def test_every_event_is_on_a_listed_item(self) -> None:
        """Item ids are distinct, and events use no others."""
        assert self.items().index.is_unique
        assert set(self.events()["item_id"]) <= set(self.items().index)

    def test_titles_are_distinct_and_readable(self) -> None:
        """A title is a phrase that begins with a capital letter."""
        titles = self.items()["title"]
        assert titles.is_unique
        odd = titles[~titles.str.match(r"[A-Z][\w',:&? \-]+$")]
        assert odd.empty, f"not readable: {odd.tolist()[:3]}"

    def test_fields_are_those_of_the_schema(self) -> None:
        """Every column is a field; title and creator are filled, and there is one category."""
        items, schema = self.items(), self.scenario().items
        for name in items.columns:
            assert schema.field(name) is not None, name
        assert (items[list({schema.title, schema.creator})] != "").all().all()
        assert (items["categories"].map(len) == 1).all()

    def test_several_types_of_events(self) -> None:
        """Exactly the declared types occur, under their own names."""
        assert set(self.events()["event_type"]) == self.event_types
        for name in self.event_types:
            event = self.scenario().event(name)
            assert event is not None, name
            assert event.name == name

    def test_values_fit_their_types(self) -> None:
        """An event has a value exactly where its type has one."""
        for name, rows in self.events().groupby("event_type"):
            event = self.scenario().event(str(name))
            assert event is not None, name
            assert rows["value"].notna().all() == (event.value != "none"), name
            assert rows["value"].notna().any() == (event.value != "none"), name
        assert (self.events()["value"].dropna() >= 0).all()

    def test_times(self) -> None:
        """Whole seconds within the period; reactions may follow 20 seconds after."""
        times = self.events()["time"]
        assert self.frames().has_clock
        assert times.min() >= self.start
        assert times.max() <= self.start + self.days * _DAY + 20
        assert (times % 1 == 0).all()

    def test_oldest_first_within_a_user(self) -> None:
        """Events are sorted by user, then time."""
        users, times = self.events()["user_id"], self.events()["time"]
        later = times.diff() >= 0
        assert later[users == users.shift()].all()

    def test_every_user_has_a_history(self) -> None:
        """Every user has enough events to be recommended something."""
        assert self.events().groupby("user_id").size().min() >= 5

    def test_users_have_taste(self) -> None:
        """A user's favourite topic takes far more of the events than 1 in 12."""
        import pandas as pd

        counts = pd.crosstab(self.events()["user_id"], self.events()["item_id"].map(self.topics()))
        share = counts.max(axis=1) / counts.sum(axis=1)
        assert share.median() > 0.35

    def test_sequences_have_order(self) -> None:
        """The next item is often of the same creator, far more often than in a shuffled history."""
        events = self.events()
        rng = np.random.default_rng(0)
        mixed = events.iloc[rng.permutation(len(events))].sort_values("user_id", kind="stable")
        assert self.stays(events) > 1.5 * self.stays(mixed)

    def stays(self, events: pd.DataFrame) -> float:
        """Return the share of a user's steps to another item that stay with the creator."""
        creators = events["item_id"].map(self.items()[self.scenario().items.creator])
        moved = events["item_id"] != events["item_id"].shift()
        same_user = events["user_id"] == events["user_id"].shift()
        return float((creators == creators.shift())[moved & same_user].mean())

    def test_some_items_are_popular(self) -> None:
        """The most popular tenth of the items has more than a fifth of the events."""
        counts = self.events()["item_id"].value_counts()
        assert counts.iloc[: len(counts) // 10].sum() > 0.2 * counts.sum()

    def test_dislike_falls_on_what_is_not_liked(self) -> None:
        """Disliked items are of topics that the user rarely chooses."""
        events = self.events()
        topics = events["item_id"].map(self.topics())
        counts = topics.groupby([events["user_id"], topics]).transform("size")
        share = counts / events.groupby("user_id")["item_id"].transform("size")
        disliked = events["event_type"] == self.dislike
        assert share[disliked].mean() < 0.7 * share[~disliked].mean()


@cache
def demo_frames(registration: Registration, seed: int) -> Frames:
    """Return the demo data of a scenario, generated once for each seed."""
    demo = registration.build().demo
    assert demo is not None, f"{registration.name} has no demo data"
    frames = resolve(demo)(seed)
    assert isinstance(frames, Frames)
    return frames
