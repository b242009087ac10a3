"""What commands share: options, tables, JSON and progress bars."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from threading import Event, Thread
from typing import Any, TypeVar

import click

from crossrec.errors import UsageError
from crossrec.jsonio import plain
from crossrec.numeric.units import time_text

Command = TypeVar("Command", bound=Callable[..., Any])
Progress = Callable[[str, int, int], None]
#: Seconds between two lines of progress off a terminal.
EVERY = 30.0


def workspace_option(command: Command) -> Command:
    """Add ``-w/--workspace``; the command receives ``workspace: Path``."""
    return click.option(
        "-w",
        "--workspace",
        envvar="CROSSREC_WORKSPACE",
        default=".crossrec",
        show_default=True,
        show_envvar=True,
        type=click.Path(path_type=Path),
        help="Folder with everything that was ingested and fitted.",
    )(command)


def wait_option(command: Command) -> Command:
    """Add ``--wait`` to a command that writes; it receives ``wait: float | None``."""
    return click.option(
        "--wait",
        type=click.FloatRange(min=0),
        metavar="SECONDS",
        help="Longest wait while another process writes to the workspace; 0 gives up at once.  "
        "[default: until it is done]",
    )(command)


def backbone_options(command: Command) -> Command:
    """Add ``--backbone`` and ``--no-backbone``; the command receives ``backbone: str | None``.

    None stands for the installed one, "" for none.
    """

    @wraps(command)
    def called(*args: Any, backbone: str | None, none: bool, **options: Any) -> Any:
        if none and backbone:
            raise UsageError("--backbone names one and --no-backbone wants none: use one of them")
        return command(*args, backbone="" if none else backbone, **options)

    named = click.option(
        "--backbone",
        help="Pretrained backbone to adapt, as one more source; see `crossrec backbones list`.  "
        "[default: the installed one]",
    )
    off = click.option("--no-backbone", "none", is_flag=True, help="Adapt no backbone.")
    return named(off(called))  # type: ignore[return-value]


def json_option(command: Command) -> Command:
    """Add ``--json``; the command receives ``as_json: bool``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def echo_json(value: Any) -> None:
    """Print a value as JSON on stdout; NaN and infinities, which JSON has not, become null."""
    click.echo(json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False))


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table on stdout: through rich on a terminal, aligned plain text in a pipe."""
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _rich_table(columns, cells)
    else:
        click.echo(aligned(columns, cells))


@contextmanager
def progress(left: Callable[[], float | None] | None = None) -> Iterator[Progress]:
    """Give a callable for ``RunOptions.progress``, which shows on stderr what is running.

    On a terminal there is one bar, which shows the latest message; ``total`` 0 or less shows that
    something is running, without a length. Elsewhere there is a line every 30 s.

    Parameters
    ----------
    left : callable, optional
        Returns the seconds that are left, or None where that is not known.
    """
    if not sys.stderr.isatty():
        lines = ProgressLines(left)
        with lines.printed():
            yield lines.report
        return
    from rich import progress as rich
    from rich.console import Console

    bars = rich.Progress(
        rich.TextColumn("{task.description}", markup=False),
        rich.BarColumn(),
        rich.MofNCompleteColumn(),
        rich.TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    bar = bars.add_task("", total=None)
    shown = ""

    def report(message: str, done: int, total: int) -> None:
        nonlocal shown
        length = total if total > 0 else None
        new, shown = message != shown, message
        bars.update(bar, description=message, completed=done, total=length, refresh=new)

    with bars:
        yield report


class ProgressLines:
    """What is running, in lines: for logs, pipes and other places where no bar can be.

    Parameters
    ----------
    left : callable, optional
        Returns the seconds that are left, or None where that is not known.
    clock : callable
        Seconds, from anywhere.
    """

    def __init__(
        self,
        left: Callable[[], float | None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._left = left
        self._clock = clock
        self._began = clock()
        self._running = "working"

    def report(self, message: str, done: int, total: int) -> None:
        """Take in what is running."""
        self._running = f"{message} ({done} of {total})" if total > 1 else message

    def line(self) -> str:
        """Return what is running, for how long the work has run, and about how long it will."""
        left = self._left() if self._left is not None else None
        parts = [self._running, f"{time_text(self._clock() - self._began)} so far"]
        if left is not None:
            parts.append(f"about {time_text(left)} left")
        return ", ".join(parts)

    @contextmanager
    def printed(self, every: float = EVERY) -> Iterator[None]:
        """Print a line on stderr every so many seconds, also while the work reports nothing."""
        over = Event()

        def lines() -> None:
            while not over.wait(every):
                click.echo(self.line(), err=True)

        printer = Thread(target=lines, name="crossrec-progress", daemon=True)
        printer.start()
        try:
            yield
        finally:
            over.set()
            printer.join()


def _rich_table(columns: Sequence[str], rows: list[list[str]]) -> None:
    """Print through rich; cells are data, never markup."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        shown.add_column(column, overflow="fold")
    for row in rows:
        shown.add_row(*(Text(cell) for cell in row))
    Console().print(shown)


def aligned(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table as text: columns padded to their widest cell, two blanks between them."""
    lines = [columns, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
