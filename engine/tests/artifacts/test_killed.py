"""A publish that is killed at any moment leaves the old artifact serving."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from crossrec.artifacts import open_artifact

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs fork and SIGKILL")

SCRIPT = """
import os, signal, sys
from pathlib import Path
import numpy as np
from crossrec.artifacts import folder as module, publish
from crossrec.components.state import State
from crossrec.data.vocabulary import Vocabulary

def write(folder, n, size=50):
    states = {f"c{i}": State({"x": np.full(size, n)}, {"n": n}) for i in range(3)}
    users = Vocabulary(f"u{i}" for i in range(n))
    publish(Path(folder), kind="toy", values={"n": n}, users=users, items=users,
            states=states)
"""

AT_EACH_STEP = (
    SCRIPT
    + '''
folder = sys.argv[1]
write(folder, 1)
steps = 0

def dying(name, limit):
    """Replace os.<name> by one that kills the process before its call number `limit`."""
    really = getattr(os, name)
    def call(*args, **kwargs):
        global steps
        steps += 1
        if steps == limit:
            os.kill(os.getpid(), signal.SIGKILL)
        return really(*args, **kwargs)
    setattr(os, name, call)

for limit in range(1, 200):
    child = os.fork()
    if child == 0:
        for name in ("fsync", "rename", "replace"):
            dying(name, limit)
        write(folder, limit + 1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    artifact = module.open_artifact(Path(folder))
    n = artifact.manifest.values["n"]
    assert len(artifact.users) == n
    assert all((s.arrays["x"] == n).all() and s.values == {"n": n}
               for s in artifact.states.values())
    print(limit, n, "killed" if os.WIFSIGNALED(status) else "done", flush=True)
    if not os.WIFSIGNALED(status):
        break
'''
)

FOR_EVER = (
    SCRIPT
    + """
n = 2
while True:
    write(sys.argv[1], n, size=200_000)
    print(n, flush=True)
    n += 1
"""
)


def test_killed_before_every_sync_and_rename(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", AT_EACH_STEP, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    # 9 files, the folder, the version's name, the pointer and its folder: many ways to die.
    assert len(rows) > 12
    assert rows[-1][2] == "done"
    served = [int(n) for _, n, how in rows if how == "killed"]
    assert served[0] == 1, "the old artifact no longer serves"
    assert all(a <= b for a, b in zip(served, served[1:]))
    # Only the death after the pointer was replaced may leave the new one serving.
    assert sum(int(n) == int(limit) + 1 for limit, n, how in rows if how == "killed") <= 1


def test_killed_at_a_random_moment(tmp_path: Path) -> None:
    moments = random.Random(7)
    for _ in range(3):
        writer = subprocess.Popen(
            [sys.executable, "-c", FOR_EVER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        assert writer.stdout.readline().strip() == "2"
        time.sleep(moments.uniform(0, 0.05))
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        artifact = open_artifact(tmp_path)
        n = artifact.manifest.values["n"]
        assert n >= 2
        assert len(artifact.users) == n
        assert all((state.arrays["x"] == n).all() for state in artifact.states.values())


def test_readers_never_see_half_while_it_is_replaced(tmp_path: Path) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", FOR_EVER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert writer.stdout is not None
        writer.stdout.readline()
        seen = set()
        until = time.monotonic() + 0.7
        while time.monotonic() < until:
            artifact = open_artifact(tmp_path, verify=False)
            n = artifact.manifest.values["n"]
            assert len(artifact.users) == n
            seen.add(n)
        assert seen
    finally:
        writer.kill()
        writer.wait()
        if writer.stdout is not None:
            writer.stdout.close()
