"""Tried: whether the backbone alone, or equal votes of all sources, is the default to be beaten.

Command: ``python benchmarks/trials/leader.py --cache FOLDER [--sets lastfm,uci]``. Needs the
research data sets. What is finished is kept in the cache folder, a file for each set.

As in ``gate_default.py`` the test part of each set is removed first and the rest is split again.
The backbone runs without pretraining, since the shipped ones have seen some of these sets. Arms:

* ``leader``: the backbone alone is the default;
* ``votes``: rank fusion of the backbone and the scenario's other sources is the default;
* ``others``: the scenario's other sources, with rank fusion as the default.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from common import temporary_workspace
from crossrec.components.paired_gain import PairedGain
from crossrec.components.protocols import Examples
from crossrec.components.run import RunOptions
from crossrec.pipeline.fit import seen_by
from crossrec.pipeline.ranker_choice import choose_ranker
from crossrec.pipeline.resolved import ResolvedSurface
from crossrec.pipeline.with_backbone import BACKBONE
from gate_default import PROTOCOLS, SIZES, drawn, held_out_gains, prepared, resumed
from real_sets import SETS, ingest, without_pretraining


def arms(plan: ResolvedSurface) -> dict[str, ResolvedSurface]:
    """Return the plan of the main surface under each arm."""
    votes = {name: plan.rankers[name] for name in ("rrf", "best", "weighted")}
    others = tuple(label for label in plan.sources if label != BACKBONE)
    return {
        "leader": plan,
        "votes": replace(plan, rankers=votes),
        "others": replace(plan, rankers=votes, sources=others),
    }


def measured(name: str, cache: Path) -> dict[str, Any]:
    """Return the figures of one set."""
    run = RunOptions(cache=cache / "vectors")
    with temporary_workspace() as (workspace, _):
        scenario = ingest(SETS[name], workspace)
        dataset = workspace.dataset(scenario)
    config = without_pretraining(scenario)
    plan, train, examples, held_out = prepared(scenario, dataset, PROTOCOLS[name], run, config)
    cells = []
    for n, draws in SIZES.items():
        if n >= len(examples.queries):
            continue
        rows: dict[str, list[np.ndarray]] = {}
        chosen: dict[str, list[str]] = {}
        for seed in range(draws):
            part = drawn(examples, n, seed)
            for arm, one in arms(plan).items():
                seen, answered = (seen_by(each, one) for each in (part, held_out))
                ranker, gate = choose_ranker(one, train, seen, RunOptions(seed=seed))
                kept = ranker.select(one.sources)  # type: ignore[attr-defined]
                answered = seen_by(answered, replace(one, sources=kept))
                rows.setdefault(arm, []).append(held_out_gains(ranker, answered))
                chosen.setdefault(arm, []).append(f"{gate.chosen} of {', '.join(kept)}")
        means = {arm: np.mean(gains, axis=0) for arm, gains in rows.items()}
        cells.append(
            {
                "queries": n or len(examples.queries),
                "draws": draws,
                "ndcg@10": {arm: round(float(one.mean()), 4) for arm, one in means.items()},
                "against votes": {
                    arm: vars(PairedGain.between(one, means["votes"])) for arm, one in means.items()
                },
                "chosen": chosen,
            }
        )
        print(json.dumps({"set": name, **cells[-1]}), flush=True)
    alone = {
        label: round(float(_alone(held_out, label).mean()), 4) for label in held_out.pool.sources
    }
    return {"set": name, "held_out": len(held_out.queries), "alone": alone, "cells": cells}


def _alone(examples: Examples, label: str) -> np.ndarray:
    """Return ndcg@10 of each query by one source alone."""
    from crossrec.components.fusion import BestSource

    ranker = BestSource()
    ranker.source = label
    return held_out_gains(ranker, examples)


if __name__ == "__main__":
    sys.exit(resumed("leader", __doc__, measured, "votes"))
