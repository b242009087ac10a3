"""What the tests of this package share: tiny data sets, and the real ones where they are."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest

Write = Callable[..., Path]
Real = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes a file of a tiny data set and returns its folder."""

    def write_file(name: str, text: str, encoding: str = "utf-8") -> Path:
        raw = text.encode(encoding)
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
        return tmp_path

    return write_file


@pytest.fixture
def real() -> Real:
    """Return a function that gives the folder of a real data set, or skips the test."""

    def folder(name: str) -> Path:
        beside = Path(__file__).resolve().parents[4] / "shared" / "datasets"
        path = Path(os.environ.get("CROSSREC_DATASETS", beside)) / name
        if not path.is_dir():
            pytest.skip(f"the real data set {name} is not there")
        return path

    return folder
