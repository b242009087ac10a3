"""One file for each set and model: what was measured, or in one line why it was not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exchange import Answers

OURS = "crossrec"
#: What is compared with our own run, apart from the quality.
COSTS = ("fit_seconds", "peak_mib", "answers_per_second")


@dataclass(frozen=True)
class Cells:
    """The folder of the cells."""

    folder: Path

    def path(self, set_name: str, model: str) -> Path:
        """Return where the cell of a set and a model lies."""
        return self.folder / f"{set_name}.{model}.json"

    def has(self, set_name: str, model: str) -> bool:
        """Whether the cell is there, measured or failed."""
        return self.path(set_name, model).is_file()

    def write(self, set_name: str, model: str, values: Mapping[str, Any]) -> None:
        """Write a cell at once: a run that is killed leaves none or a whole one."""
        path = self.path(set_name, model)
        path.parent.mkdir(parents=True, exist_ok=True)
        cell = {"set": set_name, "model": model, **values}
        text = json.dumps(cell, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        unfinished = path.with_suffix(".part")
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)


def costs_of(answers: Answers) -> dict[str, Any]:
    """Return what a run cost, as a cell has it."""
    return {
        "fit_seconds": answers.fit_seconds,
        "fit_cpu_seconds": answers.fit_cpu_seconds,
        "peak_mib": answers.peak_mib,
        "answers_per_second": round(len(answers.lists) / max(answers.answer_seconds, 1e-3), 1),
    }


def beside(costs: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return what a peer's cell keeps of our own run before it; None where there was none."""
    return None if costs is None else {name: costs[name] for name in COSTS}


def reason(error: BaseException) -> str:
    """Return an error as one line."""
    words = " ".join(str(error).split())
    return words or type(error).__name__
