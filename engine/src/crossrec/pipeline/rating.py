"""What a user would rate: the part of `Engine` that asks the pipeline's rater."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from crossrec.components.query import Query, id_tuple
from crossrec.components.rating import RATE, RatingSource
from crossrec.components.user_state import UserState
from crossrec.data.catalog import Catalog
from crossrec.data.reviews import RatingScale, rating_scale
from crossrec.errors import CrossrecError, NotFittedError, UsageError
from crossrec.pipeline.features import label_of
from crossrec.pipeline.query_resolution import resolve_query
from crossrec.pipeline.serving import Serving
from crossrec.pipeline.user_states import user_state_of
from crossrec.plugins.registry import Registry
from crossrec.scenario import Scenario
from crossrec.workspace import Workspace

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crossrec.components.query import QueryBatch
    from crossrec.components.run import RunOptions
    from crossrec.pipeline.pipeline import Pipeline

#: Half a surrogate pair, which no item id has: ids of texts that are to be rated.
_TEXT = "\ud800text"


@dataclass(frozen=True)
class PredictedRating:
    """One prediction.

    Attributes
    ----------
    item_id : str or None
        None for a text that is no item.
    title : str
        Of the item, or the text itself.
    rating : float
        In the unit of the events' values.
    """

    item_id: str | None
    title: str
    rating: float


@dataclass(frozen=True)
class PredictedRatings:
    """What a user would rate.

    Attributes
    ----------
    rater : str
        The feature set that predicts.
    scale : RatingScale
        Lowest and highest rating, such as 1 and 5 stars.
    path : str
        Which history was used: "stored history", "given history" or "no history".
    """

    scenario: str
    user_id: str | None
    rater: str
    scale: RatingScale
    path: str
    ratings: tuple[PredictedRating, ...]
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        scale = [self.scale.low, self.scale.high]
        return {**asdict(self), "scale": scale, "unit": self.scale.unit}


class RatingAnswers(ABC):
    """Predicts ratings from what `serving` returns."""

    workspace: Workspace
    registry: Registry

    @abstractmethod
    def serving(self, scenario: str) -> Serving:
        """Return what requests are answered from."""

    def rate(
        self,
        scenario: str,
        user_id: str | None = None,
        *,
        item_ids: Sequence[str] = (),
        texts: Sequence[str] = (),
        history: Sequence[str] | None = None,
    ) -> PredictedRatings:
        """Predict what a user would rate items, or texts that are no items yet.

        Parameters
        ----------
        user_id : str, optional
            What the user rated and wrote counts as the fit knew it.
        history : sequence of str, optional
            Item ids, oldest first, in place of the user: a new user is a history.

        Raises
        ------
        UsageError
            For an unknown item, an empty text, or nothing to rate.
        NotFittedError
            If the scenario was not fitted, or its pipeline has no feature set that rates.
        CrossrecError
            If a text cannot be encoded, or the fit had no ratings.
        """
        from crossrec.components.run import RunOptions

        if isinstance(item_ids, str) or isinstance(texts, str):
            raise UsageError("item_ids and texts are lists, not one string")
        if not item_ids and not texts:
            raise UsageError("name an item or a text to rate")
        known = self.registry.scenario(scenario)
        query = Query(user_id, None if history is None else tuple(history))
        return predict_ratings(
            self.serving(scenario),
            known,
            query,
            user_state_of(self.workspace.store(), known, query, self.registry.scenario),
            id_tuple("item_ids", item_ids),
            tuple(texts),
            RunOptions(cache=self.workspace.cache),
        )


def predict_ratings(
    serving: Serving,
    scenario: Scenario,
    query: Query,
    user: UserState,
    item_ids: tuple[str, ...],
    texts: tuple[str, ...],
    run: RunOptions,
) -> PredictedRatings:
    """Return the predictions of the pipeline's rater; the errors are those of `Engine.rate`."""
    pipeline = serving.pipeline
    name, rater = rater_of(pipeline)
    scale = rating_scale(scenario)
    index = _known_items(pipeline, item_ids)
    if not all(text.strip() for text in texts):
        raise UsageError("the text is empty: write what the item is")
    resolved = resolve_query(serving, pipeline.main, query, user, time.time())
    found = rater.rate(resolved.batch, index[None, :])[0]
    described = [pipeline.catalog.texts[at] for at in index[np.isnan(found)].tolist()]
    written = _rated_texts(rater, pipeline, resolved.batch, [*described, *texts], run)
    found[np.isnan(found)] = written[: len(described)]
    ratings = np.concatenate([found, written[len(described) :]])
    if scale is None or np.isnan(ratings).any():
        raise CrossrecError(
            f"the fit of {scenario.name!r} had no ratings to learn from: ingest events with a "
            "rating as their value, and fit again"
        )
    titles = [serving.items.catalog.label(at) for at in index.tolist()]
    rows = zip((*item_ids, *[None] * len(texts)), (*titles, *texts), ratings.tolist(), strict=True)
    return PredictedRatings(
        scenario.name,
        query.user_id,
        name,
        scale,
        resolved.path,
        tuple(PredictedRating(*row) for row in rows),
        resolved.notes,
    )


