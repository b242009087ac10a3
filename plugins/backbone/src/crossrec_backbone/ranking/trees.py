"""LambdaRank trees over the columns; kept as LightGBM's text, never pickled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from crossrec.components.run import RunOptions
from crossrec.components.settings import Settings
from crossrec.components.threads import threads_of
from crossrec.errors import ArtifactError, CrossrecError
from crossrec.numeric.ragged import FloatArray, IntArray, Ragged, offsets
from pydantic import Field

from crossrec_backbone.ranking.examples import Groups
from crossrec_backbone.ranking.features import COLUMN_NAMES
from crossrec_backbone.ranking.tree_model import MOST_LEAVES, TreeModel

#: Fewer groups than this teach nothing.
MINIMUM_GROUPS = 10
_AT = {name: at for at, name in enumerate(COLUMN_NAMES)}


class RankerConfig(Settings):
    """Settings of LambdaRank (Burges, 2010) as LightGBM has it; defaults for pretraining.

    With `monotone` a score may only rise with similarity, joint events and closeness to the best
    candidate, other things equal. It costs nothing where that is true, and keeps trees from
    learning the accidents of few examples or of one catalogue.
    """

    rounds: int = Field(150, ge=1)
    learning_rate: float = Field(0.05, gt=0)
    leaves: int = Field(15, ge=2, le=MOST_LEAVES)
    min_leaf: int = Field(200, ge=1)
    l2: float = Field(10.0, ge=0)
    column_share: float = Field(0.5, gt=0, le=1)
    row_share: float = Field(0.8, gt=0, le=1)
    truncation: int = Field(15, ge=1)
    monotone: bool = True


class TreeRanker:
    """A fitted ranker.

    Attributes
    ----------
    text : str
        The model in LightGBM's own format.
    columns : tuple of str
        The columns that it reads, in its order.
    """

    def __init__(self, text: str, columns: tuple[str, ...]) -> None:
        unknown = [name for name in columns if name not in _AT]
        if unknown:
            raise ArtifactError(
                f"the ranker reads columns that this crossrec does not know ({unknown[0]}): "
                "upgrade crossrec, or pretrain again"
            )
        self.text, self.columns = text, columns
        self._at = np.array([_AT[name] for name in columns], dtype=np.int64)
        try:
            self._model = TreeModel.parsed(text)
        except ValueError as error:
            raise ArtifactError(f"the ranker is damaged: {error}") from None
        if self._model.width != len(columns):
            raise ArtifactError(
                f"the ranker is damaged: it reads {self._model.width} columns, {len(columns)} named"
            )

    def scores(self, columns: FloatArray) -> FloatArray:
        """Score candidates.

        Parameters
        ----------
        columns : float32 array, shape (…, len(COLUMNS))
            As `features.compute` returns them.

        Returns
        -------
        float32 array, shape (…)
            Order only.
        """
        flat = columns.reshape(-1, columns.shape[-1])
        if not len(flat):
            return np.zeros(columns.shape[:-1], dtype=np.float32)
        rows = flat if self.columns == COLUMN_NAMES else flat[:, self._at]
        return self._model.scores(rows).astype(np.float32).reshape(columns.shape[:-1])

    def importance(self) -> dict[str, float]:
        """Return each column's share of the total gain, largest first."""
        gain = self._model.gain
        share = gain / max(float(gain.sum()), 1e-12)
        order = np.argsort(-share, kind="stable")
        return {self.columns[i]: round(float(share[i]), 4) for i in order if share[i] > 0}

    def values(self) -> dict[str, Any]:
        """Return JSON values for an artifact."""
        return {"text": self.text, "columns": list(self.columns)}

    @classmethod
    def restored(cls, values: Mapping[str, Any]) -> TreeRanker:
        """Return what `values` describes."""
        return cls(values["text"], tuple(values["columns"]))


