"""Every surface that a scenario declares answers on its demo data, or says why it cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pandas as pd
import pytest
from crossrec import Engine
from crossrec.components.slate import Slate
from crossrec.pipeline.config_files import load_config
from crossrec.pipeline.pipeline_file import toml_value
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.plugins.registry import load_registry
from crossrec.testing.demo_data import demo_frames

SCENARIOS = ("ecommerce", "music", "social", "video")
#: Surfaces for which the demo has no data, and what their answer says.
WITHOUT_DATA = {
    ("ecommerce", "most_viewed"): "most-viewed proposed nothing",
    ("ecommerce", "recently_viewed"): "consumed",
    ("ecommerce", "on_sale"): "lack what the filter reads",
    ("video", "live_now"): "do not meet the filter",
}
#: The entity of each row that the tests want.
ENTITIES = {
    ("video", "genre_row"): ("genre", "Space"),
    ("video", "person_row"): ("person", "Mira Space"),
    ("social", "community_feed"): ("community", "chess club"),
}
SURFACES = [
    (name, surface.name)
    for name in SCENARIOS
    for surface in load_registry().scenario(name).surfaces
]
#: Sources that propose what came lately, whose surfaces leave out what is known already.
NEW = {"newest", "listened-artists", "following"}
Ask = Callable[..., Slate]


class Fitted(NamedTuple):
    """A demo that was fitted with everything of its default pipeline that reads no texts."""

    name: str
    engine: Engine
    items: pd.DataFrame
    events: pd.DataFrame
    #: Answers of the surfaces that need nothing, from before the fit.
    before: dict[str, Slate]

    @property
    def now(self) -> float:
        return float(self.events["time"].max()) + 60.0

    def ask(self, surface: str, **request: Any) -> Slate:
        """Ask as the surface's input wants it."""
        place = self.engine.registry.scenario(self.name).surface(surface)
        assert place is not None
        events, popular = self.events, self.events["item_id"].value_counts().index[:4].tolist()
        if place.input in ("item", "items", "list"):
            given = popular[:1] if place.input == "item" else popular[:3]
            return self.engine.recommend(
                self.name, item_ids=given, surface=surface, now=self.now, **request
            )
        if place.input == "entity":
            request["entity"] = ENTITIES[self.name, surface]
            return self.engine.recommend(self.name, surface=surface, now=self.now, **request)
        if place.input == "session":
            request["session"] = popular[:2]
        if place.input == "nothing":
            return self.engine.recommend(self.name, surface=surface, now=self.now, **request)
        slate = None
        for user in [*self.followers(), *events["user_id"].unique()[:20]]:
            slate = self.engine.recommend(self.name, user, surface=surface, now=self.now, **request)
            if slate.items:
                break
        assert slate is not None
        return slate

    def followers(self) -> list[str]:
        """Return some users who follow a creator."""
        follows = self.events["event_type"].str.startswith("follow")
        return list(self.events.loc[follows, "user_id"].unique()[:5])


def without_texts(name: str) -> str:
    """Return the default pipeline without what reads texts, as a file."""
    config = load_config(load_registry().scenario(name)).model_dump(exclude_defaults=True)
    config["encoder"] = ""
    config["sources"] = [one for one in config["sources"] if one["name"] != "content"]
    for surface in config["surfaces"].values():
        if "sources" in surface:
            surface["sources"] = [one for one in surface["sources"] if one != "content"]
        surface.pop("k", None)
    return "".join(f"{key} = {toml_value(value)}\n" for key, value in config.items())


@pytest.fixture(scope="module", params=SCENARIOS)
def fitted(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fitted]:
    name, folder = request.param, tmp_path_factory.mktemp(request.param)
    (folder / "own.toml").write_text(without_texts(name), encoding="utf-8")
    frames = demo_frames(load_registry().get("scenarios", name), 0)
    assert frames.items is not None
    assert frames.events is not None
    engine = Engine.create(folder / "ws")
    engine.ingest(name, items=frames.items, events=frames.events)
    now = float(frames.events["time"].max()) + 60.0
    before = {
        one.name: engine.recommend(name, surface=one.name, now=now)
        for one in load_registry().scenario(name).surfaces
        if one.input == "nothing"
    }
    engine.fit(name, pipeline_file=folder / "own.toml")
    yield Fitted(name, engine, frames.items.set_index("item_id"), frames.events, before)
    engine.workspace.close()


