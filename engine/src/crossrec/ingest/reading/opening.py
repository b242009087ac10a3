"""Which reader reads a file, and what a file is that none reads."""

from __future__ import annotations

from pathlib import Path

from crossrec.errors import DataError
from crossrec.ingest.reading.chunks import ReadOptions, TableReader
from crossrec.ingest.reading.delimited import DelimitedReader
from crossrec.ingest.reading.excel import ExcelReader
from crossrec.ingest.reading.json_rows import JsonReader
from crossrec.ingest.reading.packing import inner_name
from crossrec.ingest.reading.parquet import ParquetReader
from crossrec.ingest.reading.text import head_of

_PARQUET = (".parquet", ".pq")
_JSON = (".jsonl", ".ndjson", ".json")
_EXCEL = (".xlsx", ".xlsm")
_ZIP = b"PK\x03\x04"
_AS_CSV = "save it as CSV or .xlsx"
#: What files begin with that hold no table that is read, what they are, and what to do.
_OTHERS: tuple[tuple[bytes, str, str], ...] = (
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls) or another Office file", _AS_CSV),
    (b"%PDF", "a PDF", "export the table itself, as CSV"),
    (b"SQLite format 3\x00", "an SQLite database", "export its tables as CSV"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it"),
    (b"Rar!", "a RAR archive", "unpack it"),
    (b"\x28\xb5\x2f\xfd", "compressed by Zstandard", "unpack it with zstd -d"),
    (b"ARROW1", "an Arrow (Feather) file", "write it as Parquet or CSV"),
    (b"ORC", "an ORC file", "write it as Parquet or CSV"),
    (b"Obj\x01", "an Avro file", "write it as Parquet or CSV"),
    (b"\x89HDF", "an HDF5 file", "write it as Parquet or CSV"),
    (b"\x80\x04", "a Python pickle", "pickles are not read, since they may run code: write CSV"),
    (b"\x80\x05", "a Python pickle", "pickles are not read, since they may run code: write CSV"),
    (b"\x93NUMPY", "a NumPy array", "write it as CSV"),
    (b"\x89PNG", "an image", "name the file with the table"),
    (b"\xff\xd8\xff", "an image", "name the file with the table"),
)


def open_table(path: Path, options: ReadOptions) -> TableReader:
    """Return the reader for `path`, chosen by its first bytes or else by its name.

    Raises
    ------
    DataError
        If the file is missing, empty, no table or wrongly encoded.
    """
    if not path.exists():
        raise DataError(f"there is no file {path}")
    if path.is_dir():
        raise DataError(f"{path} is a folder: name a file, or import it with --format NAME")
    head = head_of(path)
    if not head.strip():
        raise DataError(f"{path} is empty")
    suffix = Path(inner_name(path)).suffix.lower()
    if head.startswith(_ZIP):
        return _office(path, suffix, options)
    if suffix in _PARQUET or head.startswith(b"PAR1"):
        return ParquetReader(path, options)
    _refuse(path, suffix, head)
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if suffix in _JSON or start.startswith((b"{", b"[{")) or start[:1] == b"[" != start[-1:]:
        return JsonReader(path, options)
    return DelimitedReader(path, options)


def _office(path: Path, suffix: str, options: ReadOptions) -> TableReader:
    """Return the reader of a workbook; other Office files are zip archives too."""
    if suffix in (".docx", ".odt", ".ods", ".pptx", ".xlsb"):
        raise DataError(f"{path} is an Office file ({suffix}), which is not read: {_AS_CSV}")
    return ExcelReader(path, options)


def _refuse(path: Path, suffix: str, head: bytes) -> None:
    """Raise for files that are known to be something else."""
    for magic, what, advice in _OTHERS:
        if head.startswith(magic):
            raise DataError(f"{path} is {what}, which is not read: {advice}")
    start = head.lstrip()[:200].lower()
    if start.startswith((b"<!doctype html", b"<html")):
        raise DataError(f"{path} is a web page, no table: fetch the file that it links to")
    if start.startswith(b"<?xml") or suffix == ".xml":
        raise DataError(f"{path} is an XML file, which is not read: write it as CSV or JSON")
    if head[257:262] == b"ustar":
        raise DataError(f"{path} is a tar archive: unpack it and name the file to read")
    if suffix in _EXCEL:
        raise DataError(f"{path} is no Excel workbook, whatever its name says: save it again")
