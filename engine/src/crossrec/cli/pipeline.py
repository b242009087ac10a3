"""``crossrec pipeline``: the pipeline that a fit would use, or that serves; other rules for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crossrec.errors import UsageError
from crossrec.terminal import echo_json, json_option, table, wait_option, workspace_option

if TYPE_CHECKING:
    from crossrec.pipeline.resolved import ResolvedPipeline
    from crossrec.pipeline.rule_preview import ListChange, RulePreview

#: So many changed lists are printed; --json has all.
_PRINTED = 10


@click.group(no_args_is_help=True)
def pipeline() -> None:
    """Show what a scenario is fitted with and answers from; change its rules."""


@pipeline.command("show")
@click.argument("scenario")
@click.option(
    "--pipeline",
    "pipeline_file",
    type=click.Path(path_type=Path),
    help="TOML file whose keys replace those of the scenario's default pipeline.",
)
@click.option("--fitted", is_flag=True, help="Show what serves in the workspace.")
@workspace_option
@json_option
def show_pipeline(
    scenario: str, pipeline_file: Path | None, fitted: bool, workspace: Path, as_json: bool
) -> None:
    """Show the pipeline of SCENARIO as a fit would use it, all defaults written out.

    It is a pipeline file: `crossrec fit SCENARIO --pipeline FILE` takes it as it is. --fitted shows
    the one that serves instead, with the chosen rankers and the sources that were left out.
    """
    if fitted and pipeline_file is not None:
        raise UsageError("--fitted shows what serves, --pipeline what would: use one of them")
    if fitted:
        _show_fitted(scenario, workspace, as_json=as_json)
        return
    from crossrec.pipeline.config_files import load_config
    from crossrec.pipeline.resolved import resolve_pipeline
    from crossrec.plugins.registry import load_registry

    registry = load_registry()
    known = registry.scenario(scenario)
    config = load_config(known, pipeline_file)
    resolved = resolve_pipeline(config, registry, known.main_surface)
    where = f", with the keys of {pipeline_file}" if pipeline_file is not None else ""
    _show(resolved, scenario, [f"The pipeline of {scenario}{where}."], {}, as_json=as_json)


def _show_fitted(scenario: str, workspace: Path, *, as_json: bool) -> None:
    """Show the pipeline that serves."""
    from dataclasses import asdict

    from crossrec.pipeline.engine import Engine
    from crossrec.pipeline.health import examine_scenario, surface_reports

    engine = Engine.open(workspace, background=False)
    serving = engine.serving(scenario)
    health = examine_scenario(engine, scenario)
    surfaces = surface_reports(serving, 0)
    notes = {label: [f"left out by the fit: {error}"] for label, error in health.failed.items()}
    notes |= {label: [f"unavailable: {error}"] for label, error in health.unavailable.items()}
    notes |= {
        one.name: [f"Serves: ranker {one.ranker} ({one.why}); known items {one.known_items}."]
        for one in surfaces
    }
    head = [
        f"The pipeline of {scenario} that serves, fitted on {health.events} events of "
        f"{health.users} users and {health.items} items.",
        *health.notes,
    ]
    extra = {
        "fitted": {
            "surfaces": [asdict(one) for one in surfaces],
            "failed": health.failed,
            "unavailable": health.unavailable,
            "notes": health.notes,
        }
    }
    resolved = serving.pipeline.resolved
    _show(resolved, scenario, head, notes, as_json=as_json, extra=extra)


def _show(
    resolved: ResolvedPipeline,
    scenario: str,
    head: list[str],
    notes: dict[str, list[str]],
    *,
    as_json: bool,
    extra: dict[str, Any] | None = None,
) -> None:
    from crossrec.pipeline.pipeline_file import effective, pipeline_text

    if as_json:
        values = effective(resolved).model_dump()
        main = resolved.main
        echo_json({"scenario": scenario, "main": main, "pipeline": values, **(extra or {})})
        return
    use = f"`crossrec fit {scenario} --pipeline FILE` takes it as it is."
    click.echo(pipeline_text(resolved, [*head, use], notes), nl=False)


@pipeline.command("apply")
@click.argument("scenario")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Show what lists would change; write nothing.")
@click.option("--surface", help="The surface to try.  [default: the main one]")
@click.option("--users", default=100, show_default=True, help="So many users are tried.")
@click.option("--user", "user_ids", multiple=True, help="Try this user (repeatable).")
@click.option("--seed", default=0, show_default=True, help="Which users are drawn.")
@workspace_option
@wait_option
@json_option
def apply_rules(
    scenario: str,
    file: Path,
    dry_run: bool,
    surface: str | None,
    users: int,
    user_ids: tuple[str, ...],
    seed: int,
    workspace: Path,
    wait: float | None,
    as_json: bool,
) -> None:
    """Let SCENARIO serve by the rules of FILE without a fit.

    Rules are the policies, filter and boost of the pipeline and of its surfaces, and the k and
    fallback of a surface. A file that changes anything else is refused. --dry-run answers for some
    users, or items, by the old and the new rules and shows which lists would change, and how.
    """
    from crossrec.pipeline.engine import Engine

    if not dry_run and (surface or user_ids):
        raise UsageError("--surface and --user say what a --dry-run tries: give that too")
    engine = Engine.open(workspace, background=False)
    engine.workspace.wait = wait
    if dry_run:
        preview = engine.preview_rules(
            scenario, file, surface=surface, users=users, user_ids=user_ids, seed=seed
        )
        if as_json:
            echo_json(preview.to_dict())
        else:
            _show_preview(preview)
        return
    rules = engine.apply_rules(scenario, file)
    if as_json:
        echo_json({"scenario": scenario, "rules": rules})
    elif rules:
        click.echo(f"{scenario} serves by other rules: {', '.join(rules)}")
    else:
        click.echo(f"{scenario} serves by these rules already")


def _show_preview(preview: RulePreview) -> None:
    """Print how many lists would change, and how the first of them."""
    if not preview.rules:
        click.echo(f"{preview.scenario} serves by these rules already")
        return
    click.echo(f"rules that differ: {', '.join(preview.rules)}")
    click.echo(
        f"surface {preview.surface}: {len(preview.changed)} of {len(preview.lists)} lists would "
        f"change ({preview.share:.0%}), mean overlap@{preview.k} {preview.overlap:.3f}"
    )
    table(("TIMES", "REASON"), ((times, code) for code, times in preview.codes.items()))
    table(
        ("LIST OF", "ITEM", "TITLE", "PLACE", "WHY"),
        (row for one in preview.changed[:_PRINTED] for row in _moves(one)),
    )
    if len(preview.changed) > _PRINTED:
        click.echo(f"and {len(preview.changed) - _PRINTED} more lists; --json has all")


def _moves(one: ListChange) -> list[tuple[object, ...]]:
    """Return a line for each item that leaves, enters or moves."""
    return [
        (
            one.subject,
            move.item_id,
            move.title,
            f"{move.before or 'out'} to {move.after or 'out'}",
            ", ".join(move.codes),
        )
        for move in one.moves
    ]