def test_all_surfaces_answer_or_say_why(fitted: Fitted) -> None:
    surfaces = [surface for name, surface in SURFACES if name == fitted.name]
    assert len(surfaces) >= 5
    for surface in surfaces:
        slate = fitted.ask(surface)
        assert slate.surface == surface
        assert not slate.degraded, (surface, slate.degraded)
        ids = slate.item_ids
        assert len(set(ids)) == len(ids)
        assert set(ids) <= set(fitted.items.index) or slate.answers
        place = fitted.engine.registry.scenario(fitted.name).surface(surface)
        assert place is not None
        wanted = 3 if place.input == "list" else place.k  # a list is as long as it was given
        assert len(ids) == wanted or slate.short_because, surface
        why = WITHOUT_DATA.get((fitted.name, surface))
        if why is None:
            assert ids, f"{surface}: {slate.short_because}"
            assert all(item.reasons for item in slate.items), surface
        else:
            assert not ids, surface
            assert why in slate.short_because, surface


def test_what_needs_nothing_answers_the_same_before_the_fit(fitted: Fitted) -> None:
    assert fitted.before
    for surface, slate in fitted.before.items():
        assert slate.path == "not fitted, no history"
        assert "nothing is fitted yet" in slate.notes[-1]
        after = fitted.ask(surface)
        assert slate.item_ids == after.item_ids, surface
        assert after.path == "no history"


def test_the_main_surface_is_judged_without_the_others(fitted: Fitted) -> None:
    """What only other surfaces name is fitted once, and is in no pool of the main surface."""
    resolved = fitted.engine.pipeline(fitted.name).resolved
    main = set(resolved.main_surface.sources)
    assert set(resolved.tried) == main
    assert len(resolved.sources) > len(main)


@pytest.mark.parametrize("name", SCENARIOS)
def test_so_it_is_with_the_default_pipeline(name: str) -> None:
    scenario, registry = load_registry().scenario(name), load_registry()
    resolved = resolve_pipeline(load_config(scenario), registry, scenario.main_surface)
    main = resolved.main_surface.sources
    assert main[:3] == ("content", "ease", "covisitation")
    assert len(main) == 4
    assert resolved.tried == main


def test_a_followed_author_leads(fitted: Fitted) -> None:
    """Posts in reverse time, all by people whom the user follows, none that was read."""
    if fitted.name != "social":
        pytest.skip("only social has a feed of followed authors")
    items, events = fitted.items, fitted.events
    user = fitted.followers()[0]
    own = events[events["user_id"] == user]
    followed = set(items.loc[own.loc[own["event_type"] == "follow_author", "item_id"], "author"])
    slate = fitted.engine.recommend("social", user, surface="following", now=fitted.now)
    assert set(items.loc[list(slate.item_ids), "author"]) <= followed
    assert items.loc[list(slate.item_ids), "created_at"].is_monotonic_decreasing
    assert not set(own["item_id"]) & set(slate.item_ids)
    brief = fitted.engine.recommend("social", user, surface="catch_up", now=fitted.now)
    assert items.loc[list(brief.item_ids), "author"].is_unique


def test_half_watched_titles_go_on(fitted: Fitted) -> None:
    """All were watched in part by this user, the latest first."""
    if fitted.name != "video":
        pytest.skip("only video knows how far somebody watched")
    events = fitted.events
    slate = fitted.ask("continue_watching", k=5)
    parts = events[(events["event_type"] == "watch") & events["value"].between(0.1, 0.9)]
    assert any(set(slate.item_ids) <= set(rows["item_id"]) for _, rows in parts.groupby("user_id"))
    assert all("% watched" in item.reasons[0].text for item in slate.items)


def test_what_is_played_on_repeat_was_played_before(fitted: Fitted) -> None:
    if fitted.name != "music":
        pytest.skip("only music repeats on purpose")
    user = str(fitted.events["user_id"].value_counts().index[0])
    own = fitted.events[fitted.events["user_id"] == user]
    slate = fitted.engine.recommend("music", user, surface="on_repeat", now=fitted.now)
    assert slate.items
    assert set(slate.item_ids) <= set(own["item_id"])
    found = fitted.engine.recommend("music", user, surface="discover_weekly", now=fitted.now)
    assert not set(found.item_ids) & set(own["item_id"])
    assert fitted.items.loc[list(found.item_ids), "artist"].value_counts().max() <= 2
    assert len(found.items) == 30


def test_best_sellers_are_what_most_people_bought(fitted: Fitted) -> None:
    if fitted.name != "ecommerce":
        pytest.skip("only a shop sells")
    people = fitted.events.groupby("item_id")["user_id"].nunique()
    slate = fitted.ask("best_sellers")
    counts = people.loc[list(slate.item_ids)]
    assert counts.is_monotonic_decreasing
    assert counts.iloc[0] == people.max()
    assert slate.items[0].reasons[0].text == f"purchase: {people.max()} people"


def test_a_row_of_one_value_holds_its_items_alone(fitted: Fitted) -> None:
    columns = {"genre": "categories", "person": "persons", "community": "community"}
    rows = [surface for name, surface in ENTITIES if name == fitted.name]
    if not rows:
        pytest.skip("no rows of an entity")
    for surface in rows:
        relation, value = ENTITIES[fitted.name, surface]
        column = fitted.items.loc[list(fitted.ask(surface).item_ids), columns[relation]]
        found = {one for cell in column for one in ([cell] if isinstance(cell, str) else cell)}
        assert {one.casefold() for one in found} == {value.casefold()}


