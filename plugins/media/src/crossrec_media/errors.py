"""Errors of this package that a user can mend."""

from __future__ import annotations

from crossrec.errors import CrossrecError


class MediaError(CrossrecError):
    """Media cannot be read at all: a library, a model or a folder is missing."""


class Refused(Exception):  # noqa: N818 - no error of the run: the file is left out and counted
    """One file is left out; the message is the cause, the same for all files of one cause."""
