"""The main job on real data: ingest, fit, recommend and evaluate a set of every scenario.

Command: ``make real`` or ``python benchmarks/real.py [SET ...] [--seeds 3] [--refit]``. Needs the
research data sets in ``../shared/datasets`` or ``CROSSREC_DATASETS``; without them it does nothing.
Writes ``results/foundation.json`` with every set that is finished, from which the tables in README
and ``docs/benchmarks.md`` are generated: those of the first seed without refit whole, the
pipeline's figures of all seeds, and of fits on training and validation, side by side.

Every set is fitted and evaluated with the default pipeline, in a process of its own. What is
finished is kept in ``build/real``, a file a set: a killed run goes on there, and ``--again``
begins anew.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import HERE, RESULTS, absent, machine, peak_mib, temporary_workspace, write_whole
from real_sets import SETS, ingest

if TYPE_CHECKING:
    from crossrec import Engine
    from crossrec.components.eligibility import RuleName
    from crossrec.components.run import RunOptions
    from crossrec.data.dataset import Dataset
    from crossrec.evaluation.report import Report
    from crossrec.scenario import Scenario


@dataclass(frozen=True)
class MainJob:
    """The main job on one data set, and how its models are evaluated."""

    name: str
    protocol: str
    candidates: tuple[RuleName, ...] = ("unseen", "served")


JOBS = (
    MainJob("scientific", "leave-one-out", ("unseen", "all", "served")),
    MainJob("uci", "temporal"),
    MainJob("ml-1m", "leave-one-out"),
    MainJob("lastfm", "leave-one-out"),
    MainJob("deskdrop", "temporal"),
    MainJob("quantum", "leave-one-out"),
    MainJob("completejourney", "temporal"),
    MainJob("beauty", "leave-one-out", ("all",)),
    MainJob("microlens", "leave-one-out", ("unseen",)),
    MainJob("yelp", "leave-one-out", ("unseen",)),
)
DONE = HERE.parent / "build" / "real"

#: What has to be reached: (set, candidates, model) → least recall@10 and ndcg@10.
FLOORS = {
    ("scientific", "unseen", "content"): (0.121, 0.079),
    ("scientific", "all", "content"): (0.107, 0.068),
    ("scientific", "unseen", "ease"): (0.131, 0.092),
    ("scientific", "unseen", "pipeline"): (0.158, 0.110),
    ("scientific", "all", "pipeline"): (0.158, 0.110),
    ("beauty", "all", "pipeline"): (0.124, 0.075),
    ("ml-1m", "unseen", "pipeline"): (0.282, 0.173),
    ("lastfm", "unseen", "pipeline"): (0.125, 0.073),
}


@dataclass(frozen=True)
class Cell:
    """One set, fitted once.

    Attributes
    ----------
    refit : bool
        Whether the models are fitted again on training and validation before the test.
    """

    job: MainJob
    seed: int = 0
    refit: bool = False

    @property
    def path(self) -> Path:
        """Where its outcome is kept."""
        return DONE / f"{self.job.name}-{self.seed}{'-refit' if self.refit else ''}.json"

    def outcome(self) -> dict[str, Any]:
        """Return what was measured."""
        found: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8"))
        return found

    def run(self) -> None:
        """Measure it in a process of its own."""
        command = [sys.executable, __file__, self.job.name, "--cell", str(self.seed)]
        subprocess.run([*command, *["--refit"][: self.refit]], check=True)


def measured(job: MainJob, seed: int, *, refit: bool) -> dict[str, Any]:
    """Walk the main job on one set; return its times and reports."""
    from crossrec import Engine
    from crossrec.components.run import RunOptions

    with temporary_workspace() as (workspace, _):
        engine = Engine(workspace)
        started = time.perf_counter()
        scenario = ingest(SETS[job.name], workspace)
        ingested = time.perf_counter()
        run = RunOptions(seed=seed, cache=workspace.cache)
        pipeline = engine.fit(scenario.name, run=run)
        fitted = time.perf_counter()
        dataset = workspace.dataset(scenario)
        slate = engine.recommend(scenario.name, dataset.users.id(0), k=10)
        assert len(slate.items) == 10, slate.short_because
        memory = peak_mib()
        reports = evaluated(job, engine, scenario, dataset, run, refit=refit)
        return {
            "set": job.name,
            "scenario": scenario.name,
            "users": dataset.n_users,
            "items": dataset.n_items,
            "events": len(dataset.events),
            "ingest_seconds": round(ingested - started, 1),
            "fit_seconds": round(fitted - ingested, 1),
            "fit_memory_mib": memory,
            "ranker": pipeline.report["gate"],
            "dropped": pipeline.report["dropped"],
            "reports": [compact(report.to_dict()) for report in reports],
        }


def evaluated(
    job: MainJob,
    engine: Engine,
    scenario: Scenario,
    dataset: Dataset,
    run: RunOptions,
    *,
    refit: bool,
) -> list[Report]:
    """Evaluate the default pipeline under every rule of candidates, with sources fitted once."""
    from crossrec.components.threads import threads_of
    from crossrec.evaluation.evaluate import evaluate
    from crossrec.evaluation.protocol import EvaluationProtocol
    from crossrec.pipeline.chosen_encoder import with_chosen_encoder
    from crossrec.pipeline.evaluate_models import (
        build_models,
        pipeline_to_evaluate,
        rule_for,
        sources_to_evaluate,
    )

    resolved, run = pipeline_to_evaluate(scenario, engine.registry, run)
    resolved = with_chosen_encoder(resolved, engine.registry, dataset.catalog)
    first = EvaluationProtocol(split=job.protocol, seed=run.seed, refit=refit)  # type: ignore[arg-type]
    (split,) = first.splits(dataset)
    fitted = sources_to_evaluate(split.train, resolved, run)
    reports = []
    for candidates in job.candidates:
        rule = rule_for(scenario, resolved, candidates)
        build = partial(build_models, scenario, resolved, run=run, rule_for=rule, fitted=fitted)
        protocol = replace(first, candidates=candidates)
        reports.append(
            evaluate(
                dataset,
                build,
                protocol,
                rule_for=rule,
                scenario=scenario.name,
                threads=threads_of(run),
            )
        )
    return reports


def compact(report: dict[str, Any]) -> dict[str, Any]:
    """Keep the headline of a report; comparisons only where the pipeline takes part."""
    pairs = [
        pair
        for pair in report["comparisons"]
        if "pipeline" in (pair.get("model"), pair.get("against"), pair.get("a"), pair.get("b"))
    ]
    return {**report, "comparisons": pairs}


def checks(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Compare with the floors, and every pipeline with its best single source, beyond noise."""
    found = []
    for one in results:
        for report in one["reports"]:
            rows = {r["model"]: r["metrics"] for r in report["results"]}
            for (name, candidates, model), (recall, ndcg) in FLOORS.items():
                if (name, candidates) == (one["set"], report["candidates"]):
                    got = rows[model]["recall@10"], rows[model]["ndcg@10"]
                    found.append(
                        {
                            "check": f"{name}, {candidates}: {model}",
                            "least": [recall, ndcg],
                            "got": [round(value, 4) for value in got],
                            "reached": got[0] >= recall and got[1] >= ndcg,
                        }
                    )
            sources = {m: v["ndcg@10"] for m, v in rows.items() if m != "pipeline"}
            best = max(sources, key=lambda model: sources[model])
            found.append(
                {
                    "check": f"{one['set']}, {report['candidates']}: pipeline against {best}",
                    "least": [round(rows[best]["recall@10"], 4), round(sources[best], 4)],
                    "got": [round(rows["pipeline"][m], 4) for m in ("recall@10", "ndcg@10")],
                    "reached": not behind(report, best),
                }
            )
    return found


