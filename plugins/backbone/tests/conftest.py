"""A catalogue whose relations can be followed by hand, and a backbone pretrained in seconds."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.testing.shop import make_shop
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


@pytest.fixture
def shop() -> MakeShop:
    """Return the factory of the small shop."""
    return make_shop


@pytest.fixture
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
