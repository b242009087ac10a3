"""A real process, killed in the middle of ingesting."""

import subprocess
import sys
import textwrap
import time

import numpy as np
import pandas as pd
from crossrec.errors import WorkspaceError
from crossrec.ingest import ingest_files
from crossrec.workspace import Workspace

ROWS, BATCH = 120_000, 2_000

CHILD = """
    import sys
    from crossrec.ingest import IngestOptions, ingest_files
    from crossrec.scenario import EventType, ItemField, ItemSchema, Scenario, Surface

    shop = Scenario(
        name="shop", summary="", events=(EventType("view"),),
        items=ItemSchema((ItemField("title"),), "{title}"), surfaces=(Surface("home"),),
        pipeline="", default_event="view", main_surface="home",
    )
    options = IngestOptions(chunk_rows=int(sys.argv[3]))
    ingest_files(sys.argv[1], shop, events=sys.argv[2], options=options)
"""


def held(workspace):
    """Return how many events there are, 0 while there is no store yet."""
    try:
        return workspace.store().counts("shop").events
    except WorkspaceError:
        return 0


def test_whole_batches_only_and_a_rerun_completes_it(shop, tmp_path, stored):
    draw = np.random.default_rng(5)
    path, folder = tmp_path / "e.csv", tmp_path / "ws"
    pd.DataFrame(
        {
            "user": draw.integers(0, 3_000, ROWS),
            "item": draw.integers(0, 500, ROWS),
            "time": draw.integers(0, 90_000, ROWS),
        }
    ).to_csv(path, index=False)
    code = textwrap.dedent(CHILD)
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(folder), str(path), str(BATCH)], stderr=subprocess.PIPE
    )
    workspace = Workspace(folder)
    deadline = time.monotonic() + 120
    while held(workspace) < 3 * BATCH and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.kill()
    assert process.wait(timeout=60) == -9, process.stderr.read().decode()
    process.stderr.close()
    workspace.close()

    workspace = Workspace.open(folder)
    survived = held(workspace)
    assert 3 * BATCH <= survived < ROWS
    assert survived % BATCH == 0
    partial = stored(workspace, shop)
    keys = workspace.store()._read("SELECT count(*) FROM shop_keys")
    assert keys == [(survived,)]

    report = ingest_files(workspace, shop, events=path)
    assert report.table("events").new == ROWS - survived
    whole = Workspace.create(tmp_path / "unbroken")
    ingest_files(whole, shop, events=path)
    assert stored(workspace, shop) == stored(whole, shop)
    assert partial == stored(whole, shop)[:survived]
    for one in (workspace, whole):
        one.close()
