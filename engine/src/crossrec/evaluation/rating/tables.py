"""The tables of a report on ratings, and the report as text."""

from __future__ import annotations

from crossrec.evaluation.rating.report import RatingReport, RatingResult
from crossrec.evaluation.tables import Table, figure, probability
from crossrec.terminal import aligned


def rating_tables(report: RatingReport) -> list[Table]:
    """Return the figures of all models, and the comparisons."""
    return [table for table in (_models(report), _verdicts(report)) if table.rows]


def rating_remarks(report: RatingReport) -> list[str]:
    """Return the conclusions, failures and notes, one line each."""
    lines = list(report.conclusions)
    lines += [f"left out: {failure.model}: {failure.error}" for failure in report.failed]
    return lines + [f"note: {note}" for note in report.notes]


def rating_text(report: RatingReport) -> str:
    """Return tables and remarks as aligned plain text."""
    blocks = [f"{one.title}\n{aligned(one.columns, one.rows)}" for one in rating_tables(report)]
    return "\n\n".join([*blocks, "\n".join(rating_remarks(report))]).rstrip() + "\n"


def _models(report: RatingReport) -> Table:
    sizes = report.sizes
    title = (
        f"{report.scenario or 'ratings'}: {report.protocol}, {sizes['test']:,} ratings of "
        f"{sizes['users']:,} users, {sizes['liked']:,} of them liked; {report.scale.unit}; "
        "95 % intervals, * baseline"
    )
    rows = tuple(
        (
            f"{row.model} *" if row.baseline else row.model,
            *(_with_interval(row, metric) for metric in ("mse", "mae", "auc")),
            f"{row.fit_seconds:.1f}",
        )
        for row in report.results
    )
    return Table(title, ("MODEL", "MSE", "MAE", "AUC OF LIKING", "FIT S"), rows)


def _verdicts(report: RatingReport) -> Table:
    rows = tuple(
        (
            pair.model,
            pair.verdict,
            pair.against,
            pair.metric,
            f"{pair.difference:+.4f} [{pair.ci95[0]:+.4f}, {pair.ci95[1]:+.4f}]",
            probability(pair.p_holm),
        )
        for pair in report.comparisons
    )
    title = f"less is better; Holm-corrected over {len(rows)} tests"
    return Table(title, ("MODEL", "IS", "THAN", "IN", "BY", "P"), rows)


def _with_interval(row: RatingResult, metric: str) -> str:
    low, high = row.ci95[metric]
    return f"{figure(row.metrics[metric])} [{figure(low)}, {figure(high)}]"
