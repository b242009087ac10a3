"""Files that tests read: tiny data sets written for a test, and real ones where they are."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest


def write_file(folder: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    """Write a file of a tiny data set, packed where `name` ends in ``.gz``; return `folder`."""
    raw = text.encode(encoding)
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    return folder


def real_dataset(name: str, checkout: Path) -> Path:
    """Return the folder of a real data set, or skip the running test where it is absent.

    It is looked for in the folder that CROSSREC_DATASETS names, else in ``shared/datasets`` beside
    the checkout.
    """
    beside = checkout.resolve().parent / "shared" / "datasets"
    path = Path(os.environ.get("CROSSREC_DATASETS", beside)) / name
    if not path.is_dir():
        pytest.skip(f"the real data set {name} is absent")
    return path
