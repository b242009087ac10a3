"""A fit that is killed between two sources: the next one goes on, to the same artifact."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

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


class Counts:
    power = 1.0

    def fit(self, dataset, run):
        with Path(os.environ["FITS"]).open("a") as file:
            file.write(f"{type(self).__name__} {len(dataset.events)}\\n")
        self.counts = dataset.item_counts.astype(np.float32) ** self.power

    def generate(self, queries, k):
        scores = np.tile(self.counts, (len(queries), 1))
        return top_k(scores, k, queries.exclude, minimum=0.0)

    def state(self):
        return State({"counts": self.counts})

    def restore(self, state, catalog):
        self.counts = state.arrays["counts"]


class Hangs(Counts):
    power = 0.5

    def fit(self, dataset, run):
        sign = os.environ.get("HANGS")
        if sign:
            Path(sign).touch()
            time.sleep(60)
        super().fit(dataset, run)


def make():
    return Scenario(
        "kiosk", "papers", (EventType("view"),), ItemSchema((ItemField("title"),), "{title}"),
        (Surface("home"),), "kiosk_killed:default.toml", "view", "home",
    )


@hookimpl
def register_candidate_generators(register):
    register("counts", Counts, summary="counts")
    register("hangs", Hangs, summary="roots of counts")


@hookimpl
def register_scenarios(register):
    register("kiosk", make, summary="papers")
"""


@pytest.fixture
def kiosk(plugins, tmp_path):
    """Return a function that starts ``crossrec fit kiosk`` in a copy of an unfitted workspace."""
    package = plugins.folder / "kiosk_killed"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "default.toml").write_text('sources = ["counts", "hangs"]\n')
    plugins.add("kiosk", PLUGIN)
    registry = Registry(plugins.load(strict=True).values())
    rows = [f"u{u},i{i},{1_700_000_000 + 9 * u + i}" for u in range(9) for i in range(u % 5 + 1)]
    (tmp_path / "e.csv").write_text("user_id,item_id,time\n" + "\n".join(rows) + "\n")
    ingest_files(tmp_path / "ws", registry.scenario("kiosk"), events=tmp_path / "e.csv")
    shutil.copytree(tmp_path / "ws", tmp_path / "other")

    def start(name, **more):
        sources = os.pathsep.join([str(plugins.folder), os.environ.get("PYTHONPATH", "")])
        return subprocess.Popen(
            [sys.executable, "-m", "crossrec", "fit", "kiosk", "--json", "-w", tmp_path / name],
            env={
                **os.environ,
                "PYTHONPATH": sources,
                "CROSSREC_PLUGINS": "kiosk",
                "FITS": str(tmp_path / f"{name}.fits"),
                **more,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    yield start
    sys.modules.pop("kiosk_killed", None)


def finished(running):
    """Return the report of a fit that ends by itself."""
    out, err = running.communicate(timeout=120)
    assert running.returncode == 0, err
    return json.loads(out)


def parts_of(workspace):
    """Return the files of the states in the artifact, by name."""
    (version,) = (path for path in (workspace / "artifacts" / "kiosk").iterdir() if path.is_dir())
    return {path.name: path.read_bytes() for path in version.glob("component-*")}


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_a_killed_fit_goes_on_to_the_same_artifact(kiosk, tmp_path):
    sign = tmp_path / "hangs"
    running = kiosk("ws", HANGS=str(sign))
    try:
        deadline = time.monotonic() + 120
        while not sign.exists():
            assert running.poll() is None, running.stderr.read()
            assert time.monotonic() < deadline, "the fit never came to its second source"
            time.sleep(0.02)
    finally:
        running.send_signal(signal.SIGKILL)
        running.communicate()
    kept = tmp_path / "ws" / "cache" / "fits" / "kiosk"
    assert list(kept.rglob("state.safetensors"))
    report = finished(kiosk("ws"))
    assert report["notes"] == ["counts before the cut: taken from the fit that was stopped"]
    fits = (tmp_path / "ws.fits").read_text().split("\n")
    assert [line.split()[0] for line in fits if line] == ["Counts", "Hangs", "Counts", "Hangs"]
    assert not kept.exists(), "what was kept is gone once it is published"
    whole = finished(kiosk("other"))
    assert whole["notes"] == []
    assert report["gate"] == whole["gate"]
    assert parts_of(tmp_path / "ws") == parts_of(tmp_path / "other")
