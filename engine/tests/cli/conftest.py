"""A workshop: one small scenario with its own sources, demo data and pipeline, as a plugin."""

import sys
import types

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from crossrec import hookimpl
from crossrec.cli import main
from crossrec.components.evidence import Evidence
from crossrec.components.history import weigh
from crossrec.components.state import State
from crossrec.components.topk import top_k
from crossrec.data.frames import Frames
from crossrec.plugins import registry as registry_module
from crossrec.plugins.found import FoundPlugin, find_plugins
from crossrec.plugins.loader import load_plugins
from crossrec.plugins.registry import Registry
from crossrec.scenario import EventType, ItemField, ItemSchema, Scenario, Surface

PIPELINE = 'sources = [{name = "together"}, {name = "counts"}]\nitem_sources = ["together"]\n'


class Counts:
    """Popularity."""

    def fit(self, dataset, run):
        self.counts = dataset.item_counts.astype(np.float32)

    def generate(self, queries, k):
        scores = np.tile(self.counts, (len(queries), 1))
        return top_k(scores, k, queries.exclude, minimum=0.0)

    def state(self):
        return State({"counts": self.counts})

    def restore(self, state, catalog):
        self.counts = state.arrays["counts"]


class Together(Counts):
    """Co-occurrence counts."""

    def fit(self, dataset, run):
        matrix = dataset.matrix(binary=True)
        self.counts = (matrix.T @ matrix).toarray().astype(np.float32)
        np.fill_diagonal(self.counts, 0)

    def generate(self, queries, k):
        scores = weigh(queries, len(self.counts)).matrix @ self.counts
        return top_k(np.asarray(scores, np.float32), k, queries.exclude, minimum=0.0)

    def explain(self, queries, index):
        history = tuple(int(i) for i in queries.history.row(0)[:1])
        return [Evidence("often together with", history) if history else None for _ in index]


class Dear(Counts):
    def fit(self, dataset, run):
        raise MemoryError("needs 99 GB")


class Moody(Counts):
    def generate(self, queries, k):
        raise RuntimeError("not today")


def tables(seed, *, positive=True):
    """40 users; even ones use even tools, odd ones odd tools."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(40):
        own = np.arange(user % 2, 12, 2)
        rows += [(f"u{user}", f"t{item}") for item in rng.permutation(own)[:5]]
    order = rng.permutation(len(rows))
    events = pd.DataFrame([rows[i] for i in order], columns=["user_id", "item_id"])
    events["time"] = 1_700_000_000 + 60 * np.arange(len(events))
    events["event_type"] = "use" if positive else "drop"
    items = pd.DataFrame({"item_id": [f"t{i}" for i in range(12)]})
    items["title"] = [f"tool no. {i}" for i in range(12)]
    return Frames(items, events, has_clock=True, note="generated tools")


def scenario(name, demo):
    return lambda: Scenario(
        name,
        "what people build with",
        (EventType("use"), EventType("drop", polarity=-1, strength=-1.0)),
        ItemSchema((ItemField("title"),), "{title}"),
        (Surface("bench"), Surface("alike", "item")),
        "workshop_resources:pipeline.toml",
        "use",
        "bench",
        demo=demo,
    )


@pytest.fixture(scope="session")
def make_workshop():
    """Build a registry with the scenarios given as name → demo function."""

    def make(**demos):
        plugin = types.ModuleType("workshop_plugin")

        @hookimpl
        def register_scenarios(register):
            for name, demo in demos.items():
                register(name, scenario(name, demo), summary="tools")

        @hookimpl
        def register_candidate_generators(register):
            register("together", Together, capabilities={"explain"}, summary="co-occurrence")
            register("counts", Counts, summary="popularity")
            register("dear", Dear, summary="cannot be fitted")
            register("moody", Moody, summary="fits, and never answers")

        plugin.register_scenarios = register_scenarios
        plugin.register_candidate_generators = register_candidate_generators
        found = [find_plugins()[0], FoundPlugin("workshop", "workshop", "1", lambda: plugin)]
        return Registry(load_plugins(found, strict=True))

    return make


@pytest.fixture(scope="session")
def workshop_tables():
    return tables


@pytest.fixture(scope="module")
def workshop(tmp_path_factory, make_workshop):
    """Return a function that calls the command line with a registry in place of the installed."""
    folder = tmp_path_factory.mktemp("workshop")
    resources = folder / "workshop_resources"
    resources.mkdir()
    (resources / "__init__.py").touch()
    (resources / "pipeline.toml").write_text(PIPELINE)
    chosen = [make_workshop(tools=tables)]

    def call(*arguments):
        words = [str(argument) for argument in arguments]
        return CliRunner().invoke(main, words, prog_name="crossrec")

    def use(registry):
        chosen[0] = registry

    call.use = use
    installed = registry_module.load_registry

    def load_registry(**options):
        # A module that is imported meanwhile keeps this function: it must outlive the workshop.
        return chosen[0] if chosen else installed(**options)

    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        patch.setattr(registry_module, "load_registry", load_registry)
        import crossrec.pipeline.engine as engine_module

        patch.setattr(engine_module, "load_registry", load_registry)
        patch.delenv("CROSSREC_WORKSPACE", raising=False)
        yield call
    chosen.clear()
    sys.modules.pop("workshop_resources", None)
