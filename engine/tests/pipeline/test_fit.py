"""The fit path: who serves, who is left out, and what the gate does."""

import numpy as np
import pytest
from crossrec.components.fusion import ReciprocalRankFusion
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.data.events import Events
from crossrec.errors import ConfigError, CrossrecError, UsageError
from crossrec.numeric.ragged import Ragged
from crossrec.pipeline.config_files import load_config, parse_config
from crossrec.pipeline.cut import cut_for_validation
from crossrec.pipeline.fit import collect_examples, fit_pipeline, fit_sources, served_rule
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.pipeline.saving import load_pipeline, save_pipeline
from crossrec.scenario import EventType, ItemSchema, Scenario, Surface
from crossrec.testing.requests import TOY

RUN = RunOptions(seed=1)


def parity_of(pipeline, history, k=5):
    queries = QueryBatch.from_histories(Ragged.from_rows([history]))
    return {int(i) % 2 for i in pipeline.rank(queries, k).row(0)}


def test_checkerboard_even_histories_get_even_items(dataset, registry, make_config):
    pipeline = fit_pipeline(
        TOY, dataset, resolve_pipeline(make_config("popular", "together"), registry), RUN
    )
    assert parity_of(pipeline, [0, 4]) == {0}
    assert parity_of(pipeline, [1, 5]) == {1}
    assert pipeline.report["gate"]["queries"] >= 50


def test_a_source_that_cannot_be_fitted_is_left_out_and_named(dataset, registry, make_config):
    pipeline = fit_pipeline(
        TOY, dataset, resolve_pipeline(make_config("together", "unfit"), registry), RUN
    )
    assert list(pipeline.sources) == ["together"]
    assert pipeline.report["failed"] == {"unfit": "MemoryError: too large"}


def test_nothing_that_a_plugin_raises_ends_a_fit(dataset, make_registry, make_config, toy_sources):
    def exits(self, *arguments):
        raise SystemExit(3)

    registry = make_registry(
        candidate_generators={
            "fits": type("Fits", (toy_sources.popular,), {"fit": exits}),
            "generates": type("Generates", (toy_sources.popular,), {"generate": exits}),
        },
        rankers={"ranks": type("Ranks", (ReciprocalRankFusion,), {"score": exits})},
        encoders={"encodes": type("Encodes", (), {"encode": exits})},
    )
    config = make_config("fits", "generates", "together", ranker="ranks", encoder="encodes")
    report = fit_pipeline(TOY, dataset, resolve_pipeline(config, registry), RUN).report
    assert report["failed"] == {"fits": "SystemExit: 3"}
    assert report["notes"] == [
        "encoder encodes failed: SystemExit: 3",
        "source generates on the validation queries: SystemExit: 3",
    ]
    assert report["gate"]["failed"] == {"ranks": "SystemExit: 3"}
    assert report["gate"]["chosen"] == "rrf"


def test_no_source_at_all_is_an_error(dataset, registry, make_config):
    with pytest.raises(CrossrecError, match="no source could be fitted .*too large"):
        fit_pipeline(TOY, dataset, resolve_pipeline(make_config("unfit"), registry), RUN)


def test_a_source_that_fails_at_requests_does_not_stop_the_fit(dataset, registry, make_config):
    pipeline = fit_pipeline(
        TOY, dataset, resolve_pipeline(make_config("together", "broken"), registry), RUN
    )
    queries = QueryBatch.from_histories(Ragged.from_rows([[0]]))
    pool, _, degraded = pipeline.scored_pool(pipeline.main, queries)
    assert pool.sources == ("together",)
    assert degraded[0].component == "broken"
    assert "out of order" in degraded[0].error
    (note,) = pipeline.report["notes"]
    assert note == "source broken on the validation queries: RuntimeError: out of order"


def test_every_source_failing_is_one_clear_error(dataset, registry, make_config):
    with pytest.raises(CrossrecError, match="no source could answer .*out of order"):
        fit_pipeline(TOY, dataset, resolve_pipeline(make_config("broken"), registry), RUN)


def test_the_gate_keeps_a_bad_ranker_out(dataset, registry, make_config):
    config = make_config("popular", "together", ranker="inverted")
    gate = fit_pipeline(TOY, dataset, resolve_pipeline(config, registry), RUN).report["gate"]
    assert gate["chosen"] != "inverted"
    assert gate["ndcg"]["inverted"] < gate["ndcg"]["best"]
    assert gate["ndcg"]["inverted"] < gate["ndcg"]["rrf"]


def test_too_few_queries_fuse_ranks(make_shop, registry, make_config):
    pipeline = fit_pipeline(
        TOY, make_shop(n_users=10), resolve_pipeline(make_config("together"), registry), RUN
    )
    assert pipeline.report["gate"]["chosen"] == "rrf"
    assert "too few" in pipeline.report["gate"]["why"]


