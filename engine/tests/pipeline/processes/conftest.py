"""A small scenario in a plugin of its own, fitted by other processes that can be killed."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from crossrec.ingest import ingest_files
from crossrec.plugins.registry import Registry

PLUGIN = """
import os
import time
from pathlib import Path
import numpy as np
from crossrec.components.state import State
from crossrec.components.topk import top_k
from crossrec.scenario import EventType, ItemField, ItemSchema, Scenario, Surface


def hang(where):
    if os.environ.get("HANG_IN") == where:
        Path(os.environ["SIGN"]).touch()
        time.sleep(60)


class Counts:
    power = 1.0

    def fit(self, dataset, run):
        hang(f"fit of {type(self).__name__}")
        if "FITS" in os.environ:
            with Path(os.environ["FITS"]).open("a") as file:
                file.write(f"{type(self).__name__} {len(dataset.events)}\\n")
        self.counts = dataset.item_counts.astype(np.float32) ** self.power

    def generate(self, queries, k):
        scores = np.tile(self.counts, (len(queries), 1))
        return top_k(scores, k, queries.exclude, minimum=0.0)

    def state(self):
        hang("state")
        return State({"counts": self.counts})

    def restore(self, state, catalog):
        self.counts = state.arrays["counts"]


class Roots(Counts):
    power = 0.5


def make():
    return Scenario(
        "kiosk", "papers", (EventType("view"),), ItemSchema((ItemField("title"),), "{title}"),
        (Surface("home"),), "kiosk_resources:default.toml", "view", "home",
    )


@hookimpl
def register_candidate_generators(register):
    register("counts", Counts, summary="counts")
    register("roots", Roots, summary="roots of counts")


@hookimpl
def register_scenarios(register):
    register("kiosk", make, summary="papers")
"""


@dataclass(frozen=True)
class Kiosk:
    """An unfitted workspace of the scenario, and the plugin that other processes need."""

    plugins: Path
    workspace: Path
    registry: Registry

    def environment(self, **more):
        """Return the variables of a process that finds the plugin, and these packages."""
        sources = os.pathsep.join([str(self.plugins), os.environ.get("PYTHONPATH", "")])
        return {**os.environ, "PYTHONPATH": sources, "CROSSREC_PLUGINS": "kiosk", **more}

    def process(self, *command, **more):
        """Start Python with some arguments."""
        return subprocess.Popen(
            [sys.executable, *map(str, command)],
            env=self.environment(**more),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def fit(self, workspace=None, **more):
        """Start ``crossrec fit kiosk``."""
        place = workspace or self.workspace
        return self.process("-m", "crossrec", "fit", "kiosk", "--json", "-w", place, **more)


@pytest.fixture
def kiosk(plugins, tmp_path):
    package = plugins.folder / "kiosk_resources"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "default.toml").write_text('sources = ["counts", "roots"]\n')
    plugins.add("kiosk", PLUGIN)
    registry = Registry(plugins.load(strict=True).values())
    rows = [f"u{u},i{i},{1_700_000_000 + 9 * u + i}" for u in range(9) for i in range(u % 5 + 1)]
    (tmp_path / "e.csv").write_text("user_id,item_id,time\n" + "\n".join(rows) + "\n")
    where = tmp_path / "ws"
    ingest_files(where, registry.scenario("kiosk"), events=tmp_path / "e.csv")
    yield Kiosk(plugins.folder, where, registry)
    sys.modules.pop("kiosk_resources", None)


def appears(sign, running):
    """Wait until another process leaves a sign."""
    deadline = time.monotonic() + 120
    while not sign.exists():
        assert running.poll() is None, running.stderr.read()
        assert time.monotonic() < deadline, "the process never came so far"
        time.sleep(0.02)


@pytest.fixture
def wait_for():
    return appears
