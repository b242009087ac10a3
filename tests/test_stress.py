"""Everything at once for ten seconds; `benchmarks/stress.py` does the same for two minutes."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from crossrec import Engine
from crossrec.workspace import Workspace

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"


@pytest.fixture
def stress(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """Return benchmarks/stress.py, and leave nothing of it behind."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    for name in ("stress", "common"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import stress as module

    yield module
    for name in ("stress", "common"):
        sys.modules.pop(name, None)


def test_ten_seconds_of_everything_at_once(
    stress: ModuleType, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR, logger="crossrec")
    with Engine(Workspace.create(tmp_path / "ws"), log=True) as engine:
        file = stress.prepared(engine, tmp_path)
        found = stress.run(engine, file, seconds=10, threads=20)
        decisions = engine.decisions(stress.SCENARIO, limit=5)
    assert found["errors"] == {}
    assert found["hanging"] == 0
    assert set(found["done"]) == {"request", *stress.WRITERS}, "each of them got its turn"
    assert found["open_files"]["last"] <= found["open_files"]["middle"] + 20
    assert len(decisions) == 5
