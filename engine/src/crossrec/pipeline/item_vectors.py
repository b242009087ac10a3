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
from crossrec.pipeline.resolved import Component, ResolvedPipeline
from crossrec.pipeline.stages import encoding_title

log = logging.getLogger("crossrec")

#: Largest change of a number of a vector that rounding explains.
_ROUNDING = 1e-3


def attach_vectors(
    dataset: Dataset, resolved: ResolvedPipeline, run: RunOptions
) -> tuple[Dataset, list[str]]:
    """Encode the catalog with the configured encoders; say so where that is not possible.

    The texts of events are encoded by the first, where the dataset has them. An encoder that fails
    takes nothing from the others.

    Raises
    ------
    UsageError
        If there is no such encoder, or its settings do not fit.
    """
    notes: list[str] = []
    if resolved.encoder is not None:
        titles = resolved.config.title_vectors
        dataset, notes = _encoded_by(resolved.encoder, dataset, run, titles=titles, whole=True)
    for encoder in resolved.more_encoders.values():
        dataset, more = _encoded_by(encoder, dataset, run)
        notes = [*notes, *more]
    return dataset, notes


def _encoded_by(
    part: Component,
    dataset: Dataset,
    run: RunOptions,
    *,
    titles: bool = False,
    whole: bool = False,
) -> tuple[Dataset, list[str]]:
    """Attach one encoder's vectors, and return what has to be said of it.

    `whole`: those of reviews and of linked histories too.
    """
    label = part.label
    notes: list[str] = []
    run.progress(encoding_title(label), 0, 0)
    try:
        encoder = part.build()
        names = title_name(label) if titles else ""
        for name, rows in encoded(dataset.catalog, encoder, run, label, names):
            dataset = dataset.with_vectors(name, rows)  # texts stay where titles fail
        if whole:
            dataset, notes = _attach_linked(dataset, encoder, label, run)
        if whole and dataset.events.reviews is not None:
            used = dataset.events.reviews.compact()
            texts = encoder.encode(Catalog.of_texts(used.texts), run)
            dataset = dataset.with_reviews(used.with_vectors(label, texts))
    except UsageError:
        raise
    except CrossrecError as error:  # a library or a model is missing: the message says what to do
        log.warning("encoder %s is left out: %s", label, error)
        return dataset, [f"encoder {label} is left out: {error}"]
    except (Exception, SystemExit) as error:
        log.warning("encoder %s failed", label, exc_info=error)
        return dataset, [f"encoder {label} failed: {type(error).__name__}: {error}"]
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
