"""The results of an evaluation of surfaces: frozen values, and their JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crossrec.evaluation.report import Report
from crossrec.evaluation.significance import Comparison


@dataclass(frozen=True)
class SurfaceResult:
    """One surface beside its baselines.

    Attributes
    ----------
    surface, input : str
    question : str
        What it had to find; "" where nothing could be put to it.
    report : Report or None
        The surface is the model that has its name; None where it could not be measured.
    reason : str
        Why it could not; else what keeps some of its lists empty.
    """

    surface: str
    input: str
    question: str
    report: Report | None
    reason: str = ""

    def against(self, baseline: str, metric: str) -> Comparison | None:
        """Return the paired test against a baseline in a metric, as seen from the surface."""
        if self.report is None:
            return None
        for pair in self.report.comparisons:
            if (pair.model, pair.against, pair.metric) == (self.surface, baseline, metric):
                return pair
        return None


@dataclass(frozen=True)
class SurfacesReport:
    """The surfaces of one scenario, measured on the same events.

    Attributes
    ----------
    protocol : {"temporal", "last events"}
    k : int
        Length of the lists.
    users : int
        Test users; how many questions a surface had is in its own report.
    fit : mapping
        What was fitted: seconds, sources, and why some are missing.
    results : tuple of SurfaceResult
    notes : tuple of str
    """

    scenario: str
    protocol: str
    k: int
    users: int
    fit: Mapping[str, Any]
    results: tuple[SurfaceResult, ...]
    notes: tuple[str, ...] = ()

    def result(self, surface: str) -> SurfaceResult:
        """Return the result of a surface.

        Raises
        ------
        KeyError
            If it is not in the report.
        """
        found = {one.surface: one for one in self.results}
        return found[surface]

    def to_dict(self) -> dict[str, Any]:
        """Return the report ready for JSON; undefined figures are None."""
        return {
            "scenario": self.scenario,
            "protocol": self.protocol,
            "k": self.k,
            "users": self.users,
            "fit": dict(self.fit),
            "surfaces": [_result(one) for one in self.results],
            "notes": list(self.notes),
        }


def _result(one: SurfaceResult) -> dict[str, Any]:
    head = {
        "surface": one.surface,
        "input": one.input,
        "question": one.question,
        "reason": one.reason,
    }
    if one.report is None:
        return {**head, "report": None}
    return {**head, "report": one.report.to_dict()}
