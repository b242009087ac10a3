"""Every surface of a scenario on real data, beside popularity and plain similarity.

Command: ``python benchmarks/surfaces.py [SET ...]``. Needs the research data sets in
``../shared/datasets`` or ``CROSSREC_DATASETS``; without them it does nothing. Writes
``results/surfaces.json``, from which the tables in ``docs/surface_figures.md`` are generated.

The default pipeline of the scenario is fitted on what came before the window, without a backbone:
the shipped ones have seen these sets. Each set has a process of its own, and what is finished is
kept in ``build/surfaces``: a killed run goes on there, and ``--again`` begins anew. With
``--validation`` the window is taken from what came before the test: choices are made on that, and
nothing of it is written down.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import HERE, RESULTS, absent, machine, print_progress, temporary_workspace, write_whole
from real_sets import SETS, ingest

if TYPE_CHECKING:
    from crossrec.evaluation.surfaces.report import SurfacesReport

NAMES = ("ml-small", "lastfm", "uci", "completejourney", "quantum")
DONE = HERE.parent / "build" / "surfaces"
#: Test users of a set, drawn with the seed where there are more.
USERS = 1000


def outcome_path(name: str, *, validation: bool) -> Path:
    """Return where the outcome of one set is kept."""
    return DONE / f"{name}{'-validation' if validation else ''}.json"


def measured(name: str, users: int, *, validation: bool) -> dict[str, Any]:
    """Measure the surfaces of one set; return its size and the report."""
    report, size = surfaces_of(name, users, validation=validation)
    return {"set": name, **size, **compact(report.to_dict())}


def surfaces_of(
    name: str, users: int, *, validation: bool
) -> tuple[SurfacesReport, dict[str, int]]:
    """Fit the default pipeline on one set and ask its surfaces."""
    from crossrec.components.run import RunOptions
    from crossrec.evaluation.surfaces.window import window_of
    from crossrec.pipeline.evaluate_models import pipeline_to_evaluate
    from crossrec.pipeline.evaluate_surfaces import evaluate_surfaces
    from crossrec.plugins.registry import load_registry

    with temporary_workspace() as (workspace, _):
        scenario = ingest(SETS[name], workspace)
        dataset = workspace.dataset(scenario)
    if validation:
        dataset = window_of(dataset).train
    run = RunOptions(cache=DONE / "cache", threads=1, progress=print_progress)
    resolved, run = pipeline_to_evaluate(scenario, load_registry(), run, backbone="")
    report = evaluate_surfaces(scenario, dataset, resolved, run, users=users)
    size = {"all_users": dataset.n_users, "items": dataset.n_items, "events": len(dataset.events)}
    return report, size


def compact(report: dict[str, Any]) -> dict[str, Any]:
    """Keep of the paired tests those of the surface itself, and no empty parts."""
    surfaces = []
    for one in report["surfaces"]:
        inner = one["report"]
        if inner is not None:
            pairs = [pair for pair in inner["comparisons"] if pair["model"] == one["surface"]]
            rows = [
                {key: row[key] for key in ("model", "baseline", "metrics", "ci95")}
                for row in inner["results"]
            ]
            inner = {
                "users": inner["users"],
                "results": rows,
                "comparisons": pairs,
                "notes": inner["notes"],
            }
        surfaces.append({**one, "report": inner})
    return {**report, "surfaces": surfaces}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", metavar="SET", help=", ".join(NAMES))
    parser.add_argument("--users", type=int, default=USERS, help="test users of a set at most")
    parser.add_argument("--validation", action="store_true", help="on what came before the test")
    parser.add_argument("--again", action="store_true", help="measure what is finished once more")
    parser.add_argument("--cell", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if absent():
        return 0
    names = [name for name in NAMES if not options.sets or name in options.sets]
    for name in names:
        path = outcome_path(name, validation=options.validation)
        if options.cell:
            found = measured(name, options.users, validation=options.validation)
            write_whole(path, json.dumps(found, ensure_ascii=False, allow_nan=False))
        elif options.again or not path.is_file():
            print(f"{path.stem} …", flush=True)
            command = [sys.executable, __file__, name, "--cell", "--users", str(options.users)]
            subprocess.run([*command, *["--validation"][: options.validation]], check=True)
    if not options.cell and not options.validation:
        written()
    return 0


def written() -> None:
    """Write down all sets that are finished, of this run and of earlier ones."""
    done = [outcome_path(name, validation=False) for name in NAMES]
    sets = [json.loads(path.read_text(encoding="utf-8")) for path in done if path.is_file()]
    value = {"command": "python benchmarks/surfaces.py", "machine": machine(), "sets": sets}
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    (RESULTS / "surfaces.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