def test_no_events_still_fit(dataset, registry, make_config):
    empty = dataset.with_events(Events.empty())
    pipeline = fit_pipeline(TOY, empty, resolve_pipeline(make_config("together"), registry), RUN)
    filled = pipeline.rank(QueryBatch.from_histories(Ragged.from_rows([[0]])), 5)
    assert filled.row(0).tolist() == [1, 2, 3, 4, 5]
    assert pipeline.fallback.tolist() == list(range(20))


def test_the_future_does_not_change_what_is_chosen(dataset, registry, make_config):
    """Sources and gate see the same before the cut whatever comes after all events."""
    config = make_config("popular", "together")
    first = fit_pipeline(TOY, dataset, resolve_pipeline(config, registry), RUN)
    again = fit_pipeline(TOY, dataset, resolve_pipeline(config, registry), RUN)
    assert first.report["gate"] == again.report["gate"]


@pytest.mark.parametrize("has_clock", [True, False])
def test_sources_are_judged_by_what_they_have_not_seen(
    make_shop, make_registry, make_config, toy_sources, has_clock
):
    """A source that learns validation events by heart must gain nothing by it."""
    seen = []

    class Sees(toy_sources.popular):
        def fit(self, dataset, run):
            seen.append(dataset)
            super().fit(dataset, run)

    data = make_shop(has_clock=has_clock)
    registry = make_registry(candidate_generators={"sees": Sees})
    resolved = resolve_pipeline(make_config("sees"), registry)
    pipeline = fit_pipeline(TOY, data, resolved, RUN)
    rule = served_rule(TOY, data.catalog, resolved.main_surface, comes_back=False)
    cut = cut_for_validation(data, rule, seed=RUN.seed)
    trial, final = seen
    assert len(trial.events) == len(cut.train.events) < len(data.events)
    for row, user in enumerate(cut.queries.users.tolist()):
        learnt = set(trial.sequences.row(user).tolist())
        assert not learnt & set(cut.targets.row(row).tolist())
    if has_clock:
        assert trial.events.times.max() < cut.queries.now.min()
    assert len(final.events) == len(data.events)
    assert pipeline.people.tolist() == data.item_people.tolist()


def test_a_ranker_learns_from_the_part_before_the_cut(dataset, make_registry, make_config):
    seen = []

    class Learns:
        def fit(self, dataset, examples, run):
            seen.append((len(dataset.events), examples))

        def score(self, queries, pool):
            return np.where(pool.valid, 0.0, -np.inf).astype(np.float32)

    registry = make_registry(rankers={"learns": Learns})
    resolved = resolve_pipeline(make_config("popular", ranker="learns"), registry)
    fit_pipeline(TOY, dataset, resolved, RUN)
    rule = served_rule(TOY, dataset.catalog, resolved.main_surface, comes_back=False)
    cut = cut_for_validation(dataset, rule, seed=RUN.seed)
    assert {events for events, _ in seen} == {len(cut.train.events)}
    for _, examples in seen:
        rows = np.arange(len(examples.queries))
        barred = [set(examples.queries.exclude.row(i)) & set(examples.pool.index[i]) for i in rows]
        assert not any(barred)


def test_sources_learn_which_encoder_made_the_vectors(
    dataset, make_registry, make_config, toy_sources
):
    """Its settings are options of the run: what trains the encoder further needs them."""
    seen = []

    def fit(self, dataset, run):
        seen.append(run.encoders)
        toy_sources.popular.fit(self, dataset, run)

    registry = make_registry(
        candidate_generators={"looks": type("Looks", (toy_sources.popular,), {"fit": fit})},
        encoders={"encodes": type("Encodes", (), {})},
    )
    for values in ({}, {"encoder": "encodes"}):
        config = make_config("looks", **values)
        fit_sources(dataset, resolve_pipeline(config, registry), RUN, "here")
    assert seen == [{}, {"encodes": {}}]
    assert RUN.encoders == {}


