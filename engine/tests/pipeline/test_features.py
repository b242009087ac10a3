"""Feature sets in a pipeline: what they decide, and what becomes of those that fail."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crossrec.components.live_items import LiveItems
from crossrec.components.policies import number
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.splits import leave_one_out
from crossrec.data.vocabulary import Vocabulary
from crossrec.errors import ConfigError, UsageError
from crossrec.numeric.ragged import Ragged
from crossrec.pipeline.config_files import parse_config
from crossrec.pipeline.evaluate_models import build_models, rule_for
from crossrec.pipeline.fit import fit_pipeline
from crossrec.pipeline.live import with_items
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.pipeline.saving import load_pipeline, save_pipeline
from crossrec.scenario import ItemSchema
from crossrec.testing.requests import TOY, ask, serve
from crossrec.testing.toy_sources import Popular, registry_of

RUN = RunOptions(seed=1)
N_ITEMS, N_LATE = 24, 6


class Price:
    """The price of an item, as it is now."""

    columns = ("now",)
    computed = 0

    def fit(self, dataset, run):
        self.fitted = dataset.n_items

    def compute(self, queries, index, items):
        type(self).computed += 1
        prices = items.numbers("price", number)
        found = np.where(index < 0, np.nan, prices[np.maximum(index, 0)])
        return found.astype(np.float32)[..., None]

    def state(self):
        return State(values={"fitted": self.fitted})

    def restore(self, state, catalog):
        self.fitted = state.values["fitted"]


class Noise(Price):
    """What says nothing."""

    def compute(self, queries, index, items):
        rng = np.random.default_rng(0)
        return np.where(index < 0, np.nan, rng.random(index.shape)).astype(np.float32)[..., None]


class Unfit(Price):
    """A set that cannot be fitted."""

    def fit(self, dataset, run):
        raise MemoryError("too many columns")


class Fails(Price):
    """A set that can be fitted, and fails at requests of one query."""

    def compute(self, queries, index, items):
        if len(queries) == 1:
            raise RuntimeError("no columns today")
        return super().compute(queries, index, items)


class Exits(Fails):
    """A set that ends the process."""

    def compute(self, queries, index, items):
        if len(queries) == 1:
            raise SystemExit(3)
        return super().compute(queries, index, items)


class Flat(Fails):
    """A set whose answer has the wrong shape."""

    def compute(self, queries, index, items):
        found = Price.compute(self, queries, index, items)
        return found[..., 0] if len(queries) == 1 else found


class Whole(Fails):
    """A set whose answer is no float."""

    def compute(self, queries, index, items):
        found = Price.compute(self, queries, index, items)
        return np.nan_to_num(found).astype(int) if len(queries) == 1 else found


class Unsaved(Price):
    """A set that cannot be restored."""

    def restore(self, state, catalog):
        raise ValueError("another format")


class Dotted(Price):
    """A set with a bad name of a column."""

    columns = ("price.now",)


SETS = {
    "price": Price, "noise": Noise, "unfit": Unfit, "fails": Fails, "exits": Exits,
    "flat": Flat, "whole": Whole, "unsaved": Unsaved, "dotted": Dotted,
}  # fmt: skip


def shop():
    """Everyone has three ordinary items, then a dear one: what comes next is always dear."""
    rng = np.random.default_rng(0)
    users, items = [], []
    for user in range(120):
        ordinary = rng.choice(N_ITEMS - N_LATE, 3, replace=False)
        dear = N_ITEMS - N_LATE + rng.choice(N_LATE, 2, replace=False)
        users += [user] * 5
        items += [dear[0], *ordinary, dear[1]]
    records = {
        f"i{j}": {"title": f"item {j}", "price": 100.0 if j >= N_ITEMS - N_LATE else 1.0 + j / 100}
        for j in range(N_ITEMS)
    }
    catalog = Catalog.from_records(Vocabulary(records), records, ItemSchema((), "{title}"))
    events = Events.from_columns(users, items)
    names = Vocabulary(f"u{u}" for u in range(120))
    return Dataset.build(names, catalog, events, has_clock=False)


class Shuffled(Popular):
    """A source that proposes everything and knows nothing."""

    def scores(self, queries):
        rng = np.random.default_rng(len(queries))
        return 1.0 + rng.random((len(queries), len(self.learnt()))).astype(np.float32)


@pytest.fixture(scope="module")
def registry():
    return registry_of(candidate_generators={"shuffled": Shuffled}, features=SETS)


@pytest.fixture(scope="module")
def resolve(registry):
    def resolve(*features, **values):
        values = {"sources": ["shuffled"], "features": list(features), **values}
        values["sources"] = [{"name": name} for name in values["sources"]]
        return resolve_pipeline(parse_config(values, "test"), registry)

    return resolve


@pytest.fixture(scope="module")
def fit(resolve):
    data = shop()
    return lambda *features, **values: fit_pipeline(TOY, data, resolve(*features, **values), RUN)


@pytest.fixture(scope="module")
def pipeline(fit):
    return fit("price")


def is_dear(slate):
    return [int(id_[1:]) >= N_ITEMS - N_LATE for id_ in slate.item_ids]


def test_the_gate_chooses_the_linear_ranker_where_features_know_better(pipeline):
    gate = pipeline.report["gate"]
    assert gate["chosen"] == pipeline.main.ranker_name == "linear"
    assert gate["ndcg"]["linear"] > gate["ndcg"]["rrf"] + 0.1
    assert pipeline.main.columns == ("price.now",)
    assert all(is_dear(ask(pipeline, history=("i0", "i1"), k=5)))


def test_where_they_say_nothing_it_is_not_chosen_and_nothing_is_computed(fit):
    pipeline = fit("noise")
    assert pipeline.report["gate"]["chosen"] != "linear"
    assert "linear" in pipeline.report["gate"]["ndcg"]
    assert pipeline.main.columns == ()
    Price.computed = 0
    assert len(ask(pipeline, history=("i0",), k=5).items) == 5
    assert Price.computed == 0


def test_only_sets_that_are_read_are_computed(fit):
    pipeline = fit("price", "fails", ranker="linear", ranker_settings={"features": ["price"]})
    assert pipeline.main.columns == ("price.now",)
    assert not ask(pipeline, history=("i0",), k=3).degraded


def test_without_features_nothing_changes(fit):
    pipeline = fit()
    assert "linear" not in pipeline.report["gate"]["ndcg"]
    assert pipeline.features == {}


def test_the_newest_fields_count_from_the_next_request_on(pipeline):
    plain = serve(pipeline)
    cheap = {N_ITEMS - 1: {"price": 0.5}, 0: {"price": 100.0}}
    changed = replace(plain, items=plain.items.updated(cheap))
    batch = QueryBatch.from_histories(Ragged.from_rows([[1, 2]]))
    for serving, best, worst in ((plain, N_ITEMS - 1, 0), (changed, 0, N_ITEMS - 1)):
        pool, scores, _ = pipeline.scored_pool(pipeline.main, batch, serving.items)
        by_item = dict(zip(pool.index[0].tolist(), scores[0].tolist(), strict=True))
        assert by_item[best] > by_item[worst]


def test_a_set_that_cannot_be_fitted_is_left_out_and_named(fit):
    pipeline = fit("unfit", "price")
    assert pipeline.report["failed"] == {"features unfit": "MemoryError: too many columns"}
    assert list(pipeline.features) == ["price"]
    assert pipeline.main.ranker_name == "linear"


def test_bad_names_of_columns_keep_a_set_out(fit):
    assert "distinct names without a dot" in fit("dotted").report["failed"]["features dotted"]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("fails", "RuntimeError: no columns today"),
        ("exits", "SystemExit: 3"),
        ("flat", r"features of shape (1, 18), not (1, 18, 1)"),
        ("whole", "features are float32, not int64"),
    ],
)
def test_a_set_that_fails_is_named_and_its_columns_move_nothing(fit, name, error):
    pipeline = fit(name)
    slate = ask(pipeline, history=tuple(f"i{j}" for j in range(6)), k=5)
    ((component, said),) = [(d.component, d.error) for d in slate.degraded]
    assert component == f"features {name}"
    assert error in said
    neutral = replace(pipeline, features={})
    assert slate.item_ids == ask(neutral, history=tuple(f"i{j}" for j in range(6)), k=5).item_ids


def test_saved_and_loaded_it_answers_the_same(pipeline, registry, tmp_path):
    save_pipeline(pipeline, tmp_path)
    loaded = load_pipeline(tmp_path, registry)
    assert loaded.unavailable == {}
    assert loaded.features["price"].fitted == N_ITEMS
    query = {"history": ("i0", "i1"), "k": 9}
    assert ask(loaded, **query).item_ids == ask(pipeline, **query).item_ids


def test_a_set_that_cannot_be_restored_is_named(fit, registry, tmp_path):
    save_pipeline(fit("unsaved"), tmp_path)
    loaded = load_pipeline(tmp_path, registry)
    assert "another format" in loaded.unavailable["features unsaved"]
    slate = ask(loaded, history=("i0",), k=5)
    assert len(slate.items) == 5
    assert [d.component for d in slate.degraded] == ["features unsaved"]


def test_a_set_that_is_gone_is_named(pipeline, tmp_path):
    save_pipeline(pipeline, tmp_path)
    poorer = registry_of(candidate_generators={"shuffled": Shuffled})
    assert "price" in load_pipeline(tmp_path, poorer).unavailable["features price"]


def test_which_field_is_the_creator_survives(fit, registry, tmp_path):
    pipeline = replace(fit("price"), schema=ItemSchema((), "", creator="maker"))
    save_pipeline(pipeline, tmp_path)
    assert load_pipeline(tmp_path, registry).schema.creator == "maker"


def test_new_items_are_ranked_by_their_features(pipeline):
    grown = with_items(pipeline, TOY, {"new": {"title": "item 99", "price": 100.0}}, RUN)
    items = LiveItems(grown.catalog, TOY.items)
    batch = QueryBatch.from_histories(Ragged.from_rows([[0, 1]]))
    pool, _, degraded = grown.scored_pool(grown.main, batch, items)
    assert not degraded
    assert pool.features.shape == (1, N_ITEMS - 2, 1)


def test_evaluation_ranks_with_features_too(resolve):
    split = leave_one_out(shop(), refit=True)
    resolved = resolve("price", "unfit")
    models = build_models(
        TOY, resolved, split.train, split.validation, RUN,
        rule_for=rule_for(TOY, resolved, "unseen"), refit=split.refit,
    )  # fmt: skip
    model = models[-1]
    assert model.pipeline.report["gate"]["ndcg"]["linear"] > 0.1
    assert "features unfit" in model.pipeline.report["failed"]
    assert model.pipeline.features["price"].fitted == N_ITEMS


def test_features_that_no_ranker_reads_are_refused(fit):
    with pytest.raises(UsageError, match=r'none of its rankers reads any: set ranker = "linear"'):
        fit("price", ranker="rrf")
    surfaces = {"user": {"ranker": "rrf"}, "item": {"input": "item", "ranker": "linear"}}
    assert fit("price", surfaces=surfaces).surfaces["item"].ranker_name == "linear"


def test_unknown_sets_and_settings_are_refused(fit):
    with pytest.raises(UsageError, match="unknown feature set 'prize': did you mean 'price'"):
        fit("prize")
    with pytest.raises(UsageError, match="takes no settings"):
        fit({"name": "price", "settings": {"of": "today"}})
    with pytest.raises(ConfigError, match="a feature set is named twice"):
        fit("price", "price")
    with pytest.raises(UsageError, match="there is no feature 'age'"):
        fit("price", ranker="linear", ranker_settings={"features": ["age"]})
