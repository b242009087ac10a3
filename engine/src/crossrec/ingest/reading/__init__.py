"""Reading files as they are: CSV, JSON, Parquet and Excel in chunks, with true line numbers.

`opening` picks the reader of a file; the readers share `chunks` and know nothing of each other.
"""
