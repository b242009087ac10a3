"""What passes between this benchmark and the environment of a peer: arrays and facts in two files.

Both sides import this module, the peers in environments of their own: numpy is all that it needs.
Items and users are indexes; nothing of the test is ever written for a peer to read.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]

#: Fills a list that is shorter than the others.
PAD = -1
JOB, LISTS, FACTS = "job.npz", "lists.npz", "facts.json"


@dataclass(frozen=True, eq=False)
class Job:
    """What a model is fitted on, and the queries that it has to answer.

    Attributes
    ----------
    users, items : int64 arrays, shape (n_events,)
        Training events by user, the oldest of a user first.
    validation_users, validation_items : int64 arrays
        The event of each user after those: for early stopping, never for fitting.
    queries : int64 array, shape (n_queries,)
        The user of each query, ascending.
    starts, history : int64 arrays, shapes (n_queries + 1,) and (starts[-1],)
        What each user had before the query, oldest first, validation event included: it is all
        known, and no candidate.
    k : int
        Length of a list.
    minutes : int
        Training in epochs is ended after so many minutes, and the note says so.
    """

    n_users: int
    n_items: int
    k: int
    seed: int
    minutes: int
    users: IntArray
    items: IntArray
    validation_users: IntArray
    validation_items: IntArray
    queries: IntArray
    starts: IntArray
    history: IntArray

    @property
    def query_rows(self) -> IntArray:
        """The number of the query of each history item, int64 (len(history),)."""
        return np.repeat(np.arange(len(self.queries)), np.diff(self.starts))

    def rows(self) -> list[IntArray]:
        """Return the history of each query."""
        return np.split(self.history, self.starts[1:-1])

    def padded(self, ranked: Sequence[Sequence[int] | IntArray]) -> IntArray:
        """Return one list for each query as an array, int64 (n_queries, k), `PAD` at the end."""
        out = np.full((len(ranked), self.k), PAD, dtype=np.int64)
        for row, best in zip(out, ranked, strict=True):
            row[: len(best)] = best[: self.k]
        return out


def write_job(path: Path, job: Job) -> None:
    """Write a job as an .npz file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **{field.name: getattr(job, field.name) for field in fields(Job)})


def read_job(path: Path) -> Job:
    """Read what `write_job` wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        values = {name: arrays[name] for name in arrays.files}
    return Job(**{name: int(value) if value.ndim == 0 else value for name, value in values.items()})


@dataclass(frozen=True, eq=False)
class Answers:
    """What a model answered, and what that cost.

    Attributes
    ----------
    lists : int64 array, shape (n_queries, k)
        Best first, `PAD` behind the last.
    fit_seconds, fit_cpu_seconds, answer_seconds : float
        Reading the job and importing the library count as neither.
    peak_mib : float
        Highest resident memory of the process, its libraries included.
    versions : mapping of package to version
    note : str
        What a reader has to know: settings that are no defaults, epochs, what stopped it.
    """

    lists: IntArray
    fit_seconds: float
    fit_cpu_seconds: float
    answer_seconds: float
    peak_mib: float
    versions: Mapping[str, str]
    note: str = ""


def write_answers(folder: Path, answers: Answers) -> None:
    """Write lists and facts into a folder; the facts last, so that with them all is there."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / LISTS, lists=answers.lists)
    facts = {name: value for name, value in vars(answers).items() if name != "lists"}
    (folder / FACTS).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def read_answers(folder: Path) -> Answers:
    """Read what `write_answers` wrote.

    Raises
    ------
    OSError
        If a file is missing, as after a run that died.
    """
    facts: dict[str, Any] = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    with np.load(folder / LISTS, allow_pickle=False) as arrays:
        return Answers(lists=arrays["lists"], **facts)


def epochs_note(done: int, most: int, job: Job, seconds: float) -> str:
    """Return the note of a training in epochs that took `seconds`."""
    ended = f", ended after {job.minutes} minutes" if seconds >= 60 * job.minutes else ""
    return f"{done} of at most {most} epochs{ended}"


#: A fitted model: answers all queries of its job. The text is the note of its `Answers`.
Fitted = tuple[Callable[[], IntArray], str]


def serve(models: Mapping[str, Callable[[Job], Fitted]], packages: Sequence[str]) -> None:
    """Fit and query the model of the command line, ``SCRIPT MODEL JOB FOLDER``; write the answers.

    Parameters
    ----------
    models : mapping of name to a callable that fits
    packages : sequence of str
        Distributions whose versions are recorded.
    """
    name, job_path, folder = sys.argv[1:4]
    job = read_job(Path(job_path))
    started, cpu = time.perf_counter(), time.process_time()
    answer, note = models[name](job)
    fitted, fitted_cpu = time.perf_counter(), time.process_time()
    lists = answer()
    done = time.perf_counter()
    found = Answers(
        np.asarray(lists, dtype=np.int64),
        round(fitted - started, 3),
        round(fitted_cpu - cpu, 3),
        round(done - fitted, 3),
        round(peak_mib(), 1),
        {package: version(package) for package in packages},
        note,
    )
    write_answers(Path(folder), found)


def peak_mib() -> float:
    """Return the highest resident memory of this process so far, in MiB.

    From /proc: what `getrusage` gives also counts the process that started this one.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024
