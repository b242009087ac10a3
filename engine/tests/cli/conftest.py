"""A workshop: one small scenario with its own sources, demo data and pipeline, as a plugin."""

import sys
import time

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from crossrec.cli import main
from crossrec.ingest.frames import Frames
from crossrec.plugins import registry as registry_module
from crossrec.scenario import EventType, ItemField, ItemSchema, Scenario, Surface
from crossrec.testing.toy_sources import Popular, Together, failing, registry_of, unfit

PIPELINE = 'sources = [{name = "together"}, {name = "counts"}]\nitem_sources = ["together"]\n'


class Sleepy(Popular):
    """Takes a second for every batch of queries."""

    def generate(self, queries, k):
        time.sleep(1.0)
        return super().generate(queries, k)


class Stateless(Popular):
    """Learns, and cannot say what."""

    def state(self):
        return {"counts": self.counts}


SOURCES = {
    "sleepy": Sleepy,
    "stateless": Stateless,
    "together": Together,
    "counts": Popular,
    "dear": unfit(MemoryError("needs 99 GB")),
    "moody": failing(RuntimeError("not today")),
}


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
        scenarios = {name: scenario(name, demo) for name, demo in demos.items()}
        return registry_of(scenarios=scenarios, candidate_generators=SOURCES)

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

    def call(*arguments, given=""):
        words = [str(argument) for argument in arguments]
        return CliRunner().invoke(main, words, input=given, prog_name="crossrec")

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
