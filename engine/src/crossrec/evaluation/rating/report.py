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
        bare, mixed = f"{name} ({NO_REVIEWS})", f"{name} ({SHUFFLED})"
        if (name, BIAS) in pairs:
            beats = pairs[name, BIAS]
            words = {"better": "predicts better than", "worse": "predicts worse than"}
            verb = words.get(beats.verdict, "is not shown to predict better than")
            lines.append(f"{name} {verb} {BIAS} ({_by(beats)})")
        if (name, bare) in pairs and (name, mixed) in pairs:
            without, shuffled = pairs[name, bare], pairs[name, mixed]
            lines.append(
                f"{_reviews(without.verdict, shuffled.verdict)} {name} (against {NO_REVIEWS}: "
                f"{_by(without)}; against {SHUFFLED}: {_by(shuffled)})"
            )
    return tuple(lines)


def _reviews(without: str, shuffled: str) -> str:
    """Say what reviews are worth, by how the model does against the two controls."""
    if without == "worse":
        return "reviews harm"
    if without != "better":
        return "reviews add nothing that shows to"
    return "reviews help" if shuffled == "better" else "reviews help, but at random as well,"


def _by(pair: Comparison) -> str:
    low, high = pair.ci95
    return (
        f"mse {pair.difference:+.4f}, 95 % interval {low:+.4f} to {high:+.4f}, p {pair.p_holm:.2g}"
    )
