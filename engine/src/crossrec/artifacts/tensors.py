"""Safetensors files: written without a second copy in memory, read as read-only memory maps.

The file format is that of the `safetensors` library (its README, "Format"); a test reads these
files with it. Both directions are written out here because the library copies every array on saving
and on loading, which doubles the memory of a large model.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from crossrec.artifacts.checked import FileInfo
from crossrec.errors import ArtifactError

#: Names of the format for the dtypes that an artifact may hold. Nothing else is read or written.
DTYPES = {
    "BOOL": np.dtype("?"),
    "U8": np.dtype("u1"),
    "I8": np.dtype("i1"),
    "U16": np.dtype("<u2"),
    "I16": np.dtype("<i2"),
    "F16": np.dtype("<f2"),
    "U32": np.dtype("<u4"),
    "I32": np.dtype("<i4"),
    "F32": np.dtype("<f4"),
    "U64": np.dtype("<u8"),
    "I64": np.dtype("<i8"),
    "F64": np.dtype("<f8"),
}
_NAMES = {dtype: name for name, dtype in DTYPES.items()}
_ALIGN = 64
_MAX_HEADER = 100_000_000
_BLOCK = 1 << 24


class HashingFile:
    """A file being written whose sha256 and size are known when it is closed."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes | memoryview) -> None:
        """Write and hash `data`."""
        self._file.write(data)
        self._hash.update(data)
        self.size += data.nbytes if isinstance(data, memoryview) else len(data)

    @property
    def sha256(self) -> str:
        """Hexadecimal digest of what was written so far."""
        return self._hash.hexdigest()


def write_tensors(path: Path, arrays: Mapping[str, NDArray[Any]]) -> FileInfo:
    """Write `arrays` to `path`, sync it to disk and return its checksum and size.

    Raises
    ------
    ArtifactError
        If an array holds anything but booleans, integers or floats.
    """
    plain = {name: _plain(name, array) for name, array in arrays.items()}
    # Wide types first, so that every array starts at a multiple of its item size.
    order = sorted(plain, key=lambda name: (-plain[name].itemsize, name))
    header: dict[str, Any] = {}
    end = 0
    for name in order:
        array = plain[name]
        start, end = end, end + array.nbytes
        header[name] = {
            "dtype": _NAMES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [start, end],
        }
    text = json.dumps(header, ensure_ascii=True).encode()
    text += b" " * (-(len(text) + 8) % _ALIGN)
    with path.open("wb") as raw:
        file = HashingFile(raw)
        file.write(struct.pack("<Q", len(text)))
        file.write(text)
        for name in order:
            _write_array(file, plain[name])
        raw.flush()
        os.fsync(raw.fileno())
    return FileInfo(file.sha256, file.size)


def map_tensors(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of a safetensors file as read-only memory maps; nothing else is read.

    Raises
    ------
    ArtifactError
        If the header is damaged, points outside the file or names a dtype not in `DTYPES`.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(size - 8, _MAX_HEADER):
            raise _damaged(path, "its header is longer than the file")
        text = file.read(length)
    try:
        header = json.loads(text)
        entries = {name: value for name, value in header.items() if name != "__metadata__"}
    except (ValueError, AttributeError, RecursionError):
        raise _damaged(path, "its header is not a JSON object") from None
    offset = 8 + length
    data = np.memmap(path, np.uint8, "r") if size > offset else np.zeros(size, np.uint8)
    return {name: _view(path, name, entry, data, offset) for name, entry in entries.items()}


def _view(path: Path, name: str, entry: Any, data: NDArray[np.uint8], offset: int) -> NDArray[Any]:
    """Return one array of the file, after checking that it lies within it."""
    try:
        dtype = DTYPES[entry["dtype"]]
        shape = tuple(int(n) for n in entry["shape"])
        start, end = (int(n) for n in entry["data_offsets"])
    except (KeyError, TypeError, ValueError):
        raise _damaged(path, f"the entry {name!r} is not understood") from None
    count = 1
    for n in shape:
        count *= n
    fits = min(shape, default=0) >= 0 and 0 <= start <= end <= len(data) - offset
    if not fits or end - start != count * dtype.itemsize:
        raise _damaged(path, f"the array {name!r} does not fit into it")
    if count == 0:
        array = np.zeros(shape, dtype)
        array.flags.writeable = False
        return array
    part = data[offset + start : offset + end]
    return part.view(dtype).reshape(shape)


def refuse_unstorable(arrays: Mapping[str, Any]) -> None:
    """Raise ArtifactError where an array holds anything but booleans, integers or floats."""
    for name, array in arrays.items():
        _plain(name, array)


def _plain(name: str, array: NDArray[Any]) -> NDArray[Any]:
    """Return `array` in C order and little-endian, refusing other dtypes."""
    wanted = np.asarray(array)
    dtype = wanted.dtype.newbyteorder("<") if wanted.dtype.byteorder == ">" else wanted.dtype
    if dtype not in _NAMES:
        raise ArtifactError(
            f"the array {name!r} has dtype {wanted.dtype}; artifacts hold numbers and booleans only"
        )
    return np.asarray(wanted, dtype=dtype, order="C")


def _write_array(file: HashingFile, array: NDArray[Any]) -> None:
    """Write the bytes of `array` in blocks."""
    flat = array.reshape(-1).view(np.uint8)
    for start in range(0, len(flat), _BLOCK):
        file.write(flat[start : start + _BLOCK].data)


def _damaged(path: Path, why: str) -> ArtifactError:
    return ArtifactError(f"{path} is damaged: {why}; fit again")
