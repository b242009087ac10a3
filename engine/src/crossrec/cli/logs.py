"""Log records of crossrec as one line each on stderr."""

from __future__ import annotations

import logging
import os
import traceback

import click

DEBUG = "CROSSREC_DEBUG"


def debugging() -> bool:
    """Whether tracebacks are wanted."""
    return os.environ.get(DEBUG, "") not in ("", "0")


class OneLine(logging.Handler):
    """Prints warnings as one line; their tracebacks too where they are wanted."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        error = record.exc_info[1] if record.exc_info else None
        cause = f": {type(error).__name__}: {error}" if error is not None else ""
        line = " ".join(f"{record.levelname.capitalize()}: {record.getMessage()}{cause}".split())
        click.echo(line, err=True)
        if error is not None and debugging():
            click.echo("".join(traceback.format_exception(error)), err=True, nl=False)


def show_warnings() -> None:
    """Print what crossrec logs from now on, once each."""
    logger = logging.getLogger("crossrec")
    if not any(isinstance(handler, OneLine) for handler in logger.handlers):
        logger.addHandler(OneLine(logging.WARNING))
