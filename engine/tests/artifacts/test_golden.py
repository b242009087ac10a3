"""An artifact of the current format opens wherever it was written; older formats are refused.

``golden/v2`` was written by `write_golden` and is read on every machine.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from crossrec.artifacts import FORMAT, open_artifact, publish
from crossrec.components.state import State, pack_sparse, unpack_sparse
from crossrec.data.vocabulary import Vocabulary
from crossrec.errors import ArtifactError

GOLDEN = Path(__file__).parent / "golden"


def write_golden(folder: Path) -> Path:
    """Publish what the golden artifact of the current format holds."""
    from scipy.sparse import csr_matrix

    matrix = csr_matrix(np.array([[0, 1.5], [0, 0]], dtype=np.float32))
    odd = {"empty": np.zeros((0, 4)), "flags": np.array([True, False]), **pack_sparse("m", matrix)}
    weights = np.arange(9, dtype=np.float32).reshape(3, 3)
    return publish(
        folder,
        kind="scenario",
        users=Vocabulary(["ada", "böb", "😀", ""]),
        items=Vocabulary(["i1", "i 2", "i/3"]),
        states={
            "ease": State({"weights": weights}, {"reg": 200.0, "names": ["a", None, True]}),
            "nearest / näh": State(odd),
        },
        values={"scenario": "music", "config": {"sources": ["ease", "näh"]}, "has_clock": True},
    )


def check_golden(folder: Path, *, verify: bool) -> None:
    """Assert that a folder holds what `write_golden` writes."""
    artifact = open_artifact(folder, verify=verify)
    assert artifact.manifest.kind == "scenario"
    assert artifact.manifest.values == {
        "scenario": "music",
        "config": {"sources": ["ease", "näh"]},
        "has_clock": True,
    }
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


def test_there_is_one_for_every_format() -> None:
    assert sorted(path.name for path in GOLDEN.iterdir()) == [f"v{n + 1}" for n in range(FORMAT)]


@pytest.mark.parametrize("verify", [True, False])
def test_the_current_format_opens(verify: bool) -> None:
    check_golden(GOLDEN / f"v{FORMAT}", verify=verify)
    assert open_artifact(GOLDEN / f"v{FORMAT}", verify=verify).manifest.crossrec == "0.1.0"


def test_what_is_written_today_is_the_same(tmp_path: Path) -> None:
    version = write_golden(tmp_path)
    check_golden(tmp_path, verify=True)
    (golden,) = (GOLDEN / f"v{FORMAT}").glob("2*")
    assert {path.name for path in version.iterdir()} == {path.name for path in golden.iterdir()}
    for path in golden.glob("*.safetensors"):
        assert path.read_bytes() == (version / path.name).read_bytes()


@pytest.mark.parametrize("verify", [True, False])
def test_format_1_is_refused_in_one_line_with_a_remedy(verify: bool) -> None:
    with pytest.raises(ArtifactError) as caught:
        open_artifact(GOLDEN / "v1", verify=verify)
    message = (
        "written by an older crossrec (format 1, this one reads 2): fit again with `crossrec fit`"
    )
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_new_fit_replaces_an_old_format(tmp_path: Path) -> None:
    shutil.copytree(GOLDEN / "v1", tmp_path / "music")
    write_golden(tmp_path / "music")
    check_golden(tmp_path / "music", verify=True)


def test_it_is_small() -> None:
    assert sum(p.stat().st_size for p in GOLDEN.rglob("*") if p.is_file()) < 10_000 * FORMAT
