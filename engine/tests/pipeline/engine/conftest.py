"""`Engine` on a real workspace: two scenarios side by side, new artifacts, new events."""

import sys

import pytest
from crossrec import Engine
from crossrec.ingest import ingest_files
from crossrec.scenario import EventType, ItemField, ItemSchema, Relation, Scenario, Surface
from crossrec.workspace import Workspace

SCHEMA = ItemSchema((ItemField("title"), ItemField("is_hidden", "flag")), "{title}")
EVENTS = (
    EventType("view"),
    EventType("dislike", kind="explicit", polarity=-1, strength=-1.0),
    EventType("shown", polarity=0, strength=0.0),
    EventType("buy", consumes="hard"),
    EventType("ban_maker", "explicit", -1, -1.0, consumes="hard", relation="maker"),
)


def scenario(name, *, about_items=True):
    surfaces = (Surface("home"), Surface("shelf", k=3))
    if about_items:
        surfaces += (Surface("like-this", "item"),)
    return lambda: Scenario(
        name, name, EVENTS, SCHEMA, surfaces, "engine_resources:two.toml", "view", "home",
        (Relation("maker", "maker"),),
    )  # fmt: skip


@pytest.fixture(scope="module")
def engine_registry(tmp_path_factory, make_registry, toy_sources):
    class Unfit(toy_sources.popular):
        def fit(self, dataset, run):
            raise MemoryError("too large")

    folder = tmp_path_factory.mktemp("resources")
    package = folder / "engine_resources"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "two.toml").write_text('sources = [{name = "popular"}, {name = "together"}]\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        names = {"red": scenario("red"), "blue": scenario("blue")}
        names["lists"] = scenario("lists", about_items=False)
        yield make_registry(scenarios=names, candidate_generators={"never": Unfit})
    sys.modules.pop("engine_resources", None)


def rows(letter, n_users=12, n_items=8):
    """Even users view even items, odd users odd ones; user 0 dislikes item 1."""
    lines = ["user_id,item_id,event_type,time"]
    moment = 1_700_000_000
    for turn in range(3):
        for user in range(n_users):
            item = (user % 2) + 2 * ((user // 2 + turn) % (n_items // 2))
            moment += 60
            lines.append(f"u{user},{letter}{item},view,{moment}")
    lines.append(f"u0,{letter}1,dislike,{moment + 60}")
    lines.append(f"u-shown,{letter}1,shown,{moment + 61}")
    return lines


def ingest(workspace, registry, name, lines, items=()):
    events = workspace.path / f"{name}.csv"
    events.write_text("\n".join(lines) + "\n")
    table = None
    if items:
        table = workspace.path / f"{name}-items.csv"
        table.write_text("item_id,title\n" + "".join(f"{i},{t}\n" for i, t in items))
    ingest_files(workspace, registry.scenario(name), events=events, items=table)


@pytest.fixture
def workspace(tmp_path, engine_registry):
    place = Workspace.create(tmp_path / "ws")
    for name, letter in (("red", "r"), ("blue", "b")):
        items = [(f"{letter}{i}", f"{name} {i}") for i in range(8)]
        ingest(place, engine_registry, name, rows(letter), items)
    yield place
    place.close()


@pytest.fixture
def engine(workspace, engine_registry):
    engine = Engine(workspace, engine_registry, background=False)
    engine.fit("red")
    return engine


@pytest.fixture
def write(engine_registry):
    """Ingest lines of events, and items with titles, into a workspace."""
    return lambda workspace, name, lines, items=(): ingest(
        workspace, engine_registry, name, lines, items
    )
