"""Publishing and opening: what comes back, what is kept, what is refused."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import crossrec
import numpy as np
import pytest
from crossrec.artifacts import FORMAT, drop_older, open_artifact, publish
from crossrec.artifacts.tensors import DTYPES
from crossrec.components.state import State, pack_sparse, unpack_sparse
from crossrec.data.vocabulary import Vocabulary
from crossrec.errors import ArtifactError, NotFittedError
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

USERS = Vocabulary(["ada", "bob ", "c/d", "😀"])
ITEMS = Vocabulary(["i1", 'quo"te', "nañdú", "x" * 10_000])
STATES = {
    "ease": State({"weights": np.eye(3, dtype=np.float32)}, {"reg": 0.5, "names": ["ä", None]}),
    "popularity": State({"count": np.array([3, 1])}),
}


def publish_toy(folder: Path, states: dict[str, State] | None = None, **values: Any) -> Path:
    return publish(
        folder,
        kind="scenario",
        values={"scenario": "music", "config": {"k": 1}, **values},
        users=USERS,
        items=ITEMS,
        states=STATES if states is None else states,
    )


def test_what_is_published_can_be_opened(tmp_path: Path) -> None:
    version = publish_toy(tmp_path / "music", metrics={"recall@10": 0.25})
    artifact = open_artifact(tmp_path / "music")
    assert artifact.path == version
    assert artifact.users == USERS
    assert artifact.items == ITEMS
    assert list(artifact.states) == ["ease", "popularity"]
    ease = artifact.states["ease"]
    assert ease.arrays["weights"].tolist() == np.eye(3).tolist()
    assert ease.values == {"reg": 0.5, "names": ["ä", None]}
    assert isinstance(ease.arrays["weights"], np.memmap)
    assert not ease.arrays["weights"].flags.writeable


def test_the_manifest_records_its_origin(tmp_path: Path) -> None:
    publish_toy(tmp_path, metrics={"ndcg@10": float("nan"), "n": np.int64(3)}, seen=("a", "b"))
    artifact = open_artifact(tmp_path)
    manifest = artifact.manifest
    written = json.loads((artifact.path / "artifact.json").read_bytes())
    assert written["format"] == FORMAT == 2
    assert manifest.crossrec == crossrec.__version__
    assert (manifest.kind, manifest.values["scenario"]) == ("scenario", "music")
    assert manifest.values["config"] == {"k": 1}
    assert manifest.values["metrics"] == {"ndcg@10": None, "n": 3}
    assert manifest.values["seen"] == ["a", "b"]
    assert manifest.libraries["numpy"] == np.__version__
    assert {"python", "crossrec"} <= set(manifest.libraries)
    assert manifest.created.startswith("20")


def test_values_come_back(tmp_path: Path) -> None:
    publish(
        tmp_path,
        kind="backbone",
        users=Vocabulary(),
        items=Vocabulary(),
        states={},
        values={"has_clock": True, "events": [["play", 1.0]]},
    )
    artifact = open_artifact(tmp_path)
    assert artifact.manifest.values == {"has_clock": True, "events": [["play", 1.0]]}
    assert len(artifact.users) == len(artifact.items) == len(artifact.states) == 0


def test_files_hold_no_pickle(tmp_path: Path) -> None:
    version = publish_toy(tmp_path)
    assert {path.suffix for path in version.iterdir()} == {".json", ".safetensors"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)  # fmt: skip
ARRAYS = hnp.arrays(
    st.sampled_from(list(DTYPES.values())), hnp.array_shapes(min_dims=0, min_side=0, max_side=3)
)
NAMES = st.text(max_size=6)
STATE = st.builds(
    State,
    st.dictionaries(NAMES.filter(lambda n: n != "__metadata__"), ARRAYS, max_size=3),
    st.dictionaries(NAMES, JSON, max_size=3),
)


@settings(max_examples=30, deadline=None)
@given(states=st.dictionaries(NAMES, STATE, max_size=3), ids=st.lists(NAMES, unique=True))
def test_any_state_under_any_name_comes_back(states: dict[str, State], ids: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        publish(
            Path(name),
            kind="k",
            users=Vocabulary(ids),
            items=Vocabulary(reversed(ids)),
            states=states,
        )
        back = open_artifact(Path(name))
        assert back.users.ids == ids
        assert list(back.items.ids) == ids[::-1]
        assert list(back.states) == list(states)
        for key, state in states.items():
            assert back.states[key].values == state.values
            assert set(back.states[key].arrays) == set(state.arrays)
            for part, array in state.arrays.items():
                found = back.states[key].arrays[part]
                assert (found.dtype, found.shape) == (array.dtype, array.shape)
                assert found.tobytes() == array.tobytes()


def test_similar_names_get_separate_files(tmp_path: Path) -> None:
    names = ["a/b", "a b", "../../etc", "a\x00b", "", "A" * 300, "ä"]
    states = {name: State(values={"i": i}) for i, name in enumerate(names)}
    publish_toy(tmp_path / "deep" / "er", states)
    back = open_artifact(tmp_path / "deep" / "er")
    assert {name: state.values["i"] for name, state in back.states.items()} == {
        name: i for i, name in enumerate(names)
    }
    assert [path.name for path in tmp_path.iterdir()] == ["deep"]


def test_a_sparse_matrix_from_a_map_still_multiplies(tmp_path: Path) -> None:
    from scipy.sparse import csr_matrix

    matrix = csr_matrix(np.array([[0, 2.0], [1, 0]], dtype=np.float32))
    publish_toy(tmp_path, {"knn": State(pack_sparse("m", matrix))})
    back = unpack_sparse("m", open_artifact(tmp_path).states["knn"].arrays)
    assert (back @ back).toarray().tolist() == [[2, 0], [0, 2]]


def test_values_that_are_no_json_are_refused_and_nothing_changes(tmp_path: Path) -> None:
    publish_toy(tmp_path)
    before = sorted(path.name for path in tmp_path.iterdir())
    for value in (object(), float("inf"), {1, 2}, np.ones(2)):
        with pytest.raises(ArtifactError, match="component 'bad' cannot be stored"):
            publish_toy(tmp_path, {"good": State(), "bad": State(values={"x": value})})
    with pytest.raises(ArtifactError, match="component 'bad' cannot be stored: the array 'x'"):
        publish_toy(tmp_path, {"bad": State({"x": np.array(["text"])})})
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_numpy_scalars_count_as_numbers(tmp_path: Path) -> None:
    publish_toy(tmp_path, {"a": State(values={"n": np.int64(3), "x": np.float32(0.5)})})
    assert open_artifact(tmp_path).states["a"].values == {"n": 3, "x": 0.5}


def test_the_version_before_is_kept_and_older_ones_go(tmp_path: Path) -> None:
    versions = [publish_toy(tmp_path, round=i) for i in range(4)]
    assert [version.exists() for version in versions] == [False, False, True, True]
    assert open_artifact(tmp_path).manifest.values["round"] == 3


def test_an_open_artifact_outlives_its_removal(tmp_path: Path) -> None:
    publish_toy(tmp_path)
    first = open_artifact(tmp_path, verify=False)
    for _ in range(3):
        publish_toy(tmp_path)
    if os.name == "posix":
        assert not first.path.exists()
    assert first.states["ease"].arrays["weights"].sum() == 3


def test_leftovers_of_a_dead_publish_go_when_they_are_old(tmp_path: Path) -> None:
    for name, age in (("old", 7200), ("young", 10)):
        left = tmp_path / f".publishing-{name}"
        left.mkdir()
        (left / "users.safetensors").write_bytes(b"half")
        os.utime(left, (time.time() - age,) * 2)
    pointer = tmp_path / ".current-old"
    pointer.write_bytes(b"")
    os.utime(pointer, (time.time() - 7200,) * 2)
    publish_toy(tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert ".publishing-young" in names
    assert not names & {".publishing-old", ".current-old"}


def test_a_reader_that_lost_its_version_takes_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from crossrec.artifacts import folder as module

    publish_toy(tmp_path, round=0)
    really = module._open_version
    rounds = iter([1, 2])

    def overtaken(path: Path, digest: str, *, verify: bool) -> Any:
        for i in rounds:
            publish_toy(tmp_path, round=i)
        return really(path, digest, verify=verify)

    monkeypatch.setattr(module, "_open_version", overtaken)
    assert open_artifact(tmp_path).manifest.values["round"] == 2


def test_nothing_there_is_not_fitted(tmp_path: Path) -> None:
    with pytest.raises(NotFittedError, match="run `crossrec fit`"):
        open_artifact(tmp_path / "absent")
    with pytest.raises(NotFittedError, match="run `crossrec fit`"):
        open_artifact(tmp_path)


def test_foreign_folders_and_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"")
    with pytest.raises(ArtifactError, match=r"not an artifact of crossrec.*model\.bin"):
        open_artifact(tmp_path)
    with pytest.raises(ArtifactError, match="is a file, not a folder"):
        open_artifact(tmp_path / "model.bin")
    (tmp_path / "current").write_text("something else")
    with pytest.raises(ArtifactError, match="current is damaged or was not written by crossrec"):
        open_artifact(tmp_path)
    (tmp_path / "current").unlink()
    (tmp_path / "current").mkdir()
    with pytest.raises(ArtifactError, match="cannot read"):
        open_artifact(tmp_path)


def rewrite(version: Path, **changes: Any) -> None:
    """Change the manifest as another program would: with a digest that fits."""
    import hashlib

    path = version / "artifact.json"
    content = {**json.loads(path.read_bytes()), **changes}
    text = json.dumps({name: value for name, value in content.items() if value is not ...})
    path.write_text(text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    (version.parent / "current").write_text(f"{version.name} {digest}\n")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"format": 7},
            r"newer crossrec \(format 7, this one reads 2\): upgrade crossrec",
        ),
        ({"format": 1}, r"older crossrec \(format 1, this one reads 2\): fit again"),
        ({"format": "2"}, "has no format version"),
        ({"format": ...}, "has no format version"),
        ({"family": "other"}, "was not written by crossrec"),
        ({"files": ...}, "its list of files is missing"),
        ({"kind": ...}, "entries are missing"),
        ({"files": {"../../secret": {"sha256": "", "size": 0}}}, "outside its folder"),
        ({"files": {"gone.json": {"sha256": "", "size": 0}}}, r"gone\.json is missing"),
        ({"components": {"a": "gone"}}, r"gone\.json is missing"),
    ],
)
def test_other_manifests_are_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    rewrite(publish_toy(tmp_path), **changes)
    with pytest.raises(ArtifactError, match=message) as caught:
        open_artifact(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    version = publish_toy(tmp_path)
    for path in sorted(version.iterdir()):
        kept = path.read_bytes()
        path.unlink()
        with pytest.raises(ArtifactError, match=f"{path.name} is missing"):
            open_artifact(tmp_path, verify=False)
        path.write_bytes(kept)
    open_artifact(tmp_path)


def test_any_changed_byte_of_any_file_is_found(tmp_path: Path) -> None:
    version = publish_toy(tmp_path, {"a": State({"x": np.arange(3)}, {"y": 1})})
    # The sampled offsets cover headers, texts, numbers, padding and both ends of each file.
    for path in [tmp_path / "current", *version.iterdir()]:
        good = path.read_bytes()
        steps = range(0, len(good), max(1, len(good) // 31))
        for at in {*steps, len(good) - 1}:
            for bit in (0, 5, 7):
                path.write_bytes(good[:at] + bytes([good[at] ^ (1 << bit)]) + good[at + 1 :])
                with pytest.raises(ArtifactError):
                    open_artifact(tmp_path)
        path.write_bytes(good)
    assert open_artifact(tmp_path).states["a"].values == {"y": 1}


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_any_cut_or_longer_file_is_found_without_reading_it(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        version = publish_toy(Path(name))
        path = data.draw(st.sampled_from(sorted(version.iterdir())))
        good = path.read_bytes()
        length = data.draw(st.integers(0, len(good) + 10).filter(lambda n: n != len(good)))
        path.write_bytes((good + bytes(10))[:length])
        with pytest.raises(ArtifactError):
            open_artifact(Path(name), verify=False)


def test_hot_reloads_may_skip_the_checksums_of_arrays_only(tmp_path: Path) -> None:
    version = publish_toy(tmp_path)
    path = next(version.glob("component-000-*.safetensors"))
    good = path.read_bytes()
    path.write_bytes(good[:-1] + b"\x07")
    assert open_artifact(tmp_path, verify=False).states["ease"].values["reg"] == 0.5
    with pytest.raises(ArtifactError, match="its checksum differs; fit again"):
        open_artifact(tmp_path)


def test_a_new_fit_heals_a_damaged_artifact(tmp_path: Path) -> None:
    publish_toy(tmp_path)
    (tmp_path / "current").write_bytes(b"\x00")
    publish_toy(tmp_path, round=2)
    assert open_artifact(tmp_path).manifest.values["round"] == 2


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_read_only_folder_is_one_clear_line(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    with pytest.raises(ArtifactError, match="cannot write"):
        publish_toy(blocked / "music")


def test_a_copied_artifact_opens_elsewhere(tmp_path: Path) -> None:
    publish_toy(tmp_path / "here")
    shutil.copytree(tmp_path / "here", tmp_path / "th ere")
    assert open_artifact(tmp_path / "th ere").users == USERS


def test_older_versions_are_dropped_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "music"
    assert drop_older(folder) == 0
    publish_toy(folder)
    current = publish_toy(folder)
    unfinished = folder / ".publishing-left-over"
    unfinished.mkdir()
    (folder / "note.txt").write_text("mine")
    assert drop_older(folder) == 1
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == [current.name]
    assert (folder / "note.txt").exists(), "what is not a version is left alone"
    assert open_artifact(folder).path == current
    assert drop_older(folder) == 0
