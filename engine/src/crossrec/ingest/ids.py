"""Ids are strings, in whatever type a file has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crossrec.store.rows import Coded

if TYPE_CHECKING:
    import pandas as pd

#: The longest id that is accepted, in characters.
MAX_LENGTH = 1_024


def id_text(value: Any) -> str:
    """Return a cell as an id: text as it is written, whole numbers without a fraction.

    A column of whole numbers with gaps reaches us as 17850.0; as text it would be "17850".
    """
    if isinstance(value, str):
        return value
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)


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
    try:
        codes, distinct = pd.factorize(cells)
    except TypeError:  # a list or an object where an id should be
        cells = np.array([id_text(cell) for cell in cells.tolist()], dtype=object)
        codes, distinct = pd.factorize(cells)
    codes = codes.astype(np.int64)
    texts = distinct.tolist()
    if (codes < 0).any():
        codes[codes < 0] = len(texts)
        texts.append("")
    if any(type(value) is not str for value in texts):
        texts = [id_text(value) for value in texts]
    coded = Coded(codes, texts)
    if len(set(texts)) < len(texts):
        again = Coded.of(texts)
        coded = Coded(again.codes[codes], again.values)
    if _all_fine(texts):
        return coded, np.zeros(len(codes), dtype=np.int8)
    faults = np.array([_fault(text) for text in coded.values], dtype=np.int8)
    return coded, faults[coded.codes] if len(faults) else np.zeros(0, dtype=np.int8)


def _all_fine(texts: list[str]) -> bool:
    """Whether none of the distinct ids has a fault, in a few passes without a Python loop."""
    if (
        not all(texts)
        or any(map(str.isspace, texts))
        or max(map(len, texts), default=0) > MAX_LENGTH
    ):
        return False
    try:
        "".join(texts).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


#: What can be wrong with an id; {} is "user", "item" or "event".
FAULTS = (
    "",
    "missing {}",
    f"{{}} id longer than {MAX_LENGTH:,} characters",
    "{} id is not valid text",
)


def is_valid_id(text: str) -> bool:
    """Whether ingestion would accept this id."""
    return _fault(text) == 0


def _fault(text: str) -> int:
    if not text or text.isspace():
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
