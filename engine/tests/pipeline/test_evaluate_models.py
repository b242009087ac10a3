"""The models of an evaluation: who is there, what they were fitted on, and who failed."""

import dataclasses
import threading

import numpy as np
import pytest
from crossrec.components.eligibility import ALL, UNSEEN
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.data.splits import leave_one_out, temporal_split
from crossrec.errors import CrossrecError, NotFittedError, UsageError
from crossrec.evaluation.evaluate import evaluate
from crossrec.evaluation.protocol import EvaluationProtocol
from crossrec.numeric.ragged import Ragged
from crossrec.pipeline.evaluate_models import (
    FailedModel,
    PipelineModel,
    SourceModel,
    build_models,
    pipeline_to_evaluate,
    rule_for,
    sources_to_evaluate,
)
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.testing.requests import TOY

RUN = RunOptions(seed=2)


@pytest.fixture(scope="module")
def split(make_shop):
    return leave_one_out(make_shop(), refit=True)


@pytest.fixture
def build(split, registry, make_config):
    def build(*sources, registry=registry, candidates="unseen", values=None, **more):
        config = make_config(*sources, **(values or {}))
        resolved = resolve_pipeline(config, registry)
        return build_models(
            TOY, resolved, split.train, split.validation, RUN,
            rule_for=rule_for(TOY, resolved, candidates), **more,
        )  # fmt: skip

    return build


def queries(split):
    return QueryBatch.from_histories(split.test.history)


def test_every_source_and_the_pipeline_in_the_order_of_the_file(build, split):
    models = build("together", "popular")
    assert [m.name for m in models] == ["together", "popular", "pipeline"]
    assert [type(m) for m in models] == [SourceModel, SourceModel, PipelineModel]
    for model in models:
        found = model.top(queries(split), 7)
        assert found.index.shape[0] == len(split.test)
        assert found.index.shape[1] <= 7
        assert model.fit_seconds >= 0
    assert models[-1].fit_seconds >= max(m.fit_seconds for m in models[:-1])


def test_nothing_but_the_training_part_is_learnt(build, split):
    popular, *_ = build("popular")
    assert popular.source.counts.tolist() == split.train.item_counts.tolist()
    assert popular.source.counts.sum() == 120 * 4


def test_refit_learns_the_validation_part_too_with_the_ranker_chosen_before(build, split):
    plain = build("popular", "together")
    again = build("popular", "together", refit=split.refit)
    assert again[0].source.counts.tolist() == split.refit.item_counts.tolist()
    assert again[0].source.counts.sum() == 120 * 5
    first, second = (models[-1].pipeline for models in (plain, again))
    assert first.report["gate"] == second.report["gate"]
    assert second.people.sum() == 120 * 5


def test_only_what_was_requested(build):
    assert [m.name for m in build("popular", "together", only=("together",))] == ["together"]
    models = build("popular", "together", only=("pipeline",))
    assert [m.name for m in models] == ["pipeline"]
    assert set(models[0].pipeline.sources) == {"popular", "together"}
    both = build("popular", "together", only=("pipeline", "popular"))
    assert [m.name for m in both] == ["popular", "pipeline"]


def test_only_one_source_fits_no_other(build, make_registry, toy_sources):
    class Expensive(toy_sources.popular):
        def fit(self, dataset, run):
            raise AssertionError("fitted")

    registry = make_registry(candidate_generators={"expensive": Expensive})
    models = build("popular", "expensive", registry=registry, only=("popular",))
    assert [m.name for m in models] == ["popular"]


def test_an_unknown_model_is_refused_and_the_known_are_named(build):
    with pytest.raises(UsageError, match="no model 'ease' here: there are popular, pipeline"):
        build("popular", only=("ease",))


