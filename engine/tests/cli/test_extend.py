"""Commands of plugins: added, lazy, isolated."""

from __future__ import annotations

import re

import pytest

HELLO = """
    import click

    @hookimpl
    def register_commands(cli):
        @cli.command()
        @click.option("--name", default="world")
        def hello(name):
            "Say hello."
            click.echo(f"hello {name}")
    """


def test_a_plugin_adds_a_command(plugins):
    plugins.add("hello", HELLO)
    assert re.search(r"(?m)^  hello +Say hello\.$", plugins.crossrec("--help").stdout)
    done = plugins.crossrec("hello", "--name", "you")
    assert (done.returncode, done.stdout, done.stderr) == (0, "hello you\n", "")


def test_a_lazy_command_is_imported_when_it_is_called(plugins):
    (plugins.folder / "greet_command.py").write_text(
        "import click\nprint('imported')\n@click.command()\ndef greet(): click.echo('hi')\n"
    )
    plugins.add(
        "greet",
        """
        @hookimpl
        def register_commands(cli):
            cli.add_lazy("greet", "greet_command:greet", "Greets.")
        """,
    )
    listed = plugins.crossrec("--help").stdout
    assert "Greets." in listed
    assert "imported" not in listed
    assert plugins.crossrec("greet").stdout == "imported\nhi\n"


def test_the_engines_commands_do_not_load_plugins(plugins):
    plugins.add("loud", "import sys; print('loaded loud', file=sys.stderr)\n" + "x = 1\n")
    assert "loaded loud" in plugins.crossrec("--help").stderr
    assert "loaded loud" not in plugins.crossrec("install", "--help").stderr


BROKEN = {
    "import": "import no_such_library\n",
    "exit": "raise SystemExit(4)\n",
    "typo": "@hookimpl\ndef register_command(cli): pass\n",
    "raises": "@hookimpl\ndef register_commands(cli): raise ValueError('no display')\n",
    "half": HELLO + "\n        raise ValueError('no display')\n",
    "exits": "@hookimpl\ndef register_commands(cli): raise SystemExit(5)\n",
}


@pytest.mark.parametrize("source", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_plugin_does_not_stop_the_command_line_and_is_named(plugins, source):
    plugins.add("wreck", source)
    plugins.add("zgood", HELLO.replace("hello", "good"))
    listed = plugins.crossrec("--help")
    assert listed.returncode == 0
    assert "  good " in listed.stdout
    assert "Say hello" not in listed.stdout
    assert "wreck (crossrec-wreck)" in listed.stdout
    assert plugins.crossrec("good").stdout == "good world\n"
    checked = plugins.crossrec("plugins", "check")
    assert checked.returncode == 1
    assert "wreck (crossrec-wreck) is failed: " in checked.stdout


def test_a_command_name_that_is_taken_fails_the_plugin_and_names_both(plugins):
    plugins.add("aaa", HELLO)
    plugins.add("bbb", HELLO)
    plugins.add("ccc", HELLO.replace("hello", "fit"))
    listed = plugins.crossrec("plugins", "check").stdout
    assert (
        "bbb (crossrec-bbb) is failed: command 'hello' is already added by crossrec-aaa" in listed
    )
    assert "ccc (crossrec-ccc) is failed: command 'fit' is already added by crossrec" in listed
    assert plugins.crossrec("hello").stdout == "hello world\n"


def test_a_plugin_that_fails_at_its_commands_gives_back_its_components(plugins, encoder_plugin):
    plugins.add(
        "both",
        encoder_plugin("lost")
        + "\n            @hookimpl\n            def register_commands(cli): 1 / 0\n",
    )
    done = plugins.python(
        "from crossrec.cli.plugins import plugin_states\n"
        "from crossrec.plugins.registry import load_registry\n"
        "print([s.error for s in plugin_states() if s.name == 'both'])\n"
        "print(load_registry(warn=False).names('encoders'))\n"
    )
    errors, names = done.stdout.splitlines()
    assert errors == "['ZeroDivisionError: division by zero']"
    assert "lost" not in names


def test_a_subset_that_names_nothing_real_still_shows_help(plugins):
    done = plugins.crossrec("--help", CROSSREC_PLUGINS="no-such-plugin")
    assert done.returncode == 0
    assert "Commands:" in done.stdout
    assert done.stderr.startswith("Warning: CROSSREC_PLUGINS names 'no-such-plugin'")


def test_authors_see_their_exception(plugins):
    plugins.add("mine", "raise RuntimeError('the cause')\n")
    done = plugins.crossrec("plugins", "list", CROSSREC_STRICT_PLUGINS="1")
    assert done.returncode == 1
    assert done.stderr == "Error: plugin mine of crossrec-mine failed: RuntimeError: the cause\n"
    done = plugins.crossrec("plugins", "list", CROSSREC_STRICT_PLUGINS="1", CROSSREC_DEBUG="1")
    assert "Traceback" in done.stderr


def test_strict_covers_commands_too(plugins):
    plugins.add("mine", "@hookimpl\ndef register_commands(cli): 1 / 0\n")
    done = plugins.crossrec("plugins", "check", CROSSREC_STRICT_PLUGINS="1")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: plugin mine of crossrec-mine failed: ZeroDivisionError")
