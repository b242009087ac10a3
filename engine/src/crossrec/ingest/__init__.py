"""The straight path from files and frames to the store."""

from crossrec.ingest.options import IngestOptions, Input
from crossrec.ingest.run import RejectedRowsError, ingest_files, ingest_format, ingest_frames

__all__ = [
    "IngestOptions",
    "Input",
    "RejectedRowsError",
    "ingest_files",
    "ingest_format",
    "ingest_frames",
]
