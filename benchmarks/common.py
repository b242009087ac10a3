"""What the benchmarks share: where results go, and workspaces that vanish."""

from __future__ import annotations

import json
import os
import platform
import resource
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crossrec.workspace import Workspace

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"


def datasets() -> Path | None:
    """Folder of the research data sets, or None where they are absent."""
    folder = Path(os.environ.get("CROSSREC_DATASETS", HERE.parents[1] / "shared" / "datasets"))
    return folder if folder.is_dir() else None


def absent(done: str = "measured") -> bool:
    """Whether there are no research data sets; then print what to do about it."""
    if datasets() is not None:
        return False
    print("the research data sets are absent: put them in ../shared/datasets, or name their")
    print(f"folder in CROSSREC_DATASETS; nothing was {done}")
    return True


def print_progress(message: str, done: int, total: int) -> None:
    """Print progress, a line each."""
    print(f"  {message} {done}/{total}", file=sys.stderr, flush=True)


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "machine": platform.machine(),
    }


def peak_mib() -> int:
    """Return the most memory that this process has had so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def write_whole(path: Path, text: str) -> None:
    """Write a file that is there whole or not at all, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)


def write_result(name: str, values: Mapping[str, Any]) -> None:
    """Print a result and keep it as ``results/<name>.json`` with the command that made it.

    A path is written as FOLDER in the command: it is of one machine.
    """
    words = ["FOLDER" if word.startswith(("/", ".")) else word for word in sys.argv[1:]]
    script = Path(sys.argv[0]).resolve().relative_to(HERE.parent).as_posix()
    command = " ".join(["python", script, *words])
    result = {"command": command, "machine": machine(), **values}
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(result, indent=2, ensure_ascii=False) + "\n"
    (RESULTS / f"{name}.json").write_text(text, encoding="utf-8")
    print(text)


@contextmanager
def temporary_workspace(path: Path | None = None) -> Iterator[tuple[Workspace, bool]]:
    """Give a workspace and whether it is new; without `path` it vanishes afterwards."""
    from crossrec.workspace import Workspace

    if path is not None:
        fresh = not path.exists()
        yield Workspace.create(path), fresh
        return
    with tempfile.TemporaryDirectory(prefix="crossrec-bench-") as folder:
        yield Workspace.create(Path(folder)), True
