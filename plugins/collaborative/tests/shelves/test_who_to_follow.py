"""Whom to follow: the graph against loops, what is left out, what is said."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.numeric.ragged import Ragged
from crossrec.testing.circles import circles
from crossrec_collaborative.shelves.follow_graph import FollowGraph
from crossrec_collaborative.shelves.who_to_follow import WhoToFollow, WhoToFollowConfig
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

RUN = RunOptions(threads=1)
CLICK, FOLLOW, UNFOLLOW, POST = 0, 3, 5, 6
N = 5
GRAPHS = st.lists(st.lists(st.booleans(), min_size=N, max_size=N), min_size=N, max_size=N).map(
    lambda rows: np.array(rows, dtype=np.float64)
)


def graph_of(follows, own=None, **weights):
    own = np.full(len(follows), -1) if own is None else np.array(own)
    return FollowGraph(csr_matrix(np.array(follows, dtype=np.float64)), own, **weights)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(GRAPHS, st.sets(st.integers(0, N - 1)), st.floats(0, 10))
def test_accounts_with_the_same_followers_agree_with_a_loop(follows, chosen, shrink):
    followed = np.array(sorted(chosen), dtype=np.int64)
    found = graph_of(follows, shrink=shrink).together(followed)
    counts = follows.sum(axis=0)
    for account in range(N):
        total = 0.0
        for one in followed.tolist():
            common = float((follows[:, one] * follows[:, account]).sum())
            if common:
                total += common / (np.sqrt(counts[one] * counts[account]) + shrink)
        assert found[account] == pytest.approx(total)


@given(GRAPHS, st.permutations(range(N)), st.sets(st.integers(0, N - 1)))
def test_accounts_of_the_followed_agree_with_a_loop(follows, own, chosen):
    """Person `p` has account ``own[p]``."""
    followed = np.array(sorted(chosen), dtype=np.int64)
    found = graph_of(follows, own).by_followed(followed)
    expected = np.zeros(N)
    for person, account in enumerate(own):
        if account in chosen:
            expected += follows[person] / np.sqrt(max(follows[person].sum(), 1))
    assert found == pytest.approx(expected)


@given(GRAPHS, st.permutations(range(N)), st.integers(0, N - 1))
def test_those_who_follow_an_account(follows, own, mine):
    found = graph_of(follows, own).following_back(mine)
    for person, account in enumerate(own):
        assert found[account] == follows[person, mine]


@given(GRAPHS, st.permutations(range(N)), st.sets(st.integers(0, N - 1)), st.integers(-1, N - 1))
def test_neither_the_followed_nor_oneself_is_proposed(follows, own, chosen, mine):
    followed = np.array(sorted(chosen), dtype=np.int64)
    score = graph_of(follows, own).scores(followed, mine)
    assert (score[followed] == 0).all()
    assert mine < 0 or score[mine] == 0
    assert np.isfinite(score).all()
    assert (score >= 0).all()


def test_the_part_of_one_followed_account_is_its_nearness():
    follows = np.array([[1, 1, 0], [1, 1, 1], [0, 1, 1]], dtype=np.float64)
    graph, followed = graph_of(follows), np.array([0, 2])
    assert graph.nearness(1, followed).sum() == pytest.approx(graph.together(followed)[1])


@pytest.mark.parametrize("clock", [True, False])
def test_the_missing_one_of_a_circle_leads(clock):
    toy = circles(clock=clock)
    source = WhoToFollow()
    source.fit(toy.dataset, RUN)
    found = source.generate(toy.queries, 3)
    assert found.index[:, 0].tolist() == toy.withheld.tolist()
    said = source.explain(toy.queries.take(np.array([4])), np.array([4]))[0]
    assert said.phrase == "followed by the same people as the maker of"
    assert said.history[0] % 2 == 0


def query(items, user=-1, exclude=()):
    """Somebody who follows the makers of these items."""
    return QueryBatch(
        np.array([user]),
        Ragged.from_rows([items]),
        Ragged.from_rows([list(exclude)]),
        types=np.full(len(items), FOLLOW),
    )


def fitted(data, **config):
    source = WhoToFollow(WhoToFollowConfig(**config))
    source.fit(data, RUN)
    return source


AB = [(0, FOLLOW, 1, 1.0), (2, FOLLOW, 2, 1.0)]
AC = [(1, FOLLOW, 1, 1.0), (4, FOLLOW, 2, 1.0)]
CREATORS = ("a", "a", "b", "b", "c", "c")
CREATORS = ("a", "a", "b", "b", "c", "c")


def best(source, queries):
    """The makers that are proposed, in their order."""
    row = source.generate(queries, 10).row(0)
    return [CREATORS[item] for item in row.tolist() if item >= 0]


def test_people_with_my_follows_lead_to_whom_they_follow(channel):
    data = channel([AB, AB, AC], 6, creators=CREATORS)
    assert best(fitted(data), query([0])) == ["b", "c"]
    assert best(fitted(data), query([0, 2])) == ["c"], "what is followed already is left out"


def test_without_follows_those_with_most_followers_lead(channel):
    data = channel([AB, AB, AC], 6, creators=CREATORS)
    source = fitted(data)
    assert best(source, query([])) == ["a", "b", "c"]
    said = source.explain(query([]), np.array([0, 4]))
    assert [one.phrase for one in said] == ["followed by 3 people", "followed by 1 person"]


def test_each_account_is_shown_by_its_most_chosen_item_that_may_be_shown(channel):
    users = [AB, AB, AC, [(1, CLICK, 3, 1.0), (1, CLICK, 4, 1.0)]]
    source = fitted(channel(users, 6, creators=CREATORS))
    assert source.generate(query([]), 1).row(0).tolist() == [1]
    assert source.generate(query([], exclude=[1]), 1).row(0).tolist() == [0]
    assert best(source, query([], exclude=[0, 1])) == ["b", "c"]


@pytest.mark.parametrize(("day", "left"), [(5.0, ["a", "c"]), (1.0, ["a", "b", "c"])])
def test_the_last_event_says_whether_an_account_is_followed(channel, day, left):
    """b is followed on day 2; unfollowed before that it stays followed."""
    users = [[*AB, (3, UNFOLLOW, day, 1.0)], AC]
    assert sorted(best(fitted(channel(users, 6, creators=CREATORS)), query([]))) == left


def test_my_followers_come_first_and_i_never(channel):
    """Person u0 wrote item 0, so maker a is theirs; u1 follows a and wrote item 4."""
    users = [
        [(0, POST, 0, 1.0)],
        [(0, FOLLOW, 1, 1.0), (4, POST, 1, 1.0)],
        [(2, FOLLOW, 1, 1.0)],
        [(2, FOLLOW, 2, 1.0)],
        [(4, FOLLOW, 2, 1.0)],
    ]
    source = fitted(channel(users, 6, creators=CREATORS))
    assert best(source, query([], user=0)) == ["c", "b"]
    assert source.explain(query([], user=0), np.array([4]))[0].phrase == "follows you"
    assert best(source, query([])) == ["b", "a", "c"], "a stranger has no account"
    unread = fitted(channel(users, 6, creators=CREATORS), wrote=())
    assert "a" in best(unread, query([], user=0))


def test_an_account_may_be_called_like_its_person(channel):
    """u1 is the maker U1, whom u0 follows: whom u1 follows is near."""
    creators = ("U1", "b", "c")
    users = [
        [(0, FOLLOW, 1, 1.0)],
        [(1, FOLLOW, 1, 1.0)],
        [(2, FOLLOW, 1, 1.0)],
        [(2, FOLLOW, 2, 1.0)],
    ]
    data = channel(users, 3, creators=creators)
    source = fitted(data)
    of_u0 = query([0], user=0)
    assert source.generate(of_u0, 3).row(0).tolist()[:2] == [1, 2]
    said = source.explain(of_u0, np.array([1]))[0]
    assert said.phrase == "followed by accounts that you follow"


def test_a_restored_source_proposes_the_same(channel):
    data = channel([AB, AB, AC, [(0, POST, 1, 1.0)]], 6, creators=CREATORS)
    source, again = fitted(data), WhoToFollow()
    state = source.state()
    again.restore(State(state.arrays, state.values), data.catalog)
    for queries in (query([]), query([0]), query([2], user=3)):
        one, two = source.generate(queries, 5), again.generate(queries, 5)
        assert one.row(0).tolist() == two.row(0).tolist()


def test_without_creators_or_follows_there_is_nobody_to_follow(channel):
    assert best(fitted(channel([[(0, CLICK, 1, 1.0)]], 6, creators=CREATORS)), query([])) == []
    assert best(fitted(channel([AB], 6)), query([0])) == []