def behind(report: dict[str, Any], model: str) -> bool:
    """Return whether the pipeline's ndcg@10 is below a model's by more than noise."""
    for pair in report["comparisons"]:
        if pair["metric"] == "ndcg@10" and {pair["model"], pair["against"]} == {"pipeline", model}:
            verdict: str = pair["verdict"]
            return verdict == ("worse" if pair["model"] == "pipeline" else "better")
    return False


def over_seeds(cells: list[Cell]) -> list[dict[str, Any]]:
    """Return the pipeline's figures of every set and rule of candidates, a list entry a seed."""
    rows: dict[tuple[str, str, bool], dict[str, Any]] = {}
    for one in cells:
        for report in one.outcome()["reports"]:
            (found,) = (r["metrics"] for r in report["results"] if r["model"] == "pipeline")
            key = (one.job.name, report["candidates"], one.refit)
            start = dict(zip(("set", "candidates", "refit"), key), seeds=[])
            row = rows.setdefault(key, start)
            row["seeds"].append(one.seed)
            for metric in ("recall@10", "ndcg@10"):
                row.setdefault(metric, []).append(found[metric])
    return list(rows.values())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", metavar="SET", help=", ".join(j.name for j in JOBS))
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="measure 0 to N - 1")
    parser.add_argument("--refit", action="store_true", help="fit on training and validation")
    parser.add_argument("--again", action="store_true", help="measure what is finished once more")
    parser.add_argument("--cell", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if absent():
        return 0
    jobs = [job for job in JOBS if not options.sets or job.name in options.sets]
    if options.cell is not None:
        (job,), seed, refit = jobs, options.cell, options.refit
        text = json.dumps(measured(job, seed, refit=refit), ensure_ascii=False, allow_nan=False)
        write_whole(Cell(job, seed, refit).path, text)
        return 0
    for seed in range(options.seeds):
        for job in jobs:
            one = Cell(job, seed, options.refit)
            if options.again or not one.path.is_file():
                print(f"{one.path.stem} …", flush=True)
                one.run()
    return written()


def written() -> int:
    """Write down what is finished, of this run and of earlier ones; return 1 for a missed floor."""
    every = [
        Cell(job, seed, refit) for job in JOBS for refit in (False, True) for seed in range(10)
    ]
    done = [one for one in every if one.path.is_file()]
    results = [one.outcome() for one in done if not one.seed and not one.refit]
    outcome = checks(results)
    for row in outcome:
        mark = "reached" if row["reached"] else "MISSED"
        print(f"{mark:8s} {row['check']}: {row['got']} against {row['least']}")
    value = {
        "command": "python benchmarks/real.py",
        "machine": machine(),
        "checks": outcome,
        "sets": results,
        "over_seeds": over_seeds(done),
    }
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    (RESULTS / "foundation.json").write_text(text, encoding="utf-8")
    return 0 if all(row["reached"] for row in outcome) else 1


if __name__ == "__main__":
    sys.exit(main())
