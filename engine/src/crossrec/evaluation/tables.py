"""The tables of a report as plain cells, and the report as text."""

from __future__ import annotations

import math
from dataclasses import dataclass

from crossrec.evaluation.report import PIPELINE, Interval, ModelResult, Report
from crossrec.evaluation.significance import Comparison
from crossrec.terminal import aligned

#: Metrics of the lists and how their columns are headed.
_OF_LISTS = {
    "longtail_recall": "LONG TAIL",
    "coverage": "COVERAGE",
    "gini": "GINI",
    "popular_overlap": "POPULAR",
    "diversity": "DIVERSITY",
}
_OPPOSITE = {"better": "worse", "worse": "better"}


@dataclass(frozen=True)
class Table:
    """A title, column headings and rows of as many cells."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def report_tables(report: Report) -> list[Table]:
    """Return all tables of a report that have something to show."""
    tables = [_models(report), _verdicts(report), _segments(report)]
    return [table for table in tables if table.rows]


def report_text(report: Report) -> str:
    """Return tables, failures and notes as aligned plain text."""
    tables = report_tables(report)
    blocks = [f"{one.title}\n{aligned(one.columns, one.rows)}" for one in tables]
    remarks = [f"left out: {failure.model}: {failure.error}" for failure in report.failed]
    remarks += [f"note: {note}" for note in report.notes]
    return "\n\n".join([*blocks, "\n".join(remarks)]).rstrip() + "\n"


def reference_of(report: Report) -> str:
    """Return the model to compare with: the pipeline, else the best by the last metric.

    An empty string where nothing was compared.
    """
    if not report.comparisons:
        return ""
    if report.result(PIPELINE):
        return PIPELINE
    metric = report.comparisons[-1].metric
    return max(report.results, key=lambda row: row.metrics[metric]).model


def _models(report: Report) -> Table:
    """Return all models at the first depth; ± is half of the 95 % interval."""
    k = report.ks[0]
    slim = {
        f"{name}@{k}": heading
        for name, heading in _OF_LISTS.items()
        if any(not math.isnan(row.metrics.get(f"{name}@{k}", math.nan)) for row in report.results)
    }
    rows = []
    for row in report.results:
        cells = [with_half(row, f"{name}@{k}") for name in ("recall", "ndcg")]
        cells.append(figure(row.metrics[f"mrr@{k}"]))
        cells += [figure(row.metrics.get(name, math.nan)) for name in slim]
        rows.append((_label(row), *cells, f"{row.fit_seconds:.1f}"))
    headings = (f"RECALL@{k}", f"NDCG@{k}", f"MRR@{k}", *slim.values(), "FIT S")
    title = (
        f"{report.scenario or 'evaluation'}: {report.protocol}, {report.candidates} candidates, "
        f"{report.users:,} users; ± of 95 % intervals, * baseline"
    )
    return Table(title, ("MODEL", *headings), tuple(rows))


def _verdicts(report: Report) -> Table:
    """Return the reference against every other model, in both headline metrics."""
    reference = reference_of(report)
    rows = []
    for pair in report.comparisons:
        if reference not in (pair.model, pair.against):
            continue
        verdict, other, difference, (low, high) = _seen_from(pair, reference)
        interval = f"{figure(difference, '+.4f')} [{low:+.4f}, {high:+.4f}]"
        rows.append((verdict, other, pair.metric, interval, probability(pair.p_holm)))
    title = f"{reference} is … than …, Holm-corrected over {len(report.comparisons)} tests"
    return Table(title, ("IS", "THAN", "IN", "BY", "P"), tuple(rows))


def _seen_from(pair: Comparison, reference: str) -> tuple[str, str, float, Interval]:
    """Return verdict, other model, difference and interval as seen from `reference`."""
    low, high = pair.ci95
    if pair.model == reference:
        return pair.verdict, pair.against, pair.difference, (low, high)
    verdict = _OPPOSITE.get(pair.verdict, pair.verdict)
    return verdict, pair.model, -pair.difference, (-high, -low)


def _segments(report: Report) -> Table:
    """Return the recall of each segment with users, for groups that have two or more of them."""
    metric = f"recall@{report.ks[0]}"
    shown = [
        (group, name, part.users)
        for group, parts in report.results[0].segments.items()
        for name, part in parts.items()
        if part.users and sum(other.users > 0 for other in parts.values()) > 1
    ]
    headings = [f"{name} {group} ({users:,})".upper() for group, name, users in shown]
    rows = [
        (
            _label(row),
            *(figure(row.segments[group][name].metrics[metric]) for group, name, _ in shown),
        )
        for row in report.results
    ]
    return Table(f"{metric} by segment (users)", ("MODEL", *headings), tuple(rows if shown else ()))


def probability(p: float) -> str:
    """Return a p-value as a cell."""
    return "< 0.0001" if p < 0.0001 else f"{p:.2g}"


def _label(row: ModelResult) -> str:
    return f"{row.model} *" if row.baseline else row.model


def figure(value: float, form: str = ".4f") -> str:
    """Return a figure as a cell, a dash where it is undefined."""
    return "–" if math.isnan(value) else format(value, form)


def with_half(row: ModelResult, metric: str) -> str:
    """Return a figure with half the width of its interval."""
    low, high = row.ci95[metric]
    half = figure((high - low) / 2)
    return f"{figure(row.metrics[metric])} ±{half.removeprefix('0')}"
