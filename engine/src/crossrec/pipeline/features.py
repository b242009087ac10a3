"""Feature sets of a pipeline: fitted beside the sources, computed for the rankers that read them.

A set that fails is left out and named; its columns are then unknown, and move no candidate.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec.components.candidates import Pool
from crossrec.components.live_items import LiveItems
from crossrec.components.protocols import Examples, FeatureSource
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.slate import Degraded
from crossrec.data.dataset import Dataset
from crossrec.errors import CrossrecError, UsageError
from crossrec.numeric.arrays import as_float32
from crossrec.pipeline.resolved import ResolvedPipeline
from crossrec.plugins.state import one_line

log = logging.getLogger("crossrec")


@dataclass(frozen=True, eq=False)
class FittedFeatures:
    """Feature sets that were fitted on the same events.

    Attributes
    ----------
    sets : mapping of name to feature set
    failed : mapping of ``"features <name>"`` to the error that kept it out
    """

    sets: Mapping[str, FeatureSource] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)


def label_of(name: str) -> str:
    """Return what a feature set is called in reports."""
    return f"features {name}"


def fit_features(dataset: Dataset, resolved: ResolvedPipeline, run: RunOptions) -> FittedFeatures:
    """Fit every feature set; one that fails is left out and named.

    Raises
    ------
    UsageError
        If there is no such feature set, or its settings do not fit.
    """
    sets: dict[str, FeatureSource] = {}
    failed: dict[str, str] = {}
    for name, component in resolved.features.items():
        try:
            one: FeatureSource = component.build()
            _check_columns(one.columns)
            one.fit(dataset, run)
        except UsageError:
            raise
        except (Exception, SystemExit) as error:
            log.warning("feature set %s could not be fitted", name, exc_info=error)
            failed[label_of(name)] = one_line(error)
        else:
            sets[name] = one
    return FittedFeatures(sets, failed)


def _check_columns(columns: Any) -> None:
    """Raise where the names of columns cannot name anything."""
    if not isinstance(columns, tuple) or not columns:
        raise CrossrecError("its columns are no tuple of names")
    if len(set(columns)) < len(columns) or not all(
        isinstance(name, str) and name and "." not in name for name in columns
    ):
        raise CrossrecError("its columns need distinct names without a dot")


def with_features(examples: Examples, fitted: FittedFeatures, items: LiveItems) -> Examples:
    """Return the examples with the columns of all sets."""
    if not fitted.sets:
        return examples
    pool, _ = add_features(examples.pool, fitted.sets, examples.queries, items)
    return replace(examples, pool=pool)


def add_features(
    pool: Pool,
    sets: Mapping[str, FeatureSource],
    queries: QueryBatch,
    items: LiveItems,
    wanted: Collection[str] | None = None,
) -> tuple[Pool, list[Degraded]]:
    """Return the pool with feature columns, and which sets failed: theirs are NaN.

    Parameters
    ----------
    wanted : collection of str, optional
        Columns that are read: sets that have none of them are not computed. None takes all.
    """
    names: list[str] = []
    parts: list[NDArray[np.float32]] = []
    degraded: list[Degraded] = []
    for name, one in sets.items():
        columns = [f"{name}.{column}" for column in one.columns]
        if wanted is not None and not set(columns) & set(wanted):
            continue
        shape = (*pool.index.shape, len(columns))
        try:
            values = _checked(one.compute(queries, pool.index, items), shape)
        except (Exception, SystemExit) as error:
            log.warning("feature set %s failed", name, exc_info=error)
            degraded.append(Degraded(label_of(name), one_line(error)))
            values = np.full(shape, np.nan, dtype=np.float32)
        names += columns
        parts.append(np.where(pool.valid[..., None], values, np.float32(np.nan)))
    if not parts:
        return pool, degraded
    return replace(pool, columns=tuple(names), features=np.concatenate(parts, axis=2)), degraded


def _checked(values: Any, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return what a set computed; infinity is as little known as NaN.

    Raises
    ------
    TypeError, ValueError
        If it is no float array with one value for each candidate and column.
    """
    found = np.asarray(values)
    if found.dtype.kind != "f":
        raise TypeError(f"features are float32, not {found.dtype}")
    if found.shape != shape:
        raise ValueError(f"features of shape {found.shape}, not {shape}")
    found = as_float32(found)
    return np.where(np.isfinite(found), found, np.float32(np.nan))
