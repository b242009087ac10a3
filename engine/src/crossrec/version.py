"""The version of crossrec, the same for all its packages until 1.0."""

__version__ = "0.1.0"
