"""Artifacts of every format that was ever released open for ever."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from crossrec.artifacts import FORMAT, open_artifact
from crossrec.components.state import unpack_sparse

GOLDEN = Path(__file__).parent / "golden"


def test_there_is_one_for_every_format() -> None:
    assert sorted(path.name for path in GOLDEN.iterdir()) == [f"v{n + 1}" for n in range(FORMAT)]


@pytest.mark.parametrize("verify", [True, False])
def test_format_1(verify: bool) -> None:
    artifact = open_artifact(GOLDEN / "v1", verify=verify)
    assert artifact.manifest.format == 1
    assert artifact.manifest.crossrec == "0.1.0"
    assert artifact.manifest.scenario == "music"
    assert artifact.manifest.config == {"sources": ["ease", "näh"]}
    assert artifact.manifest.metrics == {"recall@10": 0.125, "ndcg@10": None}
    assert artifact.manifest.extra == {"has_clock": True}
    assert list(artifact.users.ids) == ["ada", "böb", "😀", ""]
    assert list(artifact.items.ids) == ["i1", "i 2", "i/3"]
    ease = artifact.states["ease"]
    assert ease.values == {"reg": 200.0, "names": ["a", None, True]}
    assert ease.arrays["weights"].tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    assert ease.arrays["weights"].dtype == np.float32
    odd = artifact.states["nearest / näh"]
    assert unpack_sparse("m", odd.arrays).toarray().tolist() == [[0, 1.5], [0, 0]]
    assert odd.arrays["empty"].shape == (0, 4)
    assert odd.arrays["flags"].tolist() == [True, False]


def test_it_is_small() -> None:
    assert sum(p.stat().st_size for p in GOLDEN.rglob("*") if p.is_file()) < 10_000 * FORMAT
