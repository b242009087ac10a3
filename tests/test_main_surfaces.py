"""What answers on the main surface of every scenario: the general sources, and a backbone."""

from __future__ import annotations

import pytest
from crossrec.pipeline.config_files import load_config
from crossrec.pipeline.with_backbone import with_backbone, with_thorough
from crossrec.plugins.registry import load_registry

GENERAL = {"content", "ease", "covisitation", "popularity", "popularity-decayed"}
SCENARIOS = ("ecommerce", "music", "social", "video")


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_main_surface_has_the_general_sources_alone(name: str) -> None:
    """Counts, trends and own items answer on surfaces of their own."""
    scenario = load_registry().scenario(name)
    sources = load_config(scenario).sources_of(scenario.main_surface)
    assert set(sources) <= GENERAL
    assert len(sources) == 4


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_is_pretrained_or_tried_joins_the_main_surface(name: str) -> None:
    scenario = load_registry().scenario(name)
    config = with_backbone(load_config(scenario), "any", name)
    assert config.sources_of(scenario.main_surface)[0] == "backbone"
    thorough = with_thorough(config, ["transformer"])
    assert thorough.sources_of(scenario.main_surface)[-1] == "transformer"


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_source_of_its_own_surface_is_on_some_surface(name: str) -> None:
    """Nothing is fitted that answers nowhere."""
    config = load_config(load_registry().scenario(name))
    on_some = {label for surface in config.surfaces for label in config.sources_of(surface)}
    assert {source.label for source in config.sources} <= on_some
