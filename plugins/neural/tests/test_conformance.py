"""Every source passes the conformance kit."""

from __future__ import annotations

from typing import Any, ClassVar

from crossrec.plugins.registration import Registration
from crossrec.testing import CandidateGeneratorTests, RatingTests
from crossrec_neural import plugin


def registrations() -> dict[str, Registration]:
    found: dict[str, Registration] = {}

    def register(name: str, factory: Any, **rest: Any) -> None:
        found[name] = Registration("candidate_generators", name, factory, **rest)

    plugin.register_candidate_generators(register)
    return found


SOURCES = registrations()


#: A model for forty people.
SMALL: dict[str, Any] = {"embedding_size": 8, "training": {"epochs": 10, "steps": 1}}


class TestTransformer(CandidateGeneratorTests):
    registered = SOURCES["transformer"]
    settings: ClassVar = SMALL


class TestGatedTransformerWithTime(CandidateGeneratorTests):
    registered = SOURCES["transformer"]
    settings: ClassVar = {**SMALL, "gated": True, "time_bias": True}


class TestRnn(CandidateGeneratorTests):
    registered = SOURCES["rnn"]
    settings: ClassVar = SMALL


class TestLstmByTheCategoryToo(CandidateGeneratorTests):
    registered = SOURCES["rnn"]
    settings: ClassVar = {**SMALL, "cell": "lstm", "heads": {"category": 0.1}}


class TestCnn(CandidateGeneratorTests):
    registered = SOURCES["cnn"]
    settings: ClassVar = SMALL


class TestTwoTower(CandidateGeneratorTests):
    registered = SOURCES["two-tower"]
    settings: ClassVar = SMALL


class TestNcf(CandidateGeneratorTests):
    registered = SOURCES["ncf"]
    settings: ClassVar = SMALL


class TestVae(CandidateGeneratorTests):
    registered = SOURCES["vae"]
    settings: ClassVar = {**SMALL, "training": {"epochs": 100, "steps": 1}}


def rating_set() -> Registration:
    found: list[Registration] = []

    def register(name: str, factory: Any, **rest: Any) -> None:
        found.append(Registration("features", name, factory, **rest))

    plugin.register_features(register)
    return found[0]


class TestRating(RatingTests):
    registered = rating_set()


class TestRatingWithoutTexts(RatingTests):
    registered = rating_set()
    settings: ClassVar = {"encoder": "", "factors": 0}
