"""Fixtures of this package: tiny data sets, and the real ones where they are."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from crossrec.testing.files import real_dataset, write_file


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a file of a tiny data set and returns its folder."""
    return partial(write_file, tmp_path)


@pytest.fixture
def real(pytestconfig: pytest.Config) -> Callable[[str], Path]:
    """Return a function that gives the folder of a real data set, or skips the test."""
    return partial(real_dataset, checkout=pytestconfig.rootpath)
