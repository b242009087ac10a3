"""The research data sets: where each is, how it is read, and the vectors of its texts.

They are looked for in ``../shared/datasets`` or ``CROSSREC_DATASETS``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from common import datasets, temporary_workspace

if TYPE_CHECKING:
    from crossrec.data.dataset import Dataset
    from crossrec.pipeline.config import PipelineConfig
    from crossrec.scenario import Scenario
    from crossrec.workspace import Workspace

ENCODER = "transformer"


@dataclass(frozen=True)
class RealSet:
    """One data set.

    Attributes
    ----------
    scenario : str
        Its scenario; also its family of domains.
    importer : str
    folder : str
        Its folder among the data sets.
    distinct : bool
        Count an item of a user once, at its first occurrence.
    least : int
        Keep only users with so many items and items with so many users, first the items.
    """

    name: str
    scenario: str
    importer: str
    folder: str
    distinct: bool = False
    least: int = 0


SETS = {
    real.name: real
    for real in (
        RealSet("scientific", "ecommerce", "unisrec", "amazon18-scientific-unisrec"),
        RealSet("uci", "ecommerce", "uci-online-retail", "uci-online-retail", True, 5),
        RealSet("lastfm", "music", "llara-lastfm", "lastfm-llara"),
        RealSet("ml-1m", "video", "ml1m-sequences", "ml-1m-sequences"),
        RealSet("ml-small", "video", "movielens", "movielens-small-timestamps/ml-latest-small"),
        RealSet("beauty", "ecommerce", "amazon14", "amazon14-beauty"),
        RealSet("microlens", "video", "microlens", "microlens-50k"),
        RealSet("yelp", "social", "yelp-s3rec", "yelp-s3rec", True),
        RealSet("deskdrop", "social", "deskdrop", "deskdrop-interactions"),
        RealSet("quantum", "social", "stackexchange", "stackexchange-quantumcomputing"),
        RealSet("completejourney", "ecommerce", "completejourney", "completejourney-sample"),
    )
}
#: The sets between which transfer is measured, in the order in which they are pretrained on.
TRANSFER = ("scientific", "uci", "lastfm", "ml-1m", "beauty", "microlens", "yelp")


def ingest(real: RealSet, workspace: Workspace) -> Scenario:
    """Ingest a set with its importer and return its scenario."""
    from crossrec.ingest import ingest_frames
    from crossrec.plugins.registry import load_registry

    folder, registry = datasets(), load_registry()
    assert folder is not None
    scenario = registry.scenario(real.scenario)
    frames = registry.get("importers", real.importer).build()(folder / real.folder)
    ingest_frames(workspace, scenario, frames)
    return scenario


def read(real: RealSet, cache: Path) -> Dataset:
    """Read a set as its importer does, and encode titles and texts; vectors are kept in `cache`."""
    from crossrec.components.run import RunOptions
    from crossrec.components.vectors import title_name, with_encoded
    from crossrec.plugins.registry import load_registry

    with temporary_workspace() as (workspace, _):
        dataset = tidied(workspace.dataset(ingest(real, workspace)), real)
    encoder = load_registry().get("encoders", ENCODER).build()
    run = RunOptions(cache=cache / "vectors", threads=1)
    return with_encoded(dataset, encoder, run, ENCODER, title_name(ENCODER))


def tidied(dataset: Dataset, real: RealSet) -> Dataset:
    """Drop repeats and what is rare, as the set's own rules have it."""
    import numpy as np
    from crossrec.data.events import Events

    if not real.distinct and not real.least:
        return dataset
    sequences = dataset.sequences.distinct() if real.distinct else dataset.sequences
    users, items = sequences.row_of, sequences.values
    kept_items = np.bincount(items, minlength=dataset.n_items) >= max(real.least, 1)
    kept = kept_items[items]
    kept_users = np.bincount(users[kept], minlength=dataset.n_users) >= max(real.least, 1)
    kept &= kept_users[users]
    new = np.cumsum(kept_items) - 1
    events = Events.from_columns(users[kept], new[items[kept]])
    catalog = dataset.catalog.take(np.flatnonzero(kept_items).tolist())
    return type(dataset).build(dataset.users, catalog, events, has_clock=False)


def without_pretraining(scenario: Scenario) -> PipelineConfig:
    """Return the scenario's default pipeline, its backbone not pretrained.

    The shipped backbones have seen most of these sets, the test events among them.
    """
    from crossrec.pipeline.config_files import load_config, parse_config
    from crossrec.pipeline.with_backbone import with_backbone

    values = with_backbone(load_config(scenario), "none", scenario.name).model_dump(
        exclude_unset=True
    )
    values["sources"][0]["settings"]["backbone"] = ""
    return parse_config(values, scenario.name)


class Sets:
    """The data sets, read when they are first needed, and the names of those that are sources."""

    def __init__(self, cache: Path, sources: Sequence[str]) -> None:
        self.cache, self.sources = cache, tuple(sources)
        self._read: dict[str, Dataset] = {}

    def __getitem__(self, name: str) -> Dataset:
        if name not in self._read:
            print(f"reading {name} …", flush=True)
            self._read[name] = read(SETS[name], self.cache)
        return self._read[name]

    def without(self, *names: str) -> list[tuple[str, str, Dataset]]:
        """Return (name, family, data) of all sources but some, in the order of pretraining."""
        chosen = [name for name in TRANSFER if name in self.sources and name not in names]
        return [(name, SETS[name].scenario, self[name]) for name in chosen]
