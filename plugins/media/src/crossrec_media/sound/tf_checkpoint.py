"""Reads a TensorFlow checkpoint (``.index`` and ``.data``) without TensorFlow.

The index is a table as LevelDB writes them: blocks of sorted keys with shared prefixes, found by
one more block at the end. A key is a variable's name, its value a protocol buffer that says what
the variable is and where its bytes lie in the data file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from crossrec.errors import DataError
from numpy.typing import NDArray

_MAGIC = bytes.fromhex("57fb808b247547db")
_FOOTER = 48
#: Number of a type in TensorFlow → of numpy.
_TYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8"}


@dataclass(frozen=True)
class Variable:
    """Where a variable lies.

    Attributes
    ----------
    dtype : str
    shape : tuple of int
    offset, size : int
        Bytes of the data file.
    """

    dtype: str
    shape: tuple[int, ...]
    offset: int
    size: int


def read_index(index: bytes) -> dict[str, Variable]:
    """Return the variables of an index by name; those of types that are not read are left out.

    Raises
    ------
    DataError
        If it is no such index, or compressed, or of several data files.
    """
    if len(index) < _FOOTER or index[-8:] != _MAGIC:
        raise DataError("this is no index of a TensorFlow checkpoint")
    try:
        return dict(_variables(index))
    except (IndexError, UnicodeDecodeError, ValueError):
        raise DataError("the index of the checkpoint is damaged") from None


def read_variables(variables: Mapping[str, Variable], data: bytes) -> dict[str, NDArray[Any]]:
    """Return the arrays of a data file.

    Raises
    ------
    DataError
        If the file ends before a variable does.
    """
    arrays = {}
    for name, one in variables.items():
        raw = data[one.offset : one.offset + one.size]
        count = int(np.prod(one.shape, dtype=np.int64))
        if len(raw) != one.size or one.size != count * np.dtype(one.dtype).itemsize:
            raise DataError(f"the data of the checkpoint end before {name}")
        arrays[name] = np.frombuffer(raw, dtype=one.dtype).reshape(one.shape)
    return arrays


def _variables(index: bytes) -> Iterator[tuple[str, Variable]]:
    """Walk from the footer over the block of blocks to all entries."""
    at = len(index) - _FOOTER
    for _ in range(2):  # the handle of a block that is not needed
        _, at = _number(index, at)
    start, at = _number(index, at)
    size, _ = _number(index, at)
    for _, handle in _entries(_block(index, start, size)):
        first, after = _number(handle, 0)
        length, _ = _number(handle, after)
        for key, value in _entries(_block(index, first, length)):
            if not key:
                fields = _fields(value)
                if fields.get(1, [1]) != [1]:
                    raise DataError("a checkpoint of several data files is not read")
                continue
            variable = _variable(value)
            if variable is not None:
                yield key.decode(), variable


def _block(index: bytes, start: int, size: int) -> bytes:
    """Return a block without what stands behind its entries."""
    if index[start + size] != 0:
        raise DataError("a compressed checkpoint is not read")
    block = index[start : start + size]
    restarts = int.from_bytes(block[-4:], "little")
    end = size - 4 * (restarts + 1)
    if len(block) != size or end < 0:
        raise ValueError("a block is cut off")
    return block[:end]


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield keys and values; a key repeats only what differs from the one before."""
    at, key = 0, b""
    while at < len(block):
        shared, at = _number(block, at)
        own, at = _number(block, at)
        length, at = _number(block, at)
        if shared > len(key) or at + own + length > len(block):
            raise ValueError("an entry is cut off")
        key = key[:shared] + block[at : at + own]
        at += own
        yield key, block[at : at + length]
        at += length


def _variable(value: bytes) -> Variable | None:
    """Return what an entry says; None of a type that is not read."""
    fields = _fields(value)
    dtype = _TYPES.get(int(fields.get(1, [0])[0]))
    if dtype is None:
        return None
    shape = _fields(bytes(fields.get(2, [b""])[0])).get(2, [])
    sizes = tuple(int(_fields(bytes(dimension)).get(1, [0])[0]) for dimension in shape)
    return Variable(dtype, sizes, int(fields.get(4, [0])[0]), int(fields.get(5, [0])[0]))


def _fields(message: bytes) -> dict[int, list[Any]]:
    """Return the fields of a protocol buffer: numbers, and bytes of what is inside."""
    found: dict[int, list[Any]] = {}
    at = 0
    while at < len(message):
        tag, at = _number(message, at)
        kind = tag & 7
        value: Any
        if kind == 0:
            value, at = _number(message, at)
        elif kind == 2:
            size, at = _number(message, at)
            value, at = message[at : at + size], at + size
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            value, at = int.from_bytes(message[at : at + size], "little"), at + size
        else:
            raise ValueError("an unknown kind of field")
        found.setdefault(tag >> 3, []).append(value)
    return found


def _number(data: bytes, at: int) -> tuple[int, int]:
    """Return a number of variable length and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
        if shift > 63:
            raise ValueError("a number is too long")
