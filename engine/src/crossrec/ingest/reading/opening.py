"""Which reader reads a file."""

from __future__ import annotations

from pathlib import Path

from crossrec.errors import DataError
from crossrec.ingest.reading.chunks import ReadOptions, TableReader
from crossrec.ingest.reading.delimited import DelimitedReader
from crossrec.ingest.reading.jsonl import JsonLinesReader
from crossrec.ingest.reading.parquet import ParquetReader
from crossrec.ingest.reading.text import head_of

_PARQUET = (".parquet", ".pq")
_JSON_LINES = (".jsonl", ".ndjson", ".json")


def open_table(path: Path, options: ReadOptions) -> TableReader:
    """Return the reader for `path`, chosen by its name or else by its first bytes.

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
    suffix = Path(path.stem if path.suffix.lower() == ".gz" else path.name).suffix.lower()
    if suffix in _PARQUET or head.startswith(b"PAR1"):
        return ParquetReader(path, options)
    if suffix in _JSON_LINES or head.lstrip().startswith(b"{"):
        return JsonLinesReader(path, options)
    return DelimitedReader(path, options)
