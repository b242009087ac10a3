"""What a backbone brings to a scenario that it has never seen: seven real sets as targets.

Command: ``python benchmarks/transfer.py --cache FOLDER [--targets a,b] [--seeds 3]``. Needs the
research data sets in ``../shared/datasets`` or ``CROSSREC_DATASETS``; without them it does
nothing. Writes ``results/transfer.json``, a list with one report for each target and candidate
rule, and ``results/transfer-<target>.svg``.

For each target a backbone is pretrained on the other sets, never on the target. Finished parts are
kept in the cache folder, by target, budget and seed, so a stopped run goes on. On two cores the
whole table takes some hours.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from common import RESULTS, absent, machine, print_progress
from real_sets import SETS, TRANSFER, Sets

if TYPE_CHECKING:
    from crossrec_backbone.pretrained.model import Backbone
    from crossrec_backbone.pretraining.pretrain import PretrainConfig
    from crossrec_backbone.transfer import TransferReport, TransferSettings

#: Beyond so many items the exact solves and the folds of the adapter are cut down.
LARGE = 10_000


@dataclass(frozen=True)
class Curve:
    """One report to make: a target at several budgets.

    Attributes
    ----------
    users : int or None
        Test users, always the same; all where None.
    """

    target: str
    candidates: Literal["unseen", "all"]
    events: tuple[int | Literal["all"], ...]
    users: int | None = 2_000


CURVES = (
    Curve("scientific", "unseen", (0, 1_000, 10_000, "all"), None),
    Curve("scientific", "all", ("all",), None),
    Curve("uci", "unseen", (0, 1_000, 10_000, "all")),
    Curve("lastfm", "unseen", (0, 1_000, 10_000, "all")),
    Curve("ml-1m", "unseen", (0, 1_000, 10_000, "all")),
    Curve("beauty", "all", ("all",), None),
    Curve("microlens", "unseen", (0, 1_000, 10_000, "all")),
    Curve("yelp", "unseen", (0, 1_000, 10_000, "all")),
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


def settings_of(curve: Curve, items: int, seeds: int) -> TransferSettings:
    """Return the settings of one report."""
    from crossrec_backbone.adaptation.adapter import AdapterConfig
    from crossrec_backbone.relations.config import PriorConfig
    from crossrec_backbone.relations.statistics import BackboneConfig
    from crossrec_backbone.transfer import TransferSettings

    large = items > LARGE
    whole = curve.users is None  # those that have aims
    return TransferSettings(
        events=curve.events,
        seeds=seeds,
        users=curve.users,
        candidates=curve.candidates,
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

    names = [name for name in TRANSFER if name in sets.sources and name != target]
    folder = sets.cache / "backbones" / "-".join(names)
    if folder.is_dir():
        return load_backbone(folder)
    run = RunOptions(threads=1, progress=print_progress)
    sources = sets.without(target)
    backbone = pretrain(sources, pretraining(), run, checkpoint=sets.cache / "pretraining")
    folder.parent.mkdir(parents=True, exist_ok=True)
    save_backbone(folder, backbone)
    return backbone


def measured(curve: Curve, sets: Sets, seeds: int) -> TransferReport:
    """Make one report."""
    from crossrec.components.run import RunOptions
    from crossrec_backbone.transfer import transfer

    target = sets[curve.target]
    return transfer(
        target,
        name=curve.target,
        backbone=backbone_without(curve.target, sets),
        family=SETS[curve.target].scenario,
        settings=settings_of(curve, target.n_items, seeds),
        run=RunOptions(threads=1, progress=print_progress),
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
    parser.add_argument("--cache", type=Path, required=True, help="folder of finished parts")
    parser.add_argument("--targets", default="", help="only these, as a,b")
    parser.add_argument("--sources", default="", help="pretrain on these only, as a,b")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    options = parser.parse_args()
    if absent():
        return 0
    from crossrec_backbone.transfer.plot import plot

    wanted, sources = _names(options.targets), _names(options.sources)
    unknown = [name for name in (*wanted, *sources) if name not in TRANSFER]
    if unknown:
        parser.error(f"no set is called {unknown[0]}: {', '.join(TRANSFER)}")
    sets, reports = Sets(options.cache, sources or TRANSFER), []
    options.out.mkdir(parents=True, exist_ok=True)
    for curve in CURVES:
        if wanted and curve.target not in wanted:
            continue
        print(f"{curve.target}, {curve.candidates} …", flush=True)
        report = measured(curve, sets, options.seeds)
        reports.append(report)
        if len(report.levels) > 1:
            plot(report, options.out / f"transfer-{curve.target}.svg")
        for row in checks([report]):
            print(f"  {row}", flush=True)
        write(reports, options.out / "transfer.json")
    return 0


def write(reports: Sequence[TransferReport], path: Path) -> None:
    """Write the list of reports; those of other targets in the file stay."""
    fresh = [{**report.to_dict(), "machine": machine()} for report in reports]
    done = {(one["target"], one["candidates"]) for one in fresh}
    old = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    kept = [one for one in old if (one["target"], one["candidates"]) not in done]
    order = {(curve.target, curve.candidates): at for at, curve in enumerate(CURVES)}
    every = sorted([*kept, *fresh], key=lambda one: order[one["target"], one["candidates"]])
    text = json.dumps(every, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