def _known_items(pipeline: Pipeline, item_ids: tuple[str, ...]) -> NDArray[np.int64]:
    """Return the indexes of items.

    Raises
    ------
    UsageError
        Names the first one that is not in the fitted catalog.
    """
    index = pipeline.catalog.items.indexes(item_ids)
    for id_, at in zip(item_ids, index.tolist(), strict=True):
        if at < 0:
            raise UsageError(
                f"item {id_!r} is not in the fitted catalog of {pipeline.scenario!r}: describe it "
                "with --text"
            )
    return index


def rater_of(pipeline: Pipeline) -> tuple[str, RatingSource]:
    """Return the first feature set that rates, with its name.

    Raises
    ------
    NotFittedError
        If there is none: says what to do about it.
    """
    raters = [name for name, one in pipeline.resolved.features.items() if RATE in one.capabilities]
    for name in raters:
        if name in pipeline.features:
            return name, cast("RatingSource", pipeline.features[name])
    errors = {**pipeline.report.get("failed", {}), **pipeline.unavailable}
    for name in raters:
        raise NotFittedError(
            f"{label_of(name)} of {pipeline.scenario!r} cannot be used "
            f"({errors.get(label_of(name), 'it is not in the artifact')}): fit again"
        )
    raise NotFittedError(
        f"nothing in the pipeline of {pipeline.scenario!r} predicts ratings: put "
        'features = ["rating"] into a pipeline file and run '
        f"`crossrec fit {pipeline.scenario} --pipeline FILE`"
    )


def _rated_texts(
    rater: RatingSource,
    pipeline: Pipeline,
    batch: QueryBatch,
    texts: Sequence[str],
    run: RunOptions,
) -> NDArray[np.float32]:
    """Return the predicted ratings of texts, float32 (m,).

    Raises
    ------
    CrossrecError
        If they cannot be encoded as the fit encoded the items.
    """
    from crossrec.pipeline.live import vectors_of

    if not texts:
        return np.zeros(0, dtype=np.float32)
    encoder = pipeline.config.encoder
    if not encoder:
        raise CrossrecError(
            f"the pipeline of {pipeline.scenario!r} has no encoder, so it reads no texts: set "
            "encoder in the pipeline file and fit again"
        )
    vectors, failed = vectors_of(Catalog.of_texts(texts, _TEXT), pipeline, run)
    if encoder not in vectors:
        why = "; ".join(failed.values()) or "no fitted item has a text"
        raise CrossrecError(f"the text cannot be encoded: {why}")
    ratings: NDArray[np.float32] = rater.rate_texts(
        batch, vectors[encoder][len(pipeline.catalog) :]
    )[0]
    return ratings
