"""JSON: plain values, strict values, manifests."""

from __future__ import annotations

import json
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from crossrec.errors import ArtifactError, WorkspaceError
from crossrec.jsonio import encode, plain, read_manifest


def test_values_become_plain() -> None:
    value = {
        1: np.float32(0.5),
        "array": np.array([[1, 2]]),
        "nan": (float("nan"), np.inf, np.float64("nan")),
        "path": Path("a") / "b",
        "frozen": MappingProxyType({"x": frozenset({3})}),
        "kept": [None, True, "é", 7],
    }
    assert plain(value) == {
        "1": 0.5,
        "array": [[1, 2]],
        "nan": [None, None, None],
        "path": str(Path("a") / "b"),
        "frozen": {"x": [3]},
        "kept": [None, True, "é", 7],
    }
    assert json.loads(json.dumps(plain(value), allow_nan=False)) == plain(value)


def test_strict_values_come_back_as_they_are() -> None:
    assert json.loads(encode({"a": np.int64(3), "b": [0.5, None]}, "it")) == {
        "a": 3,
        "b": [0.5, None],
    }


@pytest.mark.parametrize("value", [object(), float("inf"), {1, 2}, np.ones(1), np.ones(2)])
def test_what_is_no_json_is_refused(value: object) -> None:
    with pytest.raises(ArtifactError, match="^its values cannot be written as JSON"):
        encode({"x": value}, "its values")


def test_a_manifest_raises_the_error_of_its_reader(tmp_path: Path) -> None:
    path = tmp_path / "marker.json"
    path.write_text('{"format": 1}')
    assert read_manifest(path, version=1, remedy="make it again") == {"format": 1}
    path.write_text("{")
    with pytest.raises(WorkspaceError, match="it is not JSON; make it again"):
        read_manifest(path, version=1, remedy="make it again", error=WorkspaceError)
    with pytest.raises(ArtifactError, match="cannot read"):
        read_manifest(tmp_path, version=1, remedy="make it again")
