"""``crossrec by-picture``: items whose texts a picture finds."""

from __future__ import annotations

from pathlib import Path

import click
from crossrec.terminal import echo_json, json_option, progress, table, workspace_option


@click.command("by-picture", short_help="Items whose texts fit a picture.")
@click.argument("scenario")
@click.argument("picture", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--images",
    required=True,
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder of pictures named by item id: the map is learned on them.",
)
@click.option("--model", default="efficientnet-lite0", show_default=True, help="Image model.")
@click.option("-k", "count", default=10, show_default=True, help="How many items.")
@workspace_option
@json_option
def by_picture(
    scenario: str,
    picture: Path,
    images: Path,
    model: str,
    count: int,
    workspace: Path,
    as_json: bool,
) -> None:
    """Find items of SCENARIO by what their texts say, for a PICTURE that need not be among them.

    A linear map from pictures to texts is learned on the items that have both, and judged on
    held-out ones beside the same map of shuffled pairs: where the two are close, it says nothing.
    """
    from crossrec.components.run import RunOptions
    from crossrec.plugins.registry import load_registry
    from crossrec.workspace import Workspace

    from crossrec_media.images.search import search

    registry = load_registry()
    place = Workspace.open(workspace, registry)
    dataset = place.dataset(registry.scenario(scenario))
    with progress() as shown:
        run = RunOptions(cache=place.cache, progress=shown)
        found = search(dataset.catalog, registry, scenario, picture, images, model, count, run)
    if as_json:
        echo_json(found.to_dict())
        return
    titles = [[str(at), id_, title] for at, (id_, title) in enumerate(found.items, start=1)]
    table(["#", "ITEM", "TITLE"], titles)
    click.echo()
    click.echo(found.line)
