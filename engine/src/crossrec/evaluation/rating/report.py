"""The results of an evaluation of ratings: frozen values, their JSON form and what they say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crossrec.data.reviews import RatingScale
from crossrec.evaluation.rating.models import BIAS, NO_REVIEWS, SHUFFLED
from crossrec.evaluation.report import FailedModel, Interval
from crossrec.evaluation.significance import Comparison
from crossrec.jsonio import plain


@dataclass(frozen=True)
class RatingResult:
    """One model's row.

    Attributes
    ----------
    baseline : bool
    of, control : str
        The model that this is a control of, and what was done to its reviews; else "".
    metrics : mapping of ``"mse"``, ``"mae"``, ``"auc"`` to float
        NaN where undefined; null in JSON.
    ci95 : mapping of str to (low, high)
        Bootstrap over users.
    """

    model: str
    baseline: bool
    of: str
    control: str
    fit_seconds: float
    metrics: Mapping[str, float]
    ci95: Mapping[str, Interval]


@dataclass(frozen=True)
class RatingReport:
    """An evaluation of predicted ratings.

    Attributes
    ----------
    scale : RatingScale
        Unit of the errors: the events' own values.
    sizes : mapping of ``"train"``, ``"validation"``, ``"test"``, ``"liked"``, ``"users"`` to int
        Ratings of each part, test ratings above the middle of the scale, and test users.
    comparisons : tuple of Comparison
        In ``"mse"`` and ``"mae"``: every model against the biases, every model with reviews against
        its controls.
    conclusions : tuple of str
        What the comparisons say of each model that reads reviews.
    """

    scenario: str
    protocol: str
    scale: RatingScale
    sizes: Mapping[str, int]
    results: tuple[RatingResult, ...]
    comparisons: tuple[Comparison, ...]
    conclusions: tuple[str, ...]
    failed: tuple[FailedModel, ...] = ()
    notes: tuple[str, ...] = ()

    def result(self, model: str) -> RatingResult | None:
        """Return the row of `model`, or None."""
        return next((row for row in self.results if row.model == model), None)

    def to_dict(self) -> dict[str, Any]:
        """Return the report ready for JSON; undefined figures are None."""
        return {
            "task": "rating",
            "scenario": self.scenario,
            "protocol": self.protocol,
            "unit": self.scale.unit,
            "scale": [self.scale.low, self.scale.high],
            "sizes": dict(self.sizes),
            "results": [plain(vars(row)) for row in self.results],
            "comparisons": [plain(vars(pair)) for pair in self.comparisons],
            "conclusions": list(self.conclusions),
            "failed": [vars(failure).copy() for failure in self.failed],
            "notes": list(self.notes),
        }


def conclude(
    results: tuple[RatingResult, ...], comparisons: tuple[Comparison, ...]
) -> tuple[str, ...]:
    """Say of each model with controls whether it beats the biases, and whether reviews help it."""
    lines = []
    pairs = {(one.model, one.against): one for one in comparisons if one.metric == "mse"}
    for name in dict.fromkeys(row.of for row in results if row.of):
        for against, good, bad in (
            (BIAS, "it predicts better than the biases", "it does not beat the biases"),
            (f"{name} ({NO_REVIEWS})", "reviews help it", "reviews add nothing that shows"),
            (
                f"{name} ({SHUFFLED})",
                "whose reviews they are matters",
                "the same reviews at random do no worse",
            ),
        ):
            pair = pairs.get((name, against))
            if pair is not None:
                lines.append(f"{name}: {_said(pair, good, bad)}")
    return tuple(lines)


def _said(pair: Comparison, good: str, bad: str) -> str:
    low, high = pair.ci95
    words = {"better": good, "worse": f"it is worse than {pair.against}"}.get(pair.verdict, bad)
    return (
        f"{words} (mse {pair.difference:+.4f} against {pair.against}, 95 % interval "
        f"{low:+.4f} to {high:+.4f}, p {pair.p_holm:.2g})"
    )
