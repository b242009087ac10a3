"""The tables of an evaluation of surfaces as plain cells."""

from __future__ import annotations

import math
from collections.abc import Iterator

from crossrec.evaluation.report import ModelResult
from crossrec.evaluation.surfaces.report import SurfaceResult, SurfacesReport
from crossrec.evaluation.tables import Table, figure, with_half

#: Metrics of the lists and how their columns are headed.
_OF_LISTS = {
    "filled": "FILLED",
    "coverage": "COVERAGE",
    "diversity": "DIVERSITY",
    "new_items": "NEW",
    "creator_gini": "CREATOR GINI",
}


def surface_tables(report: SurfacesReport) -> list[Table]:
    """Return the figures of all surfaces, and those that have none."""
    tables = [_figures(report), _left_out(report)]
    return [one for one in tables if one.rows]


def surface_remarks(report: SurfacesReport) -> list[str]:
    """Return what the reader of the figures has to know, one line each."""
    lines = [f"note: {note}" for note in report.notes]
    lines += [f"left out: {label}: {error}" for label, error in report.fit["failed"].items()]
    for one in report.results:
        if one.report is not None:
            lines.append(f"{one.surface}: {one.question}")
            lines += [f"{one.surface}: {note}" for note in one.report.notes]
            lines += [f"{one.surface}: {one.reason}"] if one.reason else []
    return lines


def is_than(one: SurfaceResult, baseline: str, metric: str) -> str:
    """Return the verdict on a surface against a baseline: "better", "worse", "–" for neither."""
    pair = one.against(baseline, metric)
    return "–" if pair is None or pair.verdict == "no difference" else pair.verdict


def _figures(report: SurfacesReport) -> Table:
    """Return every surface with its baselines below it; ± is half of the 95 % interval."""
    k = report.k
    measured = [one for one in report.results if one.report is not None]
    slim = {
        f"{name}@{k}": heading
        for name, heading in _OF_LISTS.items()
        if any(not math.isnan(row.metrics[f"{name}@{k}"]) for _, row in _rows(measured))
    }
    rows = [
        (
            "" if row.baseline else one.surface,
            f"{row.model} *" if row.baseline else f"({one.input})",
            "" if row.baseline or one.report is None else f"{one.report.users:,}",
            with_half(row, f"recall@{k}"),
            with_half(row, f"ndcg@{k}"),
            figure(row.metrics[f"hit@{k}"]),
            *(figure(row.metrics[name]) for name in slim),
            is_than(one, row.model, f"ndcg@{k}") if row.baseline else "",
        )
        for one, row in _rows(measured)
    ]
    title = (
        f"{report.scenario}: surfaces, {report.protocol}, {report.users:,} test users; ± of 95 % "
        "intervals, * baseline, IS: the surface against it in NDCG"
    )
    headings = ("SURFACE", "MODEL", "QUERIES", f"RECALL@{k}", f"NDCG@{k}", f"HIT@{k}")
    return Table(title, (*headings, *slim.values(), "IS"), tuple(rows))


def _left_out(report: SurfacesReport) -> Table:
    """Return the surfaces without figures, and why."""
    rows = [(one.surface, one.input, one.reason) for one in report.results if one.report is None]
    return Table("not measured", ("SURFACE", "INPUT", "WHY"), tuple(rows))


def _rows(results: list[SurfaceResult]) -> Iterator[tuple[SurfaceResult, ModelResult]]:
    for one in results:
        assert one.report is not None
        for row in one.report.results:
            yield one, row
