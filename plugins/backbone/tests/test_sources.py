from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

import numpy as np
import pytest
from crossrec.components.protocols import CandidateGenerator
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.data.events import Events
from crossrec.errors import ConfigError, NotFittedError
from crossrec.numeric.ragged import Ragged
from crossrec.plugins.registration import Registration
from crossrec.testing import CandidateGeneratorTests
from crossrec_backbone.relations import statistics
from crossrec_backbone.relations.statistics import BackboneConfig
from crossrec_backbone.relations.text import TEXT_RELATIONS
from crossrec_backbone.sources import solved
from crossrec_backbone.sources.closed_forms import (
    ClosedFormConfig,
    PriorEaseSource,
    TextBehaviourSource,
)
from crossrec_backbone.sources.content import ContentConfig, ContentSource
from crossrec_backbone.sources.explain import evidence

SOURCES = (ContentSource, PriorEaseSource, TextBehaviourSource)
RUN = RunOptions()


def registered(name: str, module: str, stem: str, config: str, *more: str) -> Registration:
    place = f"crossrec_backbone.sources.{module}"
    return Registration(
        "candidate_generators",
        name,
        f"{place}:{stem}Source",
        f"{place}:{config}",
        frozenset({"score", "explain", "estimate", "add_items", "update", "forget", *more}),
        "a closed form of the backbone",
    )


class TestContent(CandidateGeneratorTests):
    registered = registered(
        "content", "content", "Content", "ContentConfig", "vectors", "score_text"
    )
    by_events = False


class TestContentByWordsAlone(TestContent):
    settings = {"text": {"encoder": ""}}  # noqa: RUF012 - the kit declares it as a class variable


class TestContentOfEveryRelation(TestContent):
    settings = {  # noqa: RUF012
        "weights": dict.fromkeys(TEXT_RELATIONS, (0.2, 0.1))
    }


class TestPriorEase(CandidateGeneratorTests):
    registered = registered("prior-ease", "closed_forms", "PriorEase", "ClosedFormConfig", "refit")


class TestTextBehaviour(CandidateGeneratorTests):
    registered = registered(
        "text-behaviour", "closed_forms", "TextBehaviour", "ClosedFormConfig", "refit"
    )


def batch(rows: list[list[int]]) -> QueryBatch:
    return QueryBatch.from_histories(Ragged.from_rows(rows))


def built(make: type, config: BackboneConfig) -> Any:
    """Return a source with the settings of the small shop."""
    if make is ContentSource:
        return make(ContentConfig(text=config.text, history=config.history))
    return make(ClosedFormConfig(**config.model_dump()))


@pytest.mark.parametrize("make", SOURCES)
def test_keeps_the_protocol_and_reports_when_it_is_not_fitted(make, config) -> None:
    source = built(make, config)
    assert isinstance(source, CandidateGenerator)
    for call in (source.state, lambda: source.generate(batch([[0]]), 3)):
        with pytest.raises(NotFittedError, match=source.name):
            call()


@pytest.mark.parametrize("make", SOURCES)
def test_items_of_the_own_kind_come_first(make, shop, config) -> None:
    source = built(make, config)
    source.fit(shop(), RUN)
    found = source.generate(batch([[0, 4, 8], [1, 5]]), 5)
    # a user of the shop has up to two kinds, so events may bring the other one in
    assert (found.index[0] % 4 == 0).mean() >= 0.6
    assert found.index[0, 0] % 4 == 0
    assert found.source == source.name


@pytest.mark.parametrize("make", SOURCES)
def test_serves_at_minute_one(make, shop, config) -> None:
    source = built(make, config)
    source.fit(shop().with_events(Events.empty()), RUN)
    found = source.generate(batch([[0, 4, 8]]), 5)
    assert found.index.shape[1] == 5
    assert (found.index % 4 == 0).mean() >= 0.8


@pytest.mark.parametrize("make", SOURCES)
def test_vectors_of_another_encoder_are_refused(make, shop) -> None:
    with pytest.raises(ConfigError, match=r"no vectors of encoder 'transformer'.*enc"):
        make().fit(shop(), RUN)


@pytest.mark.parametrize("make", SOURCES)
def test_without_vectors_words_are_compared(make, shop, caplog) -> None:
    source = make()
    source.fit(shop(vectors=False), RUN)
    assert "only words are compared" in caplog.text
    assert (source.generate(batch([[0, 4]]), 5).index % 4 == 0).mean() >= 0.8


