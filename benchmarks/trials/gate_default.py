"""Tried: against which default a ranker has to prove itself, by how many queries there are.

Command: ``python benchmarks/trials/gate_default.py --cache FOLDER [--sets lastfm,uci]``. Needs the
research data sets. What is finished is kept in the cache folder, a file for each set.

The test part of each set is removed first (leave-one-out: the last event of each user; temporal:
what comes after the second cut). The rest is split again in the same way. Sources are fitted once;
every default chooses on the same validation queries and is measured on the same held-out ones:

* ``best``: the best single source is the default, and rank fusion hears all sources;
* ``votes``: rank fusion that leaves out sources by proof is the default.

The number behind is the constant of rank fusion; ``best 60`` is what was before.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from common import absent, temporary_workspace, write_result, write_whole
from crossrec.components.eligibility import eligible_targets, queries_of
from crossrec.components.fusion import ReciprocalRankFusion
from crossrec.components.ndcg import NdcgScorer
from crossrec.components.paired_gain import PairedGain
from crossrec.components.protocols import Examples, Ranker
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.data.splits import temporal_split, without_tails
from crossrec.evaluation.protocol import EvaluationProtocol
from crossrec.pipeline.config import PipelineConfig
from crossrec.pipeline.config_files import load_config
from crossrec.pipeline.cut import LIMIT
from crossrec.pipeline.evaluate_models import rule_for
from crossrec.pipeline.fit import collect_examples, fit_sources
from crossrec.pipeline.guard import scores_of
from crossrec.pipeline.item_vectors import attach_vectors
from crossrec.pipeline.pipeline import on_unit_scale, weighed_down
from crossrec.pipeline.ranker_choice import choose_ranker
from crossrec.pipeline.resolved import ResolvedSurface, resolve_pipeline
from crossrec.plugins.registry import load_registry
from crossrec.scenario import Scenario
from real_sets import SETS, ingest

PROTOCOLS = {
    "lastfm": "leave-one-out",
    "deskdrop": "temporal",
    "quantum": "leave-one-out",
    "uci": "temporal",
    "scientific": "leave-one-out",
}
#: Validation queries that a choice may see, and how often so many are drawn; 0 takes all.
SIZES = {0: 1, 300: 5, 100: 5, 30: 5, 10: 5}


#: Default of the gate, and constant of rank fusion.
ARMS = [("best", 60), ("best", 5), *(("votes", constant) for constant in (60, 20, 10, 5, 2))]


class EqualVotes(ReciprocalRankFusion):
    """Rank fusion that leaves no source out."""

    def fit(self, dataset: Dataset, examples: Examples, run: RunOptions) -> None:
        """Learn nothing."""


def plans(plan: ResolvedSurface) -> dict[str, ResolvedSurface]:
    """Return the plan of the main surface with each default."""
    own = plan.rankers["rrf"]
    assert own.registration is not None
    equal = replace(own, registration=replace(own.registration, factory=EqualVotes))
    out = {}
    for default, constant in ARMS:
        fusion = replace(own if default == "votes" else equal, settings={"constant": constant})
        rankers = {**plan.rankers, "rrf": fusion}
        first = "rrf" if default == "votes" else "best"
        order = dict.fromkeys((first, *rankers))
        out[f"{default} {constant}"] = replace(plan, rankers={one: rankers[one] for one in order})
    return out


def without_test(dataset: Dataset, protocol: str) -> Dataset:
    """Return the set without the events that its benchmark tests on."""
    if protocol == "temporal":
        known = temporal_split(dataset, refit=True).refit
        assert known is not None
        return known
    return without_tails(dataset, np.flatnonzero(dataset.sequences.lengths >= 3), 1)


def prepared(
    scenario: Scenario,
    dataset: Dataset,
    protocol: str,
    run: RunOptions,
    config: PipelineConfig | None = None,
) -> tuple[ResolvedSurface, Dataset, Examples, Examples]:
    """Return the main surface, the training events, and examples to choose and to measure on."""
    config = config or load_config(scenario)
    resolved = resolve_pipeline(config, load_registry(), scenario.main_surface)
    (split,) = EvaluationProtocol(split=protocol).splits(without_test(dataset, protocol))  # type: ignore[arg-type]
    train, notes = attach_vectors(split.train, resolved, run)
    assert not notes, notes
    fitted = fit_sources(train, resolved, run, "before the cut")
    rule = rule_for(scenario, resolved, "served")(train)
    parts = []
    chosen = eligible_targets(split.validation, rule, seed=run.seed, limit=LIMIT)
    for targets in (chosen, split.test):
        queries = queries_of(targets, train, rule)
        found, wrong = collect_examples(fitted, resolved, queries, targets.targets, train.n_items)
        assert not wrong, wrong
        parts.append(found)
    return resolved.main_surface, train, parts[0], parts[1]


def drawn(examples: Examples, n: int, seed: int) -> Examples:
    """Return `n` of the examples, or all where `n` is 0."""
    total = len(examples.queries)
    rows = np.arange(total)
    if n:
        rows = np.sort(np.random.default_rng([seed, n]).choice(total, min(n, total), replace=False))
    return Examples(
        examples.queries.take(rows), examples.pool.take(rows), examples.targets.take(rows)
    )


def held_out_gains(ranker: Ranker, examples: Examples) -> np.ndarray:
    """Return ndcg@10 of each query, with what earlier consumption weighs down."""
    scores = on_unit_scale(scores_of(ranker, examples.queries, examples.pool), examples.pool.valid)
    scores = weighed_down(examples.pool, scores, examples.queries)
    return NdcgScorer(examples.pool.index, examples.targets).gains(scores)


def measured(name: str, cache: Path) -> dict[str, Any]:
    """Return the figures of one set."""
    run = RunOptions(cache=cache / "vectors", threads=1)
    with temporary_workspace() as (workspace, _):
        scenario = ingest(SETS[name], workspace)
        dataset = workspace.dataset(scenario)
    plan, train, examples, held_out = prepared(scenario, dataset, PROTOCOLS[name], run)
    cells = []
    for n, draws in SIZES.items():
        if n >= len(examples.queries):
            continue
        rows: dict[str, list[np.ndarray]] = {}
        chosen: dict[str, list[str]] = {}
        left_out: dict[str, list[list[str]]] = {}
        for seed in range(draws):
            part = drawn(examples, n, seed)
            for arm, one in plans(plan).items():
                ranker, gate = choose_ranker(one, train, part, RunOptions(seed=seed, threads=1))
                rows.setdefault(arm, []).append(held_out_gains(ranker, held_out))
                chosen.setdefault(arm, []).append(gate.chosen)
                left_out.setdefault(arm, []).append(sorted(gate.learnt.get("left_out", {})))
        means = {arm: np.mean(values, axis=0) for arm, values in rows.items()}
        cells.append(
            {
                "queries": n or len(examples.queries),
                "draws": draws,
                "ndcg@10": {arm: round(float(one.mean()), 4) for arm, one in means.items()},
                "against best 60": {
                    arm: vars(PairedGain.between(one, means["best 60"]))
                    for arm, one in means.items()
                },
                "worst draw": {
                    arm: round(min(float(one.mean()) for one in values), 4)
                    for arm, values in rows.items()
                },
                "chosen": chosen,
                "left_out": left_out,
            }
        )
        print(json.dumps({"set": name, **cells[-1]}), flush=True)
    sources = list(examples.pool.sources)
    return {
        "set": name,
        "protocol": PROTOCOLS[name],
        "sources": sources,
        "held_out": len(held_out.queries),
        "cells": cells,
    }


def means_of(sets: list[dict[str, Any]], against: str) -> list[dict[str, Any]]:
    """Return the mean gain over the sets, each of which counts the same, by number of queries."""
    rows = []
    for n in SIZES:
        cells = [
            cell
            for one in sets
            for cell in one["cells"]
            if (cell["queries"] == n if n else cell is one["cells"][0])
        ]
        gains = {
            arm: PairedGain.average([PairedGain(**one[f"against {against}"][arm]) for one in cells])
            for arm in cells[0]["ndcg@10"]
        }
        rows.append(
            {
                "queries": n or "all",
                "sets": len(cells),
                "gain": {arm: round(gain.mean, 5) for arm, gain in gains.items()},
                "two errors": {arm: round(2 * gain.error, 5) for arm, gain in gains.items()},
            }
        )
    return rows


def resumed(
    name: str, about: str | None, measured: Callable[[str, Path], dict[str, Any]], against: str
) -> int:
    """Run a trial over the sets of the command line, a file a set; write the result of all."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--cache", type=Path, required=True, help="folder of finished parts")
    parser.add_argument("--sets", default=",".join(PROTOCOLS))
    options = parser.parse_args()
    if absent():
        return 0
    done = options.cache / name
    for one in options.sets.split(","):
        path = done / f"{one}.json"
        if not path.is_file():
            print(f"{one} …", flush=True)
            text = json.dumps(measured(one, options.cache), indent=1)
            write_whole(path, text)
    paths = [done / f"{one}.json" for one in PROTOCOLS]
    if all(path.is_file() for path in paths):
        found = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
        write_result(name, {"means": means_of(found, against), "sets": found})
    return 0


if __name__ == "__main__":
    sys.exit(resumed("gate_default", __doc__, measured, "best 60"))
