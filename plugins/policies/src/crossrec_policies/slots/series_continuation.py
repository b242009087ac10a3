"""The policy `series_continuation`: one card for a series, with the next unwatched episode."""

from __future__ import annotations

from typing import Annotated, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from crossrec.components.consumption import DAY
from crossrec.components.episodes import Episodes
from crossrec.components.live_items import LiveItems
from crossrec.components.policy_context import PolicyContext
from crossrec.components.ranked import PolicyChange, Ranked
from crossrec.components.settings import Settings
from crossrec.numeric.arrays import among
from numpy.typing import NDArray
from pydantic import Field

from crossrec_policies.columns.depth import depth
from crossrec_policies.slots.places import placed

IntArray = NDArray[np.int64]


class SeriesContinuationConfig(Settings):
    """Settings of `series_continuation`.

    Attributes
    ----------
    series : str
        Field that says which series an item is of.
    season : str
        Field with the number of the season; without one it is the first.
    episode : str
        Field with the number in the season.
    front : int
        So many next episodes at most stand in front: of what the list is about, then of the series
        that were watched last; 0 leaves them where the series stands.
    within_days : float
        A series that was not watched for so long is not put in front.
    partly : tuple of str
        Event types whose value is the portion watched.
    finished : float
        From this portion on an episode counts as watched; before, it is the next one itself.
    """

    series: str = "series_id"
    season: str = "season_number"
    episode: str = "episode_number"
    front: Annotated[int, Field(ge=0)] = 1
    within_days: Annotated[float, Field(gt=0)] = 60.0
    partly: tuple[str, ...] = ("watch", "video_watch")
    finished: Annotated[float, Field(gt=0, le=1)] = 0.9


class Watched(NamedTuple):
    """What a user has watched of series.

    Attributes
    ----------
    episodes : set of int
        Places of what is finished.
    start : dict
        Series → the place at which it goes on.
    latest : list of int
        Series in the order in which they were watched last, the latest first, without those that
        were too long ago.
    """

    episodes: set[int]
    start: dict[int, int]
    latest: list[int]


