"""crossrec itself: the default pipeline of the scenario, fitted as ``crossrec evaluate`` does it.

Its backbone is not pretrained here, since the shipped ones have seen these sets. The workspace with
the events lies beside the job, in a folder with the name of the set. Vectors of texts are kept
nowhere else, so that encoding counts in every run.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from crossrec.components.eligibility import UNSEEN, queries_of
from crossrec.components.run import RunOptions
from crossrec.pipeline.evaluate_models import build_models
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.plugins.registry import load_registry
from crossrec.workspace import Workspace
from exchange import PAD, Fitted, IntArray, Job, serve
from quality import SEED, protocol_of, split_of

sys.path.append(str(Path(__file__).resolve().parents[1]))

from real_sets import SETS, without_pretraining

#: Queries in one call, as in an evaluation.
BLOCK = 512


def fitter(folder: Path, cache: Path) -> Callable[[Job], Fitted]:
    """Read the events of the set in `folder`; return what fits its default pipeline."""
    registry = load_registry()
    scenario = registry.scenario(SETS[folder.name].scenario)
    workspace = Workspace.open(folder / "workspace", registry)
    dataset = workspace.dataset(scenario)

    def fit(job: Job) -> Fitted:
        split = split_of(dataset, protocol_of(len(job.queries)))
        assert np.array_equal(split.test.users, job.queries), "the job is of another split"
        resolved = resolve_pipeline(without_pretraining(scenario), registry, scenario.main_surface)
        (model,) = build_models(
            scenario,
            resolved,
            split.train,
            split.validation,
            RunOptions(seed=SEED, cache=cache),
            rule_for=lambda train: UNSEEN,
            only=("pipeline",),
            executor=workspace.executor(),
        )
        queries = queries_of(split.test, split.train, UNSEEN)

        def answer() -> IntArray:
            lists = np.full((len(queries), job.k), PAD, dtype=np.int64)
            for rows in queries.blocks(BLOCK):
                found = model.top(queries.take(rows), job.k).index[:, : job.k]
                lists[rows, : found.shape[1]] = found
            return lists

        return answer, ""

    return fit


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="crossrec-bench-") as vectors:
        fit = fitter(Path(sys.argv[2]).resolve().parent, Path(vectors))
        serve({"crossrec": fit}, ("crossrec",))