@pytest.mark.parametrize("make", SOURCES)
def test_unknown_and_empty_histories_get_nothing(make, shop, config) -> None:
    source = built(make, config)
    source.fit(shop(), RUN)
    assert source.generate(batch([[], []]), 5).index.shape == (2, 0)
    assert source.generate(batch([]), 5).index.shape[0] == 0


def test_explanations_count_and_quote_truly(shop, config) -> None:
    dataset = shop()
    source = built(TextBehaviourSource, config)
    source.fit(dataset, RUN)
    history = [0, 4, 8]
    items = source.generate(batch([history]), 20).row(0)
    sets = [set(dataset.sequences.row(u).tolist()) for u in range(dataset.n_users)]
    counted = 0
    for item, one in zip(items.tolist(), source.explain(batch([history]), items), strict=True):
        for other in one.history if one else ():
            together = sum(item in basket and other in basket for basket in sets)
            assert one is not None
            if one.phrase.startswith("together"):
                counted += 1
                words = "once" if together == 1 else f"{together} times"
                assert one.phrase == f"together {words} with"
            else:
                assert together == 0
    assert counted


def test_contributions_add_up_to_the_score(shop, config) -> None:
    source = built(TextBehaviourSource, config)
    source.fit(shop(), RUN)
    queries = batch([[0, 4]])
    items = source.generate(queries, 8).row(0)
    scores = source.score(queries, items[None])[0]
    for one, score in zip(source.explain(queries, items), scores.tolist(), strict=True):
        assert one is not None
        if len(one.history) == 2:
            assert sum(one.strengths) == pytest.approx(score, rel=1e-3)


def test_text_reasons_name_family_words_or_maker(shop, config) -> None:
    source = built(ContentSource, config)
    source.fit(shop(), RUN)
    found = source.explain(batch([[0, 4]]), np.arange(8, 40))
    phrases = {one.phrase for one in found if one}
    assert "same family as" in phrases
    assert all(
        phrase == "same family as"
        or phrase == "similar text to"
        or phrase.startswith(("shares “", "from "))
        for phrase in phrases
    )


def test_evidence_merges_repeats_and_leaves_out_what_counts_against() -> None:
    contributions = np.array([[1.0, -1], [2.0, -2], [-5.0, -3]], dtype=np.float32)
    found = evidence(contributions, np.array([7, 7, 9]), lambda item, places: ("a", places))
    assert found[0] is not None
    assert found[0].phrase == "a"
    assert found[0].history == (7,)
    assert found[0].strengths == (3.0,)
    assert found[1] is None


def test_the_weight_of_behaviour_is_chosen_and_kept(shop, config) -> None:
    fixed = ClosedFormConfig(**{**config.model_dump(), "choose_kappa": False})
    source = TextBehaviourSource(fixed)
    source.fit(shop(n_users=120), RUN)
    assert source.kappa == config.consensus.kappa
    chosen = built(TextBehaviourSource, config)
    chosen.fit(shop(n_users=120), RUN)
    assert chosen.kappa in config.consensus.kappas
    state = chosen.state()
    back = built(TextBehaviourSource, config)
    back.restore(State(dict(state.arrays), dict(state.values)), shop().catalog)
    assert back.kappa == chosen.kappa


def test_what_is_shared_between_sources_dies_with_the_data(shop, config) -> None:
    dataset = shop()
    source = built(PriorEaseSource, config)
    source.fit(dataset, RUN)
    gone = weakref.ref(dataset.catalog), weakref.ref(dataset)
    del source, dataset
    gc.collect()
    assert gone[0]() is None
    assert gone[1]() is None


@pytest.mark.parametrize("make", SOURCES)
def test_a_request_waits_for_no_lock_of_a_fit(make, shop, config) -> None:
    """Another fit may hold the locks through a solve: requests go on."""
    fitted = built(make, config)
    fitted.fit(shop(), RUN)
    queries, answers = batch([[0, 1]]), []

    def request() -> None:
        found = fitted.generate(queries, 3)
        fitted.score(queries, found.index)
        fitted.explain(queries, found.row(0))
        answers.append(found)

    with statistics._LOCK, solved._LOCK:
        thread = threading.Thread(target=request, daemon=True)
        thread.start()
        thread.join(20)
        assert len(answers) == 1
