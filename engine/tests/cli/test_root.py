"""The command line as its users see it: in a subprocess, with real plugins beside it."""

from __future__ import annotations

import resource
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner
from crossrec.cli import main
from crossrec.cli.root import CrossrecGroup
from crossrec.cli.table import COMMANDS
from crossrec.errors import DataError, UsageError

HEAVY = ("torch", "pandas", "transformers", "scipy", "sklearn", "implicit", "numpy", "rich")


def crossrec(*arguments, **more):
    return subprocess.run(
        [sys.executable, "-m", "crossrec", *arguments],
        capture_output=True,
        text=True,
        check=False,
        **more,
    )


def test_help_lists_every_command_with_its_line():
    done = crossrec("--help")
    assert done.returncode == 0
    assert done.stderr == ""
    for name, (_, summary) in COMMANDS.items():
        assert f"  {name} " in done.stdout
        assert summary in done.stdout


def test_help_imports_nothing_heavy_and_no_command():
    code = (
        "import sys\n"
        "from crossrec.cli import main\n"
        "try:\n    main(['--help'])\n"
        "except SystemExit:\n    pass\n"
        f"print([m for m in {HEAVY} if m in sys.modules], file=sys.stderr)\n"
        f"print([m for m in {sorted({t.partition(':')[0] for t, _ in COMMANDS.values()})} "
        "if m in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-2:] == ["[]", "[]"]
    assert "Commands:" in done.stdout


def test_an_engine_that_only_answers_does_not_load_what_fits_and_ingests():
    code = (
        "import sys\n"
        "import crossrec.pipeline.engine\n"
        "print([m for m in ('crossrec.ingest', 'crossrec.pipeline.fit', 'pandas', 'scipy.sparse') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def processor_seconds(code, *arguments):
    """Return the processor time of a Python process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def times_the_libraries(code, *arguments):
    """Return the least ratio of three to what importing click, numpy and pydantic takes alone.

    A ratio in the same minute holds on slow and on busy machines.
    """
    libraries = "import click, numpy, pydantic"
    return min(processor_seconds(code, *arguments) / processor_seconds(libraries) for _ in range(3))


def test_help_is_fast():
    assert times_the_libraries("from crossrec.cli import main; main()", "--help") < 1.5


def test_importing_all_plugins_is_fast():
    code = "from crossrec.plugins.registry import load_registry; load_registry()"
    assert times_the_libraries(code) < 2


def test_version():
    assert crossrec("--version").stdout == "crossrec 0.1.0\n"


def test_no_arguments_show_the_help():
    done = crossrec()
    assert "Commands:" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["recomend"], "Error: no command 'recomend': did you mean 'recommend'?"),
        (["qqqqqq"], "Error: no command 'qqqqqq'; see `crossrec --help`"),
    ],
)
def test_an_unknown_command_names_the_nearest(arguments, line):
    done = crossrec(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == line + "\n"


def test_a_wrong_option_is_one_line_that_names_the_help():
    done = crossrec("plugins", "list", "--jsn")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("Error: ")
    assert "`crossrec plugins list --help`" in done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["plugins", "list", "--json"]])
def test_a_reader_that_goes_away_is_no_error(arguments):
    running = subprocess.Popen(
        [sys.executable, "-m", "crossrec", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    running.stdout.close()
    assert running.stderr.read() == ""
    running.stderr.close()
    assert running.wait() == 1


@pytest.fixture
def cli():
    """Return a root group with commands that go wrong in every way."""
    group = CrossrecGroup(name="crossrec")

    @group.command()
    def data():
        raise DataError("line 3 of events.csv\nhas no user")

    @group.command()
    def usage():
        raise UsageError("k must be 1 or more, not 0")

    @group.command()
    def bug():
        raise RuntimeError("index 7 is out of\nbounds")

    @group.command()
    def interrupt():
        raise KeyboardInterrupt

    @group.command()
    def declined():
        raise click.Abort

    @group.command()
    def code():
        raise click.exceptions.Exit(7)

    @group.command()
    def fine():
        click.echo("done")
        return "a value"

    return group


@pytest.mark.parametrize(
    ("command", "code", "err"),
    [
        ("data", 1, "Error: line 3 of events.csv has no user\n"),
        ("usage", 2, "Error: k must be 1 or more, not 0\n"),
        (
            "bug",
            1,
            "Error: RuntimeError: index 7 is out of bounds (set CROSSREC_DEBUG=1 to see where)\n",
        ),
        ("declined", 1, ""),
        ("code", 7, ""),
    ],
)
def test_every_error_is_one_line_and_a_code(cli, command, code, err, monkeypatch):
    monkeypatch.delenv("CROSSREC_DEBUG", raising=False)
    result = CliRunner().invoke(cli, [command])
    assert result.exit_code == code
    assert result.stderr == err
    assert result.stdout == ""


def test_ctrl_c_is_130(cli):
    result = CliRunner().invoke(cli, ["interrupt"])
    assert result.exit_code == 130
    assert "Traceback" not in result.output


def test_success_is_0_and_a_returned_value_is_no_code(cli):
    result = CliRunner().invoke(cli, ["fine"])
    assert (result.exit_code, result.stdout) == (0, "done\n")


@pytest.mark.parametrize("command", ["bug", "data"])
def test_debug_shows_the_traceback(cli, command, monkeypatch):
    monkeypatch.setenv("CROSSREC_DEBUG", "1")
    result = CliRunner().invoke(cli, [command])
    assert result.exit_code == 1
    assert "Traceback (most recent call last)" in result.stderr
    assert "CROSSREC_DEBUG" not in result.stderr.splitlines()[-1]


def test_errors_pass_through_where_the_caller_wants_them(cli):
    with pytest.raises(DataError):
        cli.main(["data"], standalone_mode=False)


def test_a_command_whose_module_is_missing_does_not_break_the_others(cli):
    cli.add_lazy("lost", "crossrec.cli.no_such_module:lost", "Not there.")
    cli.add_lazy("half", "crossrec.cli.table:no_such_command", "Not there either.")
    result = CliRunner().invoke(cli, ["--help"])
    assert result.exit_code == 0
    assert "Not there either." in result.stdout
    for name in ("lost", "half"):
        result = CliRunner().invoke(cli, [name])
        assert result.exit_code == 1
        assert result.stderr.startswith(f"Error: the command {name!r} cannot be loaded: ")


def test_main_is_a_command_for_clicks_own_test_runner():
    result = CliRunner().invoke(main, ["plugins", "list", "--hook", "register_stores"])
    assert result.exit_code == 0
    assert "builtin" in result.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_in_the_table_exists_and_has_help(name):
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0, result.stderr
    assert f"Usage: crossrec {name}" in result.stdout
