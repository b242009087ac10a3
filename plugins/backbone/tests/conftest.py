"""A small catalogue whose relations can be followed by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from crossrec.data.dataset import Dataset
from crossrec.testing.shop import make_shop
from crossrec_backbone.relations.config import GraphConfig, PriorConfig, TextConfig
from crossrec_backbone.relations.statistics import BackboneConfig

MakeShop = Callable[..., Dataset]


@pytest.fixture
def shop() -> MakeShop:
    """Return the factory of the small shop."""
    return make_shop


@pytest.fixture
def config() -> BackboneConfig:
    """Return settings for the small shop."""
    return BackboneConfig(
        text=TextConfig(encoder="enc"),
        graph=GraphConfig(neighbours=8),
        prior=PriorConfig(reg=5.0),
    )