def test_a_source_that_cannot_be_fitted_is_a_row_that_raises(build, split):
    models = build("together", "unfit")
    assert [m.name for m in models] == ["together", "unfit", "pipeline"]
    failed = models[1]
    assert isinstance(failed, FailedModel)
    assert failed.fit_seconds == 0.0
    with pytest.raises(NotFittedError, match="MemoryError: too large"):
        failed.top(queries(split), 3)
    assert models[-1].pipeline.report["failed"] == {"unfit": "MemoryError: too large"}
    assert models[-1].top(queries(split), 3).index.shape[1] == 3
    assert [m.name for m in build("together", "unfit", only=("together",))] == ["together"]


def test_no_source_at_all_is_one_error(build):
    with pytest.raises(CrossrecError, match="no source could be fitted .unfit: MemoryError"):
        build("unfit")
    with pytest.raises(CrossrecError, match="no source could answer .broken: RuntimeError"):
        build("broken")


def test_history_is_a_candidate_only_where_it_is_kept(build, split):
    wanted = QueryBatch.from_histories(split.test.history, exclude=Ragged.empty(len(split.test)))
    for candidates in ("all", "unseen", "served"):
        pipeline = build("popular", "together", candidates=candidates)[-1]
        found = pipeline.top(wanted, 20)
        seen = [set(found.row(i)) & set(split.test.history.row(i)) for i in range(5)]
        assert all(seen)  # what is excluded hangs on the query alone
        barred = pipeline.top(queries(split), 20)
        assert not any(
            set(barred.row(i)) & set(split.test.history.row(i)) for i in range(len(split.test))
        )


@pytest.mark.parametrize(
    ("candidates", "keep"), [("all", True), ("unseen", False), ("served", False)]
)
def test_the_ranker_is_chosen_on_the_queries_that_the_test_will_pose(
    build, split, make_registry, candidates, keep
):
    seen = []

    class Learns:
        def fit(self, dataset, examples, run):
            seen.append((len(dataset.events), examples))

        def score(self, queries, pool):
            return np.where(pool.valid, 0.0, -np.inf).astype(np.float32)

    registry = make_registry(rankers={"learns": Learns})
    build("popular", registry=registry, candidates=candidates, values={"ranker": "learns"})
    assert {events for events, _ in seen} == {len(split.train.events)}
    for _, examples in seen:
        for row in range(len(examples.queries)):
            history = set(examples.queries.history.row(row).tolist())
            assert set(examples.queries.exclude.row(row).tolist()) == (set() if keep else history)
            assert bool(history & set(examples.pool.index[row].tolist())) is keep


def test_users_of_the_validation_only_are_strangers(registry, make_config, make_shop):
    """With a cut in time there are users whose every event lies after it."""
    data = make_shop(n_users=40)
    late = data.events.users == 7
    events = data.events
    times = np.where(late, 10_000.0 + events.times, events.times)
    moved = type(events)(events.users, events.items, events.types, times, events.weights)
    split = temporal_split(data.with_events(moved))
    assert 7 in split.test.users
    resolved = resolve_pipeline(make_config("popular", "together"), registry)
    models = build_models(
        TOY, resolved, split.train, split.validation, RUN, rule_for=lambda train: UNSEEN
    )
    at = int(np.flatnonzero(split.test.users == 7)[0])
    assert split.test.history.lengths[at] == 0
    found = models[-1].top(queries(split), 5)
    assert len(found.row(at)) == 5


def test_the_same_seed_builds_the_same_models(build, split):
    first, second = (build("popular", "together")[-1].top(queries(split), 9) for _ in range(2))
    assert np.array_equal(first.index, second.index)
    assert np.array_equal(first.score, second.score)


def test_an_encoder_that_fails_is_a_note_and_no_end(build, make_registry):
    class Encoder:
        def encode(self, catalog, run):
            raise OSError("no model file")

    registry = make_registry(encoders={"lost": Encoder})
    models = build("popular", registry=registry, values={"encoder": "lost"})
    notes = models[-1].pipeline.report["notes"]
    assert notes == ["encoder lost failed: OSError: no model file"]


