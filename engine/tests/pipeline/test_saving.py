"""Pipelines through a folder: the same answers, and what is said when a part is gone."""

import dataclasses

import numpy as np
import pytest
from crossrec.artifacts import open_artifact, publish
from crossrec.components.fusion import ReciprocalRankFusion
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.data.catalog import Catalog
from crossrec.data.vocabulary import Vocabulary
from crossrec.errors import ArtifactError, CrossrecError, NotFittedError, UsageError
from crossrec.pipeline.fit import fit_pipeline
from crossrec.pipeline.news import last_event
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.pipeline.saving import load_pipeline, save_pipeline, without_unstorable
from crossrec.scenario import ItemField, ItemSchema
from crossrec.testing import requests
from crossrec.testing.requests import TOY, user_with, with_parts

RUN = RunOptions(seed=1)
ODD = ["a b", "a/b/../c", "q\"uo'te", "😀", "x" * 10_000, "\x00", "", "\ud800", "é", "NULL"]


@pytest.fixture
def saved(dataset, registry, make_config, tmp_path):
    config = make_config("popular", "together", policies=["drops-first"])
    pipeline = fit_pipeline(TOY, dataset, resolve_pipeline(config, registry), RUN)
    save_pipeline(pipeline, tmp_path)
    return pipeline


def ask(pipeline, user=None, **query):
    slate = requests.ask(pipeline, user, now=0.0, **query)
    return dataclasses.replace(slate, request_id="")


@pytest.mark.parametrize("verify", [True, False])
def test_every_kind_of_answer_is_the_same_after_loading(saved, registry, tmp_path, verify):
    loaded = load_pipeline(tmp_path, registry, verify=verify)
    for query in ({"history": ("i0", "i5")}, {"item_ids": ("i3",)}, {"user_id": "u4"}, {"k": 50}):
        assert ask(loaded, **query) == ask(saved, **query)
    user = user_with(viewed=("i2", "i4"), disliked=("i1",))
    assert ask(loaded, user, k=50) == ask(saved, user, k=50)
    assert loaded.unavailable == {}
    assert loaded.report == saved.report
    assert loaded.fallback.tolist() == saved.fallback.tolist()
    assert loaded.people.tolist() == saved.people.tolist()
    assert loaded.evidence.tolist() == saved.evidence.tolist()
    assert loaded.has_clock is saved.has_clock is True


def test_a_clockless_pipeline_stays_so(make_shop, registry, make_config, tmp_path):
    data = make_shop(has_clock=False)
    save_pipeline(
        fit_pipeline(TOY, data, resolve_pipeline(make_config("popular"), registry), RUN), tmp_path
    )
    assert load_pipeline(tmp_path, registry).has_clock is False


def test_the_whole_catalog_survives_with_odd_ids_and_values(
    dataset, registry, make_config, tmp_path
):
    schema = ItemSchema((ItemField("title"),), "{title}. {maker}", creator="maker")
    records = {
        id_: {"title": f"T{n}😀", "categories": ["A", "B"][: n % 3], "maker": "ü", "price": n / 2}
        for n, id_ in enumerate(ODD[:-1])
    }
    catalog = Catalog.from_records(Vocabulary(ODD), records, schema)
    small = dataset.events.take(dataset.events.items < len(ODD))
    odd = dataclasses.replace(dataset, catalog=catalog).with_events(small)
    save_pipeline(
        fit_pipeline(TOY, odd, resolve_pipeline(make_config("popular"), registry), RUN), tmp_path
    )
    loaded = load_pipeline(tmp_path, registry).catalog
    for name in ("titles", "texts", "categories", "creators", "items"):
        assert getattr(loaded, name) == getattr(catalog, name), name
    assert loaded.known.tolist() == [True] * 9 + [False]
    assert loaded.known.dtype == bool
    assert dict(loaded.attributes) == dict(catalog.attributes)


def test_nothing_there(tmp_path, registry):
    with pytest.raises(NotFittedError, match="run `crossrec fit`"):
        load_pipeline(tmp_path / "none", registry)


def test_another_kind_of_artifact_is_refused(tmp_path, registry):
    from crossrec.artifacts import publish

    nobody = Vocabulary()
    publish(tmp_path, kind="backbone", users=nobody, items=nobody, states={})
    with pytest.raises(ArtifactError, match="holds a 'backbone' artifact, not a pipeline"):
        load_pipeline(tmp_path, registry)


