"""Parquet through pyarrow, which is an extra."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from crossrec.errors import DataError
from crossrec.ingest.reading.chunks import Chunk, ReadOptions, numbered
from crossrec.ingest.reading.packing import binary, packing_of


class ParquetReader:
    """Rows of a Parquet file, plain or gzipped; its first row has number 1."""

    def __init__(self, path: Path, options: ReadOptions) -> None:
        self.path = path
        self.name = path.name
        self.notes: list[str] = ["line numbers are row numbers"]
        self._rows = options.chunk_rows
        file = self._open()
        self.header: Sequence[str] = list(file.schema_arrow.names)
        if file.metadata.num_rows == 0:
            raise DataError(f"{path} has no rows")

    def _open(self) -> Any:
        try:
            import pyarrow as arrow
            import pyarrow.parquet as parquet
        except ImportError:
            raise DataError(
                f"{self.path} is a Parquet file: reading those needs pyarrow, "
                'pip install "crossrec[parquet]"'
            ) from None
        try:
            if not packing_of(self.path):
                return parquet.ParquetFile(self.path)
            with binary(self.path) as file:
                return parquet.ParquetFile(io.BytesIO(file.read()))
        except (arrow.ArrowException, OSError):
            raise DataError(f"{self.path} is not a Parquet file, or a damaged one") from None

    def chunks(self, numeric: Sequence[str] = ()) -> Iterator[Chunk]:
        """Yield all rows in order."""
        done = 0
        for batch in self._open().iter_batches(batch_size=self._rows):
            frame = batch.to_pandas(integer_object_nulls=True)
            yield Chunk(frame, numbered(done + 1))
            done += len(frame)
