"""The vectors of items and of reviews, attached before anything is fitted."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np

from crossrec.components.protocols import Encoder
from crossrec.components.run import RunOptions
from crossrec.components.vectors import encoded, title_name
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.errors import CrossrecError, UsageError
from crossrec.pipeline.resolved import ResolvedPipeline
from crossrec.pipeline.stages import encoding_title

log = logging.getLogger("crossrec")

#: Largest change of a number of a vector that rounding explains.
_ROUNDING = 1e-3


def attach_vectors(
    dataset: Dataset, resolved: ResolvedPipeline, run: RunOptions
) -> tuple[Dataset, list[str]]:
    """Encode the catalog with the configured encoder; say so where that is not possible.

    The texts of events are encoded too, where the dataset has them.

    Raises
    ------
    UsageError
        If there is no such encoder, or its settings do not fit.
    """
    if resolved.encoder is None:
        return dataset, []
    config = resolved.config
    run.progress(encoding_title(config.encoder), 0, 0)
    try:
        encoder = resolved.encoder.build()
        titles = title_name(config.encoder) if config.title_vectors else ""
        for name, rows in encoded(dataset.catalog, encoder, run, config.encoder, titles):
            dataset = dataset.with_vectors(name, rows)  # texts stay where titles fail
        dataset, notes = _attach_linked(dataset, encoder, config.encoder, run)
        if dataset.events.reviews is not None:
            reviews = dataset.events.reviews.compact()
            texts = encoder.encode(Catalog.of_texts(reviews.texts), run)
            dataset = dataset.with_reviews(reviews.with_vectors(config.encoder, texts))
    except UsageError:
        raise
    except CrossrecError as error:  # a library or a model is missing: the message says what to do
        log.warning("encoder %s is left out: %s", config.encoder, error)
        return dataset, [f"encoder {config.encoder} is left out: {error}"]
    except (Exception, SystemExit) as error:
        log.warning("encoder %s failed", config.encoder, exc_info=error)
        return dataset, [f"encoder {config.encoder} failed: {type(error).__name__}: {error}"]
    return dataset, notes


def _attach_linked(
    dataset: Dataset, encoder: Encoder, name: str, run: RunOptions
) -> tuple[Dataset, list[str]]:
    """Encode the items of linked histories too, in one space with the scenario's own."""
    linked = dataset.linked
    if linked is None:
        return dataset, []
    own = len(dataset.catalog)
    both = encoder.encode(dataset.catalog.followed_by(linked.catalog), run)
    if both.shape[1] != dataset.vectors[name].shape[1] or not np.allclose(
        both[:own], dataset.vectors[name], rtol=0, atol=_ROUNDING
    ):
        why = f"the vectors of encoder {name} depend on the whole catalog"
        return replace(dataset, linked=None), [f"linked histories are left out: {why}"]
    return replace(dataset, linked=linked.with_vectors(name, both[own:])), []