@pytest.fixture
def third_party(make_registry, toy_sources):
    """Build a registry where `extra` is installed, broken or gone."""

    class Extra(toy_sources.together):
        able = frozenset({"explain"})

    class Forgetful(Extra):
        def restore(self, state, catalog):
            raise KeyError("weights")

    def registry(source=Extra, rankers=None):
        sources = {"extra": source} if source else {}
        return make_registry(candidate_generators=sources, rankers=rankers or {})

    registry.forgetful = Forgetful
    return registry


@pytest.mark.parametrize(
    ("change", "error"), [("gone", "extra"), ("broken", "KeyError: 'weights'")]
)
def test_a_source_that_cannot_be_restored_is_named_in_every_answer(
    dataset, third_party, make_config, tmp_path, change, error
):
    config = make_config("popular", "extra")
    save_pipeline(
        fit_pipeline(TOY, dataset, resolve_pipeline(config, third_party()), RUN), tmp_path
    )
    source = None if change == "gone" else third_party.forgetful
    loaded = load_pipeline(tmp_path, third_party(source))
    assert set(loaded.unavailable) == {"extra"}
    assert error in loaded.unavailable["extra"]
    for query in ({"history": ("i0",)}, {"item_ids": ("i0",)}, {}):
        slate = ask(loaded, **query)
        assert len(slate.items) == 10
        assert [d.component for d in slate.degraded] == ["extra"]


def test_without_any_source_the_artifact_is_refused_with_the_causes(
    dataset, third_party, make_config, tmp_path
):
    save_pipeline(
        fit_pipeline(TOY, dataset, resolve_pipeline(make_config("extra"), third_party()), RUN),
        tmp_path,
    )
    with pytest.raises(ArtifactError, match=r"can be restored \(extra: unknown source 'extra'"):
        load_pipeline(tmp_path, third_party(None))


class Own(ReciprocalRankFusion):
    """A third party's ranker that wins, since it looks into the pool of validation."""

    def fit(self, dataset, examples, run):
        self.learnt = 1.0

    def score(self, queries, pool):
        return super().score(queries, pool)


def test_a_ranker_that_is_gone_is_named_and_ranks_are_fused(
    dataset, third_party, make_config, tmp_path
):
    registry = third_party(rankers={"own": Own})
    config = make_config("popular", "extra", ranker="own")
    pipeline = fit_pipeline(TOY, dataset, resolve_pipeline(config, registry), RUN)
    gate = {**pipeline.report["gate"], "chosen": "own"}
    served = dataclasses.replace(
        with_parts(pipeline, ranker=Own(), ranker_name="own"),
        report={**pipeline.report, "gate": gate},
    )
    save_pipeline(served, tmp_path)
    assert type(load_pipeline(tmp_path, registry).main.ranker) is Own
    loaded = load_pipeline(tmp_path, third_party())
    assert type(loaded.main.ranker) is ReciprocalRankFusion
    slate = ask(loaded, history=("i0",))
    assert [d.component for d in slate.degraded] == ["ranker own"]
    fused = with_parts(pipeline, ranker=ReciprocalRankFusion())
    assert slate.item_ids == ask(fused, history=("i0",)).item_ids


def test_a_policy_that_is_gone_stops_the_loading(dataset, make_registry, make_config, tmp_path):
    class Rule:
        def apply(self, ranked, context):
            return ranked

    registry = make_registry(policies={"age-limit": Rule})
    config = make_config("popular", policies=["age-limit"])
    save_pipeline(fit_pipeline(TOY, dataset, resolve_pipeline(config, registry), RUN), tmp_path)
    load_pipeline(tmp_path, registry)
    with pytest.raises(UsageError, match="age-limit"):
        load_pipeline(tmp_path, make_registry())


def test_a_policy_twice_is_applied_twice(dataset, registry, make_config):
    config = make_config("popular", policies=["drops-first", "raises", "drops-first"])
    pipeline = fit_pipeline(TOY, dataset, resolve_pipeline(config, registry), RUN)
    assert list(pipeline.main.policies) == ["drops-first", "raises", "drops-first #2"]
    slate = ask(pipeline, history=())
    assert [(c.policy, c.action) for c in slate.changes] == [
        ("drops-first", "dropped"), ("drops-first #2", "dropped"),
    ]  # fmt: skip
    assert [d.component for d in slate.degraded] == ["raises"]
    assert slate.item_ids[0] == f"i{pipeline.fallback[2]}"


