"""`series_continuation`: one card a series, the next unwatched episode first."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from crossrec.components.episodes import Episodes
from crossrec.components.policies import Availability
from crossrec.components.ranked import Ranked
from crossrec.components.wording import in_english
from crossrec.testing.policy_requests import PastEvent, in_short, pool_of, request_on
from crossrec_policies.slots.series_continuation import (
    SeriesContinuation,
    SeriesContinuationConfig,
)
from hypothesis import given
from hypothesis import strategies as st


def episode(series: str, number: int, season: int = 1) -> dict[str, Any]:
    return {"series_id": series, "season_number": season, "episode_number": number}


#: Items 0 to 3 are S (two seasons, not in the order of the catalogue), 4 to 6 are T, 7 to 9 films.
ROWS = [
    episode("S", 2),
    episode("S", 1),
    episode("S", 1, season=2),
    episode("S", 3),
    *(episode("T", number) for number in (1, 2, 3)),
    *({"title": f"film {at}"} for at in range(3)),
]


def continued(
    pool: list[int], events: tuple[PastEvent, ...] = (), *, about: str = "", **more: Any
) -> Ranked:
    rules = more.pop("rules", ())
    rows = more.pop("rows", ROWS)
    query = {"item_ids": (about,)} if about else {}
    context = request_on(rows, events=events, negative=("dislike",), query=query, rules=rules)
    return SeriesContinuation(SeriesContinuationConfig(**more)).apply(pool_of(pool), context)


def test_a_series_that_nobody_began_shows_its_first_episode_at_its_best_place() -> None:
    after = continued([7, 3, 8, 0, 5])
    assert after.index.tolist() == [7, 1, 8, 4]
    assert in_short(after.changes) == [
        (1, "inserted", "next_episode"),
        (4, "inserted", "next_episode"),
        (3, "dropped", "same_series"),
        (5, "dropped", "same_series"),
        (0, "dropped", "same_series"),
    ]
    assert after.changes[0].values == {"series": "s", "to": 2}
    assert in_english("next_episode", after.changes[0].values) == "the next episode of s"
    assert in_english("same_series", {"series": "s"}) == "the list has another of s"


def test_the_next_unwatched_episode_of_what_was_watched_last_stands_in_front() -> None:
    watched = (("i4", "watch", 5.0), ("i1", "watch", 2.0), ("i0", "watch", 1.0))
    after = continued([7, 5, 2, 8], watched)
    assert after.index.tolist() == [3, 7, 5, 8], "episode 3 of S, then T goes on where it stood"
    assert continued([7, 5, 2, 8], watched, front=2).index.tolist() == [3, 5, 7, 8]
    assert continued([7, 5, 2, 8], watched, front=0).index.tolist() == [7, 5, 3, 8]


def test_seasons_follow_one_another_and_after_the_last_nothing_does() -> None:
    last = (("i1", "watch", 4.0), ("i0", "watch", 3.0), ("i3", "watch", 2.0))
    assert continued([7], last).index.tolist() == [2, 7]
    done = (*last, ("i2", "watch", 1.0))
    assert continued([7, 8], done).index.tolist() == [7, 8]
    assert continued([0, 7, 3], done).index.tolist() == [0, 7], "still one card"


def test_an_episode_that_was_left_is_the_next_one() -> None:
    context = request_on(ROWS, events=(("i1", "watch", 1.0),))
    part = context.user.history
    object.__setattr__(part, "values", np.array([0.4]))
    assert SeriesContinuation().apply(pool_of([7]), context).index.tolist() == [1, 7]
    object.__setattr__(part, "values", np.array([0.95]))
    assert SeriesContinuation().apply(pool_of([7]), context).index.tolist() == [0, 7]


def test_what_the_list_is_about_goes_on_first() -> None:
    watched = (("i1", "watch", 1.0),)
    assert continued([7, 8], watched, about="i4").index.tolist() == [5, 7, 8]
    assert continued([7], watched, about="i4", front=2).index.tolist() == [5, 0, 7]
    assert continued([7], about="i7").index.tolist() == [7]


def test_what_was_long_ago_or_disliked_since_is_not_put_in_front() -> None:
    assert continued([7, 0], (("i1", "watch", 61.0),)).index.tolist() == [7, 0]
    assert continued([7], (("i1", "watch", 2.0), ("i0", "dislike", 1.0))).index.tolist() == [7]


def test_what_cannot_be_had_is_passed_over() -> None:
    rows = [dict(row) for row in ROWS]
    rows[0]["is_hidden"] = True
    watched = (("i1", "watch", 1.0),)
    rules = (Availability().bars,)
    assert continued([7], watched, rows=rows, rules=rules).index.tolist() == [3, 7]


def test_a_conversation_without_numbers_is_reduced_to_its_best() -> None:
    rows = [{"conversation_id": name} for name in ("a", "b", "a", "a")] + [{"title": "alone"}]
    after = continued([2, 1, 0, 4, 3], rows=rows, series="conversation_id")
    assert after.index.tolist() == [2, 1, 4]
    assert in_short(after.changes) == [(0, "dropped", "same_series"), (3, "dropped", "same_series")]


def test_far_behind_the_list_the_pool_stays_but_for_what_was_moved() -> None:
    """A list of one has 23 cards in front: behind them only the moved episode leaves its place."""
    films = [{"title": f"film {at}"} for at in range(30)]
    rows = [episode("S", 2), *films, episode("S", 1), episode("T", 5), episode("T", 6)]
    after = SeriesContinuation().apply(pool_of(34), request_on(rows, k=1))
    assert after.index.tolist() == [31, *range(1, 31), 32, 33]
    assert in_short(after.changes) == [(31, "moved", "next_episode"), (0, "dropped", "same_series")]


def test_without_series_nothing_happens() -> None:
    pool = pool_of(2)
    assert SeriesContinuation().apply(pool, request_on([{"title": "a"}, {"title": "b"}])) is pool
    assert continued([7, 8, 9]).changes == ()


def test_episodes_in_their_order() -> None:
    found = Episodes.of(request_on(ROWS).items, "series_id", "season_number", "episode_number")
    assert found is not None
    assert found.order.tolist() == [1, 0, 3, 2, 4, 5, 6]
    assert found.bounds.tolist() == [0, 4, 7]
    assert found.place.tolist() == [1, 0, 3, 2, 4, 5, 6, -1, -1, -1]
    assert found.places_of(np.array([1])).tolist() == [4, 5, 6]
    of = np.array([0, 1])
    assert found.next_of(of, np.array([1, 4]), np.array([2, 6])).tolist() == [3, 6]
    assert found.next_of(of, np.array([3, 4]), np.array([2])).tolist() == [-1, -1]
    assert found.next_of(of, np.array([0, 4]), np.array([], dtype=np.int64)).tolist() == [-1, -1]


@pytest.mark.parametrize("wrong", [{"front": -1}, {"within_days": 0}, {"finished": 0}])
def test_settings_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SeriesContinuationConfig(**wrong)


@given(
    st.permutations(range(10)),
    st.integers(0, 10),
    st.lists(st.integers(0, 9), max_size=8),
    st.integers(0, 3),
)
def test_one_card_a_series_and_never_what_is_watched(
    order: list[int], n: int, watched: list[int], front: int
) -> None:
    pool = list(order)[:n]
    events = tuple((f"i{item}", "watch", 9.0 - at) for at, item in enumerate(watched))
    after = continued(pool, events, front=front)
    index = after.index.tolist()
    series = [ROWS[item].get("series_id") for item in index]
    named = [name for name in series if name]
    assert len(named) == len(set(named))
    changed = {change.item for change in after.changes}
    assert set(pool) - set(index) <= changed
    assert set(index) - set(pool) <= changed
    assert not {change.item for change in after.changes if change.action != "dropped"} & {*watched}
    assert [item for item in index if item >= 7] == [item for item in pool if item >= 7]
