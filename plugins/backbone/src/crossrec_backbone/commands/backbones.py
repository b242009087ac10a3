"""``crossrec backbones``: list, show, export and import pretrained backbones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from crossrec.terminal import echo_json, json_option, table, workspace_option

if TYPE_CHECKING:
    from crossrec.pipeline.pretrained import PretrainedSurvey

    from crossrec_backbone.pretrained.library import Body

_DEFAULT = {True: "without events", False: ""}


@click.group()
def backbones() -> None:
    """Pretrained backbones: in the workspace and in installed packages."""


@backbones.command("list")
@workspace_option
@json_option
def list_(workspace: Path, as_json: bool) -> None:
    """List every backbone that `fit --backbone` can name."""
    seen = _survey(workspace)
    for broken in seen.broken:
        click.echo(f"Warning: {broken.origin} is broken: {broken.error}", err=True)
    found = [
        {
            "name": one.reference,
            "source": _source(one.path),
            "origin": one.origin,
            "path": one.path,
            "default": one == seen.default,
        }
        for one in seen.found
    ]
    if as_json:
        echo_json(found)
        return
    if not seen.found:
        click.echo(
            "no backbones: `crossrec pretrain` makes one, `crossrec backbones import` takes one in"
        )
        return
    rows = [
        (one["name"], one["source"], one["origin"], _DEFAULT[bool(one["default"])], one["path"])
        for one in found
    ]
    table(("NAME", "SOURCE", "FROM", "DEFAULT", "PATH"), rows)


@backbones.command()
@click.argument("name")
@workspace_option
@json_option
def show(name: str, workspace: Path, as_json: bool) -> None:
    """Show the model card of the backbone NAME."""
    from crossrec.pipeline.pretrained import find_pretrained

    from crossrec_backbone.pretrained.library import Body, load

    path = find_pretrained(name, _survey(workspace).folders())
    backbone = load(path)
    if isinstance(backbone, Body):
        _show_body(name, path, backbone, as_json)
        return
    if as_json:
        echo_json({"name": name, "path": path, "heads": list(backbone.heads), **backbone.card})
        return
    click.echo(f"{name}: heads {', '.join(backbone.heads)}")
    for key in ("about", "use", "licence"):
        if key in backbone.card:
            click.echo(f"{key}: {backbone.card[key]}")
    columns = ("SOURCE", "FAMILY", "ITEMS", "USERS", "EVENTS", "LICENCE")
    keys = ("name", "family", "items", "users", "events", "licence")
    table(columns, [[source[key] for key in keys] for source in backbone.card["sources"]])
    click.echo(f"\n{backbone.card['leave_one_out']['metric']}:")
    _show_measured(backbone.card["leave_one_out"]["results"])
    for limit in backbone.card["limits"]:
        click.echo(f"limit: {limit}")


@backbones.command()
@click.argument("name")
@click.argument("folder", type=click.Path(path_type=Path))
@workspace_option
def export(name: str, folder: Path, workspace: Path) -> None:
    """Copy the backbone NAME to the new FOLDER."""
    from crossrec.pipeline.pretrained import find_pretrained

    from crossrec_backbone.pretrained.library import export as copy_out

    source = find_pretrained(name, _survey(workspace).folders())
    click.echo(f"{name} exported to {copy_out(source, folder)}")


@backbones.command("import")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--name", help="Name in the workspace; that of the folder by default.")
@click.option("--replace", is_flag=True, help="Replace a backbone of the same name.")
@workspace_option
def import_(folder: Path, name: str | None, replace: bool, workspace: Path) -> None:
    """Take the backbone in FOLDER into the workspace."""
    from crossrec.pipeline.pretrained import FOLDER
    from crossrec.workspace import Workspace

    from crossrec_backbone.pretrained.library import take_in

    opened = Workspace.create(workspace)
    name = name or folder.resolve().name
    path = take_in(folder, name, opened.path / FOLDER, replace=replace)
    click.echo(f"{name} imported to {path}")


def _survey(workspace: Path) -> PretrainedSurvey:
    """Return the backbones of the workspace, which need not exist, and of what is installed."""
    from crossrec.pipeline.pretrained import FOLDER, survey_pretrained
    from crossrec.plugins.registry import load_registry

    return survey_pretrained(workspace / FOLDER, load_registry())


def _source(path: Path) -> str:
    """Return the source that a backbone belongs to; a damaged one is named and stops nothing."""
    from crossrec.errors import ArtifactError
    from crossrec.pipeline.pretrained import source_of

    try:
        return source_of(path)
    except ArtifactError as error:
        click.echo(f"Warning: {error}", err=True)
        return "?"


def _show_body(name: str, path: Path, body: Body, as_json: bool) -> None:
    """Print the card of a body."""
    card = body.card
    if as_json:
        echo_json({"name": name, "path": path, **card})
        return
    click.echo(f"{name}: a body of the source {card['source']}")
    keys = ("name", "items", "users", "events", "licence")
    table([key.upper() for key in keys], [[one[key] for key in keys] for one in card["sources"]])
    for source, ndcg in card["training"]["ndcg@10"].items():
        figures = ", ".join(f"{value:.4f} {when}" for when, value in ndcg.items())
        click.echo(f"{source}, ndcg@10 on held-out events: {figures}")
    for limit in card["limits"]:
        click.echo(f"limit: {limit}")


def _show_measured(results: dict[str, dict[str, dict[str, float]]]) -> None:
    """Print the leave-one-out figures, one row for each source and level."""
    rows = [
        (source, level, *(f"{ndcg[name]:.4f}" if name in ndcg else "–" for name in _METHODS))
        for source, levels in results.items()
        for level, ndcg in levels.items()
    ]
    table(("SOURCE", "EVENTS", *(name.upper() for name in _METHODS)), rows)


_METHODS = ("closed form", "general", "family")
