"""Several processes on one workspace: killed fits, and readers while a fit publishes."""

import os
import signal
import subprocess
import sys
import time

import pytest
from crossrec import Engine
from crossrec.errors import WorkspaceError
from crossrec.ingest import ingest_files
from crossrec.plugins.registry import Registry
from crossrec.workspace import Workspace

PLUGIN = """
import os
import time
from pathlib import Path
import numpy as np
from crossrec.components.state import State
from crossrec.components.topk import top_k
from crossrec.scenario import EventType, ItemField, ItemSchema, Scenario, Surface


class Counts:
    def fit(self, dataset, run):
        if os.environ.get("HANG_IN") == "fit":
            Path(os.environ["SIGN"]).touch()
            time.sleep(60)
        self.counts = dataset.item_counts.astype(np.float32)

    def generate(self, queries, k):
        scores = np.tile(self.counts, (len(queries), 1))
        return top_k(scores, k, queries.exclude, minimum=0.0)

    def state(self):
        if os.environ.get("HANG_IN") == "state":
            Path(os.environ["SIGN"]).touch()
            time.sleep(60)
        return State({"counts": self.counts})

    def restore(self, state, catalog):
        self.counts = state.arrays["counts"]


def make():
    return Scenario(
        "kiosk", "papers", (EventType("view"),), ItemSchema((ItemField("title"),), "{title}"),
        (Surface("home"),), "kiosk_resources:default.toml", "view", "home",
    )


@hookimpl
def register_candidate_generators(register):
    register("kiosk-counts", Counts, summary="counts")


@hookimpl
def register_scenarios(register):
    register("kiosk", make, summary="papers")
"""


@pytest.fixture
def kiosk(plugins, tmp_path):
    """A workspace with one scenario that is fitted, and what opens it in this process."""
    package = plugins.folder / "kiosk_resources"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "default.toml").write_text('sources = [{name = "kiosk-counts"}]\n')
    plugins.add("kiosk", PLUGIN)
    registry = Registry(plugins.load(strict=True).values())
    rows = [f"u{u},i{i},{1_700_000_000 + 9 * u + i}" for u in range(9) for i in range(u % 5 + 1)]
    (tmp_path / "e.csv").write_text("user_id,item_id,time\n" + "\n".join(rows) + "\n")
    where = tmp_path / "ws"
    ingest_files(where, registry.scenario("kiosk"), events=tmp_path / "e.csv")

    def engine(wait=None):
        place = Workspace.open(where)
        place.wait = wait
        return Engine(place, registry, background=False)

    engine().fit("kiosk")
    yield plugins, where, engine
    sys.modules.pop("kiosk_resources", None)


def environment(plugins, **more):
    return {
        **os.environ,
        "PYTHONPATH": str(plugins.folder),
        "CROSSREC_PLUGINS": "kiosk",
        **more,
    }


@pytest.mark.parametrize("moment", ["fit", "state"])
def test_a_fit_that_is_killed_leaves_the_old_artifact_serving(kiosk, tmp_path, moment):
    plugins, where, engine = kiosk
    before = engine().recommend("kiosk", "u0").item_ids
    assert before == ("i1", "i2", "i3", "i4", "i0"), "what was viewed comes last"
    sign = tmp_path / "hangs"
    running = subprocess.Popen(
        [sys.executable, "-m", "crossrec", "fit", "kiosk", "-w", str(where)],
        env=environment(plugins, HANG_IN=moment, SIGN=str(sign)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        deadline = time.monotonic() + 60
        while not sign.exists():
            assert running.poll() is None, running.stderr.read()
            assert time.monotonic() < deadline, "the fit never began"
            time.sleep(0.02)
        with pytest.raises(WorkspaceError, match=rf"in use by .* \(pid {running.pid}\)"):
            engine(wait=0).fit("kiosk")
        assert engine().recommend("kiosk", "u0").item_ids == before
    finally:
        running.send_signal(signal.SIGKILL)
        running.communicate()
    assert running.returncode == -signal.SIGKILL
    assert engine().recommend("kiosk", "u0").item_ids == before
    engine().fit("kiosk")
    assert engine().recommend("kiosk", "u0").item_ids == before


READER = """
import sys, time
from pathlib import Path
from crossrec import Engine

engine = Engine.open(sys.argv[1])
sign, seen = Path(sys.argv[2]), set()
Path(sys.argv[3]).touch()
while not sign.exists():
    slate = Engine.open(sys.argv[1]).recommend("kiosk", "u0", k=9)  # loads it each time
    kept = engine.recommend("kiosk", "u0", k=9)
    assert slate.items and kept.items
    seen |= {slate.item_ids, kept.item_ids}
print(len(seen), sorted(seen)[0])
"""


def test_readers_never_see_half_an_artifact(kiosk, tmp_path):
    plugins, where, engine = kiosk
    stop = tmp_path / "stop"
    signs = [tmp_path / f"reads-{n}" for n in range(2)]
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READER, str(where), str(stop), str(sign)],
            env=environment(plugins),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for sign in signs
    ]
    try:
        deadline = time.monotonic() + 60
        while not all(sign.exists() for sign in signs):
            assert time.monotonic() < deadline, "the readers never began"
            time.sleep(0.02)
        for _ in range(12):
            engine().fit("kiosk")
    finally:
        stop.touch()
        outcomes = [reader.communicate(timeout=60) for reader in readers]
    for reader, (out, err) in zip(readers, outcomes):
        assert reader.returncode == 0, err
        assert out.startswith("1 "), "the same events must give the same list"
    versions = [path for path in (where / "artifacts" / "kiosk").iterdir() if path.is_dir()]
    assert len(versions) == 2


def test_the_lock_is_free_after_a_fit_that_raised(kiosk, monkeypatch):
    _, where, engine = kiosk
    first = engine()
    monkeypatch.setattr(first.workspace, "dataset", lambda scenario: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        first.fit("kiosk")
    engine().fit("kiosk")
