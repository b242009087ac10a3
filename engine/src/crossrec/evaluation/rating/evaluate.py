"""From a dataset with ratings and a way to fit raters to a report."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from crossrec.data.dataset import Dataset
from crossrec.data.reviews import RatingScale
from crossrec.errors import CrossrecError, DataError, UsageError
from crossrec.evaluation.rating.figures import ErrorFigures, error_figures
from crossrec.evaluation.rating.models import (
    BIAS,
    NO_REVIEWS,
    SHUFFLED,
    BuildRaters,
    RatingModel,
    baselines,
)
from crossrec.evaluation.rating.report import RatingReport, RatingResult, conclude
from crossrec.evaluation.rating.split import (
    HeldRatings,
    RatingSplit,
    RatingSplitName,
    scale_of,
    split_ratings,
)
from crossrec.evaluation.report import FailedModel
from crossrec.evaluation.significance import Comparison, compare, interval

_NOTE = (
    "all models are fitted on what comes before the test, validation included; no model reads the "
    "text of a rating that it predicts"
)
_WIDE = "every prediction is drawn to the scale before it is measured"


def evaluate_ratings(
    dataset: Dataset,
    build: BuildRaters,
    *,
    split: RatingSplitName | None = None,
    scenario: str = "",
    only: Sequence[str] = (),
    seed: int = 0,
    resamples: int = 1000,
    progress: Callable[[str, int, int], None] = lambda message, done, total: None,
) -> RatingReport:
    """Fit raters before the test and report how far off they are, beside three baselines.

    Each rater is fitted three times: with the reviews, without any, and with the reviews dealt out
    at random. A model that raises while it predicts is left out and named.

    Parameters
    ----------
    dataset : Dataset
        With reviews: ``workspace.dataset(scenario, reviews=True)``.
    build : callable
        From the events that may be learnt from to fitted models.
    split : {"temporal", "leave-one-out"}, optional
        By time where there is a clock, else by user, where None.
    only : sequence of str
        Models to report beside the biases, which stay; all where empty.

    Raises
    ------
    DataError
        If there are no ratings, or too few to be split.
    UsageError
        If `only` names what is not here, or two models have the same name.
    """
    scale = scale_of(dataset, scenario)
    chosen = split or ("temporal" if dataset.has_clock else "leave-one-out")
    parts = split_ratings(dataset, chosen)
    if not len(parts.train.ratings):
        raise DataError("the split leaves no rating to learn from: ingest more ratings")
    models = _models(parts, build, seed, progress)
    models = _only(models, only)
    figures, failed = {}, []
    for done, model in enumerate(models):
        progress(f"measuring {model.name}", done, len(models))
        try:
            figures[model.name] = _measured(model, parts.test, scale, resamples, seed)
        except (Exception, SystemExit) as error:  # a broken model must not lose others' figures
            failed.append(FailedModel(model.name, f"{type(error).__name__}: {error}"))
    results = tuple(
        _result(model, figures[model.name]) for model in models if model.name in figures
    )
    comparisons = _compared(results, figures)
    notes = [*parts.notes, *(model.note for model in models if model.note), _NOTE, _WIDE]
    return RatingReport(
        scenario,
        chosen,
        scale,
        _sizes(parts, scale),
        results,
        comparisons,
        conclude(results, comparisons),
        tuple(failed),
        tuple(notes),
    )


def _models(
    parts: RatingSplit,
    build: BuildRaters,
    seed: int,
    progress: Callable[[str, int, int], None],
) -> list[RatingModel]:
    """Fit the baselines, the raters and their controls."""
    progress("fitting the baselines", 0, 0)
    models = baselines(parts, seed)
    raters = list(build(parts.learnt))
    models += raters
    reviews = parts.learnt.events.reviews
    if raters and reviews is not None:
        for control, changed in (
            (NO_REVIEWS, reviews.without_texts()),
            (SHUFFLED, reviews.shuffled(seed)),
        ):
            found = build(parts.learnt.with_reviews(changed))
            models += [model.as_control(control) for model in found]
    names = [model.name for model in models]
    if len(set(names)) != len(names):
        raise UsageError(f"two models have the same name: {', '.join(sorted(names))}")
    return models


def _only(models: list[RatingModel], only: Sequence[str]) -> list[RatingModel]:
    """Return the chosen models, their controls and the biases."""
    names = [model.name for model in models]
    for name in only:
        if name not in names:
            raise UsageError(f"no model {name!r} here: there are {', '.join(names)}")
    if not only:
        return models
    return [m for m in models if m.name in (*only, BIAS) or m.of in only]


def _measured(
    model: RatingModel, test: HeldRatings, scale: RatingScale, resamples: int, seed: int
) -> ErrorFigures:
    predicted = np.asarray(model.predict(test), dtype=np.float64)
    if predicted.shape != (len(test),):
        raise CrossrecError(f"predictions of shape {predicted.shape} for {len(test)} ratings")
    if not np.isfinite(predicted).all():
        raise CrossrecError(f"{(~np.isfinite(predicted)).sum():,} predictions are not finite")
    return error_figures(
        scale.clip(predicted),
        test.rows.ratings,
        test.rows.users,
        scale.neutral,
        resamples=resamples,
        seed=seed,
    )


def _result(model: RatingModel, figures: ErrorFigures) -> RatingResult:
    return RatingResult(
        model.name,
        model.baseline,
        model.of,
        model.control,
        model.fit_seconds,
        figures.metrics,
        {name: interval(samples) for name, samples in figures.drawn.items()},
    )


def _compared(
    results: Sequence[RatingResult], figures: dict[str, ErrorFigures]
) -> tuple[Comparison, ...]:
    """Compare every model with the biases, and each model with its controls."""
    names = [row.model for row in results]
    pairs = [(name, BIAS) for name in names if name != BIAS and BIAS in names]
    pairs += [(row.of, row.model) for row in results if row.of in names]
    metrics = ("mse", "mae")
    return compare(
        {metric: {name: figures[name].by_user[metric] for name in names} for metric in metrics},
        {metric: {name: figures[name].drawn[metric] for name in names} for metric in metrics},
        pairs=pairs,
        errors=metrics,
    )


def _sizes(parts: RatingSplit, scale: RatingScale) -> dict[str, int]:
    rows = parts.test.rows
    return {
        "train": len(parts.train.ratings),
        "validation": len(parts.validation),
        "test": len(rows),
        "liked": int((rows.ratings > scale.neutral).sum()),
        "users": len(np.unique(rows.users)),
    }
