"""What a fit and a request read of other scenarios: the likes of those who agreed, in order."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pytest
from crossrec.components.query import Query
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.linked import LinkedHistories
from crossrec.data.vocabulary import Vocabulary
from crossrec.errors import UsageError
from crossrec.numeric.ragged import Ragged
from crossrec.pipeline.config_files import parse_config
from crossrec.pipeline.item_vectors import attach_vectors
from crossrec.pipeline.linked_people import read_linked
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.pipeline.user_states import linked_histories, user_state_of
from crossrec.pipeline.with_backbone import LINKED, with_linked
from crossrec.scenario import EventType, ItemField, ItemSchema, Scenario, Surface
from crossrec.store.rows import Coded, EventRows
from crossrec.store.sqlite import SqliteStore
from crossrec.testing.texts import text_catalog
from crossrec.testing.toy_sources import Popular, registry_of


def scenario(name):
    return Scenario(
        name, name, (EventType("like"), EventType("hate", polarity=-1, strength=-1.0)),
        ItemSchema((ItemField("title"),), "{title}"), (Surface("home"),), "", "like", "home",
    )  # fmt: skip


KNOWN = {name: scenario(name) for name in ("video", "music", "shop")}


def others(name):
    if name not in KNOWN:
        raise UsageError(f"there is no scenario {name!r}")
    return KNOWN[name]


@pytest.fixture
def store(tmp_path):
    store = SqliteStore.create(tmp_path / "store.db")
    yield store
    store.close()


def live(store, name, *events):
    """Store events given as (user, item, type), at times 0, 1, 2 …, and a title for each item."""
    store.add_items(name, {item: {"title": f"{item} of {name}"} for _, item, _ in events})
    store.add_events(name, EventRows(
        Coded.of([one[0] for one in events]), Coded.of([one[1] for one in events]),
        Coded.of([one[2] for one in events]), np.arange(len(events), dtype=np.float64),
        np.full(len(events), np.nan), np.arange(len(events), dtype=np.int64),
    ))  # fmt: skip


@pytest.fixture
def filled(store):
    live(store, "video", ("ann", "v2", "like"), ("bob", "v1", "like"), ("ann", "v1", "like"),
         ("ann", "v3", "hate"), ("eve", "v4", "hate"))  # fmt: skip
    live(store, "music", ("ann", "m1", "like"))
    return store


def read(store, users=("ann", "bob", "eve")):
    return read_linked(store, KNOWN["shop"], Vocabulary(users), others)


def ids_of(linked):
    return {
        int(user): [linked.catalog.items.id(item) for item in linked.histories.row(row)]
        for row, user in enumerate(linked.users)
    }


def test_nobody_agreed_is_none(filled):
    assert read(filled) == (None, [])


def test_the_likes_of_those_who_agreed_in_their_order(filled):
    filled.grant("video", "shop", ["ann", "stranger"])
    linked, notes = read(filled)
    assert notes == []
    assert ids_of(linked) == {0: ["video/v2", "video/v1"]}
    assert linked.people == 1, "the stranger did nothing there"
    assert linked.catalog.titles[0] == "v2 of video"
    assert linked.catalog.texts[0] == "v2 of video"


def test_several_scenarios_stand_behind_one_another(filled):
    filled.grant("video", "shop", ["ann", "bob"])
    filled.grant("music", "shop", ["ann"])
    linked, _ = read(filled)
    assert ids_of(linked) == {0: ["music/m1", "video/v2", "video/v1"], 1: ["video/v1"]}
    assert linked.people == 2


def test_people_without_events_here_are_counted_but_have_no_row(filled):
    filled.grant("video", "shop", ["ann", "bob"])
    linked, _ = read(filled, users=("bob",))
    assert ids_of(linked) == {0: ["video/v1"]}
    assert linked.people == 2
    nobody, _ = read(filled, users=())
    assert len(nobody.users) == len(nobody.histories) == 0
    assert nobody.people == 2


def test_who_only_refused_things_has_no_history(filled):
    filled.grant("video", "shop", ["eve"])
    assert read(filled) == (None, [])


def test_rows_are_in_the_order_of_the_users(filled):
    filled.grant("video", "shop", ["ann", "bob"])
    linked, _ = read(filled, users=("bob", "x", "ann"))
    assert linked.users.tolist() == [0, 2]


def test_items_that_only_events_name_have_no_text_and_are_left_out(filled):
    filled.add_events("video", EventRows(
        Coded.of(["ann"]), Coded.of(["bare"]), Coded.of(["like"]), np.array([9.0]),
        np.array([np.nan]), np.array([99]),
    ))  # fmt: skip
    filled.grant("video", "shop", ["ann"])
    linked, _ = read(filled)
    assert "video/bare" not in linked.catalog.items
    assert ids_of(linked) == {0: ["video/v2", "video/v1"]}


def test_a_scenario_that_is_gone_is_left_out_and_named(filled, caplog):
    filled.grant("radio", "shop", ["ann"])
    assert read(filled) == (
        None, ["the histories of radio are left out: there is no scenario 'radio'"]
    )  # fmt: skip
    filled.grant("video", "shop", ["ann"])
    linked, notes = read(filled)
    assert len(notes) == 1
    assert linked.people == 1
    with caplog.at_level(logging.WARNING, "crossrec"):
        found = linked_histories(filled, "shop", "ann", others)
    assert [one.scenario for one in found] == ["video"]
    assert "radio is left out" in caplog.text


def test_a_request_reads_the_likes_of_its_user(filled):
    filled.grant("video", "shop", ["ann"])
    filled.grant("music", "shop", ["ann"])
    user = user_state_of(filled, KNOWN["shop"], Query(user_id="ann"), others)
    assert [(one.scenario, one.events.item_ids) for one in user.linked] == [
        ("music", ("m1",)), ("video", ("v2", "v1")),
    ]  # fmt: skip
    assert user.linked is user.linked, "read once"
    bob = user_state_of(filled, KNOWN["shop"], Query(user_id="bob"), others)
    assert bob.linked == ()
    nobody = user_state_of(filled, KNOWN["shop"], Query(history=("x",)), others)
    assert nobody.linked == ()


def test_half_a_character_is_nobody(filled):
    assert linked_histories(filled, "shop", "\ud800", others) == ()


def test_a_given_history_takes_the_place_of_the_stored_one_but_not_of_the_linked(filled):
    filled.grant("video", "shop", ["ann"])
    query = Query(user_id="ann", history=("s1",))
    user = user_state_of(filled, KNOWN["shop"], query, others)
    assert user.history.item_ids == ("s1",)
    assert [one.scenario for one in user.linked] == ["video"]


# The vectors, and the pipeline.


class Lengths:
    """Vectors that depend on each text alone."""

    def encode(self, catalog, run):
        return np.array([[len(text), 1.0] for text in catalog.texts], dtype=np.float32)


class Ranks(Lengths):
    """Vectors that depend on the other texts."""

    def encode(self, catalog, run):
        return super().encode(catalog, run) / max(len(catalog), 1)


class Grows(Lengths):
    """Vectors of as many numbers as there are items."""

    def encode(self, catalog, run):
        return np.eye(len(catalog), dtype=np.float32)


class Breaks(Lengths):
    """Fails on the second catalogue."""

    def encode(self, catalog, run):
        if len(catalog) > 2:
            raise ValueError("too many")
        return super().encode(catalog, run)


REGISTRY = registry_of(
    encoders={"lengths": Lengths, "ranks": Ranks, "grows": Grows, "breaks": Breaks},
    candidate_generators={"popular": Popular},
)


def attached(encoder):
    there = text_catalog(["xxx", "yyyyy"])
    there = replace(there, items=Vocabulary(["video/1", "video/2"]))
    here = Dataset.build(Vocabulary(), text_catalog(["a", "bb"]), Events.empty(), has_clock=False)
    linked = LinkedHistories(there, np.zeros(0, np.int64), Ragged.empty(0), 1)
    config = parse_config({"encoder": encoder, "sources": [{"name": "popular"}]}, "test")
    resolved = resolve_pipeline(config, REGISTRY, "home")
    return attach_vectors(replace(here, linked=linked), resolved, RunOptions())


def test_both_catalogues_are_encoded_in_one_space():
    dataset, notes = attached("lengths")
    assert notes == []
    np.testing.assert_array_equal(dataset.vectors["lengths"][:, 0], [1, 2])
    np.testing.assert_array_equal(dataset.linked.vectors["lengths"][:, 0], [3, 5])


@pytest.mark.parametrize("encoder", ["ranks", "grows"])
def test_without_one_space_linked_histories_are_left_out(encoder):
    dataset, (note,) = attached(encoder)
    assert dataset.linked is None
    assert encoder in dataset.vectors, "the fit goes on with the scenario's own"
    assert f"the vectors of encoder {encoder} depend on the whole catalog" in note


def test_an_encoder_that_fails_on_them_is_named():
    dataset, (note,) = attached("breaks")
    assert "encoder breaks failed: ValueError: too many" in note
    assert "breaks" in dataset.vectors
    assert dataset.linked.vectors == {}


def test_the_source_joins_behind_the_others_and_surfaces_about_items_stay():
    config = parse_config({"encoder": "lengths", "sources": [{"name": "popular"}]}, "test")
    added = with_linked(config)
    assert [one.name for one in added.sources] == ["popular", LINKED]
    assert added.sources[-1].settings == {"encoder": "lengths"}
    assert added.item_sources == ("popular",)
    assert with_linked(added) is added
    labelled = {"name": "popular", "label": LINKED}
    own = parse_config({"encoder": "lengths", "sources": [labelled]}, "test")
    assert with_linked(own) is own
