"""``crossrec language check``: which features would really call a model."""

from __future__ import annotations

from pathlib import Path

import click
from crossrec.terminal import echo_json, json_option, table, workspace_option

from crossrec_language.calls.chosen import Choice
from crossrec_language.commands.options import model_options


@click.command()
@workspace_option
@model_options
@json_option
@click.pass_context
def check(context: click.Context, workspace: Path, choice: Choice, as_json: bool) -> None:
    """Call the chosen model as each feature does, and show what each would use.

    The exit code is 1 where a model is chosen and a feature would do without it.
    """
    from crossrec.plugins.registry import load_registry

    from crossrec_language.calls.chosen import caller_for, opened
    from crossrec_language.features.registered import FEATURES, checked, has_failed

    caller = caller_for(load_registry(), opened(workspace), choice)
    results = checked(caller, FEATURES)
    if as_json:
        echo_json([vars(one) for one in results])
    else:
        click.echo(f"model: {caller.name}")
        rows = [
            (one.feature, "yes" if one.called else "no", one.uses, one.seconds, one.problem)
            for one in results
        ]
        table(("FEATURE", "CALLED", "WOULD USE", "SECONDS", "WHY NOT THE MODEL"), rows)
    context.exit(1 if has_failed(results) else 0)
