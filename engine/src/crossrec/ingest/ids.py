"""Columns of ids: strings with codes, and what is wrong with those that cannot be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crossrec.data.ids import (
    MAX_LENGTH,
    NULL_MARKERS,
    id_text,
    is_fraction,
    is_whole_float,
    trimmed,
)
from crossrec.store.rows import Coded

if TYPE_CHECKING:
    import pandas as pd

#: What can be wrong with an id; {} is "user", "item" or "event".
FAULTS = (
    "",
    "missing {}",
    f"{{}} id longer than {MAX_LENGTH:,} characters",
    "{} id is not valid text",
    "{} id is a list or an object, not a text or number: name its part, as --map {}={}.id does",
    "{} id is true or false, not a text or number",
)
_NESTED, _FLAG = 4, 5


class IdColumn:
    """Reads one column of ids chunk by chunk.

    A column of whole numbers that was written as fractions (``17850.0``) is read as whole numbers.
    Its first chunk with such cells decides, and no other number in it may have a fraction.

    Attributes
    ----------
    shortened : int
        Cells that lost their ``.0``.
    """

    def __init__(self) -> None:
        self._whole: bool | None = None
        self.shortened = 0

    def read(self, column: pd.Series[Any]) -> tuple[Coded, NDArray[np.int8]]:
        """Return the ids of a chunk and their faults; see `coded_ids`."""
        coded, faults = coded_ids(column)
        if self._whole is False:
            return coded, faults
        written = [code for code, text in enumerate(coded.values) if text.endswith("0")]
        floats = {code for code in written if is_whole_float(coded.values[code])}
        if not floats:
            return coded, faults
        if self._whole is None:
            self._whole = not any(map(is_fraction, coded.values))
        if not self._whole:
            return coded, faults
        self.shortened += int(np.isin(coded.codes, list(floats)).sum())
        texts = [
            text.partition(".")[0] if code in floats else text
            for code, text in enumerate(coded.values)
        ]
        return _merged(coded.codes, texts), faults


def coded_ids(column: pd.Series[Any]) -> tuple[Coded, NDArray[np.int8]]:
    """Code a column of ids, and find those that cannot be used.

    Returns
    -------
    coded : Coded
        Code 0 and up; equal ids get one code.
    faults : int8 array, shape (n,)
        0 where fine, else an index into `FAULTS`.
    """
    import pandas as pd

    cells = column.to_numpy(dtype=object)
    if pd.api.types.infer_dtype(cells, skipna=True) not in _PLAIN:
        cells = _hashable(cells)
    codes, distinct = pd.factorize(cells)
    codes = codes.astype(np.int64)
    values = distinct.tolist()
    if (codes < 0).any():
        codes[codes < 0] = len(values)
        values.append("")
    texts = [trimmed(value) if type(value) is str else _text(value) for value in values]
    if not NULL_MARKERS.isdisjoint(texts):
        texts = ["" if text in NULL_MARKERS else text for text in texts]
    if _all_fine(texts):
        return _merged(codes, texts), np.zeros(len(codes), dtype=np.int8)
    faults = np.array(
        [_refused(value) or _fault(text) for value, text in zip(values, texts, strict=True)],
        dtype=np.int8,
    )
    found = faults[codes] if len(faults) else np.zeros(0, dtype=np.int8)
    return _merged(codes, texts), found


#: Columns whose cells are all of one kind that can be ids.
_PLAIN = ("string", "integer", "floating", "empty")


class _Refused:
    """What stands for cells that can be no ids."""

    def __init__(self, fault: int) -> None:
        self.fault = fault


_LIST, _TRUTH = _Refused(_NESTED), _Refused(_FLAG)


def _hashable(cells: NDArray[Any]) -> NDArray[Any]:
    """Return the cells with something else for flags, lists and objects: True would equal 1."""
    found = np.empty(len(cells), dtype=object)
    for place, cell in enumerate(cells.tolist()):
        if isinstance(cell, (bool, np.bool_)):
            cell = _TRUTH
        elif isinstance(cell, (dict, list, tuple, set, np.ndarray)):
            cell = _LIST
        found[place] = cell
    return found


def _refused(value: Any) -> int:
    return value.fault if isinstance(value, _Refused) else 0


def _text(value: Any) -> str:
    return "" if isinstance(value, _Refused) else id_text(value)


def _merged(codes: NDArray[np.int64], texts: list[str]) -> Coded:
    """Return codes and distinct texts, where some of `texts` may be equal."""
    if len(set(texts)) == len(texts):
        return Coded(codes, texts)
    again = Coded.of(texts)
    return Coded(again.codes[codes], again.values)


def _all_fine(texts: list[str]) -> bool:
    """Whether none of the distinct ids has a fault, in a few passes without a Python loop."""
    if not all(texts) or max(map(len, texts), default=0) > MAX_LENGTH:
        return False
    try:
        "".join(texts).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def is_valid_id(text: str) -> bool:
    """Whether ingestion would accept this id, as it is."""
    return id_text(text) == text and _fault(text) == 0


def _fault(text: str) -> int:
    if not text:
        return 1
    if len(text) > MAX_LENGTH:
        return 2
    if text.isascii():
        return 0
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # half of a surrogate pair, from a JSON escape
        return 3
    return 0
