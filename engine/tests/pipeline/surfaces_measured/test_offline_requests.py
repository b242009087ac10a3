"""Requests from a dataset are what requests from a store are."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.consumption import EventEffects
from crossrec.components.user_state import HISTORY
from crossrec.evaluation.surfaces.questions import of_users
from crossrec.evaluation.surfaces.window import window_of
from crossrec.pipeline.fit import fit_pipeline
from crossrec.pipeline.offline_requests import answers_to, state_before
from crossrec.pipeline.user_states import read_user_state
from crossrec.scenario import EventType, ItemField, ItemSchema, Scenario, Surface
from crossrec.store.rows import Coded, EventRows
from crossrec.testing.requests import TOY, serve
from crossrec.workspace import Workspace

PLAYER = Scenario(
    name="player",
    summary="what was watched in part",
    events=(
        EventType("watch", strength=3.0, value="portion"),
        EventType("dislike", kind="explicit", polarity=-1, strength=-1.0, consumes="hard"),
    ),
    items=ItemSchema((ItemField("title"),), "{title}"),
    surfaces=(Surface("home"),),
    pipeline="",
    default_event="watch",
    main_surface="home",
)
ACTING = EventEffects.of(PLAYER).acting_types


@pytest.fixture(scope="module")
def workspace(tmp_path_factory) -> Workspace:
    """A workspace of two people: one with few events, one with more than a request looks back."""
    place = Workspace.create(tmp_path_factory.mktemp("player") / "ws")
    store = place.store()
    rng = np.random.default_rng(0)
    many = HISTORY + 40
    items = rng.integers(0, 30, 25 + many)
    kinds = np.where(rng.random(25 + many) < 0.1, "dislike", "watch")
    portions = np.where(kinds == "watch", rng.random(25 + many).round(2), np.nan)
    rows = EventRows(
        Coded.of(["few"] * 25 + ["many"] * many),
        Coded.of([f"i{at}" for at in items]),
        Coded.of(kinds.tolist()),
        1_700_000_000.0 + 60.0 * np.arange(25 + many),
        portions,
        np.arange(25 + many, dtype=np.int64),
    )
    store.add_events(PLAYER.name, rows)
    store.add_users(PLAYER.name, {"few": {"country": "PT"}})
    return place


@pytest.mark.parametrize("user_id", ["few", "many"])
def test_the_state_of_a_user_is_that_of_a_store(workspace, user_id):
    dataset = workspace.dataset(PLAYER)
    stored = read_user_state(workspace.store(), PLAYER, user_id)
    user = dataset.users.index(user_id)
    start, end = np.searchsorted(dataset.events.users, [user, user + 1])
    found = state_before(dataset, user, int(start), int(end), ACTING)
    for name in ("history", "acting"):
        mine, theirs = getattr(found, name), getattr(stored, name)
        assert mine.item_ids == theirs.item_ids
        assert mine.types.tolist() == theirs.types.tolist()
        assert mine.times.tolist() == theirs.times.tolist()
        assert mine.weights.tolist() == theirs.weights.tolist()
        np.testing.assert_allclose(mine.values, theirs.values, atol=1e-6)
    assert (len(found.acting) > 0) == (user_id == "many")
    assert found.known
    assert stored.known
    assert found.session_start == stored.session_start
    assert {k: v for k, v in found.profile.items() if v} == stored.profile


def test_what_comes_later_is_not_known(workspace):
    dataset = workspace.dataset(PLAYER)
    user = dataset.users.index("few")
    start = int(np.searchsorted(dataset.events.users, user))
    early = state_before(dataset, user, start, start + 4, ACTING)
    assert len(early.history) == 4
    assert early.history.times.max() == 1_700_000_000.0 + 180.0
    nothing = state_before(dataset, user, start, start, ACTING)
    assert (len(nothing.history), nothing.known, nothing.session_start) == (0, False, None)


def test_answers_carry_what_the_surface_saw(make_walks, resolve, run):
    walks = make_walks()
    window = window_of(walks)
    surfaces = {"home": {"input": "user", "sources": ["steps"], "fallback": []}}
    pipeline = fit_pipeline(TOY, window.train, resolve(surfaces), run)
    queries = of_users(window)
    steps = []
    found = answers_to(
        serve(pipeline), "home", queries, walks, 3, lambda done, total: steps.append((done, total))
    )
    assert found.lists.shape == (60, 3)
    assert found.lists[:, 0].tolist() == [queries.targets.row(at)[0] for at in range(60)]
    assert (found.lists[:, 1:] == -1).all()
    # What was bought is excluded, for the baselines too.
    assert (found.queries.exclude.lengths == 18).all()
    assert (found.queries.history.lengths == 18).all()
    assert all(why.startswith("only 1 of 3") for why in found.short)
    assert steps == [(60, 60)]
    assert found.seconds > 0
