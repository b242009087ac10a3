"""A small shop whose items are written again, withdrawn or deleted after the fit."""

import json
import sys
import time
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
from crossrec import Engine
from crossrec.components.history import weigh
from crossrec.components.policies import number
from crossrec.components.state import State
from crossrec.components.topk import top_k
from crossrec.ingest import ingest_files
from crossrec.scenario import EventType, ItemField, ItemSchema, Relation, Scenario, Surface
from crossrec.workspace import Workspace

SCHEMA = ItemSchema(
    (
        ItemField("title"), ItemField("is_hidden", "flag"), ItemField("price", "number"),
        ItemField("availability", "category"), ItemField("available_quantity", "number"),
    ),
    "{title}",
)  # fmt: skip


def vector_of(text):
    """Even things point one way, odd ones the other; the same in any company."""
    number = int(text.split()[1])
    return [1.0, 0.0] if number % 2 == 0 else [0.0, 1.0]


class Plain:
    """An encoder that looks at one text at a time, and counts how many it was given."""

    wanted: ClassVar[list[int]] = []

    def encode(self, catalog, run):
        type(self).wanted.append(len(catalog))
        rows = [vector_of(text) if text else [0.0, 0.0] for text in catalog.texts]
        return np.array(rows, dtype=np.float32).reshape(len(catalog), 2)


class Social:
    """An encoder whose vectors depend on the company, as those of a truncated SVD do."""

    def encode(self, catalog, run):
        return np.full((len(catalog), 1), 1.0 / max(len(catalog), 1), dtype=np.float32)


class Mute:
    def encode(self, catalog, run):
        raise OSError("no model")


class Alike:
    """Items whose vectors point where the history points."""

    able = frozenset({"score", "explain", "add_items"})

    def fit(self, dataset, run):
        self.rows = dataset.vectors.get("plain", np.zeros((dataset.n_items, 2), np.float32))

    def add_items(self, dataset):
        rows = dataset.vectors.get("plain", np.zeros((dataset.n_items, 2), np.float32))
        self.rows = np.concatenate([self.rows, rows[len(self.rows) :]])

    def scores(self, queries):
        profile = weigh(queries.related(), len(self.rows)).matrix
        return np.asarray(profile @ self.rows @ self.rows.T, np.float32)

    def generate(self, queries, k):
        return top_k(self.scores(queries), k, queries.exclude, minimum=0.0)

    def score(self, queries, index):
        scores = np.take_along_axis(self.scores(queries), np.maximum(index, 0), axis=1)
        return np.where(index >= 0, scores, np.nan)

    def explain(self, queries, index):
        return [None] * len(index)

    def state(self):
        return State({"rows": self.rows})

    def restore(self, state, catalog):
        self.rows = state.arrays["rows"]


class Refuses(Alike):
    def add_items(self, dataset):
        self.rows = self.rows[:0]
        raise MemoryError("too many")


class Cheap:
    """A policy that reads a live field."""

    def apply(self, ranked, context):
        prices = context.items.numbers("price", number)[ranked.index]
        dear = prices > 10
        return ranked.without(dear, "too_dear", [{"price": float(one)} for one in prices[dear]])


EVENTS = (
    EventType("view"),
    EventType("ban_maker", "explicit", -1, -1.0, consumes="hard", relation="maker"),
)


def scenario(name):
    surfaces = (Surface("home"), Surface("like-this", "item"))
    return lambda: Scenario(
        name, name, EVENTS, SCHEMA, surfaces, f"fresh_resources:{name}.toml", "view", "home",
        (Relation("maker", "maker"),),
    )  # fmt: skip


PIPELINES = {
    "growing": 'encoder = "plain"\nsources = [{name = "alike"}, {name = "together"}]\n'
    'item_sources = ["alike"]\n',
    "fixed": 'sources = [{name = "together"}]\n',
    "refusing": 'encoder = "plain"\nsources = [{name = "refuses"}, {name = "alike"}]\n',
    "strict": 'policies = ["availability"]\nsources = [{name = "together"}]\n',
    "strict-growing": 'policies = ["availability"]\nencoder = "plain"\n'
    'sources = [{name = "alike"}]\n',
    "cheap": 'policies = ["cheap"]\nsources = [{name = "together"}]\n',
    "makers": 'sources = [{name = "together"}]\n',
    "beside": 'encoder = "plain"\nencoders = ["social"]\n'
    'sources = [{name = "alike"}, {name = "together"}]\n',
    "social": 'encoder = "social"\nsources = [{name = "alike"}, {name = "together"}]\n',
}


@pytest.fixture(scope="module")
def registry(tmp_path_factory, make_registry):
    folder = tmp_path_factory.mktemp("resources")
    package = folder / "fresh_resources"
    package.mkdir()
    (package / "__init__.py").touch()
    for name, text in PIPELINES.items():
        (package / f"{name}.toml").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield make_registry(
            scenarios={name: scenario(name) for name in PIPELINES},
            candidate_generators={"alike": Alike, "refuses": Refuses},
            policies={"cheap": Cheap},
            encoders={"plain": Plain, "social": Social, "mute": Mute},
        )
    sys.modules.pop("fresh_resources", None)


class Shop:
    """One workspace and an engine on it."""

    def __init__(self, folder, registry, name, background=False):
        self.folder, self.registry, self.name = folder, registry, name
        self.engine = Engine(Workspace.create(folder / "ws"), registry, background=background)
        self.add(*range(12))
        rows = [f"u{u},t{2 * (i % 6) + u % 2},{1000 * u + i}" for u in range(20) for i in range(4)]
        self.events(*rows)
        self.engine.fit(name)

    def add(self, *numbers, titles=True):
        table = self.folder / "items.csv"
        rows = [f"t{n},{f'thing {n}' if titles else ''}" for n in numbers]
        table.write_text("item_id,title\n" + "\n".join(rows) + "\n")
        other = Workspace.open(self.folder / "ws")  # as another process would
        ingest_files(other, self.registry.scenario(self.name), items=table)

    def write(self, *rows):
        """Write rows of items as JSON."""
        table = self.folder / "items.jsonl"
        table.write_text("".join(json.dumps(row) + "\n" for row in rows))
        other = Workspace.open(self.folder / "ws")
        ingest_files(other, self.registry.scenario(self.name), items=table)

    def events(self, *rows):
        table = self.folder / "events.csv"
        head = (
            "user_id,item_id,event_type,time" if rows[0].count(",") == 3 else "user_id,item_id,time"
        )
        table.write_text(head + "\n" + "\n".join(rows) + "\n")
        other = Workspace.open(self.folder / "ws")
        ingest_files(other, self.registry.scenario(self.name), events=table)

    def ids(self, *history, k=20, **more):
        return self.slate(*history, k=k, **more).item_ids

    def slate(self, *history, k=20, **more):
        return self.engine.recommend(self.name, history=list(history), k=k, **more)


@pytest.fixture
def shop(tmp_path, registry):
    def make(name="growing", **more):
        return Shop(tmp_path, registry, name, **more)

    return make


@pytest.fixture
def parts():
    """The classes of the shop, for tests that change one or build another shop."""
    return SimpleNamespace(Plain=Plain, Mute=Mute, Alike=Alike, Shop=Shop, scenario=scenario)


@pytest.fixture
def wait_until():
    def wait(condition, seconds=30):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "nothing happened"
            time.sleep(0.01)

    return wait
