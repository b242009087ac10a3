"""Reading files as they are: CSV, JSON lines and Parquet in chunks, with true line numbers."""

from crossrec.ingest.reading.source import Chunk, Failure, ReadOptions, Source, open_source

__all__ = ["Chunk", "Failure", "ReadOptions", "Source", "open_source"]
