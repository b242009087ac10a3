"""The raters of one evaluation: every feature set that rates, fitted before the test."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from crossrec.components.query import QueryBatch
from crossrec.components.rating import RATE, RatingSource
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.errors import CrossrecError, UsageError
from crossrec.evaluation.rating.models import BuildRaters, RatingModel
from crossrec.evaluation.rating.split import HeldRatings
from crossrec.pipeline.item_vectors import attach_vectors
from crossrec.pipeline.resolved import Component, ResolvedPipeline
from crossrec.plugins.registry import Registry
from crossrec.plugins.state import one_line


def raters_of(resolved: ResolvedPipeline, registry: Registry) -> dict[str, Component]:
    """Return the feature sets that rate: those of the pipeline, then the others that are installed.

    Raises
    ------
    UsageError
        If the settings of one do not fit.
    """
    found = {name: one for name, one in resolved.features.items() if RATE in one.capabilities}
    for one in registry.all("features"):
        if RATE in one.capabilities and one.name not in found:
            found[one.name] = Component(one.name, one, {})
    for part in found.values():
        if isinstance(part.error, UsageError):
            raise part.error
    return found


def rater_builder(
    resolved: ResolvedPipeline, raters: Mapping[str, Component], run: RunOptions
) -> BuildRaters:
    """Return what fits the raters on the events before a test.

    Texts are encoded anew for each set of events: an encoder that learns from its texts sees none
    of the test. One that fails is named in the report, with its error.
    """

    def build(learnt: Dataset) -> list[RatingModel]:
        dataset, notes = attach_vectors(learnt, resolved, run)
        models = [_fitted(name, part, dataset, run) for name, part in raters.items()]
        if notes and models:
            models[0] = replace(models[0], note="; ".join(notes))
        return models

    return build


def _fitted(name: str, component: Component, dataset: Dataset, run: RunOptions) -> RatingModel:
    """Fit one rater; where that fails its model raises why."""
    started = time.perf_counter()
    try:
        rater = cast("RatingSource", component.build())
        rater.fit(dataset, run)
    except (Exception, SystemExit) as error:
        return RatingModel(name, _raising(one_line(error)), 0.0)
    seconds = round(time.perf_counter() - started, 3)
    return RatingModel(name, _predicting(rater, dataset), seconds)


def _predicting(
    rater: RatingSource, dataset: Dataset
) -> Callable[[HeldRatings], NDArray[np.float32]]:
    """Return what predicts held ratings from the histories that were learnt."""

    def predict(held: HeldRatings) -> NDArray[np.float32]:
        users = held.rows.users
        queries = QueryBatch.from_histories(
            dataset.sequences.take(users),
            users=users,
            now=held.times if dataset.has_clock else None,
        )
        return rater.rate(queries, held.rows.items[:, None])[:, 0]

    return predict


def _raising(why: str) -> Callable[[HeldRatings], NDArray[np.float32]]:
    def predict(held: HeldRatings) -> NDArray[np.float32]:
        raise CrossrecError(f"could not be fitted: {why}")

    return predict
