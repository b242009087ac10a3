"""Sources that no ranker is chosen by: they cost one fit and leave the other surfaces alone."""

from __future__ import annotations

import pytest
from crossrec.components.cost import Cost
from crossrec.components.query import Query, QueryBatch
from crossrec.components.run import RunOptions
from crossrec.evaluation.protocol import EvaluationProtocol
from crossrec.numeric.ragged import Ragged
from crossrec.pipeline.budget import parse_budget
from crossrec.pipeline.estimating import plan_fit
from crossrec.pipeline.evaluate_models import build_models, rule_for, sources_to_evaluate
from crossrec.pipeline.fit import fit_pipeline
from crossrec.pipeline.request import answer
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.testing.requests import TOY, serve, user_with

RUN = RunOptions(seed=1)
#: `counted` answers on surfaces of its own alone.
SURFACES = {
    "user": {"sources": ["popular", "together"]},
    "own": {"sources": ["counted"]},
    "like": {"input": "item", "sources": ["counted"]},
}


@pytest.fixture
def counted(make_registry, toy_sources):
    """A registry with a source that counts its fits, and how often it was."""
    fits = []

    class Counted(toy_sources.together):
        def fit(self, dataset, run):
            fits.append(len(dataset.events))
            super().fit(dataset, run)

    return make_registry(candidate_generators={"counted": Counted}), fits


def resolved_of(registry, make_config, surfaces=SURFACES, sources=()):
    config = make_config("popular", "together", *(sources or ("counted",)), surfaces=surfaces)
    return resolve_pipeline(config, registry, "user")


def test_what_has_a_surface_of_its_own_is_fitted_once_on_all_events(counted, make_config, dataset):
    registry, fits = counted
    pipeline = fit_pipeline(TOY, dataset, resolved_of(registry, make_config), RUN)
    assert fits == [len(dataset.events)]
    assert "counted" in pipeline.sources
    assert "counted" not in pipeline.report["dropped"]


def test_the_main_surface_chooses_as_without_it(counted, make_config, dataset):
    registry, _ = counted
    with_it = fit_pipeline(TOY, dataset, resolved_of(registry, make_config), RUN)
    plain = make_config("popular", "together", surfaces={"user": {}})
    without = fit_pipeline(TOY, dataset, resolve_pipeline(plain, registry, "user"), RUN)
    assert with_it.report["gate"] == without.report["gate"]


def test_a_single_source_serves_in_its_own_order(counted, make_config, dataset):
    registry, _ = counted
    pipeline = fit_pipeline(TOY, dataset, resolved_of(registry, make_config), RUN)
    gates = pipeline.report["surfaces"]
    assert gates["own"]["why"] == "its one source alone: nothing to choose"
    assert gates["like"]["why"] == "no events of this surface to choose by"
    user = user_with(liked=("i1", "i3"))
    slate = answer(serve(pipeline, TOY), Query(k=5), user, "own")
    source = pipeline.sources["counted"]
    best = source.generate(QueryBatch.from_histories(Ragged.from_rows([[1, 3]])), 5)
    assert slate.item_ids == tuple(f"i{item}" for item in best.row(0).tolist())
    assert {reason.source for item in slate.items for reason in item.reasons} == {"counted"}


@pytest.mark.parametrize(
    ("plan", "times"),
    [
        ({"sources": ["counted"]}, 1),
        ({"sources": ["counted", "popular"]}, 2),
        ({"sources": ["counted"], "ranker": "inverted"}, 2),
        ({"sources": ["counted", "popular"], "input": "item"}, 1),
    ],
    ids=["alone", "with another", "a ranker that learns", "about items"],
)
def test_where_there_is_a_choice_it_is_tried_before_the_cut(
    counted, make_config, dataset, plan, times
):
    registry, fits = counted
    surfaces = {"user": {"sources": ["popular", "together"]}, "own": plan}
    fit_pipeline(TOY, dataset, resolved_of(registry, make_config, surfaces), RUN)
    assert len(fits) == times


def test_one_that_fails_is_left_out_and_its_surface_falls_back(registry, make_config, dataset):
    surfaces = {"user": {"sources": ["popular", "together"]}, "own": {"sources": ["unfit"]}}
    resolved = resolved_of(registry, make_config, surfaces, ["unfit"])
    pipeline = fit_pipeline(TOY, dataset, resolved, RUN)
    assert pipeline.report["failed"] == {"unfit": "MemoryError: too large"}
    slate = answer(serve(pipeline, TOY), Query(k=3), user_with(), "own")
    assert {reason.source for item in slate.items for reason in item.reasons} == {"fallback"}


def test_evaluation_leaves_it_out_unless_it_is_named(counted, make_config, dataset):
    registry, fits = counted
    resolved = resolved_of(registry, make_config)
    (split,) = EvaluationProtocol(split="leave-one-out").splits(dataset)
    build = {"rule_for": rule_for(TOY, resolved, "unseen")}
    fitted = sources_to_evaluate(split.train, resolved, RUN)
    assert list(fitted.sources) == ["popular", "together"]
    models = build_models(TOY, resolved, split.train, split.validation, RUN, **build)
    assert [model.name for model in models] == ["popular", "together", "pipeline"]
    assert not fits
    named = build_models(
        TOY, resolved, split.train, split.validation, RUN, only=("counted",), **build
    )
    assert [model.name for model in named] == ["counted"]
    assert len(fits) == 1


def test_the_plan_of_a_fit_counts_it_once(make_config, dataset, make_registry, toy_sources):
    class Slow(toy_sources.together):
        able = toy_sources.together.able | {"estimate"}

        def estimate(self, size, run):
            return Cost(1.0 + size.queries, 1)

    registry = make_registry(candidate_generators={"slow": Slow})
    seconds = {}
    for name, own in (("once", ["slow"]), ("tried", ["slow", "popular"])):
        surfaces = {"user": {"sources": ["popular"]}, "own": {"sources": own}}
        resolved = resolved_of(registry, make_config, surfaces, ["slow"])
        plan = plan_fit(resolved, dataset, RUN, parse_budget("standard"), 1 << 40)
        seconds[name] = next(part.seconds for part in plan.parts if part.label == "slow")
    assert seconds["once"] == 1.0
    assert seconds["tried"] > 100


def test_what_was_consumed_stays_where_the_surface_keeps_it(make_config, registry, dataset):
    surfaces = {
        "user": {},
        "again": {"history": "keep", "consumed": "keep"},
    }
    config = make_config("popular", "together", surfaces=surfaces)
    pipeline = fit_pipeline(TOY, dataset, resolve_pipeline(config, registry, "user"), RUN)
    user = user_with(liked=("i1", "i3"), disliked=("i5",))
    main = answer(serve(pipeline, TOY), Query(k=20), user, "user")
    again = answer(serve(pipeline, TOY), Query(k=20), user, "again")
    assert not {"i1", "i3"} & set(main.item_ids)
    assert {"i1", "i3"} <= set(again.item_ids)
    assert "i5" not in again.item_ids, "what was refused stays out"