def test_vectors_reach_the_sources(build, make_registry, toy_sources):
    class Encoder:
        def encode(self, catalog, run):
            return np.array([[len(text)] for text in catalog.texts], dtype=np.float32)

    class Reads(toy_sources.popular):
        def fit(self, dataset, run):
            self.seen = {name: v.shape for name, v in dataset.vectors.items()}
            super().fit(dataset, run)

    registry = make_registry(encoders={"length": Encoder}, candidate_generators={"reads": Reads})
    values = {"encoder": "length"}
    assert build("reads", registry=registry, values=values)[0].source.seen == {"length": (20, 1)}
    values["title_vectors"] = True
    seen = build("reads", registry=registry, values=values)[0].source.seen
    assert seen == {"length": (20, 1), "length:title": (20, 1)}


def test_the_research_rules_need_no_training_part(registry, make_config, split):
    resolved = resolve_pipeline(make_config("popular"), registry)
    assert rule_for(TOY, resolved, "all")(split.train) is ALL
    assert rule_for(TOY, resolved, "unseen")(split.train) is UNSEEN


def test_served_is_what_the_main_surface_would_admit(registry, make_config, split):
    plan = {"user": {"history": "keep", "fresh": 3.0, "weighs": 0.5}, "shelf": {}}
    resolved = resolve_pipeline(make_config("popular", surfaces=plan), registry)
    rule = rule_for(TOY, resolved, "served")(split.train)
    assert (rule.name, rule.keeps_history, rule.fresh, rule.weighs) == ("served", True, 3.0, 0.5)
    assert rule.effects is not None
    assert rule.effects.names == ("buy", "dislike", "view")
    assert rule.items is not None
    assert rule.items.catalog is split.train.catalog
    shelf = resolve_pipeline(make_config("popular", surfaces=plan), registry, "shelf")
    assert rule_for(TOY, shelf, "served")(split.train).keeps_history is False


def test_whether_people_come_back_is_read_from_the_training_part_alone(
    registry, make_config, make_shop
):
    data = make_shop()
    first = data.sequences.values[data.sequences.indptr[:-1]]
    events = data.events
    later = type(events)(
        np.arange(data.n_users), first, np.zeros(data.n_users, np.int64),
        np.full(data.n_users, 1e6), np.ones(data.n_users, np.float32),
    )  # fmt: skip
    both = type(events)(
        *(np.concatenate([getattr(events, n), getattr(later, n)])
          for n in ("users", "items", "types", "times", "weights"))
    )  # fmt: skip
    whole = data.with_events(both)
    served = rule_for(TOY, resolve_pipeline(make_config("popular"), registry), "served")
    assert served(whole).keeps_history is True
    assert served(leave_one_out(whole).train).keeps_history is False


def test_the_pipeline_of_an_evaluation_keeps_what_its_training_part_says(build):
    pipeline = build("popular", candidates="served")[-1].pipeline
    assert pipeline.main.keeps_history is False
    assert list(pipeline.surfaces) == ["user", "item"]
    kept = build("popular", candidates="served", values={"history": "keep"})[-1].pipeline
    assert kept.main.keeps_history is True


def misbehaving(toy_sources, generate):
    return type("Rogue", (toy_sources.popular,), {"generate": generate})


@pytest.mark.parametrize(
    ("generate", "error"),
    [
        (lambda self, queries, k: (_ for _ in ()).throw(SystemExit(3)), "SystemExit: 3"),
        (lambda self, queries, k: None, "TypeError: generate returned NoneType, not Candidates"),
    ],
)
def test_a_source_that_misbehaves_is_named_and_the_figures_of_the_others_stand(
    make_shop, make_registry, make_config, toy_sources, generate, error
):
    rogue = misbehaving(toy_sources, generate)
    registry = make_registry(candidate_generators={"rogue": rogue})
    report = evaluated(make_shop(), resolve_pipeline(make_config("rogue", "together"), registry))
    failed = {one.model: one.error for one in report.failed}
    assert failed["rogue in pipeline"] == error
    assert set(failed) == {"rogue", "rogue in pipeline"}
    whole, source = report.result("pipeline"), report.result("together")
    assert whole.metrics["recall@10"] == pytest.approx(source.metrics["recall@10"], abs=0.1)


