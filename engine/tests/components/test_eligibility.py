"""Which items a query admits: what serving admits, nothing of the history, or everything."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.consumption import EventEffects
from crossrec.components.eligibility import (
    ALL,
    UNSEEN,
    CandidateRule,
    eligible_targets,
    excluded,
    queries_of,
)
from crossrec.components.live_items import LiveItems
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.splits import Targets, between, tails
from crossrec.data.vocabulary import Vocabulary
from crossrec.numeric.ragged import Ragged
from crossrec.scenario import EventType, ItemField, ItemSchema, Relation, Scenario, Surface

DAY = 86_400.0
NOW = 100 * DAY
SCHEMA = ItemSchema((ItemField("title"), ItemField("artist", "category")), "{title}")
RADIO = Scenario(
    name="radio",
    summary="",
    events=(
        EventType("view"),
        EventType("buy", consumes="hard"),
        EventType("play", consumes="soft", half_life_days=10.0),
        EventType("skip", polarity=-1, strength=-1.0, consumes="soft", half_life_days=10.0),
        EventType("ban_artist", "explicit", -1, -1.0, consumes="hard", relation="artist"),
    ),
    items=SCHEMA,
    surfaces=(Surface("home"),),
    pipeline="",
    default_event="view",
    main_surface="home",
    relations=(Relation("artist", "artist"),),
)
TYPE = {event.name: at for at, event in enumerate(RADIO.events)}
STRENGTH = {event.name: event.strength for event in RADIO.events}
#: Items 0 to 2 are of one artist, 3 to 5 of another, the rest of nobody.
ARTISTS = ["One"] * 3 + ["Two"] * 3 + [None] * 4


def dataset(*rows, has_clock=True):
    """Build a set from rows of (user, item, type, days before now)."""
    ids = Vocabulary(f"i{i}" for i in range(len(ARTISTS)))
    records = {f"i{i}": {"title": f"T{i}", "artist": name} for i, name in enumerate(ARTISTS)}
    events = Events.from_columns(
        [row[0] for row in rows],
        [row[1] for row in rows],
        [NOW - DAY * row[3] for row in rows],
        [STRENGTH[row[2]] for row in rows],
        [TYPE[row[2]] for row in rows],
    )
    catalog = Catalog.from_records(ids, records, SCHEMA)
    return Dataset.build(Vocabulary("xyz"), catalog, events, has_clock=has_clock)


def served(data, *, keeps=False, **settings):
    items = LiveItems(data.catalog, SCHEMA)
    return CandidateRule("served", keeps, EventEffects.of(RADIO), items=items, **settings)


def rows(ragged):
    return [ragged.row(at).tolist() for at in range(len(ragged))]


#: What user 0 did before now, and one event after it, so that there is a query.
PAST = (
    (0, 0, "ban_artist", 90),
    (0, 4, "view", 50),
    (0, 6, "buy", 40),
    (0, 7, "play", 20),
    (0, 8, "play", 3),
    (0, 9, "skip", 30),
)
NEXT = (0, 5, "view", -1)


@pytest.fixture
def data():
    return dataset(*PAST, NEXT, (1, 1, "view", -2))


@pytest.fixture
def targets(data):
    return between(data, NOW, np.inf)


def test_unseen_excludes_the_history_and_all_excludes_nothing(targets):
    assert rows(excluded(targets, UNSEEN)[0]) == [[4, 6, 7, 8], []]
    assert rows(excluded(targets, ALL)[0]) == [[], []]
    assert excluded(targets, UNSEEN)[1] is excluded(targets, ALL)[1] is None


def test_served_excludes_by_consumption_and_by_bans(data, targets):
    found, effects = excluded(targets, served(data, keeps=True))
    assert rows(found) == [[0, 1, 2, 6, 8], []], "the artist, what was bought, what is fresh"
    assert rows(effects.demoted) == [[7, 9], []]
    assert effects.factors.tolist() == pytest.approx([1 - 0.5**2, 1 - 0.5**3])


def test_where_nobody_comes_back_the_history_is_excluded_too(data, targets):
    found, _ = excluded(targets, served(data))
    assert rows(found) == [[0, 1, 2, 4, 6, 7, 8], []]


def test_the_surface_sets_what_is_fresh_and_what_it_weighs(data, targets):
    found, effects = excluded(targets, served(data, keeps=True, fresh=3.0, weighs=0.5))
    assert rows(found) == [[0, 1, 2, 6, 7, 8], []]
    assert rows(effects.demoted) == [[9], []]
    assert effects.factors.tolist() == pytest.approx([1 - 0.5 * 0.5**3])


def test_queries_carry_what_is_weighed_down_whether_or_not_the_history_is_kept(data, targets):
    """An old skip is no history: its item is a candidate, and weighed down as in a request."""
    for keeps in (True, False):
        queries = queries_of(targets, data, served(data, keeps=keeps))
        assert rows(queries.demoted) == [[7, 9], []]
        assert queries.factors.tolist() == pytest.approx([0.75, 0.875])
    for rule in (UNSEEN, ALL):
        plain = queries_of(targets, data, rule)
        assert plain.factors is None
        assert plain.demoted.lengths.tolist() == [0, 0]


def test_without_relations_a_ban_of_an_artist_acts_on_its_item_alone(targets):
    rule = CandidateRule("served", True, EventEffects.of(RADIO))
    assert rows(excluded(targets, rule)[0])[0] == [0, 6, 8]


def test_without_a_clock_ages_count_in_events():
    """The play of 8 is one event old, of a half-life of ten: it is fresh still."""
    data = dataset(*PAST, NEXT, has_clock=False)
    targets = tails(data, np.array([0]), 1)
    found, effects = excluded(targets, served(data, keeps=True))
    assert rows(found)[0] == [0, 1, 2, 6, 7, 8, 9]
    assert rows(effects.demoted) == [[]]
    assert queries_of(targets, data, served(data)).now is None


def test_served_falls_back_to_the_history_where_no_events_are_known(data, targets):
    bare = Targets(targets.users, targets.history, targets.targets, targets.times)
    assert rows(excluded(bare, served(data))[0]) == rows(targets.history)
    assert queries_of(bare, data, served(data)).times is None


def test_targets_that_no_list_can_hold_are_none():
    data = dataset(*PAST, (0, 1, "view", -1), (0, 7, "play", -2), (0, 5, "view", -3))
    targets = between(data, NOW, np.inf)
    assert rows(targets.targets) == [[1, 7, 5]]

    def kept(rule):
        return rows(eligible_targets(targets, rule, seed=0).targets)

    assert kept(ALL) == [[1, 7, 5]]
    assert kept(UNSEEN) == [[1, 5]], "the history is no candidate"
    assert kept(served(data, keeps=True)) == [[7, 5]], "the artist is banned"
    assert kept(served(data)) == [[5]]


def test_targets_are_of_users_with_a_history_and_drawn_by_the_seed():
    events = [(u, 4, "view", 9) for u in range(2)] + [(u, 5, "view", -1) for u in range(3)]
    data = dataset(*events)
    targets = between(data, NOW, np.inf)
    assert targets.users.tolist() == [0, 1, 2]
    assert eligible_targets(targets, UNSEEN, seed=0).users.tolist() == [0, 1]
    drawn = [eligible_targets(targets, UNSEEN, seed=s, limit=1).users.tolist() for s in range(9)]
    assert {tuple(one) for one in drawn} == {(0,), (1,)}
    again = [eligible_targets(targets, UNSEEN, seed=s, limit=1).users.tolist() for s in range(9)]
    assert again == drawn


def test_queries_know_only_users_that_the_model_was_fitted_on(data, targets):
    queries = queries_of(targets, data.with_events(Events.empty()), UNSEEN)
    assert queries.users.tolist() == [-1, -1]
    assert queries_of(targets, data, UNSEEN).users.tolist() == [0, 1]
    np.testing.assert_array_equal(queries.exclude.values, targets.history.values)
    np.testing.assert_array_equal(queries.exclude.indptr, targets.history.indptr)
    assert queries.now.tolist() == [NOW, NOW]


def test_the_columns_of_a_history_are_aligned_with_it(data, targets):
    queries = queries_of(targets, data, UNSEEN)
    assert rows(queries.history) == [[4, 6, 7, 8], []]
    assert [RADIO.events[kind].name for kind in queries.types] == ["view", "buy", "play", "play"]
    assert ((NOW - queries.times) / DAY).tolist() == [50, 40, 20, 3]
    assert queries.weights.tolist() == [1, 1, 1, 1]


def test_a_history_that_is_a_mixture_of_users_keeps_its_rows():
    data = dataset((2, 1, "view", 9), (0, 2, "buy", 8), (2, 3, "play", 1), (2, 9, "view", -1))
    targets = Targets(
        np.array([2, 0]), data.sequences.take(np.array([2, 0])), Ragged.empty(2), np.full(2, NOW),
        data,
    )  # fmt: skip
    found, _ = excluded(targets, served(data, keeps=True))
    assert rows(found) == [[3], [2]]
