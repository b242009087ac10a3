"""Safetensors files: round trips, interchange with the library, memory maps, damage."""

from __future__ import annotations

import json
import struct
import tempfile
from pathlib import Path

import numpy as np
import pytest
from crossrec.artifacts import map_tensors, write_tensors
from crossrec.artifacts.tensors import DTYPES
from crossrec.errors import ArtifactError
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors import numpy as reference

NUMBERS = st.sampled_from(list(DTYPES.values()))
ARRAYS = hnp.arrays(NUMBERS, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
NAMED = st.dictionaries(st.text(max_size=8).filter(lambda n: n != "__metadata__"), ARRAYS)


def same(left: np.ndarray, right: np.ndarray) -> bool:
    """Equal in dtype, shape and bits, not-a-number included."""
    return (left.dtype, left.shape, left.tobytes()) == (right.dtype, right.shape, right.tobytes())


@settings(max_examples=150, deadline=None)
@given(arrays=NAMED)
def test_every_number_array_comes_back_bit_for_bit(arrays: dict[str, np.ndarray]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.safetensors"
        write_tensors(path, arrays)
        back = map_tensors(path)
        assert set(back) == set(arrays)
        assert all(same(back[name], arrays[name]) for name in arrays)


def test_the_library_reads_our_files_and_we_read_its_files(tmp_path: Path) -> None:
    arrays = {
        "weights": np.arange(12, dtype=np.float32).reshape(3, 4),
        "flags": np.array([True, False, True]),
        "empty": np.zeros((0, 5), np.int64),
        "scalar": np.array(2.5),
        "half": np.array([1.5], np.float16),
    }
    write_tensors(tmp_path / "ours", arrays)
    theirs = reference.load_file(tmp_path / "ours")
    assert all(same(theirs[name], arrays[name]) for name in arrays)
    reference.save_file(arrays, tmp_path / "theirs", metadata={"note": "kept out"})
    ours = map_tensors(tmp_path / "theirs")
    assert set(ours) == set(arrays)
    assert all(same(ours[name], arrays[name]) for name in arrays)


def test_arrays_are_read_only_maps_and_not_copies(tmp_path: Path) -> None:
    path = tmp_path / "x"
    write_tensors(path, {"a": np.ones((100, 10), np.float32), "none": np.zeros((0, 3))})
    back = map_tensors(path)
    assert isinstance(back["a"], np.memmap)
    assert not back["a"].flags.writeable
    assert not back["none"].flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        back["a"][0, 0] = 2


def test_mapping_a_large_file_does_not_read_it(tmp_path: Path) -> None:
    # 8 TB of holes: whoever read it would not come back in a lifetime.
    path = tmp_path / "huge"
    rows = 1_000_000_000
    entry = {"dtype": "F64", "shape": [rows, 1000], "data_offsets": [0, rows * 8000]}
    header = json.dumps({"a": entry}).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        try:
            file.truncate(8 + len(header) + rows * 8000)
        except OSError:
            pytest.skip("the file system has no sparse files of this size")
    array = map_tensors(path)["a"]
    assert array.shape == (rows, 1000)
    assert array[rows - 1, 999] == 0.0


def test_arrays_start_where_their_type_wants_them(tmp_path: Path) -> None:
    arrays = {"a": np.ones(3, np.uint8), "b": np.ones(5, np.float64), "c": np.ones(7, np.float32)}
    write_tensors(tmp_path / "x", arrays)
    assert all(array.flags.aligned for array in map_tensors(tmp_path / "x").values())


def test_order_and_byte_order_in_memory_do_not_matter(tmp_path: Path) -> None:
    fortran = np.asfortranarray(np.arange(6, dtype=np.int32).reshape(2, 3))
    strided = np.arange(20, dtype=np.int64)[::3]
    big_endian = np.array([1.0, -2.0], dtype=">f4")
    write_tensors(tmp_path / "x", {"f": fortran, "s": strided, "b": big_endian})
    back = map_tensors(tmp_path / "x")
    assert back["f"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert back["s"].tolist() == [0, 3, 6, 9, 12, 15, 18]
    assert back["b"].tolist() == [1.0, -2.0]
    assert back["b"].dtype == np.float32


@pytest.mark.parametrize(
    "array",
    [
        np.array(["text"]),
        np.array([object()]),
        np.array([1j]),
        np.array(["2020-01-01"], dtype="datetime64[s]"),
        np.array([(1, 2)], dtype=[("a", "i4"), ("b", "i4")]),
    ],
    ids=["text", "object", "complex", "datetime", "record"],
)
def test_what_is_no_number_is_refused_by_name(tmp_path: Path, array: np.ndarray) -> None:
    with pytest.raises(ArtifactError, match="the array 'odd' has dtype"):
        write_tensors(tmp_path / "x", {"odd": array})


def write_raw(path: Path, header: object, data: bytes) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


GOOD = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({**GOOD, "dtype": "O"}, "not understood"),
        ({**GOOD, "dtype": "BF16"}, "not understood"),
        ({**GOOD, "shape": [3]}, "does not fit"),
        ({**GOOD, "shape": [-2]}, "does not fit"),
        ({**GOOD, "shape": [2**40, 2**40, 2**40]}, "does not fit"),
        ({**GOOD, "data_offsets": [0, 800], "shape": [200]}, "does not fit"),
        ({**GOOD, "data_offsets": [-8, 0]}, "does not fit"),
        ({**GOOD, "data_offsets": [8, 0]}, "does not fit"),
        ({**GOOD, "data_offsets": [0]}, "not understood"),
        ({"dtype": "F32"}, "not understood"),
        ({**GOOD, "shape": "no"}, "not understood"),
        (7, "not understood"),
    ],
)
def test_wrong_entries_are_refused(tmp_path: Path, entry: object, message: str) -> None:
    path = write_raw(tmp_path / "x", {"a": entry}, bytes(8))
    with pytest.raises(ArtifactError, match=message):
        map_tensors(path)


@pytest.mark.parametrize("content", [b"", b"abc", b"\xff" * 8, struct.pack("<Q", 100) + b"{}"])
def test_files_that_are_too_short_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match="header is longer than the file"):
        map_tensors(path)


@pytest.mark.parametrize("header", [b"not json", b"[1]", b"\xff\xfe", b"[" * 20_000])
def test_headers_that_are_no_object_are_refused(tmp_path: Path, header: bytes) -> None:
    with pytest.raises(ArtifactError, match="not a JSON object"):
        map_tensors(write_raw(tmp_path / "x", header, b""))


def test_the_digest_is_that_of_the_file(tmp_path: Path) -> None:
    import hashlib

    info = write_tensors(tmp_path / "x", {"a": np.arange(5)})
    content = (tmp_path / "x").read_bytes()
    assert (info.sha256, info.size) == (hashlib.sha256(content).hexdigest(), len(content))
