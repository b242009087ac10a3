"""Neural bodies, losses, inputs and heads beside each other, under one trainer.

Command: ``make deep`` or ``python benchmarks/deep.py [--groups a,b] [--sets a,b] [--trials a,b]
[--seeds 3] [--jobs 2] [--again]``. Needs the research data sets in ``../shared/datasets`` or
``CROSSREC_DATASETS``; without them it does nothing.

Every trial with every seed is fitted on one thread in a process of its own, ``--jobs`` of them
beside each other, and writes a file into
``results/deep``, from which the tables in ``docs/neural.md`` are generated. What is there is
measured again only with ``--again``; a run that was stopped goes on. Settings are chosen on
validation alone: a file has the figures of both parts, and ndcg@10 of each validation user for
paired comparisons. The group ``gain`` adds a body to the default pipeline (``gain.py``).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from common import HERE, RESULTS, absent, machine, peak_mib, write_whole
from crossrec.components.eligibility import ALL, UNSEEN, CandidateRule, queries_of
from crossrec.components.run import RunOptions
from crossrec.evaluation import metrics
from crossrec.evaluation.protocol import EvaluationProtocol
from crossrec.plugins.registry import load_registry
from gain import gained
from real_sets import ENCODER, SETS, RealSet, read

if TYPE_CHECKING:
    from crossrec.components.protocols import CandidateGenerator
    from crossrec.data.splits import Split, Targets
    from numpy.typing import NDArray

CELLS = RESULTS / "deep"
VECTORS = HERE.parent / "build" / "deep"
TOP, RECALL, NDCG = 10, "recall@10", "ndcg@10"
GAIN = "gain"
BODIES = ("transformer", "rnn", "cnn", "two-tower", "ncf", "vae")
LOSSES: Mapping[str, Mapping[str, Any]] = {
    "bce": {"name": "bce", "per_positive": 1},
    "sampled": {"name": "sampled-softmax"},
    "softmax": {"name": "softmax"},
}
#: Layers of the text encoder that learn, at which rate.
ENCODER_TRIALS: Mapping[str, Mapping[str, Any]] = {
    "frozen": {},
    "1 layer": {"inputs": {"text_layers": 1}},
    "1 layer at 2e-4": {
        "inputs": {"text_layers": 1},
        "training": {"text_learning_rate": 2e-4},
    },
    "2 layers": {"inputs": {"text_layers": 2}},
}
#: Seconds of training: of trials of the encoder, of the other groups that compare on one small set,
#: and of the bodies elsewhere.
QUICK, SHORT, LONG = 120.0, 180.0, 600.0
MORE_SETS = {
    "ml-small": RealSet("ml-small", "video", "movielens", "movielens-small-timestamps"),
}


@dataclass(frozen=True)
class Trial:
    """One body with its settings on one set.

    Attributes
    ----------
    group : str
        The table that it belongs to.
    users : int or None
        Test users that are drawn; all where None.
    seeds : int
        At most.
    """

    group: str
    name: str
    body: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    set: str = "scientific"
    protocol: str = "leave-one-out"
    seconds: float = SHORT
    users: int | None = None
    seeds: int = 3

    def path(self, seed: int) -> Path:
        """Return where the outcome lies."""
        return CELLS / f"{self.set}.{self.group}.{self.name}.{seed}.json"


def trials() -> list[Trial]:
    """Return all trials, the most telling first."""
    one = "transformer"
    found = [
        Trial("inputs", "text and ids", one),
        Trial("inputs", "text", one, {"inputs": {"ids": False}}),
        Trial("inputs", "ids", one, {"inputs": {"text": False, "tags": False}}),
        Trial("options", "gated", one, {"gated": True}),
        *(
            Trial("encoder", name, one, settings, seconds=QUICK, seeds=1)
            for name, settings in ENCODER_TRIALS.items()
        ),
        Trial("heads", "none", one),
        Trial("heads", "category", one, {"heads": {"category": 0.1}}),
        Trial("heads", "rating", one, {"heads": {"rating": 0.1}}),
    ]
    found += [
        Trial("bodies", f"{body} {name}", body, {"loss": loss})
        for name, loss in reversed(LOSSES.items())
        for body in BODIES
    ]
    small = {"set": "ml-small", "protocol": "temporal"}
    found += [Trial("clock", body, body, **small) for body in BODIES]  # type: ignore[arg-type]
    found.append(Trial("clock", "time bias", one, {"time_bias": True}, **small))  # type: ignore[arg-type]
    for name, users in (("beauty", None), ("ml-1m", None), ("microlens", 10_000)):
        found += [Trial("sets", b, b, {}, name, seconds=LONG, users=users, seeds=1) for b in BODIES]
    found += [Trial(GAIN, body, body, seeds=1) for body in BODIES]
    for name, seconds in (("uci", SHORT), ("quantum", SHORT), ("ml-1m", LONG)):
        found.append(Trial(GAIN, one, one, {}, name, seconds=seconds, seeds=1))
    return found


def measured(trial: Trial, seed: int) -> dict[str, Any]:
    """Fit a trial and return its figures."""
    real = {**SETS, **MORE_SETS}[trial.set]
    dataset = read(real, VECTORS)
    protocol = EvaluationProtocol(
        split=trial.protocol,  # type: ignore[arg-type]
        candidates=UNSEEN.name,
        users=trial.users,
    )
    settings = dict(trial.settings)
    settings["training"] = {**settings.get("training", {}), "seconds": trial.seconds}
    if trial.group == GAIN:
        head = {"set": trial.set, "group": GAIN, "trial": trial.name, "seed": seed}
        run = RunOptions(seed=seed, cache=VECTORS / "vectors")
        return head | gained(dataset, real.scenario, trial.body, settings, protocol, run)
    (split,) = protocol.splits(dataset)
    source = load_registry().get("candidate_generators", trial.body).build(settings)
    before = peak_mib()
    started, worked = time.perf_counter(), time.process_time()
    source.fit(split.train, RunOptions(seed=seed, threads=1))
    fitted, work = time.perf_counter() - started, time.process_time() - worked
    report = source.report().values
    values: dict[str, Any] = {
        "set": trial.set, "group": trial.group, "trial": trial.name, "body": trial.body,
        "settings": settings, "seed": seed, "encoder": ENCODER, "machine": machine(),
        "protocol": trial.protocol, "users": len(split.test), "items": dataset.n_items,
        "events": len(split.train.interactions), "fit_seconds": round(fitted, 1),
        "fit_cpu_seconds": round(work, 1), "memory_mib": peak_mib() - before,
        "epochs": report["epochs"], "best_epoch": report["best"],
    }  # fmt: skip
    for rule in (ALL, UNSEEN):
        for part in ("validation", "test"):
            gains = gains_of(source, split, getattr(split, part), rule)
            means = {name: round(float(np.nanmean(column)), 5) for name, column in gains.items()}
            values[f"{part} {rule.name}"] = means
            if part == "validation" and rule is UNSEEN:
                values["validation_ndcg"] = gains[NDCG].round(4).tolist()
    return values


def gains_of(
    source: CandidateGenerator, split: Split, targets: Targets, rule: CandidateRule
) -> dict[str, NDArray[np.float64]]:
    """Return recall@10 and ndcg@10 of each user."""
    queries = queries_of(targets, split.train, rule)
    ranks = [
        metrics.target_ranks(
            source.generate(queries.take(rows), TOP).index,
            targets.targets.take(rows),
            split.train.n_items,
        )
        for rows in queries.blocks(512)
    ]
    found = np.concatenate(ranks)
    return {
        RECALL: metrics.recall(found, targets.targets, TOP),
        NDCG: metrics.ndcg(found, targets.targets, TOP),
    }


def keep(trial: Trial, seed: int) -> None:
    """Measure a trial and keep the outcome, whole or not at all."""
    text = json.dumps(measured(trial, seed), ensure_ascii=False, allow_nan=False) + "\n"
    path = trial.path(seed)
    write_whole(path, text)


def chosen(options: argparse.Namespace) -> list[Trial]:
    """Return the trials that the options leave."""
    wanted = {"group": options.groups, "set": options.sets, "name": options.trials}
    return [
        trial
        for trial in trials()
        if all(
            not names or getattr(trial, key) in names.split(",") for key, names in wanted.items()
        )
    ]


def missing(options: argparse.Namespace) -> list[tuple[Trial, int]]:
    """Return the cells that there are none of yet, seed after seed."""
    return [
        (trial, seed)
        for seed in range(options.seeds)
        for trial in chosen(options)
        if seed < trial.seeds and (options.again or not trial.path(seed).is_file())
    ]


def fit_apart(options: argparse.Namespace, cell: tuple[Trial, int]) -> None:
    """Measure one cell in a process of its own."""
    trial, seed = cell
    print(f"{trial.set}, {trial.group}, {trial.name}, seed {seed} …", flush=True)
    names = [f"--groups={trial.group}", f"--sets={trial.set}", f"--trials={trial.name}"]
    limit = [f"--seconds={options.seconds or trial.seconds}", f"--cell={seed}"]
    subprocess.run([sys.executable, __file__, *names, *limit], check=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("groups", "sets", "trials"):
        parser.add_argument(f"--{name}", default="", help="only these, with commas between")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2, help="cells beside each other")
    parser.add_argument("--seconds", type=float, help="of training, in place of a trial's own")
    parser.add_argument("--again", action="store_true", help="measure what is there once more")
    parser.add_argument("--cell", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if absent():
        return 0
    if options.cell is not None:
        (trial,) = chosen(options)
        keep(replace(trial, seconds=options.seconds or trial.seconds), options.cell)
        return 0
    with ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(partial(fit_apart, options), missing(options)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
