"""A catalogue whose relations can be followed by hand, and a backbone pretrained in seconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.numeric.ragged import Ragged
from crossrec.testing.shop import make_shop
from crossrec.testing.texts import text_dataset
from crossrec_backbone.pretrained.model import Backbone
from crossrec_backbone.pretraining.low_data_tasks import LowDataConfig
from crossrec_backbone.pretraining.pretrain import PretrainConfig, pretrain
from crossrec_backbone.ranking.trees import RankerConfig
from crossrec_backbone.relations.config import GraphConfig, PriorConfig, TextConfig
from crossrec_backbone.relations.statistics import BackboneConfig

MakeShop = Callable[..., Dataset]
CONFIG = BackboneConfig(
    text=TextConfig(encoder="enc"), graph=GraphConfig(neighbours=8), prior=PriorConfig(reg=5.0)
)


@pytest.fixture(scope="session")
def shop() -> MakeShop:
    """Return the factory of the small shop."""
    return make_shop


@pytest.fixture(scope="session")
def config() -> BackboneConfig:
    """Return settings for the small shop."""
    return CONFIG


@pytest.fixture(scope="session")
def backbone() -> Backbone:
    """Return a backbone of three heads, pretrained on two other shops."""
    settings = PretrainConfig(
        backbone=CONFIG,
        tasks=LowDataConfig(levels=(0, 100, 1_000)),
        ranker=RankerConfig(rounds=20, leaves=4, min_leaf=20),
        leave_one_out=False,
    )
    sources = [("a", "shops", make_shop(seed=11)), ("b", "video", make_shop(seed=12))]
    return pretrain(sources, settings, RunOptions(seed=1, threads=1))


@pytest.fixture(scope="session")
def dataset_of() -> Callable[..., Dataset]:
    """Return the factory of datasets without a single user or event, since text needs none."""
    return text_dataset


@pytest.fixture(scope="session")
def queries_of() -> Callable[..., QueryBatch]:
    """Return the factory of queries by their histories; what is excluded may be given too."""

    def build(*histories: Sequence[int], exclude: Sequence[Sequence[int]] | None = None) -> Any:
        excluded = None if exclude is None else Ragged.from_rows(exclude)
        return QueryBatch.from_histories(Ragged.from_rows(histories), exclude=excluded)

    return build
