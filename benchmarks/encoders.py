"""Which text encoder is worth what, on which language: quality on validation items, and speed.

Command: ``python benchmarks/encoders.py [--sets a,b] [--encoders a,b] [--texts 300]
[--pipelines a,b] [--again]``.
Needs the packages of ``crossrec-text[transformers,multilingual,int8]``. Real sets lie in
``../shared/datasets`` or ``CROSSREC_DATASETS``; without them the generated catalogues are measured.

Every cell, an encoder on a set, is a file in ``build/encoders``; one that is there is measured
again only with ``--again``, and a run that was stopped goes on. What is there in the end becomes
``results/encoders.json``, from which the table in ``docs/encoders.md`` is generated. No test item
takes part: `crossrec_text.language` chooses the default encoder by these figures.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from common import HERE, datasets, print_progress, write_result, write_whole
from encoder_trials.cells import ENCODERS, Cell, measured, read
from encoder_trials.pipelines import USERS, path_of, pipeline_cells, pipeline_measured
from encoder_trials.speed import speeds
from encoder_trials.translated import LANGUAGES
from encoding import generated

FOLDER = HERE.parent / "build" / "encoders"
REAL = ("scientific", "ml-1m", "beauty", "microlens", "quantum", "lastfm", "yelp")
#: What the others are compared with.
BEFORE = "transformer"
SPEED = "speed"


def kept(path: Path) -> dict[str, Any] | None:
    """Return an outcome that was kept; None where there is none."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def measure(cells: list[Cell], folder: Path, again: bool) -> None:
    """Measure what is not there yet, set by set."""
    wanted = [cell for cell in cells if again or not cell.path(folder).is_file()]
    for data in dict.fromkeys(cell.data for cell in wanted):
        dataset = read(data)
        for cell in wanted:
            if cell.data == data:
                print_progress(f"{data}, {cell.encoder}", 0, dataset.n_items)
                values = measured(cell, dataset, folder / "cache")
                write_whole(cell.path(folder), json.dumps(values, ensure_ascii=False) + "\n")


def measure_pipelines(cells: list[tuple[Cell, int]], folder: Path, again: bool) -> None:
    """Measure the default pipelines that are not there yet, set by set."""
    wanted = [one for one in cells if again or not path_of(*one, folder).is_file()]
    for data in dict.fromkeys(cell.data for cell, _ in wanted):
        dataset = read(data)
        for cell, users in wanted:
            if cell.data == data:
                print_progress(f"{data}, {cell.encoder}, default pipeline", 0, users)
                values = pipeline_measured(cell, dataset, folder / "cache", users)
                text = json.dumps(values, ensure_ascii=False) + "\n"
                write_whole(path_of(cell, users, folder), text)


def collected(folder: Path) -> dict[str, Any]:
    """Return all outcomes of a folder, in the order of the sets and encoders."""
    cells = []
    for data in (*REAL, *LANGUAGES):
        before = kept(Cell(BEFORE, data).path(folder))
        found = [kept(Cell(encoder, data).path(folder)) for encoder in ENCODERS]
        cells += [compared(values, before) for values in found if values is not None]
    pipelines = []
    for data in (*REAL, *LANGUAGES):
        for users in USERS:
            before = kept(path_of(Cell(BEFORE, data), users, folder))
            found = [kept(path_of(Cell(encoder, data), users, folder)) for encoder in ENCODERS]
            pipelines += [compared(values, before) for values in found if values is not None]
    return {"speed": kept(folder / f"{SPEED}.json"), "cells": cells, "pipelines": pipelines}


def compared(values: dict[str, Any], before: dict[str, Any] | None) -> dict[str, Any]:
    """Return an outcome with means over the users, and paired differences to `BEFORE`."""
    from crossrec.components.paired_gain import PairedGain

    figures = {}
    for form, gains in values["ndcg@10"].items():
        figures[form] = {"recall@10": values["recall@10"][form], "ndcg@10": mean(gains)}
        if before and values["encoder"] != BEFORE and form in before["ndcg@10"]:
            gain = PairedGain.between(np.array(gains), np.array(before["ndcg@10"][form]))
            figures[form] |= {
                "difference": round(gain.mean, 4),
                "error": round(gain.error, 4),
            }
    plain = {key: value for key, value in values.items() if key not in ("recall@10", "ndcg@10")}
    return {**plain, "figures": figures}


def mean(gains: list[float]) -> float:
    """Return the mean, with four digits."""
    return round(float(np.mean(gains)), 4)


def main() -> None:
    there = REAL if datasets() is not None else ()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", default=",".join((*LANGUAGES, *there)))
    parser.add_argument("--encoders", default=",".join(ENCODERS))
    parser.add_argument("--texts", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pipelines", default="", help="sets to fit default pipelines on, too")
    parser.add_argument("--again", action="store_true")
    options = parser.parse_args()
    names, sets = options.encoders.split(","), [one for one in options.sets.split(",") if one]
    measure([Cell(name, data) for data in sets for name in names], FOLDER, options.again)
    pipelines = [one for one in options.pipelines.split(",") if one]
    measure_pipelines(pipeline_cells(names, pipelines), FOLDER, options.again)
    path = FOLDER / f"{SPEED}.json"
    if options.texts and (options.again or not path.is_file()):
        timed = [name for name in names if ENCODERS[name][0]]
        values = speeds(timed, generated(options.texts, 0), options.rounds, FOLDER / "cache")
        write_whole(path, json.dumps(values) + "\n")
    write_result("encoders", collected(FOLDER))


if __name__ == "__main__":
    main()
