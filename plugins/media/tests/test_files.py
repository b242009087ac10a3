"""From items to files, and each distinct content encoded once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crossrec.components.run import RunOptions
from crossrec.errors import ConfigError
from crossrec_media.errors import MediaError, Refused
from crossrec_media.inputs.encode import FileKind, encode_files, unit_rows
from crossrec_media.inputs.locate import locate
from crossrec_media.inputs.refusals import Refusals
from crossrec_media.settings import FilesConfig
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

RUN = RunOptions()


class Letters:
    """Encodes a file of one letter as its place in the alphabet; counts what it decodes."""

    def __init__(self) -> None:
        self.decoded: list[bytes] = []

    def kind(self, batch: int = 2) -> FileKind[int]:
        return FileKind("letter", (".txt",), "letters 1", self.decode, self.vectors, batch)

    def decode(self, data: bytes) -> int:
        self.decoded.append(data)
        if not data.isalpha():
            raise Refused("no letter")
        return data[0] - ord("a")

    def vectors(self, letters):
        return np.eye(26, dtype=np.float32)[list(letters)] * 3


@pytest.fixture
def shelf(tmp_path, catalog_of):
    folder = tmp_path / "files"
    folder.mkdir()
    for name, content in {"a": "x", "b": "y", "c": "x", "d": "?", "stray": "z"}.items():
        (folder / f"{name}.txt").write_text(content)
    (folder / "e.txt").write_bytes(b"")
    return folder, catalog_of("one", "two", "three", "four", "five", "six")


def test_files_are_found_by_item_id_and_encoded_once(shelf) -> None:
    folder, catalog = shelf
    letters = Letters()
    rows, refusals = encode_files(catalog, FilesConfig(folder=str(folder)), letters.kind(), RUN)
    assert rows.argmax(axis=1)[:3].tolist() == [23, 24, 23]
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), [1, 1, 1, 0, 0, 0])
    assert letters.decoded == [b"x", b"y", b"?"]
    assert refusals.line == (
        "letter: 2 of 5 files are left out: 1 empty (e.txt), 1 no letter (d.txt)"
    )


def test_the_cache_is_by_content_not_by_name(shelf, tmp_path) -> None:
    folder, catalog = shelf
    config, run = FilesConfig(folder=str(folder)), replace(RUN, cache=tmp_path / "cache")
    first, _ = encode_files(catalog, config, Letters().kind(), run)
    (folder / "a.txt").write_text("y")
    letters = Letters()
    second, _ = encode_files(catalog, config, letters.kind(), run)
    assert letters.decoded == [b"?"], "only what is no good was read again"
    assert second.argmax(axis=1)[:3].tolist() == [24, 24, 23]
    np.testing.assert_array_equal(first[1], second[1])


def test_a_large_file_is_not_even_read(shelf) -> None:
    folder, catalog = shelf
    (folder / "f.txt").write_text("x" * 2000)
    letters = Letters()
    config = FilesConfig(folder=str(folder), largest=0.001)
    _, refusals = encode_files(catalog, config, letters.kind(), RUN)
    assert "1 larger than 0.001 MB (f.txt)" in refusals.line
    assert len(letters.decoded) == 3


def found(catalog, config, run=RUN):
    refusals = Refusals("letter")
    located = locate(catalog, config, (".txt",), run, refusals)
    return {at: path.name for at, path in located.items()}, refusals


def test_a_column_names_files_within_the_folder(shelf, catalog_of, tmp_path) -> None:
    folder, _ = shelf
    (tmp_path / "secret.txt").write_text("x")
    values = ["stray.txt", "../secret.txt", "nowhere.txt", None, "", str(tmp_path / "secret.txt")]
    catalog = catalog_of(*"uvwxyz", file=values)
    names, refusals = found(catalog, FilesConfig(folder=str(folder), column="file"))
    assert names == {0: "stray.txt", 1: "b.txt", 2: "c.txt", 3: "d.txt", 4: "e.txt"}
    assert {cause: len(names) for cause, names in refusals.causes.items()} == {
        "outside the folder": 2,
        "not there": 1,
    }


def test_ids_that_no_file_may_be_called_are_percent_encoded(tmp_path) -> None:
    from crossrec.data.catalog import Catalog
    from crossrec.data.vocabulary import Vocabulary
    from crossrec.testing.toy import SCHEMA

    (tmp_path / "a%2Fb.txt").write_text("x")
    catalog = Catalog.from_records(Vocabulary(["a/b"]), {}, SCHEMA)
    assert found(catalog, FilesConfig(folder=str(tmp_path)))[0] == {0: "a%2Fb.txt"}


def test_addresses_are_left_alone_unless_switched_on(catalog_of, tmp_path) -> None:
    catalog = catalog_of("one", file=["https://127.0.0.1/x.txt"])
    assert found(catalog, FilesConfig(column="file"))[0] == {}
    config = FilesConfig(column="file", urls=True)
    with pytest.raises(MediaError, match="workspace"):
        found(catalog, config)
    names, refusals = found(catalog, config, replace(RUN, cache=tmp_path))
    assert names == {}
    assert "private network" in refusals.line


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "name a folder"),
        ({"folder": "/nowhere/at/all"}, "there is no folder"),
        ({"column": "cover"}, "no column 'cover': there are file"),
        ({"column": "file"}, "name the folder that they are in"),
    ],
)
def test_settings_that_lead_nowhere_are_named(catalog_of, settings, message) -> None:
    with pytest.raises(ConfigError, match=message):
        found(catalog_of("one", file=["x.txt"]), FilesConfig(**settings))


def test_many_causes_are_summed_up() -> None:
    refusals = Refusals("image")
    assert refusals.line == ""
    for number in range(6):
        refusals.add(f"cause {number}", "x.png")
    refusals.add("cause 5", "y.png")
    assert refusals.line == (
        "image: 7 of 7 files are left out: 2 cause 5 (x.png), 1 cause 0 (x.png), "
        "1 cause 1 (x.png), 1 cause 2 (x.png), 2 for other causes"
    )


@given(arrays.arrays(np.float32, (4, 3), elements=st.floats(-(2.0**90), 2.0**90, width=32)))
def test_rows_have_length_1_or_0(vectors) -> None:
    lengths = np.linalg.norm(unit_rows(vectors).astype(np.float64), axis=1)
    assert np.all((np.abs(lengths - 1) < 1e-5) | (lengths == 0))


def test_rows_that_are_not_finite_become_zero() -> None:
    rows = unit_rows(np.array([[np.nan, 1], [np.inf, 0], [3, 4]], dtype=np.float32))
    np.testing.assert_allclose(rows, [[0, 0], [0, 0], [0.6, 0.8]])
