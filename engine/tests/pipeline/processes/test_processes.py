"""Several processes on one workspace: killed fits, and readers while a fit publishes."""

import signal
import time

import pytest
from crossrec import Engine
from crossrec.errors import WorkspaceError
from crossrec.workspace import Workspace


@pytest.fixture
def engine(kiosk):
    """Return what opens the workspace, which is fitted, in this process."""

    def open_it(wait=None):
        place = Workspace.open(kiosk.workspace)
        place.wait = wait
        return Engine(place, kiosk.registry, background=False)

    open_it().fit("kiosk")
    return open_it


@pytest.mark.parametrize("moment", ["fit of Counts", "state"])
def test_a_fit_that_is_killed_leaves_the_old_artifact_serving(
    kiosk, engine, wait_for, tmp_path, moment
):
    before = engine().recommend("kiosk", "u0").item_ids
    assert before == ("i1", "i2", "i3", "i4", "i0"), "what was viewed comes last"
    sign = tmp_path / "hangs"
    running = kiosk.fit(HANG_IN=moment, SIGN=str(sign))
    try:
        wait_for(sign, running)
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


def test_readers_never_see_half_an_artifact(kiosk, engine, tmp_path):
    where = kiosk.workspace
    stop = tmp_path / "stop"
    signs = [tmp_path / f"reads-{n}" for n in range(2)]
    readers = [kiosk.process("-c", READER, where, stop, sign) for sign in signs]
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


def test_the_lock_is_free_after_a_fit_that_raised(engine, monkeypatch):
    first = engine()
    monkeypatch.setattr(first.workspace, "dataset", lambda scenario, **options: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        first.fit("kiosk")
    engine().fit("kiosk")