@dataclass(frozen=True, eq=False)
class BinnedGroups:
    """Groups as LightGBM learns from them: binned once, for rankers of any part of them.

    Attributes
    ----------
    data : lightgbm.Dataset
    bounds : int64 array, shape (n + 1,)
        Where the rows of each group start.
    config : RankerConfig
    columns : tuple of str
    """

    data: Any
    bounds: IntArray
    config: RankerConfig
    columns: tuple[str, ...]

    @classmethod
    def of(
        cls,
        groups: Groups,
        config: RankerConfig,
        run: RunOptions,
        weights: FloatArray | None = None,
        columns: tuple[str, ...] = COLUMN_NAMES,
    ) -> BinnedGroups:
        """Bin the columns; `weights` is what each group counts, float32 (n,), 1 where None."""
        valid = groups.valid
        sizes = valid.sum(axis=1)
        rows = groups.columns[valid]
        if columns != COLUMN_NAMES:
            rows = rows[:, [_AT[name] for name in columns]]
        counted = np.ones(len(groups), np.float32) if weights is None else weights
        data = _lightgbm().Dataset(
            rows,
            _labels(groups.place, valid),
            group=sizes,
            weight=np.repeat(counted, sizes),
            params=_parameters(config, run, columns),
        )
        return cls(data.construct(), offsets(sizes), config, columns)

    def fit(self, run: RunOptions, chosen: IntArray | None = None) -> TreeRanker:
        """Fit LambdaRank on the chosen groups, ascending; on all where None.

        Raises
        ------
        CrossrecError
            If they are fewer than `MINIMUM_GROUPS`.
        """
        n = len(self.bounds) - 1 if chosen is None else len(chosen)
        if n < MINIMUM_GROUPS:
            raise CrossrecError(f"{n} examples are too few for a ranker: {MINIMUM_GROUPS} or more")
        data = self.data
        if chosen is not None:
            data = data.subset(Ragged(self.bounds, np.arange(self.bounds[-1])).take(chosen).values)
        parameters = _parameters(self.config, run, self.columns)
        booster = _lightgbm().train(parameters, data, self.config.rounds)
        return TreeRanker(booster.model_to_string(), self.columns)


def fit_ranker(
    groups: Groups,
    config: RankerConfig,
    run: RunOptions,
    *,
    weights: FloatArray | None = None,
    columns: tuple[str, ...] = COLUMN_NAMES,
) -> TreeRanker:
    """Fit LambdaRank; the same groups, settings and seed give the same model.

    Parameters
    ----------
    weights : float32 array, shape (len(groups),), optional
        What each group counts; 1 where None.

    Raises
    ------
    CrossrecError
        If there are fewer than `MINIMUM_GROUPS` groups, or LightGBM is not installed.
    """
    return BinnedGroups.of(groups, config, run, weights, columns).fit(run)


def direction(column: str) -> int:
    """Return 1 where more of a column raises a score, -1 where less does, 0 where either may."""
    name, _, kind = column.partition(".")
    if kind == "rank":
        return -1
    relation = kind in ("decayed", "last", "nearest", "gap", "sum") or column in (
        "text_consensus",
        "text_behaviour",
    )
    return int(relation and name != "history")


def _labels(place: IntArray, valid: np.ndarray) -> FloatArray:
    """Return 1 for the target and 0 for every other candidate, flat."""
    label = np.zeros(valid.shape, dtype=np.float32)
    label[np.arange(len(place)), place] = 1.0
    flat: FloatArray = label[valid]
    return flat


def _parameters(config: RankerConfig, run: RunOptions, columns: tuple[str, ...]) -> dict[str, Any]:
    """Return LightGBM's settings: for binning and for training alike."""
    parameters: dict[str, Any] = {
        "objective": "lambdarank",
        "learning_rate": config.learning_rate,
        "num_leaves": config.leaves,
        "min_data_in_leaf": config.min_leaf,
        "lambda_l2": config.l2,
        "feature_fraction": config.column_share,
        "bagging_fraction": config.row_share,
        "bagging_freq": 1,
        "lambdarank_truncation_level": config.truncation,
        "label_gain": [0, 1],
        "max_bin": 127,
        "deterministic": True,
        "force_row_wise": True,
        "seed": run.seed,
        "num_threads": threads_of(run),
        "verbose": -1,
    }
    if config.monotone:
        parameters["monotone_constraints"] = [direction(name) for name in columns]
    return parameters


def trees_available() -> bool:
    """Return whether LightGBM is installed."""
    return find_spec("lightgbm") is not None


def _lightgbm() -> Any:
    """Import LightGBM, or name what to install."""
    try:
        import lightgbm
    except ImportError:
        raise CrossrecError("the backbone's ranker needs LightGBM: pip install lightgbm") from None
    return lightgbm
