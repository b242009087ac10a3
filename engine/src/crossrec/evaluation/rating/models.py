"""What predicts ratings in an evaluation: the three baselines, and what a pipeline brings."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossrec.data.dataset import Dataset
from crossrec.evaluation.rating.split import HeldRatings, RatingSplit
from crossrec.numeric.biased_factors import (
    BiasedFactors,
    Penalties,
    choose_biases,
    choose_factors,
    fit_biased_factors,
)

#: The baselines by name; every model is compared with the second.
MEAN, BIAS, FACTORS = "global-mean", "user-item-bias", "matrix-factorisation"
#: What is done to the reviews of a control.
NO_REVIEWS, SHUFFLED = "no reviews", "shuffled reviews"

Predict = Callable[[HeldRatings], NDArray[np.floating]]


@dataclass(frozen=True, eq=False)
class RatingModel:
    """Something fitted that predicts ratings.

    Attributes
    ----------
    predict : callable
        From ratings to predict, whose truth it must not read, to as many numbers.
    baseline : bool
    of, control : str
        The model that this one is a control of, and what was done to its reviews; else "".
    note : str
        What was chosen, for the report.
    """

    name: str
    predict: Predict
    fit_seconds: float
    baseline: bool = False
    of: str = ""
    control: str = ""
    note: str = ""

    def as_control(self, control: str) -> RatingModel:
        """Return the model as one that was fitted on changed reviews."""
        name = f"{self.name} ({control})"
        return RatingModel(name, self.predict, self.fit_seconds, False, self.name, control)


#: From what may be learnt from to fitted models.
BuildRaters = Callable[[Dataset], Sequence[RatingModel]]


def baselines(split: RatingSplit, seed: int) -> list[RatingModel]:
    """Fit the mean, the biases and the factors; their penalties are chosen on validation."""
    mean = float(split.learnt.ratings.ratings.mean())
    shape = split.learnt.n_users, split.learnt.n_items
    train, validation = split.train.ratings, split.validation.rows

    def fitted(name: str, choose: Callable[[], Penalties]) -> tuple[RatingModel, Penalties]:
        started = time.perf_counter()
        chosen = choose()
        model = fit_biased_factors(split.learnt.ratings, *shape, chosen, seed)
        return _baseline(name, model, time.perf_counter() - started, chosen), chosen

    plain, biases = fitted(BIAS, lambda: choose_biases(train, validation, *shape))
    deep, _ = fitted(FACTORS, lambda: choose_factors(train, validation, *shape, biases))
    constant = RatingModel(MEAN, lambda held: np.full(len(held), mean), 0.0, baseline=True)
    return [constant, plain, deep]


def _baseline(name: str, fitted: BiasedFactors, seconds: float, chosen: Penalties) -> RatingModel:
    """Return a fitted model of biases and factors as a row of the report."""

    def predict(held: HeldRatings) -> NDArray[np.float64]:
        return fitted.predict(held.rows.users, held.rows.items)

    note = f"{name}: penalties {chosen.users:g} (users) and {chosen.items:g} (items)"
    if chosen.size:
        note += f", {chosen.size} factors with penalty {chosen.factors:g}"
    return RatingModel(name, predict, seconds, baseline=True, note=f"{note}, by validation")