def test_a_source_that_takes_too_long_is_named_in_an_evaluation(
    make_shop, make_registry, make_config, toy_sources
):
    go_on = threading.Event()

    def wait(self, queries, k):
        go_on.wait(30)

    registry = make_registry(candidate_generators={"slow": misbehaving(toy_sources, wait)})
    config = make_config("slow", "together", time_limit=0.01)
    try:
        report = evaluated(make_shop(), resolve_pipeline(config, registry))
    finally:
        go_on.set()
    failed = {one.model: one.error for one in report.failed}
    assert set(failed) == {"slow", "slow in pipeline"}
    assert "left out" in failed["slow"]
    assert report.result("pipeline") is not None


def evaluated(data, resolved):
    def build(train, validation, *, refit=None):
        rule = rule_for(TOY, resolved, "served")
        return build_models(TOY, resolved, train, validation, RUN, rule_for=rule, refit=refit)

    protocol = EvaluationProtocol(split="leave-one-out")
    return evaluate(data, build, protocol, rule_for=rule_for(TOY, resolved, "served"))


# Sources that several rules of candidates share


@pytest.mark.parametrize("refit", [False, True])
def test_shared_sources_give_the_same_lists_and_are_fitted_once(
    split, make_registry, make_config, toy_sources, refit
):
    fits = []

    class Counts(toy_sources.together):
        def fit(self, dataset, run):
            fits.append(len(dataset.interactions))
            super().fit(dataset, run)

    registry = make_registry(candidate_generators={"together": Counts})
    resolved = resolve_pipeline(make_config("together", "popular"), registry)
    whole = {"refit": split.refit} if refit else {}

    def models(candidates, **more):
        rule = rule_for(TOY, resolved, candidates)
        return build_models(
            TOY, resolved, split.train, split.validation, RUN, rule_for=rule, **whole, **more
        )

    shared = sources_to_evaluate(split.train, resolved, RUN)
    assert fits == [len(split.train.interactions)]
    for candidates in ("unseen", "all"):
        own, taken = models(candidates), models(candidates, fitted=shared)
        for one, other in zip(own, taken, strict=True):
            assert one.name == other.name
            lists = (model.top(queries(split), 5).index for model in (one, other))
            np.testing.assert_array_equal(*lists)
        assert taken[-1].fit_seconds >= sum(shared.seconds.values()), "sharing hides no work"
    assert len(fits) == 1 + 2 * (3 if refit else 1)


def test_what_is_evaluated_is_what_a_fit_would_take(registry, scenario_file, tmp_path):
    scenario, file = scenario_file
    resolved, run = pipeline_to_evaluate(scenario, registry, RUN)
    assert list(resolved.sources) == ["together"]
    assert (run.seed, run.pretrained) == (RUN.seed, {})
    named, _ = pipeline_to_evaluate(scenario, registry, RUN, file=file)
    assert list(named.sources) == ["popular"]
    home = tmp_path / "backbones" / "own"
    home.mkdir(parents=True)
    (home / "card.json").write_text("{}")
    _, run = pipeline_to_evaluate(scenario, registry, RUN, tmp_path / "backbones")
    assert run.pretrained["own"] == home
    with pytest.raises(UsageError, match="there is no backbone 'other' \\(known: own\\)"):
        pipeline_to_evaluate(scenario, registry, RUN, tmp_path / "backbones", backbone="other")


@pytest.fixture
def scenario_file(tmp_path, monkeypatch):
    """A scenario with a default pipeline of one source, and a file that names another."""
    package = tmp_path / "evaluated_resources"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "default.toml").write_text('sources = ["together"]\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    file = tmp_path / "own.toml"
    file.write_text('sources = ["popular"]\n')
    return dataclasses.replace(TOY, pipeline="evaluated_resources:default.toml"), file
