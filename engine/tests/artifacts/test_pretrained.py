"""Folders of what was pretrained: written whole, checked when they are read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from crossrec.artifacts import CARD, read_pretrained, read_state, write_pretrained, write_state
from crossrec.components.state import State
from crossrec.errors import ArtifactError
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

STATE = State({"a": np.arange(6, dtype=np.float32).reshape(2, 3)}, {"encoder": "mine"})
CARD_VALUES = {"source": "transformer", "sources": [{"name": "old"}]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_pretrained(tmp_path / "one", CARD_VALUES, STATE)
    return tmp_path / "one"


def test_what_was_written_comes_back(folder: Path) -> None:
    card, state = read_pretrained(folder)
    assert card == CARD_VALUES
    assert state.values == STATE.values
    np.testing.assert_array_equal(state.arrays["a"], STATE.arrays["a"])
    assert not state.arrays["a"].flags.writeable
    assert {path.suffix for path in folder.iterdir()} == {".json", ".safetensors"}


@given(
    array=arrays(np.float32, array_shapes(max_dims=3, max_side=4), elements=st.floats(width=32)),
    values=st.dictionaries(st.text(max_size=4), st.integers() | st.text(max_size=4), max_size=3),
)
def test_any_state_travels(tmp_path_factory: pytest.TempPathFactory, array, values) -> None:
    folder = tmp_path_factory.mktemp("state")
    files = write_state(folder, State({"x": array}, values))
    again = read_state(folder)
    np.testing.assert_array_equal(again.arrays["x"], array)
    assert again.values == values
    assert set(files) == {path.name for path in folder.iterdir()}


def test_an_older_one_is_replaced_and_anything_else_is_not(folder: Path, tmp_path: Path) -> None:
    write_pretrained(folder, {**CARD_VALUES, "source": "rnn"}, STATE)
    assert read_pretrained(folder)[0]["source"] == "rnn"
    letters = tmp_path / "letters"
    letters.mkdir()
    (letters / "dear.txt").write_text("dear")
    with pytest.raises(ArtifactError, match="holds something else: name another folder"):
        write_pretrained(letters, CARD_VALUES, STATE)
    assert (letters / "dear.txt").read_text() == "dear"


def test_what_cannot_be_stored_leaves_nothing(tmp_path: Path) -> None:
    for card, state in (
        (CARD_VALUES, State({"a": np.array(["text"])})),
        ({"source": object()}, STATE),
        (CARD_VALUES, State({}, {"x": float("nan")})),
    ):
        with pytest.raises(ArtifactError):
            write_pretrained(tmp_path / "one", card, state)
        assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", [CARD, "state.safetensors", "values.json"])
def test_any_changed_byte_is_found(folder: Path, name: str) -> None:
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(ArtifactError, match="its checksum differs; pretrain it again, or get"):
        read_pretrained(folder)


@pytest.mark.parametrize("name", [CARD, "state.safetensors", "values.json", "pretrained.json"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ArtifactError, match=f"not whole: {name} is missing; pretrain it again"):
        read_pretrained(folder)


def test_nothing_at_all_is_an_error_of_one_line(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"pretrained\.json is missing"):
        read_pretrained(tmp_path / "nowhere")


@pytest.mark.parametrize(("version", "remedy"), [(0, "pretrain it again"), (2, "upgrade crossrec")])
def test_other_formats_are_refused(folder: Path, version: int, remedy: str) -> None:
    path = folder / "pretrained.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": version}))
    with pytest.raises(ArtifactError, match=remedy):
        read_pretrained(folder)


def test_a_manifest_that_points_outside_is_not_trusted(folder: Path) -> None:
    path = folder / "pretrained.json"
    content = json.loads(path.read_text())
    content["files"]["../secret"] = content["files"].pop(CARD)
    path.write_text(json.dumps(content))
    with pytest.raises(ArtifactError, match="outside its folder"):
        read_pretrained(folder)


def test_a_card_that_is_no_object_is_damage(tmp_path: Path) -> None:
    from crossrec.artifacts import new_folder, write_file
    from crossrec.artifacts.pretrained import PRETRAINED

    with new_folder(tmp_path / "odd") as unfinished:
        files = write_state(unfinished, STATE)
        files[CARD] = write_file(unfinished / CARD, b"7")
        PRETRAINED.write_manifest(unfinished, files, {})
    with pytest.raises(ArtifactError, match="is damaged"):
        read_pretrained(tmp_path / "odd")
