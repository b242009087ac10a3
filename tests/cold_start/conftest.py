"""Cold starts are benchmarks: their folder is put on the path for these tests."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from crossrec.data.dataset import Dataset
from crossrec.testing.shop import make_shop

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))


@pytest.fixture
def shop() -> Callable[..., Dataset]:
    """Return the factory of the small shop."""
    return make_shop
