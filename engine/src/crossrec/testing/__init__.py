"""Conformance classes and toy data with known right answers, for plugin authors.

``class TestMine(CandidateGeneratorTests): component = "mine"`` is a complete test suite.
"""

from __future__ import annotations

from crossrec.testing import toy, toy_sources
from crossrec.testing.base import Conformance
from crossrec.testing.candidates import CandidateGeneratorTests
from crossrec.testing.demo_data import DemoDataTests
from crossrec.testing.encoders import EncoderTests
from crossrec.testing.features import FeatureTests
from crossrec.testing.language_models import LanguageModelTests
from crossrec.testing.policies import PolicyTests
from crossrec.testing.pretrained import PretrainedTests
from crossrec.testing.rankers import RankerTests
from crossrec.testing.ratings import RatingTests
from crossrec.testing.scenario_packages import ScenarioPackageTests
from crossrec.testing.scenarios import ScenarioTests
from crossrec.testing.surfaces import SurfaceTests

__all__ = [
    "CandidateGeneratorTests",
    "Conformance",
    "DemoDataTests",
    "EncoderTests",
    "FeatureTests",
    "LanguageModelTests",
    "PolicyTests",
    "PretrainedTests",
    "RankerTests",
    "RatingTests",
    "ScenarioPackageTests",
    "ScenarioTests",
    "SurfaceTests",
    "toy",
    "toy_sources",
]
