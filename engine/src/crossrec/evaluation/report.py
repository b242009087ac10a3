"""What an evaluation found: a frozen value, as JSON and as a table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crossrec.evaluation.significance import Comparison

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

#: The pipeline's row; the others are sources and baselines.
PIPELINE = "pipeline"
Interval = tuple[float, float]

#: Columns of the table after recall, ndcg and mrr, and their headings.
_LIST_COLUMNS = {
    "longtail_recall": "long tail",
    "coverage": "coverage",
    "gini": "gini",
    "popular_overlap": "popular",
    "diversity": "diversity",
}


@dataclass(frozen=True)
class SegmentResult:
    """One model on a part of the users or targets."""

    users: int
    metrics: Mapping[str, float]
    ci95: Mapping[str, Interval]


@dataclass(frozen=True)
class Result:
    """One model's row.

    Attributes
    ----------
    baseline : bool
        True for popularity and repeat-last, which stand in every table.
    fit_seconds, recommend_seconds : float
        Wall clock, summed over the folds of a cross-validation.
    metrics : mapping of str to float
        NaN where a metric is undefined; null in JSON.
    ci95 : mapping of str to (low, high)
        For every metric that is a mean over users.
    segments : group → name → SegmentResult
    """

    model: str
    baseline: bool
    fit_seconds: float
    recommend_seconds: float
    metrics: Mapping[str, float]
    ci95: Mapping[str, Interval]
    segments: Mapping[str, Mapping[str, SegmentResult]]


@dataclass(frozen=True)
class Failure:
    """A model that was left out because it raised."""

    model: str
    error: str


@dataclass(frozen=True)
class Report:
    """An evaluation of one scenario.

    Attributes
    ----------
    users : int
        Users that were asked about.
    ks : tuple of int
        Depths; tests and segments are at the first.
    results : tuple of Result
        Sources, the pipeline, then the two baselines.
    comparisons : tuple of Comparison
        All pairs of models, in the headline metrics.
    failed : tuple of Failure
    notes : tuple of str
        What a reader of the figures has to know.
    """

    scenario: str
    protocol: str
    candidates: str
    users: int
    ks: tuple[int, ...]
    results: tuple[Result, ...]
    comparisons: tuple[Comparison, ...] = ()
    failed: tuple[Failure, ...] = ()
    notes: tuple[str, ...] = ()

    def result(self, model: str) -> Result | None:
        """Return the row of `model`, or None."""
        return next((row for row in self.results if row.model == model), None)

    def to_dict(self) -> dict[str, Any]:
        """Return the report ready for JSON; undefined figures are None."""
        return {
            "scenario": self.scenario,
            "protocol": self.protocol,
            "candidates": self.candidates,
            "users": self.users,
            "results": [_result(row) for row in self.results],
            "comparisons": [_plain(vars(pair)) for pair in self.comparisons],
            "failed": [vars(failure).copy() for failure in self.failed],
            "notes": list(self.notes),
        }

    def render(self) -> RenderableType:
        """Return tables and notes for a rich console; plain text where it is no terminal."""
        from rich.console import Group
        from rich.text import Text

        lines = [Text(f"note: {note}", style="dim") for note in self.notes]
        lines += [Text(f"left out: {f.model}: {f.error}", style="red") for f in self.failed]
        parts: list[RenderableType] = [self._main_table()]
        if self._reference():
            parts.append(self._verdict_table())
        segments = self._segment_table()
        if segments is not None:
            parts.append(segments)
        return Group(*parts, *lines)

    def _main_table(self) -> RenderableType:
        """All models at the first depth, with intervals."""
        table = _table(
            f"{self.scenario}: {self.protocol}, {self.candidates} candidates, "
            f"{self.users:,} users, 95 % intervals"
        )
        k = self.ks[0]
        wide = [f"{name}@{k}" for name in ("recall", "ndcg", "mrr")]
        slim = [
            name for name in _LIST_COLUMNS if any(f"{name}@{k}" in r.metrics for r in self.results)
        ]
        table.add_column("model", no_wrap=True)
        for heading in [*wide, *(_LIST_COLUMNS[name] for name in slim), "fit s"]:
            table.add_column(heading, justify="right")
        for row in self.results:
            cells = [_with_interval(row.metrics[name], row.ci95[name]) for name in wide]
            cells += [_figure(row.metrics.get(f"{name}@{k}", math.nan)) for name in slim]
            table.add_row(_label(row), *cells, f"{row.fit_seconds:.1f}")
        return table

    def _reference(self) -> str:
        """The model that the verdicts are about: the pipeline, else the best in the last metric."""
        metrics = [pair.metric for pair in self.comparisons]
        if not metrics:
            return ""
        if self.result(PIPELINE):
            return PIPELINE
        return max(self.results, key=lambda row: row.metrics[metrics[-1]]).model

    def _verdict_table(self) -> RenderableType:
        """The reference against every other model."""
        reference = self._reference()
        table = _table(f"{reference} is … than, Holm-corrected over all pairs of the table")
        for heading in ("than", "metric", "verdict", "difference", "corrected p"):
            table.add_column(heading, justify="right" if heading in ("difference",) else "left")
        for pair in self.comparisons:
            if reference not in (pair.model, pair.against):
                continue
            turned = pair.against == reference
            low, high = pair.ci95
            bounds = (-high, -low) if turned else (low, high)
            table.add_row(
                pair.model if turned else pair.against,
                pair.metric,
                _turned(pair.verdict) if turned else pair.verdict,
                _with_interval(-pair.difference if turned else pair.difference, bounds, "+.4f"),
                f"{pair.p_holm:.2g}",
            )
        return table

    def _segment_table(self) -> RenderableType | None:
        """Recall of each segment that holds anybody; None where the groups are undivided."""
        groups = self.results[0].segments if self.results else {}
        shown = [
            (group, name, part.users)
            for group, parts in groups.items()
            for name, part in parts.items()
            if part.users and sum(other.users > 0 for other in parts.values()) > 1
        ]
        if not shown:
            return None
        metric = f"recall@{self.ks[0]}"
        table = _table(f"{metric} apart")
        table.add_column("model", no_wrap=True)
        for group, name, users in shown:
            table.add_column(f"{name} {group}\n{users:,} users", justify="right")
        for row in self.results:
            figures = (row.segments[group][name].metrics[metric] for group, name, _ in shown)
            table.add_row(_label(row), *(_figure(figure) for figure in figures))
        return table


def _table(title: str) -> Table:
    """An empty table in the style of all tables here."""
    from rich import box
    from rich.table import Table

    return Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)


def _label(row: Result) -> str:
    return f"{row.model} *" if row.baseline else row.model


def _turned(verdict: str) -> str:
    """The same verdict seen from the other model."""
    return {"better": "worse", "worse": "better"}.get(verdict, verdict)


def _figure(value: float, form: str = ".4f") -> str:
    return "–" if math.isnan(value) else format(value, form)


def _with_interval(value: float, bounds: Interval, form: str = ".4f") -> str:
    low, high = (_figure(bound, form) for bound in bounds)
    return f"{_figure(value, form)} [{low}, {high}]"


def _result(row: Result) -> dict[str, Any]:
    """The public form of one row."""
    segments = {
        group: {name: _plain(vars(part)) for name, part in parts.items()}
        for group, parts in row.segments.items()
    }
    return {name: _plain(part) for name, part in vars(row).items()} | {"segments": segments}


def _plain(value: Any) -> Any:
    """Turn tuples into lists and NaN into None, as JSON wants them."""
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
