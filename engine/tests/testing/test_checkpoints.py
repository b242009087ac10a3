"""Checkpoints in memory keep what files keep, and stop a fit."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.state import State
from crossrec.testing.checkpoints import MemoryCheckpoints


def test_checkpoints_copy_and_stop() -> None:
    kept, array = MemoryCheckpoints(fail_after=2), np.zeros(2)
    kept.put("a", State({"x": array}, {"n": 1}))
    array[0] = 5.0
    back = kept.get("a")
    assert back is not None
    assert back.arrays["x"].tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match="read-only"):
        back.arrays["x"][0] = 1.0
    with pytest.raises(KeyboardInterrupt):
        kept.put("b", State())
    assert set(kept.parts) == {"a", "b"}
    assert kept.get("c") is None
