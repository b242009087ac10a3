"""Checked folders: what another distribution may store in a format of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from crossrec.artifacts import FileInfo, FolderFormat, new_folder, write_file
from crossrec.errors import ArtifactError

MODEL = FolderFormat("toy-model", "model.json", 3, "get it again")


def write_model(place: Path, text: str = "tree") -> Path:
    """Write a folder of two files, one of them in a folder of its own."""
    with new_folder(place) as folder:
        (folder / "heads").mkdir()
        files = {
            "heads/a.txt": write_file(folder / "heads" / "a.txt", text.encode()),
            "card.json": write_file(folder / "card.json", b"{}\n"),
        }
        MODEL.write_manifest(folder, files, {"columns": ["x", "y"]})
    return place


def test_what_is_written_can_be_read_and_checked(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "deep" / "model")
    values, files = MODEL.read_manifest(folder)
    assert values == {"columns": ["x", "y"]}
    assert list(files) == ["heads/a.txt", "card.json"]
    assert files["heads/a.txt"].size == 4
    MODEL.check(folder, files)
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_a_new_folder_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    write_model(tmp_path / "model", "old")
    (tmp_path / "model" / "left.txt").write_text("over")
    folder = write_model(tmp_path / "model", "new")
    assert (folder / "heads" / "a.txt").read_text() == "new"
    assert not (folder / "left.txt").exists()


def test_where_writing_fails_nothing_has_changed(tmp_path: Path) -> None:
    write_model(tmp_path / "model", "old")

    def break_off() -> None:
        with new_folder(tmp_path / "model") as folder:
            (folder / "half").write_text("done")
            raise KeyError("x")

    with pytest.raises(KeyError):
        break_off()
    assert (tmp_path / "model" / "heads" / "a.txt").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_what_the_system_refuses_to_write_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtifactError, match="cannot write"), new_folder(tmp_path / "file" / "x"):
        pass


def test_values_that_are_no_json_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="the manifest cannot be written as JSON"):
        MODEL.write_manifest(tmp_path, {}, {"x": object()})


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda path: path.write_bytes(b"trees"), "has 5 bytes instead of 4; get it again"),
        (lambda path: path.write_bytes(b"free"), "its checksum differs; get it again"),
    ],
)
def test_a_changed_file_is_found(
    tmp_path: Path, change: Callable[[Path], object], message: str, verify: bool
) -> None:
    folder = write_model(tmp_path / "model")
    change(folder / "heads" / "a.txt")
    _, files = MODEL.read_manifest(folder)
    if "checksum" in message and not verify:
        MODEL.check(folder, files, verify=False)
    else:
        with pytest.raises(ArtifactError, match=rf"a\.txt is damaged: .*{message}"):
            MODEL.check(folder, files, verify=verify)


def test_json_is_always_verified(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "model")
    (folder / "card.json").write_bytes(b"[]\n")
    _, files = MODEL.read_manifest(folder)
    with pytest.raises(ArtifactError, match=r"card\.json is damaged: its checksum differs"):
        MODEL.check(folder, files, verify=False)


def test_a_missing_file_is_left_to_the_caller(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        MODEL.read_manifest(tmp_path)
    folder = write_model(tmp_path / "model")
    (folder / "heads" / "a.txt").unlink()
    _, files = MODEL.read_manifest(folder)
    with pytest.raises(FileNotFoundError):
        MODEL.check(folder, files)


@pytest.mark.parametrize(
    "name", ["../x", "/x", "a/../../x", "", ".", "a\\..\\x", "..", "heads/../../x"]
)
def test_names_that_lead_outside_are_refused(tmp_path: Path, name: str) -> None:
    MODEL.write_manifest(tmp_path, {name: FileInfo("0" * 64, 1)}, {})
    with pytest.raises(ArtifactError, match="names files outside its folder: do not trust it"):
        MODEL.read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"format": 4}, r"newer crossrec \(format 4, this one reads 3\): upgrade crossrec"),
        ({"format": 2}, r"older crossrec \(format 2, this one reads 3\): get it again"),
        ({"format": 3, "family": "other"}, "was not written by crossrec"),
        ({"family": "toy-model"}, "has no format version; get it again"),
        ({"family": "toy-model", "format": True}, "has no format version; get it again"),
        ({"family": "toy-model", "format": 3}, "its list of files is missing; get it again"),
        (["a"], "is not a JSON object; get it again"),
    ],
)
def test_other_manifests_are_refused(tmp_path: Path, content: object, message: str) -> None:
    (tmp_path / "model.json").write_text(json.dumps(content))
    with pytest.raises(ArtifactError, match=message) as caught:
        MODEL.read_manifest(tmp_path)
    assert "\n" not in str(caught.value)