WRONG_STATES = [
    (lambda self: 1 / 0, "ZeroDivisionError"),
    (lambda self: {"counts": 1}, "TypeError: state() returned dict, not State"),
    (lambda self: State({"x": np.array([None, "a"], dtype=object)}), "dtype object"),
    (lambda self: State(values={"x": object()}), "its values cannot be written as JSON"),
    (lambda self: State(arrays=None), "AttributeError"),
    (lambda self: (_ for _ in ()).throw(SystemExit(2)), "SystemExit: 2"),
]


@pytest.mark.parametrize(("state", "error"), WRONG_STATES)
def test_a_source_whose_state_is_none_is_named_and_the_rest_is_published(
    dataset, make_registry, make_config, toy_sources, tmp_path, state, error
):
    bad = type("Bad", (toy_sources.popular,), {"state": state})
    registry = make_registry(candidate_generators={"bad": bad})
    resolved = resolve_pipeline(make_config("bad", "together"), registry)
    pipeline = without_unstorable(fit_pipeline(TOY, dataset, resolved, RUN))
    assert list(pipeline.sources) == ["together"]
    assert pipeline.report["failed"]["bad"].startswith("cannot be stored: ")
    assert error in pipeline.report["failed"]["bad"]
    save_pipeline(pipeline, tmp_path)
    loaded = load_pipeline(tmp_path, registry)
    assert list(loaded.sources) == ["together"]
    assert loaded.report["failed"] == pipeline.report["failed"]
    assert ask(loaded, history=("i0",)) == ask(pipeline, history=("i0",))


@pytest.mark.parametrize(("state", "error"), WRONG_STATES)
def test_where_the_rankers_state_is_none_ranks_are_fused(saved, tmp_path, registry, state, error):
    ranker = type("Bad", (ReciprocalRankFusion,), {"state": state})()
    pipeline = without_unstorable(with_parts(saved, ranker=ranker, ranker_name="mine"))
    assert error in pipeline.report["failed"]["ranker mine"]
    assert type(pipeline.main.ranker) is ReciprocalRankFusion
    save_pipeline(pipeline, tmp_path)
    assert load_pipeline(tmp_path, registry).main.ranker_name == "rrf"


def test_what_can_be_stored_stays_as_it_is(saved):
    assert without_unstorable(saved) is saved


def test_no_source_that_can_be_stored_is_an_error(dataset, make_registry, make_config, toy_sources):
    bad = type("Bad", (toy_sources.popular,), {"state": lambda self: None})
    registry = make_registry(candidate_generators={"bad": bad})
    resolved = resolve_pipeline(make_config("bad"), registry)
    with pytest.raises(ArtifactError, match=r"no source can be stored .bad cannot be stored: Type"):
        without_unstorable(fit_pipeline(TOY, dataset, resolved, RUN))