class SeriesContinuation:
    """Leaves one card of each series: at the place of its best item, the next unwatched episode.

    Of a series that nobody began it is the first episode. Items that share a series without having
    numbers (posts of one conversation) are reduced to the best of them. What the user may not see
    or what cannot be had is passed over. Far behind the list the pool stays as it is.
    """

    def __init__(self, config: SeriesContinuationConfig | None = None) -> None:
        self.config = config or SeriesContinuationConfig()
        self._known: WeakKeyDictionary[LiveItems, Episodes | None] = WeakKeyDictionary()

    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        """Return the pool with one card a series, and the next episodes in front."""
        episodes = self._episodes(context.items)
        if episodes is None:
            return ranked
        watched = self._watched(episodes, context)
        cards, first, end = _cards(episodes.series[ranked.index], depth(context))
        leads = np.array(watched.latest[: self.config.front], dtype=np.int64)
        involved = np.union1d(cards, leads)
        if not len(involved):
            return ranked
        goes_on = self._goes_on(episodes, watched, involved, context)
        ranked = self._collapsed(ranked, episodes, (cards, first, end), goes_on)
        front = [goes_on[code] for code in leads.tolist() if code in goes_on]
        place = {item: at for at, item in enumerate(ranked.index.tolist())}
        if not front or [place.get(item) for item in front] == list(range(len(front))):
            return ranked
        changes = [
            _card(item, episodes, at, moved=item in place)
            for at, item in enumerate(front)
            if place.get(item) != at
        ]
        items = np.array(front, dtype=np.int64)
        return placed(ranked, items, np.arange(len(front)), None, changes)

    def _episodes(self, items: LiveItems) -> Episodes | None:
        """Return the series of a catalogue, put in order once for each state of its fields."""
        if items not in self._known:
            config = self.config
            self._known[items] = Episodes.of(items, config.series, config.season, config.episode)
        return self._known[items]

    def _watched(self, episodes: Episodes, context: PolicyContext) -> Watched:
        """Go through the history, and what the list is about, which was watched just now."""
        history, config = context.user.history, self.config
        kinds = context.event_types
        done: set[int] = set()
        start: dict[int, int] = {}
        when: dict[int, float] = {}
        place, series = episodes.place, episodes.series
        found = context.items.catalog.items.indexes(history.item_ids)
        for at in np.flatnonzero(found >= 0).tolist():
            item = int(found[at])
            code, own = int(series[item]), int(place[item])
            if code < 0:
                continue
            when.pop(code, None)  # the latest stands last
            if history.weights[at] <= 0 or own < 0:
                continue
            name = kinds[history.types[at]] if 0 <= history.types[at] < len(kinds) else ""
            part = name in config.partly and history.values[at] < config.finished
            if not part:
                done.add(own)
            start[code], when[code] = own + (not part), float(history.times[at])
        oldest = context.now - config.within_days * DAY
        latest = [code for code, time in reversed(when.items()) if time >= oldest]
        about = context.items.catalog.items.indexes(context.query.item_ids)
        for item in about[about >= 0].tolist():
            if place[item] >= 0:
                code = int(series[item])
                start[code] = int(place[item]) + 1
                latest = [code, *(other for other in latest if other != code)]
        return Watched(done, start, latest)

    def _goes_on(
        self, episodes: Episodes, watched: Watched, series: IntArray, context: PolicyContext
    ) -> dict[int, int]:
        """Return the next episode of each series that has one."""
        places = episodes.places_of(series)
        usable = places[context.eligible(episodes.order[places])]
        usable = usable[~among(usable, np.array(sorted(watched.episodes), dtype=np.int64))]
        begin = episodes.bounds[series]
        start = [watched.start.get(code, at) for code, at in zip(series.tolist(), begin.tolist())]
        found = episodes.next_of(series, np.array(start, dtype=np.int64), usable)
        return {code: item for code, item in zip(series.tolist(), found.tolist()) if item >= 0}

    def _collapsed(
        self,
        ranked: Ranked,
        episodes: Episodes,
        found: tuple[IntArray, IntArray, int],
        goes_on: dict[int, int],
    ) -> Ranked:
        """Leave one item of each series, at the place of its best one."""
        cards, first, end = found
        index = ranked.index.copy()
        best = index[first]
        index[first] = [
            goes_on.get(code, item) for code, item in zip(cards.tolist(), best.tolist())
        ]
        shown = np.sort(index[first])
        gone = episodes.series[ranked.index] >= 0
        gone[end:] = among(ranked.index[end:], shown)
        gone[first] = False
        there = among(index[first], np.sort(ranked.index)).tolist()
        changed = np.flatnonzero(index[first] != best).tolist()
        changes = [
            _card(int(index[first[at]]), episodes, int(first[at]), moved=there[at])
            for at in changed
        ]
        dropped = np.concatenate([best[changed], ranked.index[gone]])
        for item in dropped[~among(dropped, shown)].tolist():
            name = episodes.names[episodes.series[item]]
            changes.append(PolicyChange(item, "dropped", "same_series", {"series": name}))
        if not changes:
            return ranked
        whole = Ranked(index, ranked.score, ranked.propensity, (*ranked.changes, *changes))
        return whole.take(~gone)


def _cards(series: IntArray, n: int) -> tuple[IntArray, IntArray, int]:
    """Return the series in front, the place of the best item of each, and where the front ends.

    It ends where the list has `n` cards: series, and items of none.

    Parameters
    ----------
    series : int64 array
        Of each place of the pool; -1 for none.
    """
    cards, first = np.unique(series, return_index=True)
    is_card = series < 0
    is_card[first] = True
    end = int(np.searchsorted(np.cumsum(is_card), n, side="right"))
    within = (cards >= 0) & (first < end)
    return cards[within], first[within], end


def _card(item: int, episodes: Episodes, at: int, *, moved: bool) -> PolicyChange:
    name = episodes.names[episodes.series[item]]
    values = {"series": name, "to": at + 1}
    return PolicyChange(item, "moved" if moved else "inserted", "next_episode", values)
