"""What the backbone costs: columns of a query, pretraining, and the fit on a target.

Command: ``python benchmarks/backbone_costs.py --cache FOLDER``. Needs the research data sets in
``../shared/datasets`` or ``CROSSREC_DATASETS``; without them it does nothing. The cache of
vectors is that of ``transfer.py``: the target is Amazon Scientific, the sources are all other sets.
Writes ``results/backbone_costs.json`` with each cost and its share of the limit.

Nothing but vectors is taken from the cache: pretraining runs from the texts and events on, with
all its levels, heads and the leave-one-source-out table.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import absent, print_progress, write_result
from real_sets import SETS, TRANSFER, Sets
from transfer import pretraining

if TYPE_CHECKING:
    from crossrec.data.dataset import Dataset
    from crossrec_backbone.pretrained.model import Backbone

TARGET = "scientific"
QUERIES, CANDIDATES, ROUNDS = 500, 300, 7
#: Milliseconds a query, and seconds.
LIMITS = {"columns_ms": 1.0, "pretraining_s": 600.0, "target_fit_s": 180.0}


def columns_ms(dataset: Dataset) -> float:
    """Return the time to compute all columns of a query's candidates, in ms of one thread."""
    import numpy as np
    from crossrec.components.query import QueryBatch
    from crossrec.components.threads import one_blas_thread
    from crossrec_backbone.ranking.features import compute
    from crossrec_backbone.relations.statistics import BackboneConfig, Statistics

    statistics, rng = Statistics.fit(dataset, BackboneConfig()), np.random.default_rng(0)
    users = rng.choice(dataset.n_users, QUERIES, replace=False)
    queries = QueryBatch.from_histories(dataset.sequences.take(users))
    drawn = [rng.choice(dataset.n_items, CANDIDATES, replace=False) for _ in users]
    index, took = np.stack(drawn), []
    with one_blas_thread():
        for _ in range(ROUNDS + 1):
            started = time.thread_time()
            compute(statistics, queries, index)
            took.append(1e3 * (time.thread_time() - started) / QUERIES)
    return float(np.median(took[1:]))  # the first round lays the relations out


def pretraining_s(sets: Sets) -> tuple[float, Backbone]:
    """Return the time to pretrain on all sets but the target, and the backbone."""
    from crossrec.components.run import RunOptions
    from crossrec_backbone.pretraining.pretrain import pretrain

    sources = sets.without(TARGET)
    started = time.perf_counter()
    backbone = pretrain(sources, pretraining(), RunOptions(progress=print_progress))
    return time.perf_counter() - started, backbone


def target_fit_s(dataset: Dataset, backbone: Backbone) -> float:
    """Return the time to fit statistics, adapter and gate on all events of the target."""
    from crossrec.components.run import RunOptions
    from crossrec_backbone.adaptation.adapter import fit_adapter
    from crossrec_backbone.relations.statistics import BackboneConfig, Statistics

    config, run = BackboneConfig(), RunOptions()
    started = time.perf_counter()
    fit_adapter(dataset, backbone, config, run, family=SETS[TARGET].scenario)
    Statistics.fit(dataset, config)
    return time.perf_counter() - started


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True, help="folder of vectors")
    options = parser.parse_args()
    if absent():
        return 0
    sets = Sets(options.cache, TRANSFER)
    target = sets[TARGET]
    costs: dict[str, float] = {"columns_ms": columns_ms(target)}
    costs["pretraining_s"], backbone = pretraining_s(sets)
    costs["target_fit_s"] = target_fit_s(target, backbone)
    found: dict[str, Any] = {
        "what": f"columns of {CANDIDATES} candidates, pretraining on six sets, fit on Scientific",
        "events": len(target.interactions),
    }
    for name, cost in costs.items():
        found[name] = round(cost, 3)
        found[f"{name}_of_limit"] = round(cost / LIMITS[name], 3)
    write_result("backbone_costs", found)
    return 0 if all(cost <= LIMITS[name] for name, cost in costs.items()) else 1


if __name__ == "__main__":
    sys.exit(main())
