"""What a backbone brings to a scenario that it has never seen: seven real sets as targets.

Command: ``python benchmarks/transfer.py --cache FOLDER [--targets a,b] [--seeds 3]``. Needs the
research data sets in ``../shared/datasets`` or ``CROSSREC_DATASETS``; without them it says so and
ends well. Writes ``results/transfer.json``, a list with one report for each target and candidate
rule, and ``results/transfer-<target>.svg``.

For each target a backbone is pretrained on the other sets, never on the target. What is done lies
in the cache folder, by target, budget and seed, so a stopped run goes on. On two cores the whole
table takes some hours.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from common import RESULTS, absent, datasets, machine, say, temporary_workspace

if TYPE_CHECKING:
    import numpy as np
    from crossrec.data.dataset import Dataset
    from crossrec_backbone.pretrained.model import Backbone
    from crossrec_backbone.pretraining.pretrain import PretrainConfig
    from crossrec_backbone.transfer import TransferReport, TransferSettings

ENCODER = "transformer"
#: Beyond so many items the exact solves and the folds of the adapter are cut down.
LARGE = 10_000


@dataclass(frozen=True)
class RealSet:
    """One data set.

    Attributes
    ----------
    scenario : str
        Its scenario; also its family of domains.
    distinct : bool
        Count an item of a user once, where it stands first.
    least : int
        Keep only users with so many items and items with so many users, first the items.
    """

    name: str
    scenario: str
    importer: str
    folder: str
    distinct: bool = False
    least: int = 0


SETS = (
    RealSet("scientific", "ecommerce", "unisrec", "amazon18-scientific-unisrec"),
    RealSet("uci", "ecommerce", "uci-online-retail", "uci-online-retail", True, 5),
    RealSet("lastfm", "music", "llara-lastfm", "lastfm-llara"),
    RealSet("ml-1m", "video", "ml1m-sequences", "ml-1m-sequences"),
    RealSet("beauty", "ecommerce", "amazon14", "amazon14-beauty"),
    RealSet("microlens", "video", "microlens", "microlens-50k"),
    RealSet("yelp", "social", "yelp-s3rec", "yelp-s3rec", True),
)


@dataclass(frozen=True)
class Task:
    """One report to make.

    Attributes
    ----------
    users : int or None
        Test users, always the same; all where None.
    """

    target: str
    candidates: Literal["unseen", "all"]
    events: tuple[int | Literal["all"], ...]
    users: int | None = 2_000


TASKS = (
    Task("scientific", "unseen", (0, 1_000, 10_000, "all"), None),
    Task("scientific", "all", ("all",), None),
    Task("uci", "unseen", (0, 1_000, 10_000, "all")),
    Task("lastfm", "unseen", (0, 1_000, 10_000, "all")),
    Task("ml-1m", "unseen", (0, 1_000, 10_000, "all")),
    Task("beauty", "all", ("all",), None),
    Task("microlens", "unseen", (0, 1_000, 10_000, "all")),
    Task("yelp", "unseen", (0, 1_000, 10_000, "all")),
)

#: What is to be reached: (target, candidates, events) → recall@10 and ndcg@10 of the full method.
AIMS: dict[tuple[str, str, int | str], tuple[float, float]] = {
    ("scientific", "unseen", 0): (0.125, 0.082),
    ("scientific", "unseen", 1_000): (0.128, 0.085),
    ("scientific", "unseen", 10_000): (0.143, 0.098),
    ("scientific", "unseen", "all"): (0.160, 0.111),
    ("scientific", "all", "all"): (0.157, 0.109),
    ("beauty", "all", "all"): (0.118, 0.070),
}


def dataset_of(real: RealSet, cache: Path) -> Dataset:
    """Read a set as its importer does, and encode titles and texts; vectors lie in the cache."""
    from crossrec.components.run import RunOptions
    from crossrec.ingest import ingest_frames
    from crossrec.plugins.registry import load_registry

    folder, registry = datasets(), load_registry()
    assert folder is not None
    scenario = registry.scenario(real.scenario)
    with temporary_workspace() as (workspace, _):
        frames = registry.get("importers", real.importer).build()(folder / real.folder)
        ingest_frames(workspace, scenario, frames)
        dataset = tidied(workspace.dataset(scenario), real)
    encoder = registry.get("encoders", ENCODER).build()
    run, catalog = RunOptions(cache=cache / "vectors", threads=1), dataset.catalog
    dataset = dataset.with_vectors(ENCODER, encoder.encode(catalog, run))
    titles = encoder.encode(catalog.with_texts(catalog.titles), run)
    return dataset.with_vectors(f"{ENCODER}:title", titles)


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
    catalog = _catalog(dataset, np.flatnonzero(kept_items))
    return type(dataset).build(dataset.users, catalog, events, has_clock=False)


def _catalog(dataset: Dataset, items: np.ndarray) -> Any:
    """Return the catalogue of the chosen items."""
    from crossrec.data.catalog import Catalog
    from crossrec.data.vocabulary import Vocabulary

    old = dataset.catalog

    def chosen(column: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(column[i] for i in items)

    return Catalog(
        Vocabulary(chosen(old.items.ids)),
        chosen(old.titles),
        chosen(old.texts),
        chosen(old.categories),
        chosen(old.creators),
        old.known[items],
        {name: chosen(column) for name, column in old.attributes.items()},
    )


class Sets:
    """The data sets, read when they are first needed, and those of them that are sources."""

    def __init__(self, cache: Path, sources: Sequence[str]) -> None:
        self.cache, self.sources = cache, tuple(sources)
        self._read: dict[str, Dataset] = {}

    def __getitem__(self, name: str) -> Dataset:
        if name not in self._read:
            real = next(real for real in SETS if real.name == name)
            print(f"reading {name} …", flush=True)
            self._read[name] = dataset_of(real, self.cache)
        return self._read[name]


def settings_of(task: Task, items: int, seeds: int) -> TransferSettings:
    """Return the settings of one report."""
    from crossrec_backbone.adaptation.adapter import AdapterConfig
    from crossrec_backbone.relations.config import PriorConfig
    from crossrec_backbone.relations.statistics import BackboneConfig
    from crossrec_backbone.transfer import TransferSettings

    large = items > LARGE
    whole = task.users is None  # those whose figures are asked for
    return TransferSettings(
        events=task.events,
        seeds=seeds,
        users=task.users,
        candidates=task.candidates,
        backbone=BackboneConfig(prior=PriorConfig(exact_up_to=4_000 if large else 8_000)),
        adapter=AdapterConfig(queries=2_000 if large else 6_000 if whole else 3_000),
    )


def pretraining() -> PretrainConfig:
    """Return the settings of pretraining on these sets."""
    from crossrec_backbone.pretraining.pretrain import PretrainConfig
    from crossrec_backbone.relations.config import PriorConfig
    from crossrec_backbone.relations.statistics import BackboneConfig

    return PretrainConfig(backbone=BackboneConfig(prior=PriorConfig(exact_up_to=4_000)))


def backbone_without(target: str, sets: Sets) -> Backbone:
    """Pretrain on all sets but the target; their examples are made once for all targets."""
    from crossrec.components.run import RunOptions
    from crossrec_backbone.pretrained.model import load_backbone, save_backbone
    from crossrec_backbone.pretraining.pretrain import pretrain

    chosen = [real for real in SETS if real.name in sets.sources and real.name != target]
    folder = sets.cache / "backbones" / "-".join(real.name for real in chosen)
    if folder.is_dir():
        return load_backbone(folder)
    sources = [(real.name, real.scenario, sets[real.name]) for real in chosen]
    run = RunOptions(threads=1, progress=say)
    backbone = pretrain(sources, pretraining(), run, checkpoint=sets.cache / "pretraining")
    folder.parent.mkdir(parents=True, exist_ok=True)
    save_backbone(folder, backbone)
    return backbone


def measured(task: Task, sets: Sets, seeds: int) -> TransferReport:
    """Make one report."""
    from crossrec.components.run import RunOptions
    from crossrec_backbone.transfer import transfer

    target = sets[task.target]
    family = next(real.scenario for real in SETS if real.name == task.target)
    return transfer(
        target,
        name=task.target,
        backbone=backbone_without(task.target, sets),
        family=family,
        settings=settings_of(task, target.n_items, seeds),
        run=RunOptions(threads=1, progress=say),
        cache=sets.cache / "answers",
    )


def checks(reports: Sequence[TransferReport]) -> list[dict[str, Any]]:
    """Compare with the aims, and the full method with the best of content, EASE and fixed blend."""
    found = []
    for report in reports:
        for level in report.levels:
            full = report.mean("crossrec", level)
            got = [round(full.metrics[name], 4) for name in ("recall@10", "ndcg@10")]
            what = f"{report.target}, {report.candidates}, {level} events"
            aim = AIMS.get((report.target, report.candidates, level))
            if aim is not None:
                reached = got[0] >= aim[0] and got[1] >= aim[1]
                found.append({"check": what, "aim": list(aim), "got": got, "reached": reached})
            plain = [report.mean(name, level) for name in ("content", "ease", "fixed-blend")]
            best = max(plain, key=lambda point: point.metrics["ndcg@10"])
            verdict = report.verdict(level, best.method)
            aim_plain = [round(best.metrics[name], 4) for name in ("recall@10", "ndcg@10")]
            found.append(
                {
                    "check": f"{what}: never below {best.method}",
                    "aim": aim_plain,
                    "got": got,
                    "reached": verdict.ci95[1] >= 0,
                }
            )
            found.append(
                {
                    "check": f"{what}: pretraining",
                    "verdict": report.verdict(level).verdict,
                    "difference": round(report.verdict(level).difference, 5),
                }
            )
    return found


def _names(text: str) -> list[str]:
    """Split a list of names."""
    return [name.strip() for name in text.split(",") if name.strip()]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True, help="folder for what is done")
    parser.add_argument("--targets", default="", help="only these, as a,b")
    parser.add_argument("--sources", default="", help="pretrain on these only, as a,b")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    options = parser.parse_args()
    if absent():
        return 0
    from crossrec_backbone.transfer.plot import plot

    wanted, sources = _names(options.targets), _names(options.sources)
    every = [real.name for real in SETS]
    unknown = [name for name in (*wanted, *sources) if name not in every]
    if unknown:
        parser.error(f"no set is called {unknown[0]}: {', '.join(every)}")
    sets, reports = Sets(options.cache, sources or every), []
    options.out.mkdir(parents=True, exist_ok=True)
    for task in TASKS:
        if wanted and task.target not in wanted:
            continue
        print(f"{task.target}, {task.candidates} …", flush=True)
        report = measured(task, sets, options.seeds)
        reports.append(report)
        if len(report.levels) > 1:
            plot(report, options.out / f"transfer-{task.target}.svg")
        for row in checks([report]):
            print(f"  {row}", flush=True)
        write(reports, options.out / "transfer.json")
    return 0


def write(reports: Sequence[TransferReport], path: Path) -> None:
    """Write the list of reports; those of other targets that stand in the file stay."""
    fresh = [{**report.to_dict(), "machine": machine()} for report in reports]
    done = {(one["target"], one["candidates"]) for one in fresh}
    old = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    kept = [one for one in old if (one["target"], one["candidates"]) not in done]
    order = {(task.target, task.candidates): at for at, task in enumerate(TASKS)}
    every = sorted([*kept, *fresh], key=lambda one: order[one["target"], one["candidates"]])
    text = json.dumps(every, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
