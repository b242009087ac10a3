"""From a user's files to the store: reading, mapping columns, validation, the report.

Importers and demos of scenario packages produce `frames`, which are validated like files.
"""

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
