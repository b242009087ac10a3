"""Every installed component passes the conformance kit: a plugin is tested by being installed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from crossrec.components.rating import RATE
from crossrec.plugins.registration import Registration
from crossrec.plugins.registry import load_registry
from crossrec.testing import (
    CandidateGeneratorTests,
    Conformance,
    EncoderTests,
    FeatureTests,
    LanguageModelTests,
    PolicyTests,
    PretrainedTests,
    RankerTests,
    RatingTests,
    ScenarioTests,
)
from crossrec.testing.circles import circles
from crossrec.testing.larder import just_bought, larder
from crossrec.testing.serials import serials
from crossrec_media.tiny import with_vector_column

ROOT = Path(__file__).resolve().parent.parent
_NEURAL = ("transformer", "rnn", "cnn", "two-tower", "ncf")
_SMALL: Mapping[str, Any] = {"embedding_size": 8, "training": {"epochs": 10, "steps": 1}}

#: What the kit cannot find out by itself. Everything else is tested with its defaults.
TRAITS: Mapping[str, Mapping[str, Any]] = {
    "candidate_generators:popularity": {"personalised": False},
    "candidate_generators:popularity-decayed": {"personalised": False},
    "candidate_generators:trending": {"personalised": False},
    "candidate_generators:event-count": {"personalised": False},
    # What came when is known of the toys' items by their first events.
    "candidate_generators:newest": {"by_events": False, "needs_clock": True},
    "candidate_generators:following": {
        "by_events": False,
        "needs_clock": True,
        "settings": {"events": 1, "days": 0},
    },
    "candidate_generators:continuation": {"data": staticmethod(serials)},
    "candidate_generators:who-to-follow": {"data": staticmethod(circles)},
    "candidate_generators:own-history": {"data": staticmethod(just_bought)},
    "candidate_generators:content": {"by_events": False},
    "candidate_generators:alike": {"by_events": False},
    "encoders:vectors": {
        "settings": {"column": "vector"},
        "content": staticmethod(with_vector_column),
    },
    # The events of the toys are an hour apart; here each is a basket of its own.
    "candidate_generators:next-basket": {"settings": {"gap_hours": 0.5}},
    "candidate_generators:buy-again": {"needs_clock": True, "data": staticmethod(larder)},
    # Without times, and without sessions, the toys have no baskets of two items; they are small.
    "candidate_generators:bought-together": {"needs_clock": True, "settings": {"support": 2}},
    # With more factors than users a model memorises that the withheld item was not liked.
    "candidate_generators:lightfm": {"settings": {"embedding_size": 8}},
    # A network for forty people; its defaults are for thousands, and take their time.
    **{f"candidate_generators:{name}": {"settings": _SMALL} for name in _NEURAL},
    "candidate_generators:vae": {"settings": {**_SMALL, "training": {"epochs": 100, "steps": 1}}},
}

#: Tested by the package that brings them: they need files and small models, or are a control.
NEED_FILES: Mapping[str, str] = {
    "encoders:image": "crossrec_media",
    "encoders:shuffled": "crossrec_media",
    "encoders:sound": "crossrec_media",
    "encoders:cover-text": "crossrec_media",
    "encoders:video": "crossrec_media",
    "encoders:static": "crossrec_text",
    "language_models:endpoint": "crossrec_language",
    "language_models:local": "crossrec_language",
}

KITS: tuple[type[Conformance], ...] = (
    CandidateGeneratorTests,
    EncoderTests,
    FeatureTests,
    LanguageModelTests,
    PolicyTests,
    PretrainedTests,
    RankerTests,
    ScenarioTests,
)


def class_name(kind: str, name: str) -> str:
    """Return ``TestCandidateGenerators_item_knn``."""
    return f"Test{kind.title().replace('_', '')}_{name.replace('-', '_')}"


def kit_of(kit: type[Conformance], one: Registration) -> type[Conformance]:
    """Return the class of a component: what rates is tested for that too."""
    return RatingTests if RATE in one.capabilities else kit


def with_kit(kit: type[Conformance]) -> list[Registration]:
    """Return the components that the kit tests.

    What answers only from other scenarios finds nothing in its toys, which are one scenario:
    ``engine/tests/components/test_linked_source.py`` tests it. What needs files is tested where it
    comes from.
    """
    return [
        one
        for one in load_registry().all(kit.kind)
        if "linked" not in one.capabilities and f"{kit.kind}:{one.name}" not in NEED_FILES
    ]


def classes() -> dict[str, type[Conformance]]:
    """Return one test class for each registered component of the kinds that have a kit."""
    return {
        class_name(kit.kind, one.name): type(
            class_name(kit.kind, one.name),
            (kit_of(kit, one),),
            {"component": one.name, **TRAITS.get(f"{kit.kind}:{one.name}", {})},
        )
        for kit in KITS
        for one in with_kit(kit)
    }


globals().update(classes())


def test_all_plugins_of_this_repository_are_loaded() -> None:
    broken = {state.name: state.error for state in load_registry().plugins if state.broken}
    assert not broken


@pytest.mark.parametrize("kit", KITS, ids=lambda kit: kit.kind)
def test_every_kind_has_a_component_that_is_tested(kit: type[Conformance]) -> None:
    names = {one.name for one in with_kit(kit)}
    assert names
    assert {class_name(kit.kind, name) for name in names} <= set(globals())


def test_no_trait_is_left_over() -> None:
    registry = load_registry()
    there = {f"{kit.kind}:{one.name}" for kit in KITS for one in registry.all(kit.kind)}
    assert set(TRAITS) | set(NEED_FILES) <= there


def test_what_needs_files_is_tested_where_it_comes_from() -> None:
    for name, package in NEED_FILES.items():
        tests = ROOT / "plugins" / package.removeprefix("crossrec_") / "tests"
        component = f'component = "{name.partition(":")[2]}"'
        assert any(component in path.read_text() for path in tests.glob("test_*.py")), name
