"""The picture of the curves; matplotlib is an optional extra and imported only here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from crossrec.errors import CrossrecError, UsageError

from crossrec_backbone.transfer.methods import BARE, FULL
from crossrec_backbone.transfer.report import METRICS

if TYPE_CHECKING:
    from crossrec_backbone.transfer.report import TransferReport

SUFFIXES = (".png", ".svg", ".pdf")
_STRONG = {FULL: "#1f4e9c", BARE: "#d1495b"}


def check_plot(path: Path) -> None:
    """Refuse a file that could not be drawn, before anything is measured.

    Raises
    ------
    UsageError
        If its name ends in none of `SUFFIXES`.
    CrossrecError
        If matplotlib is not installed.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"--plot takes a file ending in {', '.join(SUFFIXES)}, not {path.name!r}")
    _figure_class()


def plot(report: TransferReport, path: Path) -> None:
    """Draw recall@10 and ndcg@10 of every method over the budgets, means over seeds.

    Bands are 95 % intervals of the full method and of the one without pretraining.

    Raises
    ------
    UsageError, CrossrecError
        As `check_plot`; or if the file cannot be written.
    """
    check_plot(path)
    figure = _figure_class()(figsize=(11, 4.6), layout="constrained")
    levels = report.levels
    for axes, metric in zip(figure.subplots(1, 2), METRICS, strict=True):
        for at, method in enumerate(report.methods):
            _curve(axes, report, method, metric, at)
        labels = [f"{level:,}" if level != "all" else "all" for level in levels]
        axes.set_xticks(range(len(levels)), labels)
        axes.set_xlabel("events of the target")
        axes.set_title(metric)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.25)
    handles, names = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside right upper", fontsize="small", frameon=False)
    sources = ", ".join(report.sources)
    figure.suptitle(f"{report.target}, pretrained on {sources}; {report.candidates} candidates")
    try:
        figure.savefig(path, dpi=150)
    except OSError as error:
        raise CrossrecError(f"cannot write {path}: {error.strerror or error}") from error


def _curve(axes: Any, report: TransferReport, method: str, metric: str, at: int) -> None:
    """Draw one method; budgets at which it has no scores are left out."""
    means = [(x, report.mean(method, level)) for x, level in enumerate(report.levels)]
    means = [(x, point) for x, point in means if not point.no_scores]
    if not means:
        return
    x = [x for x, _ in means]
    values = [point.metrics[metric] for _, point in means]
    strong = method in _STRONG
    color = _STRONG.get(method, f"C{at % 10}")
    width, marker = (2.2, "o") if strong else (1.0, ".")
    axes.plot(x, values, marker=marker, lw=width, color=color, label=method)
    if strong:
        low, high = zip(*(point.ci95[metric] for _, point in means), strict=True)
        axes.fill_between(x, low, high, color=color, alpha=0.15, lw=0)


def _figure_class() -> Any:
    """Import matplotlib, or say what to install. No pyplot: no window, no global state."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise CrossrecError(
            "--plot needs matplotlib: pip install 'crossrec-backbone[plot]'"
        ) from None
    return Figure