def test_blocks_of_queries_make_one_pool(dataset, registry, make_config, monkeypatch):
    """The pool of many queries is the same in one block as in several of unequal width."""
    import crossrec.pipeline.fit as fit_module

    config = make_config("popular", "together")
    fitted = fit_sources(dataset, resolve_pipeline(config, registry), RUN, "here")
    histories = [[i % 20, (i * 7) % 20][: i % 3] for i in range(23)]
    exclude = Ragged.from_rows([list(range(i % 20)) for i in range(23)])
    queries = QueryBatch.from_histories(Ragged.from_rows(histories), exclude=exclude)
    targets = Ragged.from_rows([[0]] * 23)
    pools = []
    for size in (512, 5, 1):
        monkeypatch.setattr(fit_module, "BLOCK", size)
        pools.append(
            collect_examples(fitted, resolve_pipeline(config, registry), queries, targets, 20)[
                0
            ].pool
        )
    for pool in pools[1:]:
        assert np.array_equal(pool.index, pools[0].index)
        assert np.array_equal(pool.ranks, pools[0].ranks)
        np.testing.assert_allclose(pool.scores, pools[0].scores, rtol=1e-5)
        assert pool.mean == pytest.approx(pools[0].mean, abs=1e-5)
    none, _ = collect_examples(
        fitted,
        resolve_pipeline(config, registry),
        queries.take(np.zeros(0, np.int64)),
        Ragged.empty(0),
        20,
    )
    assert len(none.pool) == 0


def test_a_source_that_fails_in_one_block_is_left_out_of_all(
    dataset, make_registry, make_config, toy_sources, monkeypatch
):
    import crossrec.pipeline.fit as fit_module

    class Moody(toy_sources.popular):
        def generate(self, queries, k):
            if 3 in queries.history.values:
                raise RuntimeError("not with 3")
            return super().generate(queries, k)

    monkeypatch.setattr(fit_module, "BLOCK", 2)
    registry = make_registry(candidate_generators={"moody": Moody})
    config = make_config("moody", "together")
    fitted = fit_sources(dataset, resolve_pipeline(config, registry), RUN, "here")
    queries = QueryBatch.from_histories(Ragged.from_rows([[1], [2], [3], [4], [5]]))
    found, wrong = collect_examples(
        fitted, resolve_pipeline(config, registry), queries, Ragged.from_rows([[0]] * 5), 20
    )
    assert wrong == {"moody": "RuntimeError: not with 3"}
    assert found.pool.sources == ("together",)
    assert found.pool.scores.shape[2] == found.pool.ranks.shape[2] == 1
    assert len(found.pool) == 5


def test_saved_and_loaded_pipelines_answer_the_same(dataset, registry, make_config, tmp_path):
    pipeline = fit_pipeline(
        TOY, dataset, resolve_pipeline(make_config("popular", "together"), registry), RUN
    )
    save_pipeline(pipeline, tmp_path)
    loaded = load_pipeline(tmp_path, registry)
    queries = QueryBatch.from_histories(dataset.sequences.tail(3))
    before, after = pipeline.rank(queries, 7), loaded.rank(queries, 7)
    assert np.array_equal(before.index, after.index)
    assert np.array_equal(before.score, after.score)
    assert loaded.catalog.titles == dataset.catalog.titles
    assert loaded.users == dataset.users
    assert loaded.config == pipeline.config
    assert loaded.report["gate"] == pipeline.report["gate"]


def test_an_unknown_source_names_what_there_is(dataset, registry, make_config):
    with pytest.raises(UsageError, match="togethr"):
        fit_pipeline(TOY, dataset, resolve_pipeline(make_config("togethr"), registry), RUN)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"sources": []}, "at least one source"),
        ({"sources": [{"name": "a"}, {"name": "a"}]}, "two sources are called 'a'"),
        ({"sources": [{"name": "a"}], "candidates": 0}, "candidates"),
        ({"sources": [{"name": "a"}], "history": "forget"}, "history"),
        ({"sources": [{"name": "a"}], "item_sources": ["b"]}, "which is no source"),
        ({"sources": [{"name": "a"}], "colour": "red"}, "colour"),
    ],
)
def test_bad_configurations_say_what_is_wrong(values, complaint):
    with pytest.raises(ConfigError, match=complaint):
        parse_config(values, "mine.toml")


def scenario():
    return Scenario(
        "toy",
        "a toy",
        (EventType("view"),),
        ItemSchema((), "{title}"),
        (Surface("home"),),
        "toy_resources:default.toml",
        "view",
        "home",
    )


def test_the_users_file_overrides_the_default(tmp_path, monkeypatch):
    package = tmp_path / "toy_resources"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "default.toml").write_text('candidates = 50\n[[sources]]\nname = "a"\n')
    monkeypatch.syspath_prepend(tmp_path)
    own = tmp_path / "own.toml"
    own.write_text('[[sources]]\nname = "b"\nlabel = "mine"\n[sources.settings]\nreg = 3\n')
    config = load_config(scenario(), own)
    assert config.candidates == 50
    assert [s.label for s in config.sources] == ["mine"]
    assert config.sources[0].settings == {"reg": 3}
    own.write_text("candidates = = 3")
    with pytest.raises(ConfigError, match="own.toml is not valid TOML"):
        load_config(scenario(), own)
    with pytest.raises(ConfigError, match="there is no pipeline file"):
        load_config(scenario(), tmp_path / "absent.toml")