@pytest.mark.parametrize(
    ("state", "error"),
    [
        (lambda self: 1 / 0, "source 'bad' cannot be stored: ZeroDivisionError"),
        (lambda self: {"counts": 1}, "source 'bad' cannot be stored: TypeError: .* returned dict"),
        (lambda self: State({"x": np.array([None, "a"], dtype=object)}), "cannot be stored"),
        (lambda self: State(values={"x": object()}), "cannot be stored"),
    ],
)
def test_what_cannot_be_stored_is_one_error_and_the_old_artifact_serves(
    dataset, make_registry, make_config, toy_sources, tmp_path, state, error
):
    good = make_registry(candidate_generators={"bad": toy_sources.popular})
    pipeline = fit_pipeline(TOY, dataset, resolve_pipeline(make_config("bad"), good), RUN)
    version = save_pipeline(pipeline, tmp_path)
    bad = type("Bad", (toy_sources.popular,), {"state": state})
    broken = fit_pipeline(
        TOY,
        dataset,
        resolve_pipeline(make_config("bad"), make_registry(candidate_generators={"bad": bad})),
        RUN,
    )
    with pytest.raises(ArtifactError, match=error):
        save_pipeline(broken, tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == [version.name]
    assert ask(load_pipeline(tmp_path, good), k=3) == ask(pipeline, k=3)


def test_few_validation_queries_serve_the_users_rrf_before_and_after_saving(
    make_shop, registry, make_config, tmp_path
):
    config = make_config("popular", "together", ranker="rrf", ranker_settings={"constant": 3.0})
    pipeline = fit_pipeline(TOY, make_shop(n_users=10), resolve_pipeline(config, registry), RUN)
    save_pipeline(pipeline, tmp_path)
    loaded = load_pipeline(tmp_path, registry)
    assert pipeline.main.ranker.config.constant == loaded.main.ranker.config.constant == 3.0
    assert ask(loaded, history=("i0",)) == ask(pipeline, history=("i0",))


SURFACES = {
    "user": {"history": "last", "k": 7, "fresh": 2.0},
    "kept": {"history": "keep", "sources": ["together"], "policies": []},
    "strict": {"policies": ["raises"], "fallback": ["newest"]},
    "like": {"input": "item", "ranker": "rrf", "ranker_settings": {"constant": 9.0}},
}


def test_every_surface_comes_back_as_it_was(dataset, registry, make_config, tmp_path):
    config = make_config(
        "popular", "together", surfaces=SURFACES, history="exclude", policies=["drops-first"]
    )
    saved = fit_pipeline(TOY, dataset, resolve_pipeline(config, registry, "kept"), RUN)
    save_pipeline(saved, tmp_path)
    loaded = load_pipeline(tmp_path, registry)
    assert loaded.config == saved.config
    assert loaded.resolved.main == "kept"
    assert list(loaded.surfaces) == list(SURFACES)
    for name, one in saved.surfaces.items():
        other = loaded.surfaces[name]
        assert other.plan.config == one.plan.config
        assert (other.plan.sources, other.plan.history) == (one.plan.sources, one.plan.history)
        assert (other.ranker_name, other.keeps_history) == (one.ranker_name, one.keeps_history)
        assert list(other.policies) == list(one.policies)
        assert other.ranker.state().values == one.ranker.state().values
    assert loaded.surfaces["like"].ranker.config.constant == 9.0
    assert loaded.surfaces["strict"].plan.history == "exclude", "as the pipeline has it"


def test_known_items_are_left_out_after_loading_as_before(dataset, registry, make_config, tmp_path):
    config = make_config("popular", history="exclude")
    saved = fit_pipeline(TOY, dataset, resolve_pipeline(config, registry), RUN)
    save_pipeline(saved, tmp_path)
    user = user_with(viewed=("i2",))
    for pipeline in (saved, load_pipeline(tmp_path, registry)):
        assert "i2" not in ask(pipeline, user, k=20).item_ids


def test_where_people_come_back_is_decided_by_the_fit_and_kept(
    dataset, registry, make_config, tmp_path
):
    saved = with_parts(
        fit_pipeline(TOY, dataset, resolve_pipeline(make_config("popular"), registry), RUN),
        keeps_history=True,
    )
    save_pipeline(saved, tmp_path)
    loaded = load_pipeline(tmp_path, registry)
    assert [one.keeps_history for one in loaded.surfaces.values()] == [True, True]


def test_how_far_the_store_was_read_is_kept(dataset, registry, make_config, tmp_path):
    resolved = resolve_pipeline(make_config("popular"), registry)
    saved = fit_pipeline(TOY, dataset, resolved, RUN, ("a note",), {"item_changes": 7})
    save_pipeline(saved, tmp_path)
    report = load_pipeline(tmp_path, registry).report
    assert report["item_changes"] == 7
    assert report["notes"] == ["a note"]


def test_all_errors_are_the_users_to_mend():
    assert issubclass(ArtifactError, CrossrecError)
    assert issubclass(NotFittedError, CrossrecError)


def test_what_an_older_crossrec_wrote_is_refused(saved, registry, tmp_path):
    """It lacks what a refresh counts on."""
    old = open_artifact(tmp_path)
    states = dict(old.states)
    arrays = {name: states["popularity"].arrays[name] for name in ("fallback", "people")}
    states["popularity"] = State(arrays)
    publish(
        tmp_path,
        kind="pipeline",
        users=old.users,
        items=old.items,
        states=states,
        values=old.manifest.values,
    )
    with pytest.raises(ArtifactError, match="by an older crossrec: fit again"):
        load_pipeline(tmp_path, registry)


def test_a_pipeline_that_does_not_know_its_last_event_says_what_to_do(saved):
    with pytest.raises(ArtifactError, match="without a note of its last event: run `crossrec fit"):
        last_event(saved)
