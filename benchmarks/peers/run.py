"""crossrec beside other libraries: same events, same split, same candidates, same machine.

Command: ``make peers`` or ``python benchmarks/peers/run.py [--sets a,b] [--models a,b] [--again]``.
Needs the research data sets in ``../shared/datasets`` or ``CROSSREC_DATASETS`` (without them it
does nothing) and, to make the environment of a library, a package index.

Writes a file for each set and model into ``results/peers/``. What is there is measured again only
with ``--again``; a run that was stopped goes on. Whenever a library is measured, so is crossrec
before it, for the ratios, unless ``--models`` leaves crossrec out.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.append(str(Path(__file__).resolve().parents[1]))

from cells import OURS, Cells, beside, costs_of, reason
from common import RESULTS, absent, machine
from environments import PeerError, called, interpreter
from exchange import FACTS, JOB, read_answers, write_job
from models import MODELS, Model
from quality import GivenLists, job_of, protocol_of, quality, split_of
from real_sets import SETS, ingest

if TYPE_CHECKING:
    from crossrec.data.dataset import Dataset
    from crossrec.data.splits import Split
    from crossrec.evaluation.protocol import EvaluationProtocol

HERE = Path(__file__).resolve().parent
#: Set → how many of its test users are drawn; all where None.
TEST_USERS: Mapping[str, int | None] = {
    "scientific": None,
    "beauty": None,
    "ml-1m": None,
    "microlens": 10_000,
    "lastfm": None,
}
WORK = HERE.parents[1] / "build" / "peers"
#: Seconds after which a model is given up.
LIMIT = 3 * 3600.0


@dataclass(frozen=True, eq=False)
class Arena:
    """One set, ready to be fitted on: its workspace and the job that all models get.

    Attributes
    ----------
    folder : Path
        Holds the workspace, the job, and what each model answers.
    minutes : int
        After which training in epochs is ended.
    """

    name: str
    folder: Path
    minutes: int

    @cached_property
    def dataset(self) -> Dataset:
        """The events, ingested once."""
        from crossrec.plugins.registry import load_registry
        from crossrec.workspace import Workspace

        real, place = SETS[self.name], self.folder / "workspace"
        finished = self.folder / "ingested"
        workspace = Workspace.create(place)
        if not finished.is_file():
            ingest(real, workspace)
            finished.touch()
        return workspace.dataset(load_registry().scenario(real.scenario))

    @cached_property
    def protocol(self) -> EvaluationProtocol:
        """How the set is split, and its test users."""
        return protocol_of(TEST_USERS[self.name])

    @cached_property
    def split(self) -> Split:
        """Its split."""
        return split_of(self.dataset, self.protocol)

    @property
    def job(self) -> Path:
        """Where the job lies."""
        return self.folder / JOB

    def prepare(self) -> None:
        """Write the job."""
        write_job(self.job, job_of(self.dataset, self.split, self.minutes))

    def measured(self, model: Model) -> dict[str, Any]:
        """Fit and query a model in a process of its own; return what its cell says.

        Raises
        ------
        PeerError, OSError, ValueError
            If it cannot be installed, fails, takes too long, or answers what is no list.
        """
        python = interpreter(model.environment) if model.environment else Path(sys.executable)
        folder = self.folder / model.name
        (folder / FACTS).unlink(missing_ok=True)
        command = [str(python), str(HERE / model.script), model.name, str(self.job), str(folder)]
        called(command, f"{model.name} failed", folder / "log.txt", LIMIT)
        answers = read_answers(folder)
        given = GivenLists(model.name, self.split.test.users, answers.lists)
        return {
            "users": len(self.split.test),
            "items": self.dataset.n_items,
            "events": len(self.dataset.events),
            "measured": time.strftime("%Y-%m-%d %H:%M"),
            "machine": machine(),
            "versions": dict(answers.versions),
            "note": answers.note,
            **quality(self.dataset, self.protocol, given),
            **costs_of(answers),
        }


def run_set(arena: Arena, models: Sequence[str], cells: Cells, again: bool) -> None:
    """Measure the models of a set that have no cell; crossrec first, even where it has one."""
    name = arena.name
    missing = [model for model in models if again or not cells.has(name, model)]
    if not missing:
        return
    order = [OURS] * (OURS in models) + [model for model in missing if model != OURS]
    ours: Mapping[str, Any] | None = None
    arena.prepare()
    for model in order:
        print(f"{name}, {model} …", flush=True)
        cell = attempt(arena, MODELS[model])
        if model == OURS:
            ours = None if "failed" in cell else cell
        elif "failed" not in cell:
            cell["beside"] = beside(ours)
        cells.write(name, model, cell)
        print(f"{name}, {model}: {summary(cell)}", flush=True)


def attempt(arena: Arena, model: Model) -> dict[str, Any]:
    """Return the cell of a model, or one that says why there is none."""
    try:
        return arena.measured(model)
    except (PeerError, OSError, ValueError) as error:
        return {"failed": reason(error)}


def summary(cell: Mapping[str, Any]) -> str:
    """Return a cell as one line."""
    if "failed" in cell:
        return f"did not run: {cell['failed']}"
    figures = ", ".join(f"{metric} {value:.4f}" for metric, value in cell["metrics"].items())
    return (
        f"{figures}, fit {cell['fit_seconds']:,.1f} s, {cell['peak_mib']:,.0f} MiB, "
        f"{cell['answers_per_second']:,.0f} answers/s"
    )


def names(text: str | None, known: Iterable[str], what: str) -> list[str]:
    """Return the names of a list with commas, all that are known where it is None."""
    known = list(known)
    if text is None:
        return known
    chosen = [name.strip() for name in text.split(",") if name.strip()]
    for name in chosen:
        if name not in known:
            raise SystemExit(f"no {what} {name!r}: there are {', '.join(known)}")
    return chosen


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", metavar="A,B", help=", ".join(TEST_USERS))
    parser.add_argument("--models", metavar="A,B", help=", ".join(MODELS))
    parser.add_argument("--again", action="store_true", help="measure anew what has a cell already")
    parser.add_argument(
        "--minutes", type=int, default=20, help="end training in epochs after so many (20)"
    )
    options = parser.parse_args()
    sets = names(options.sets, TEST_USERS, "set")
    models = names(options.models, MODELS, "model")
    if absent():
        return 0
    # Ended from outside, it takes the model that is running with it, as after Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for name in sets:
        arena = Arena(name, WORK / name, options.minutes)
        run_set(arena, models, Cells(RESULTS / "peers"), options.again)
    return 0


if __name__ == "__main__":
    sys.exit(main())
