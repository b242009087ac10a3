"""The options that choose a model and bound what it may cost."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import click
from crossrec.errors import UsageError

from crossrec_language.calls.chosen import Choice

Command = TypeVar("Command", bound=Callable[..., Any])


def model_options(command: Command) -> Command:
    """Add ``--model``, ``--set``, ``--calls`` and ``--seconds``; gives ``choice: Choice``."""

    @wraps(command)
    def called(
        *args: Any, model: str, settings: tuple[str, ...], calls: int, seconds: float, **rest: Any
    ) -> Any:
        choice = Choice(model, settings_of(settings), calls=calls, seconds=seconds)
        return command(*args, choice=choice, **rest)

    options = (
        click.option(
            "--model",
            default="",
            help="Language model; that of crossrec.toml by default, `template` for none.",
        ),
        click.option(
            "--set", "settings", multiple=True, metavar="KEY=VALUE", help="A setting of the model."
        ),
        click.option(
            "--calls", type=click.IntRange(min=0), default=200, show_default=True,
            help="Calls of a model at most.",
        ),
        click.option(
            "--seconds", type=click.FloatRange(min=0), default=600.0, show_default=True,
            help="Time that all calls may take.",
        ),
    )  # fmt: skip
    for option in reversed(options):
        called = option(called)
    return called  # type: ignore[return-value]


def settings_of(pairs: tuple[str, ...]) -> dict[str, Any]:
    """Return the settings of ``KEY=VALUE``; a value that is no TOML is a text.

    Raises
    ------
    UsageError
        For what is no such pair.
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"--set {pair!r}: write KEY=VALUE")
        try:
            found[key.strip()] = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            found[key.strip()] = text.strip()
    return found


def who_options(command: Command) -> Command:
    """Add ``--user`` and ``--history``; gives ``user: str | None``, ``history: list | None``."""

    @wraps(command)
    def called(*args: Any, history: str | None, **rest: Any) -> Any:
        ids = None if history is None else [one.strip() for one in history.split(",")]
        return command(*args, history=None if ids is None else [one for one in ids if one], **rest)

    given = click.option("--history", help="Item ids, oldest first: i1,i2,i3.")(called)
    user = click.option("--user", help="User id; the history is read from the workspace.")
    return user(given)  # type: ignore[return-value]
