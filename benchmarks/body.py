"""What a body that was pretrained on other scenarios is worth to one that it has never seen.

Command: ``python benchmarks/body.py --cache FOLDER [--bodies transformer,rnn] [--targets a,b]
[--sources a,b] [--events 0,1000,10000] [--seeds 3] [--minutes 30] [--device cuda] [--again]``.
Needs the research data sets in ``../shared/datasets`` or ``CROSSREC_DATASETS``; without them it
does nothing.

For each target a body is pretrained on the other sets, never on the target, and kept in the cache
folder. Each body, target, budget and seed is measured in a process of its own and writes a file
into ``results/body``, from which the table in ``docs/transfer.md`` is generated: the source that
starts from the body and the same source without it, on the budgets and test users of the transfer
report. What is there is measured again only with ``--again``; a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import RESULTS, absent, machine, print_progress, write_whole
from real_sets import ENCODER, TRANSFER, Sets

if TYPE_CHECKING:
    from crossrec.components.run import RunOptions
    from crossrec_backbone.transfer import MeasuredBody

CELLS = RESULTS / "body"
BODIES = ("transformer", "rnn")
#: Test users of each target, always the same.
USERS = 2_000
#: Seconds of each training on a target.
FIT_SECONDS = 180.0


@dataclass(frozen=True)
class Cell:
    """One budget of one target, under one seed.

    Attributes
    ----------
    level : int or "all"
    """

    body: str
    target: str
    level: int | str
    seed: int

    @property
    def path(self) -> Path:
        """Where the outcome lies."""
        return CELLS / f"{self.body}.{self.target}.{self.level}.{self.seed}.json"


class Progress:
    """Prints what is new: a training says the same through all steps of an epoch."""

    last = ""

    def __call__(self, message: str, done: int, total: int) -> None:
        """Print a message that differs from the one before."""
        if message != self.last:
            print_progress(message, done, total)
            self.last = message


def pretrained(body: str, target: str, sets: Sets, minutes: float, run: RunOptions) -> MeasuredBody:
    """Return a body that was pretrained on all sets but the target; made once for each."""
    from dataclasses import replace

    from crossrec.artifacts import write_pretrained
    from crossrec.pipeline.kept_fits import StateFolder
    from crossrec.plugins.registry import load_registry
    from crossrec_backbone.pretraining.body import learnt
    from crossrec_backbone.transfer import MeasuredBody

    source = load_registry().get("candidate_generators", body)
    names = [name for name in TRANSFER if name in sets.sources and name != target]
    folder = sets.cache / "bodies" / "-".join([body, *names])
    if not folder.is_dir():
        datasets = {name: sets[name] for name in names}
        parts = StateFolder(folder.with_name(f"{folder.name}.parts"))
        settings = {"training": {"epochs": 8, "patience": 2, "seconds": 60.0 * minutes}}
        run = replace(run, checkpoints=parts)
        made, lines = learnt(source, datasets, run, {**settings, "encoder": ENCODER})
        print("\n".join(lines), flush=True)
        write_pretrained(folder, made.card, made.state)
    return MeasuredBody.at(source, folder, {"training": {"seconds": FIT_SECONDS}})


def measured(cell: Cell, sets: Sets, minutes: float, device: str) -> dict[str, Any]:
    """Measure one cell: ndcg@10 and recall@10 of each test user, with and without pretraining."""
    from crossrec.components.run import RunOptions
    from crossrec_backbone.transfer.bodies import body_places
    from crossrec_backbone.transfer.budgets import cut, drawn
    from crossrec_backbone.transfer.figures import gains

    run = RunOptions(seed=0, threads=1, device=device, progress=Progress())
    body = pretrained(cell.body, cell.target, sets, minutes, run)
    split = cut(sets[cell.target], users=USERS, unseen=True)
    dataset = drawn(split.train, cell.level, cell.seed)  # type: ignore[arg-type]
    started = time.process_time()
    quiet = RunOptions(seed=cell.seed, threads=1, device=device)
    found = body_places(body, dataset, split.queries, split.targets, quiet)
    figures = {method: gains(place) for method, place in found.of.items()}
    return {
        "body": cell.body, "target": cell.target, "level": cell.level, "seed": cell.seed,
        "events": len(dataset.interactions), "items": dataset.n_items,
        "users": len(split.targets), "sources": body.sources, "minutes": minutes,
        "cpu_seconds": round(time.process_time() - started, 1), "machine": machine(),
        "learnt": dict(found.learnt),
        "recall@10": {name: table[:, 0].round(4).tolist() for name, table in figures.items()},
        "ndcg@10": {name: table[:, 1].round(4).tolist() for name, table in figures.items()},
    }  # fmt: skip


def keep(cell: Cell, values: Mapping[str, Any]) -> None:
    """Write an outcome, whole or not at all."""
    text = json.dumps(values, ensure_ascii=False, allow_nan=False) + "\n"
    write_whole(cell.path, text)


def cells(options: argparse.Namespace) -> list[Cell]:
    """Return the cells that the options leave: all of one seed before the next."""
    from crossrec_backbone.transfer import parse_events

    targets = _names(options.targets) or list(TRANSFER)
    return [
        Cell(body, target, level, seed)
        for seed in range(options.seeds)
        for target in targets
        for body in _names(options.bodies)
        for level in parse_events(options.events)
        if not (level == 0 and seed)  # nothing is drawn and nothing trained
    ]


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True, help="folder of bodies and vectors")
    parser.add_argument("--bodies", default=",".join(BODIES))
    parser.add_argument("--targets", default="", help="only these, as a,b")
    parser.add_argument("--sources", default="", help="pretrain on these only, as a,b")
    parser.add_argument("--events", default="0,1000,10000")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=30.0, help="of pretraining a body")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--again", action="store_true", help="measure what is there once more")
    parser.add_argument("--cell", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if absent():
        return 0
    sets = _names(f"{options.targets},{options.sources}")
    unknown = [name for name in sets if name not in TRANSFER]
    unknown += [name for name in _names(options.bodies) if name not in BODIES]
    if unknown:
        parser.error(f"nothing is called {unknown[0]}: {', '.join((*BODIES, *TRANSFER))}")
    if options.cell is not None:
        (cell,) = (one for one in cells(options) if one.seed == options.cell)
        sources = Sets(options.cache, _names(options.sources) or TRANSFER)
        keep(cell, measured(cell, sources, options.minutes, options.device))
        return 0
    for cell in cells(options):
        if cell.path.is_file() and not options.again:
            continue
        print(f"{cell.body}, {cell.target}, {cell.level} events, seed {cell.seed} …", flush=True)
        _in_a_process(cell, options)
    return 0


def _in_a_process(cell: Cell, options: argparse.Namespace) -> None:
    """Measure one cell in a process of its own."""
    command = [
        sys.executable, __file__, f"--cache={options.cache}", f"--cell={cell.seed}",
        f"--bodies={cell.body}", f"--targets={cell.target}", f"--events={cell.level}",
        f"--seeds={cell.seed + 1}", f"--sources={options.sources}",
        f"--minutes={options.minutes}", f"--device={options.device}",
    ]  # fmt: skip
    subprocess.run(command, check=True)


if __name__ == "__main__":
    sys.exit(main())
