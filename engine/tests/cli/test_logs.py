from __future__ import annotations

import logging

import click
import pytest
from click.testing import CliRunner
from crossrec.cli.logs import OneLine, show_warnings
from crossrec.cli.root import CrossrecGroup


@pytest.fixture
def cli(monkeypatch):
    monkeypatch.delenv("CROSSREC_DEBUG", raising=False)
    group = CrossrecGroup(name="crossrec")

    @group.command()
    def warn():
        try:
            raise ValueError("two\nlines")
        except ValueError as error:
            logging.getLogger("crossrec.pipeline.fit").warning("source ease", exc_info=error)
        logging.getLogger("crossrec.data").warning("3 rows %s", "skipped")
        logging.getLogger("crossrec.data").info("not shown")
        logging.getLogger("other").debug("not ours")
        click.echo("done")

    return group


def test_a_warning_is_one_line_on_stderr_without_its_traceback(cli):
    result = CliRunner().invoke(cli, ["warn"])
    assert result.stdout == "done\n"
    assert result.stderr.splitlines() == [
        "Warning: source ease: ValueError: two lines",
        "Warning: 3 rows skipped",
    ]


def test_the_traceback_is_shown_where_it_is_wanted(cli, monkeypatch):
    monkeypatch.setenv("CROSSREC_DEBUG", "1")
    assert "Traceback (most recent call last)" in CliRunner().invoke(cli, ["warn"]).stderr


def test_running_twice_prints_once(cli):
    CliRunner().invoke(cli, ["warn"])
    show_warnings()
    result = CliRunner().invoke(cli, ["warn"])
    assert len(result.stderr.splitlines()) == 2
    handlers = logging.getLogger("crossrec").handlers
    assert sum(isinstance(handler, OneLine) for handler in handlers) == 1


def test_a_broken_plugin_is_one_line_for_a_command_that_needs_plugins(plugins):
    plugins.add("bad", "1 / 0\n")
    done = plugins.crossrec("scenarios", "list", "--json", CROSSREC_PLUGINS="bad")
    assert (done.returncode, done.stdout) == (0, "[]\n")
    assert done.stderr == (
        "Warning: Skipped plugin bad (crossrec-bad): ZeroDivisionError: division by zero\n"
    )
