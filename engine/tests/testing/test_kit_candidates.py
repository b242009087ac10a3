"""The kit passes a right source and finds each of the faults that sources really have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crossrec.components.candidates import PAD, Candidates
from crossrec.components.evidence import Evidence
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.components.topk import top_k
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.plugins.registration import Registration
from crossrec.testing import CandidateGeneratorTests, toy_sources
from pydantic import BaseModel, ConfigDict


class PowerConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    power: float = 1.0


class Together(toy_sources.Together):
    """The toy with a setting: the smallest source that does everything right."""

    def __init__(self, config: PowerConfig | None = None) -> None:
        super().__init__()
        self.config = config or PowerConfig()

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        super().fit(dataset, run)
        self.counts = self.learnt() ** self.config.power


def registered(factory: Callable[..., Any], *able: str) -> Registration:
    return Registration(
        "candidate_generators",
        "together",
        factory,
        PowerConfig,
        frozenset(able or ("score", "explain")),
        "who has both",
    )


class TestARightSource(CandidateGeneratorTests):
    registered = registered(Together)


class Popular(Together):
    """The same for all users."""

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        self.counts = np.tile(dataset.item_counts.astype(np.float32), (dataset.n_items, 1))

    def scores(self, queries: QueryBatch) -> Any:
        return np.tile(self.learnt()[0], (len(queries), 1))


class TestAPopularSource(CandidateGeneratorTests):
    registered = registered(Popular)
    personalised = False


def changed(**parts: Any) -> Callable[[Candidates], Candidates]:
    return lambda found: replace(found, **{k: v(found) for k, v in parts.items()})


class Faulty(Together):
    """Right, but for what `fault` makes of its answer."""

    fault: Callable[[Candidates], Candidates]

    def generate(self, queries: QueryBatch, k: int) -> Candidates:
        return type(self).fault(super().generate(queries, k))


CONTRACT = {
    "index of int32": changed(index=lambda f: f.index.astype(np.int32)),
    "score of float64": changed(score=lambda f: f.score.astype(np.float64)),
    "a row too few": lambda f: Candidates(f.index[1:], f.score[1:]),
    "worst first": lambda f: Candidates(f.index[:, ::-1].copy(), f.score[:, ::-1].copy()),
    "an item twice": changed(index=lambda f: np.where(f.index == PAD, PAD, f.index[:, :1])),
    "an item beyond the catalog": changed(index=lambda f: np.where(f.index >= 0, 99, f.index)),
    "a finite score for padding": changed(
        index=lambda f: np.full_like(f.index, PAD), score=lambda f: f.score
    ),
    "a score that is not a number": changed(score=lambda f: np.full_like(f.score, np.nan)),
    "means of another length": changed(mean=lambda f: np.zeros(1, np.float32)),
    "means that are not finite": changed(mean=lambda f: np.full(len(f), np.inf, np.float32)),
    "a negative deviation": changed(std=lambda f: np.full(len(f), -1, np.float32)),
    "full scores of another shape": changed(full=lambda f: np.zeros((len(f), 3), np.float32)),
    "full scores of excluded items": changed(full=lambda f: np.zeros((len(f), 12), np.float32)),
}


@pytest.mark.parametrize("name", list(CONTRACT))
def test_a_broken_contract_is_found(name: str) -> None:
    fault = type("Fault", (Faulty,), {"fault": staticmethod(CONTRACT[name])})
    tests = type("T", (CandidateGeneratorTests,), {"registered": registered(fault)})()
    with pytest.raises(AssertionError):
        tests.test_every_query_gets_a_valid_answer("shop", True)


class Backwards(Together):
    def scores(self, queries: QueryBatch) -> Any:
        return 1.0 / (1.0 + super().scores(queries))


class KnownUsersOnly(Together):
    def scores(self, queries: QueryBatch) -> Any:
        return super().scores(queries) * (queries.users >= 0)[:, None]


class NeverExcludes(Together):
    def generate(self, queries: QueryBatch, k: int) -> Candidates:
        return top_k(np.array(self.scores(queries)), k, minimum=0.0)


class ExcludesHistoryOnly(Together):
    def generate(self, queries: QueryBatch, k: int) -> Candidates:
        return top_k(np.array(self.scores(queries)), k, queries.history, minimum=0.0)


class Crashes(Together):
    """As libraries do: an unknown user, an empty history."""

    def scores(self, queries: QueryBatch) -> Any:
        if (queries.history.lengths == 0).any():
            raise IndexError("index out of bounds")
        return super().scores(queries)


class LooksAtTheBatch(Together):
    def scores(self, queries: QueryBatch) -> Any:
        scores = super().scores(queries)
        return scores / scores.max(initial=1.0)


class Forgets(Together):
    def restore(self, state: State, catalog: Catalog) -> None:
        self.counts = np.round(state.arrays["counts"] * 0.3)


class WritesIntoItsState(Together):
    def restore(self, state: State, catalog: Catalog) -> None:
        self.counts = state.arrays["counts"]
        self.counts *= 1.0


class ReliesOnTuples(Together):
    def state(self) -> State:
        return State({"counts": self.counts}, {"shape": {1: self.counts.shape[0]}})

    def restore(self, state: State, catalog: Catalog) -> None:
        self.counts = state.arrays["counts"][: state.values["shape"][1]]


class Rolls(Together):
    """Chance that no seed governs."""

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        super().fit(dataset, run)
        self.counts = self.counts + np.random.default_rng().random(self.counts.shape)


class AddsUp(Together):
    """A second fit goes on from the first."""

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        before = self.counts
        super().fit(dataset, run)
        if before is not None:
            self.counts[: len(before), : len(before)] += before[: len(self.counts)]


class ChangesItsInput(Together):
    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        dataset.events.weights[:] = 1
        super().fit(dataset, run)


class EmptyBeforeFit(Together):
    def generate(self, queries: QueryBatch, k: int) -> Candidates:
        if self.counts is None:
            return Candidates.empty(len(queries))
        return super().generate(queries, k)


class NeedsEvents(Together):
    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        dataset.events.times.max()
        super().fit(dataset, run)


class OtherDefaults(Together):
    def __init__(self, config: PowerConfig | None = None) -> None:
        super().__init__(config or PowerConfig(power=3))


class ScoresDifferently(Together):
    def score(self, queries: QueryBatch, index: Any) -> Any:
        return super().score(queries, index) * np.float32(2)


class ScoresPadding(Together):
    def score(self, queries: QueryBatch, index: Any) -> Any:
        return np.nan_to_num(super().score(queries, index))


class ScoresByColumn(Together):
    def score(self, queries: QueryBatch, index: Any) -> Any:
        scores = super().score(queries, index)
        return np.sort(scores, axis=1)[:, ::-1]


class MakesUpEvidence(Together):
    def explain(self, queries: QueryBatch, index: Any) -> list[Evidence | None]:
        return [Evidence("because", (10,), (1.0,)) for _ in index]


class WeakestFirst(Together):
    def explain(self, queries: QueryBatch, index: Any) -> list[Evidence | None]:
        turned = [
            e and Evidence(e.phrase, e.history[::-1], e.strengths[::-1])
            for e in super().explain(queries, index)
        ]
        return turned


class NeverExplains(Together):
    def explain(self, queries: QueryBatch, index: Any) -> list[Evidence | None]:
        return [None for _ in index]


class ExplainsHalf(Together):
    def explain(self, queries: QueryBatch, index: Any) -> list[Evidence | None]:
        return super().explain(queries, index)[:1]


class Wobbles(Together):
    """The best of few are not the first of many."""

    def generate(self, queries: QueryBatch, k: int) -> Candidates:
        scores = np.array(self.scores(queries))
        if k < 5:
            scores = scores[:, ::-1].copy()
        return top_k(scores, k, queries.exclude, minimum=0.0)


FAULTS: list[tuple[type[Together], str, tuple[Any, ...]]] = [
    (Backwards, "test_the_right_answer_comes_first", (True,)),
    (KnownUsersOnly, "test_a_new_user_is_a_history", (False,)),
    (Popular, "test_personal_or_not_as_declared", ()),
    (NeverExcludes, "test_all_excluded_leaves_nothing", ("shop",)),
    (ExcludesHistoryOnly, "test_excluded_items_are_never_returned", ("shop",)),
    (Crashes, "test_every_query_gets_a_valid_answer", ("shop", True)),
    (LooksAtTheBatch, "test_batch_equals_single", ("shop",)),
    (Rolls, "test_one_seed_one_result", ("shop",)),
    (AddsUp, "test_a_second_fit_starts_anew", ()),
    (ChangesItsInput, "test_the_right_answer_comes_first", (True,)),
    (NeedsEvents, "test_no_events_no_crash", ()),
    (OtherDefaults, "test_the_default_settings_are_the_defaults", ()),
    (ScoresDifferently, "test_score_agrees_with_generate", ("shop",)),
    (ScoresPadding, "test_score_agrees_with_generate", ("shop",)),
    (ScoresByColumn, "test_score_agrees_with_generate", ("shop",)),
    (MakesUpEvidence, "test_evidence_is_real", ("shop",)),
    (WeakestFirst, "test_evidence_is_real", ("shop",)),
    (NeverExplains, "test_evidence_is_real", ("shop",)),
    (ExplainsHalf, "test_evidence_is_real", ("shop",)),
    (Wobbles, "test_fewer_are_the_best_of_more", ("shop",)),
]


def kit_for(source: type[Together], *able: str) -> CandidateGeneratorTests:
    return type("T", (CandidateGeneratorTests,), {"registered": registered(source, *able)})()


@pytest.mark.parametrize(
    ("source", "test", "arguments"), FAULTS, ids=[f"{s.__name__}-{t}" for s, t, _ in FAULTS]
)
def test_a_faulty_source_is_found(
    source: type[Together], test: str, arguments: tuple[Any, ...]
) -> None:
    getattr(kit_for(Together), test)(*arguments)
    with pytest.raises((AssertionError, IndexError, ValueError)):
        getattr(kit_for(source), test)(*arguments)


@pytest.mark.parametrize("source", [Forgets, WritesIntoItsState, ReliesOnTuples])
def test_a_source_that_does_not_survive_the_disk_is_found(
    source: type[Together], tmp_path: Path
) -> None:
    with pytest.raises((AssertionError, ValueError, KeyError)):
        kit_for(source).test_save_and_load("shop", tmp_path)


def test_a_source_that_answers_before_it_is_fitted_is_found() -> None:
    with pytest.raises(BaseException, match="DID NOT RAISE"):
        kit_for(EmptyBeforeFit).test_an_unfitted_source_raises()


def test_capabilities_must_be_declared_and_there() -> None:
    with pytest.raises(AssertionError, match=r"not declared, so never called: \['explain'\]"):
        kit_for(Together, "score").test_capabilities_are_declared_and_there()
    with pytest.raises(AssertionError, match=r"declared but missing: \['update'\]"):
        kit_for(Together, "score", "explain", "update").test_capabilities_are_declared_and_there()


def test_what_is_not_declared_is_skipped() -> None:
    with pytest.raises(pytest.skip.Exception, match="cannot score"):
        kit_for(Together, "explain").test_score_takes_any_shape()


def test_settings_must_be_frozen_and_known() -> None:
    class Loose(BaseModel):
        power: float = 1.0

    one = replace(registered(Together), config=Loose)
    kit = type("T", (CandidateGeneratorTests,), {"registered": one})()
    with pytest.raises(AssertionError, match="make the configuration frozen"):
        kit.test_settings_survive_json()
    kit_for(Together).test_an_unknown_setting_is_refused()


def test_vectors_are_attached_for_the_encoder_that_the_settings_name() -> None:
    class Reads(BaseModel):
        model_config = ConfigDict(frozen=True, extra="forbid")
        encoder: str = "transformer"

    one = replace(registered(Together), config=Reads)
    default = type("T", (CandidateGeneratorTests,), {"registered": one})()
    assert set(default.toy().dataset.vectors) == {"transformer", "transformer:title"}
    chosen = type(
        "T", (CandidateGeneratorTests,), {"registered": one, "settings": {"encoder": "mine"}}
    )()
    assert set(chosen.toy("shop").dataset.vectors) == {"mine", "mine:title"}
    assert not kit_for(Together).toy().dataset.vectors


def test_a_summary_is_required() -> None:
    one = replace(registered(Together), summary=" ")
    kit = type("T", (CandidateGeneratorTests,), {"registered": one})()
    with pytest.raises(AssertionError, match="one-line summary"):
        kit.test_is_registered_with_a_summary()
