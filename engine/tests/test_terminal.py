from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner
from crossrec.terminal import (
    ProgressLines,
    echo_json,
    json_option,
    progress,
    table,
    wait_option,
    workspace_option,
)


@click.command()
@workspace_option
@json_option
def command(workspace: Path, as_json: bool) -> None:
    click.echo(f"{workspace!r} {as_json}")


@pytest.mark.parametrize(
    ("arguments", "environment", "path"),
    [
        ([], {}, ".crossrec"),
        (["-w", "here"], {}, "here"),
        (["--workspace", "a b/ü"], {"CROSSREC_WORKSPACE": "there"}, "a b/ü"),
        ([], {"CROSSREC_WORKSPACE": "there"}, "there"),
    ],
)
def test_the_workspace_comes_from_the_option_the_environment_or_the_default(
    arguments, environment, path
):
    result = CliRunner().invoke(command, arguments, env={"CROSSREC_WORKSPACE": None, **environment})
    assert result.stdout == f"{Path(path)!r} False\n"


def test_json_is_an_option():
    assert CliRunner().invoke(command, ["--json"]).stdout.endswith(" True\n")


def test_json_takes_numpy_and_never_writes_nan(capsys):
    echo_json(
        {
            "a": np.float32(0.5),
            "b": np.array([[1, 2]]),
            "c": float("nan"),
            "d": (float("inf"), np.nan),
            3: Path("x"),
            "e": "é🎵",
            "f": None,
            "g": True,
        }
    )
    printed = capsys.readouterr().out
    assert "é🎵" in printed
    assert json.loads(printed) == {
        "a": 0.5,
        "b": [[1, 2]],
        "c": None,
        "d": [None, None],
        "3": "x",
        "e": "é🎵",
        "f": None,
        "g": True,
    }


def test_json_of_what_is_no_json_is_an_error():
    with pytest.raises(TypeError):
        echo_json({"a": object()})


def test_a_table_in_a_pipe_is_aligned_plain_text(capsys):
    table(("NAME", "N"), [("a", 1), ("longer", None), ("[b]x", 22)])
    assert capsys.readouterr().out == "NAME    N\na       1\nlonger\n[b]x    22\n"


def test_a_table_without_rows_has_its_head(capsys):
    table(("NAME", "N"), [])
    assert capsys.readouterr().out == "NAME  N\n"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_line_of_progress_says_what_runs_how_long_it_ran_and_what_is_left():
    clock, left = Clock(), [100.0]
    lines = ProgressLines(lambda: left[0], clock)
    assert lines.line() == "working, under 0.1 s so far, about 1 min 40 s left"
    lines.report("fitting ease before the cut", 1, 4)
    clock.now, left[0] = 30.0, 65.4
    assert lines.line() == "fitting ease before the cut (1 of 4), 30 s so far, about 65 s left"
    lines.report("encoding", 0, 0)
    clock.now = 150.0
    assert lines.line() == "encoding, 2 min 30 s so far, about 65 s left"


def test_what_is_left_is_not_said_where_it_is_not_known():
    clock = Clock()
    lines = ProgressLines(lambda: None, clock)
    clock.now = 31.0
    assert lines.line() == "working, 31 s so far"
    assert ProgressLines(None, clock).line() == "working, under 0.1 s so far"


def test_lines_come_while_the_work_is_silent_and_stop_with_it(capsys):
    lines = ProgressLines()
    with lines.printed(every=0.01):
        lines.report("long work", 0, 0)
        deadline = time.monotonic() + 20
        printed = ""
        while printed.count("long work") < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
            printed += capsys.readouterr().err
    assert printed.count("long work, ") >= 3
    capsys.readouterr()
    time.sleep(0.05)
    assert capsys.readouterr() == ("", "")


def test_short_work_in_a_pipe_is_silent(capsys):
    with progress() as report:
        report("fitting", 1, 2)
        report("fitting", 2, 2)
    assert capsys.readouterr() == ("", "")


def on_a_terminal(code: str) -> str:
    """Run code with stdout and stderr on a pseudo-terminal; return what it shows."""
    pty = pytest.importorskip("pty")
    parent, child = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    environment.pop("NO_COLOR", None)
    done = subprocess.Popen(
        [sys.executable, "-c", code], stdout=child, stderr=child, stdin=child, env=environment
    )
    os.close(child)
    shown = b""
    try:
        while piece := os.read(parent, 65536):
            shown += piece
    except OSError:  # what Linux answers at the end of a terminal
        pass
    os.close(parent)
    assert done.wait(20) == 0, shown.decode()
    return shown.decode()


def test_progress_on_a_terminal_is_one_bar_with_the_latest_message():
    shown = on_a_terminal(
        "from crossrec.terminal import progress\n"
        "with progress() as report:\n"
        "    report('fitting ease', 1, 2)\n"
        "    report('fitting [als]', 0, 0)\n"
        "    report('encoding', 37, 50)\n"
    )
    assert "fitting ease" in shown
    assert "fitting [als]" in shown
    assert "━" in shown
    assert "1/2" in shown
    assert "37/50" in shown


def test_a_table_on_a_terminal_is_drawn_and_cells_are_no_markup():
    shown = on_a_terminal(
        "from crossrec.terminal import table\ntable(('NAME', 'N'), [('[red]x[/red]', 1)])\n"
    )
    assert "[red]x[/red]" in shown
    assert "\x1b[1m" in shown


@click.command()
@wait_option
def writes(wait: float | None) -> None:
    click.echo(repr(wait))


@pytest.mark.parametrize(
    ("arguments", "wait"), [([], "None"), (["--wait", "0"], "0.0"), (["--wait", "2.5"], "2.5")]
)
def test_the_longest_wait_is_seconds_or_none(arguments, wait):
    assert CliRunner().invoke(writes, arguments).output == f"{wait}\n"


def test_a_wait_of_less_than_nothing_is_refused():
    done = CliRunner().invoke(writes, ["--wait", "-1"])
    assert done.exit_code == 2
    assert "-1" in done.output
    assert "until it is done" in " ".join(CliRunner().invoke(writes, ["--help"]).output.split())