def test_a_list_of_editors_is_put_in_personal_order(fitted: Fitted) -> None:
    if fitted.name != "video":
        pytest.skip("only video has editors")
    ids = fitted.items.index[:60:3].tolist()
    alone = fitted.engine.recommend("video", item_ids=ids, surface="editors_picks")
    assert alone.item_ids == tuple(ids), "without a user the order of the editors stays"
    user = str(fitted.events["user_id"].value_counts().index[0])
    own = fitted.engine.recommend("video", user, item_ids=ids, surface="editors_picks")
    assert sorted(own.item_ids) == sorted(ids)
    assert own.item_ids != tuple(ids)


def test_rows_name_what_they_are_about(fitted: Fitted) -> None:
    """Each is about other items of the history, and no item stands in two."""
    config = load_config(fitted.engine.registry.scenario(fitted.name))
    surfaces = [name for name, one in config.surfaces.items() if one.rows]
    if not surfaces:
        pytest.skip("no surface has several rows")
    user = str(fitted.events["user_id"].value_counts().index[0])
    own = set(fitted.events.loc[fitted.events["user_id"] == user, "item_id"])
    for surface in surfaces:
        rows = fitted.engine.rows(fitted.name, user, surface=surface, now=fitted.now)
        assert len(rows) >= 2, surface
        about = [one.item_id for slate in rows for one in slate.about]
        assert len(set(about)) == len(about)
        assert set(about) <= own
        shown = [item for slate in rows for item in slate.item_ids]
        assert len(set(shown)) == len(shown)
        for slate in rows:
            assert slate.items
            assert all(f"“{one.title}”" in slate.heading for one in slate.about)


def test_a_mix_is_of_one_kind_and_mostly_known(fitted: Fitted) -> None:
    if fitted.name != "music":
        pytest.skip("only music has mixes")
    user = str(fitted.events["user_id"].value_counts().index[0])
    own = set(fitted.events.loc[fitted.events["user_id"] == user, "item_id"])
    slate = fitted.engine.recommend("music", user, surface="daily_mix", now=fitted.now, k=10)
    artists = fitted.items.loc[list(slate.item_ids), "artist"].tolist()
    assert all(len(set(artists[at : at + 4])) == 4 for at in range(len(artists) - 3))
    about = [one.item_id for one in slate.about]
    genres = fitted.items.loc[about, "categories"].str[0].unique()
    assert len(genres) == 1, "a mix is around one kind of music"
    known = len(own & set(slate.item_ids))
    assert 0 < known < len(slate.items)


def values_of(fitted: Fitted, item: str, field: str) -> set[str]:
    """Return the values that one item has of a field."""
    value = fitted.items.at[item, field]
    return {value} if isinstance(value, str) else set(value)


def test_entities_are_answered_with_items_of_theirs(fitted: Fitted) -> None:
    config = load_config(fitted.engine.registry.scenario(fitted.name))
    answering = {name: one.answers for name, one in config.surfaces.items() if one.answers}
    if not answering:
        pytest.skip("all answers are items")
    for surface, field in answering.items():
        slate = fitted.ask(surface)
        assert slate.answers == field
        for entity in slate.items:
            assert entity.examples, surface
            for example in entity.examples:
                assert entity.item_id in values_of(fitted, example.item_id, field)


def test_related_artists_are_others_of_the_same_kind(fitted: Fitted) -> None:
    if fitted.name != "music":
        pytest.skip("only music has artists")
    track = str(fitted.events["item_id"].value_counts().index[0])
    artist = str(fitted.items.at[track, "artist"])
    by_track = fitted.engine.recommend("music", item_ids=[track], surface="related_artists")
    by_name = fitted.engine.recommend(
        "music", entity=("artist", artist.upper()), surface="related_artists"
    )
    genre = fitted.items.groupby("artist")["categories"].first()
    for slate in (by_track, by_name):
        assert artist not in slate.item_ids
        assert genre[slate.item_ids[0]] == genre[artist], "the nearest plays the same genre"


@pytest.mark.parametrize(("name", "surface"), SURFACES)
def test_a_surface_that_stays_short_is_not_filled_with_what_the_user_knows(name, surface):
    """Known items stand behind all others where they are "last": no end for a row of its own kind.

    Where they are kept they are ranked if a source proposes them, and not shown if none does.
    """
    config = load_config(load_registry().scenario(name))
    plan = config.surfaces[surface]
    if plan.fallback:
        return
    assert config.history_of(surface) == ("exclude" if NEW & set(plan.sources) else "keep")
