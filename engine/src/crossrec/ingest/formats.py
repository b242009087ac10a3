"""What importers of public formats share: finding, opening and reading the files of a data set.

Everything that is wrong with a folder becomes a `DataError` that names the file.
"""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crossrec.errors import DataError
from crossrec.ingest.columns import ITEM, USER

if TYPE_CHECKING:
    import pandas as pd

_PACKED = ("", ".gz", ".zip")


def find_file(folder: Path, *names: str, of: str) -> Path:
    """Return the first of `names` that is in `folder`, plain, ``.gz`` or ``.zip``.

    Parameters
    ----------
    of : str
        Name of the format, for the message.

    Raises
    ------
    DataError
        If the folder does not exist or holds none of them.
    """
    found = look_for(folder, *names)
    if found is None:
        check_folder(folder, of)
        wanted = " or ".join(names)
        raise DataError(f"{folder} is no {of} folder: {wanted} (or .gz, .zip of it) is missing")
    return found


def check_folder(folder: Path, of: str) -> None:
    """Raise DataError if the folder of a data set does not exist; `of` names the format."""
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; {of} takes the folder of the data set")


def look_for(folder: Path, *names: str) -> Path | None:
    """Return the first of `names` that is in `folder`, plain or packed; None if there is none."""
    for name in names:
        for packed in _PACKED:
            path = folder / f"{name}{packed}"
            if path.is_file():
                return path
    return None


def read_bytes(path: Path) -> bytes:
    """Return the content of a file, unpacked; of a zip the only file in it.

    Raises
    ------
    DataError
        If it cannot be read or unpacked.
    """
    try:
        raw = path.read_bytes()
        if path.suffix == ".gz":
            return gzip.decompress(raw)
        if path.suffix == ".zip":
            with zipfile.ZipFile(io.BytesIO(raw)) as archive:
                members = [m for m in archive.namelist() if not m.endswith("/")]
                if len(members) != 1:
                    raise DataError(f"{path}: {len(members)} files in it; unpack it first")
                return archive.read(members[0])
    except (EOFError, zlib.error, zipfile.BadZipFile, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is damaged and cannot be unpacked: {error}") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    return raw


def read_text(path: Path, *encodings: str) -> str:
    """Return the content of a text file in the first encoding that fits, without a byte order mark.

    Parameters
    ----------
    encodings : str
        ``utf-8`` alone where none is given.

    Raises
    ------
    DataError
        If the file cannot be read or is in none of the encodings.
    """
    raw = read_bytes(path)
    wanted = encodings or ("utf-8",)
    for encoding in wanted:
        try:
            return raw.decode("utf-8-sig" if encoding == "utf-8" else encoding)
        except UnicodeDecodeError:
            continue
    raise DataError(f"{path} is not in the encoding {' or '.join(wanted)}")


def read_lines(path: Path, *encodings: str) -> list[str]:
    """Return the lines of a text file that are not blank, without their ends."""
    # Not splitlines(): it also breaks at separators that occur inside of texts.
    lines = read_text(path, *encodings).split("\n")
    return [line.rstrip("\r") for line in lines if line.strip()]


def read_pairs(path: Path, mark: str, form: str) -> list[tuple[str, str]]:
    """Return the two parts of each line of a text file, cut at the first `mark`.

    Parameters
    ----------
    form : str
        What a line should be, for the message.

    Raises
    ------
    DataError
        If a line has no `mark`.
    """
    pairs = [line.partition(mark) for line in read_lines(path)]
    for number, (_, found, _) in enumerate(pairs, start=1):
        if not found:
            raise DataError(f"{path}: line {number} is not {form}")
    return [(first, rest) for first, _, rest in pairs]


def read_sequences(path: Path) -> tuple[list[str], list[list[str]]]:
    """Return the users and their items of a text file with lines ``user item item …``."""
    rows = [line.split() for line in read_lines(path)]
    return [row[0] for row in rows], [row[1:] for row in rows]


def read_table(
    path: Path, *encodings: str, columns: Sequence[str] = (), sep: str = ",", **options: Any
) -> pd.DataFrame:
    """Read a delimited file with pandas, everything as a string; empty cells are empty strings.

    Parameters
    ----------
    columns : sequence of str
        Columns that must be there.
    options
        Further arguments of ``pandas.read_csv``.

    Raises
    ------
    DataError
        If the file is empty, damaged or lacks one of `columns`.
    """
    import pandas as pd

    text = read_text(path, *encodings)
    options = {"dtype": str, "keep_default_na": False, **options}
    try:
        table: pd.DataFrame = pd.read_csv(io.StringIO(text), sep=sep, **options)
    except pd.errors.EmptyDataError:
        raise DataError(f"{path} is empty") from None
    except pd.errors.ParserError as error:
        raise DataError(f"{path} cannot be read as a table: {error}") from error
    missing = [name for name in columns if name not in table.columns]
    if missing:
        there = ", ".join(str(name) for name in table.columns[:8])
        raise DataError(f"{path} has no column {missing[0]!r}; its columns are: {there}")
    return table


def sequence_events(users: Iterable[str], sequences: Iterable[Sequence[str]]) -> pd.DataFrame:
    """Return an events table of each user's items, oldest first; there is no time."""
    import pandas as pd

    rows = [list(sequence) for sequence in sequences]
    repeated = np.repeat(np.array(list(users), dtype=object), [len(row) for row in rows])
    return pd.DataFrame({USER: repeated, ITEM: [item for row in rows for item in row]})


def seconds(times: pd.Series[Any]) -> pd.Series[Any]:
    """Return texts of dates and times as seconds since 1970, float64; NaN where unparsable.

    Times without a zone are taken as UTC.
    """
    import pandas as pd

    parsed = pd.to_datetime(times, errors="coerce", utc=True, format="ISO8601")
    result: pd.Series[Any] = (parsed - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)
    return result.round(6)
