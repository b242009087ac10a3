"""A rater in a pipeline: what it is fitted on, what it answers, and who is forgotten by it."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest
from crossrec import Engine
from crossrec.components.candidates import PAD
from crossrec.components.state import State
from crossrec.errors import CrossrecError, NotFittedError, UsageError
from crossrec.evaluation.rating.evaluate import evaluate_ratings
from crossrec.ingest import ingest_files
from crossrec.pipeline.config_files import parse_config
from crossrec.pipeline.evaluate_ratings import rater_builder, raters_of
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.scenario import EventType, ItemField, ItemSchema, Scenario, Surface
from crossrec.testing.toy_sources import Popular
from crossrec.workspace import Workspace

N_USERS, N_ITEMS = 30, 6


class MeanRater:
    """The mean rating of an item; a text is rated by its first number."""

    able = frozenset({"rate", "forget"})
    columns = ("mean",)

    def fit(self, dataset, run):
        rows = dataset.ratings
        self.sums = np.bincount(rows.items, rows.ratings, minlength=dataset.n_items)
        self.counts = np.bincount(rows.items, minlength=dataset.n_items).astype(float)
        reviews = dataset.events.reviews
        self.texts = 0 if reviews is None else len(reviews.texts)
        self.vectors = 0 if reviews is None else len(reviews.vectors.get("letters", ()))

    def compute(self, queries, index, items):
        return self.rate(queries, index)[..., None]

    def rate(self, queries, index):
        with np.errstate(invalid="ignore"):
            means = np.append(self.sums / self.counts, np.nan)
        inside = (index != PAD) & (index < len(self.sums))
        return means[np.where(inside, index, -1)].astype(np.float32)

    def rate_texts(self, queries, vectors):
        return np.tile(np.clip(1 + 4 * vectors[:, 0], 1, 5), (len(queries), 1)).astype(np.float32)

    def forget(self, change):
        self.counts = self.counts - np.bincount(change.before.events.items, minlength=N_ITEMS)

    def state(self):
        arrays = {"sums": self.sums, "counts": self.counts}
        return State(arrays, {"texts": self.texts, "vectors": self.vectors})

    def restore(self, state, catalog):
        self.sums, self.counts = state.arrays["sums"], state.arrays["counts"]
        self.texts, self.vectors = state.values["texts"], state.values["vectors"]


class Stubborn(MeanRater):
    """A rater that cannot be fitted."""

    def fit(self, dataset, run):
        raise MemoryError("no room for ratings")


class Keeper(MeanRater):
    """A rater that cannot forget."""

    able = frozenset({"rate"})
    forget = None


class Letters:
    """An encoder of two numbers: whether a text praises, and whether it does not."""

    seen: tuple[str, ...] = ()

    def encode(self, catalog, run):
        type(self).seen += catalog.texts
        praise = np.array(["good" in text for text in catalog.texts], dtype=np.float32)
        rows = np.stack([praise, 1 - praise], axis=1)
        rows[[not text for text in catalog.texts]] = 0
        return rows


class Blind(Popular):
    """A source that notes whether its data had reviews, and takes in new items."""

    able = frozenset({"explain", "add_items"})
    reviews = None

    def fit(self, dataset, run):
        type(self).reviews = dataset.events.reviews
        super().fit(dataset, run)

    def add_items(self, dataset):
        more = np.zeros(dataset.n_items - len(self.learnt()), dtype=np.float32)
        self.counts = np.concatenate([self.learnt(), more])


def scenario():
    return Scenario(
        "shop", "shop",
        (EventType("buy"), EventType("rating", value="rating", value_range=(1, 5))),
        ItemSchema((ItemField("title"),), "{title}"), (Surface("home"),),
        "rating_resources:pipeline.toml", "buy", "home",
    )  # fmt: skip


@pytest.fixture(scope="module")
def registry(tmp_path_factory, make_registry):
    folder = tmp_path_factory.mktemp("resources")
    package = folder / "rating_resources"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "pipeline.toml").write_text('encoder = "letters"\nsources = [{name = "blind"}]\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield make_registry(
            scenarios={"shop": scenario},
            candidate_generators={"blind": Blind},
            features={"means": MeanRater, "stubborn": Stubborn, "keeper": Keeper},
            encoders={"letters": Letters},
        )
    sys.modules.pop("rating_resources", None)


def events(first: int = 0, last: int = 4) -> pd.DataFrame:
    """Return what everybody rates: item `i` gets 1 + `i` stars; the last item is only bought."""
    rows = [
        (f"user-{user:04}", item, "rating", 1000.0 * step + user, 1 + item, f"good {user}-{step}")
        for user in range(N_USERS)
        for step in range(first, last)
        for item in [(user + step) % (N_ITEMS - 1)]
    ]
    rows.append(("user-0001", N_ITEMS - 1, "buy", 1.0, None, ""))
    names = ["user_id", "item_id", "event", "time", "value", "review"]
    table = pd.DataFrame(rows, columns=names)
    return table.assign(item_id="i" + table["item_id"].astype(str))


@pytest.fixture
def engine(tmp_path, registry):
    engine = Engine(Workspace.create(tmp_path / "ws"), registry, background=False)
    items = pd.DataFrame(
        {"item_id": [f"i{at}" for at in range(N_ITEMS)], "title": [f"good {at}" for at in range(6)]}
    )
    engine.ingest("shop", items=items, events=events())
    yield engine
    engine.close()


@pytest.fixture
def pipeline_file(tmp_path):
    path = tmp_path / "pipeline.toml"
    path.write_text('features = ["means"]\nranker = "rrf"\n')
    return path


@pytest.fixture
def fitted(engine, pipeline_file):
    engine.fit("shop", pipeline_file=pipeline_file)
    return engine


def test_reviews_are_read_and_encoded_only_where_a_set_rates(engine, pipeline_file) -> None:
    engine.fit("shop")
    assert Blind.reviews is None
    pipeline = engine.fit("shop", pipeline_file=pipeline_file)
    rater = pipeline.features["means"]
    assert rater.texts == rater.vectors == N_USERS * 4
    assert Blind.reviews is not None


def test_a_rater_needs_no_ranker_that_reads_features(fitted) -> None:
    assert fitted.pipeline("shop").main.ranker_name == "rrf"


def test_items_and_texts_are_rated(fitted) -> None:
    answer = fitted.rate("shop", "user-0003", item_ids=["i2", "i0"], texts=["so good", "so bad"])
    assert [(one.item_id, one.title, one.rating) for one in answer.ratings] == [
        ("i2", "good 2", 3.0), ("i0", "good 0", 1.0), (None, "so good", 5.0), (None, "so bad", 1.0),
    ]  # fmt: skip
    assert (answer.rater, answer.path, answer.notes) == ("means", "stored history", ())
    values = answer.to_dict()
    assert values["unit"] == "stars from 1 to 5"
    assert values["scale"] == [1.0, 5.0]
    assert values["ratings"][0] == {"item_id": "i2", "title": "good 2", "rating": 3.0}


def test_strangers_and_histories_are_rated_too(fitted) -> None:
    stranger = fitted.rate("shop", "nobody", item_ids=["i2"])
    assert "user 'nobody' is unknown" in stranger.notes[0]
    given = fitted.rate("shop", history=["i1", "i3"], item_ids=["i2"])
    assert given.path == "given history"
    assert given.user_id is None


def test_an_item_of_after_the_fit_is_rated_by_its_text(fitted) -> None:
    fitted.ingest("shop", items=pd.DataFrame({"item_id": ["new"], "title": ["good and new"]}))
    answer = fitted.rate("shop", "user-0003", item_ids=["new", "i1"])
    assert [(one.item_id, one.rating) for one in answer.ratings] == [("new", 5.0), ("i1", 2.0)]


def test_the_answer_is_the_same_after_loading(fitted, registry) -> None:
    before = fitted.rate("shop", "user-0003", item_ids=["i2"])
    other = Engine(Workspace.open(fitted.workspace.path), registry, background=False)
    assert other.rate("shop", "user-0003", item_ids=["i2"]) == before
    other.close()


@pytest.mark.parametrize(
    ("wanted", "error", "words"),
    [
        ({}, UsageError, "name an item or a text"),
        ({"item_ids": "i1"}, UsageError, "are lists, not one string"),
        ({"item_ids": ["i1", "odd"]}, UsageError, "item 'odd' is not in the fitted catalog"),
        ({"texts": ["fine", "  "]}, UsageError, "the text is empty"),
    ],
)
def test_what_cannot_be_rated_is_one_clear_line(fitted, wanted, error, words) -> None:
    with pytest.raises(error, match=words):
        fitted.rate("shop", "user-0003", **wanted)


def test_without_a_rater_it_says_what_to_do(engine) -> None:
    engine.fit("shop")
    with pytest.raises(NotFittedError, match=r'features = \["rating"\] into a pipeline file'):
        engine.rate("shop", item_ids=["i1"])


def test_a_rater_that_failed_is_named_with_its_error(engine, tmp_path) -> None:
    path = tmp_path / "stubborn.toml"
    path.write_text('features = ["stubborn"]\n')
    engine.fit("shop", pipeline_file=path)
    with pytest.raises(NotFittedError, match="features stubborn .* no room for ratings"):
        engine.rate("shop", item_ids=["i1"])


def test_without_an_encoder_no_text_is_rated(engine, tmp_path) -> None:
    path = tmp_path / "bare.toml"
    path.write_text('features = ["means"]\nencoder = ""\n')
    engine.fit("shop", pipeline_file=path)
    assert engine.rate("shop", item_ids=["i1"]).ratings[0].rating == 2.0
    with pytest.raises(CrossrecError, match="has no encoder"):
        engine.rate("shop", texts=["good"])


def test_an_item_nobody_rated_is_rated_by_its_text(fitted) -> None:
    assert fitted.rate("shop", item_ids=[f"i{N_ITEMS - 1}"]).ratings[0].rating == 5.0


def test_a_forgotten_user_leaves_the_rater(fitted) -> None:
    before = fitted.pipeline("shop").features["means"].counts
    receipt = fitted.forget_user("user-0003")
    assert receipt.artifacts["shop"].sources["features means"] == "forgotten"
    after = fitted.pipeline("shop").features["means"].counts
    assert before.sum() - after.sum() == 4
    assert receipt.left == ()


def resolved(registry, *features: str):
    config = parse_config(
        {"sources": [{"name": "blind"}], "features": list(features), "encoder": "letters"}, "test"
    )
    return resolve_pipeline(config, registry)


def test_every_installed_rater_is_evaluated_and_none_sees_the_test(engine, registry) -> None:
    plan = resolved(registry)
    raters = raters_of(plan, registry)
    assert set(raters) == {"means", "stubborn", "keeper"}
    dataset = engine.workspace.dataset(registry.scenario("shop"), reviews=True)
    Letters.seen = ()
    build = rater_builder(plan, raters, engine_run())
    report = evaluate_ratings(dataset, build, scenario="shop", resamples=20)
    assert report.result("means").metrics["mse"] == 0.0
    assert report.result("means (shuffled reviews)").metrics["mse"] == 0.0
    assert {failure.model.split(" (")[0] for failure in report.failed} == {"stubborn"}
    assert "no room for ratings" in report.failed[0].error
    late = dataset.events.times >= np.quantile(dataset.events.times, 0.92)
    hidden = {dataset.events.reviews.texts[at] for at in dataset.events.reviews.numbers[late]}
    assert hidden
    assert not hidden & set(Letters.seen)
    assert any(text.startswith("good 3-") for text in Letters.seen)


def test_a_rater_of_the_pipeline_keeps_its_place(registry) -> None:
    assert list(raters_of(resolved(registry, "stubborn"), registry)) == [
        "stubborn",
        "means",
        "keeper",
    ]
    assert resolved(registry, "means").reads_reviews
    assert not resolved(registry).reads_reviews


def engine_run():
    from crossrec.components.run import RunOptions

    return RunOptions(seed=1)


def test_the_same_file_ingested_again_changes_no_rating(fitted, tmp_path, pipeline_file) -> None:
    before = fitted.rate("shop", "user-0003", item_ids=["i2"])
    report = ingest_files(fitted.workspace, fitted.registry.scenario("shop"), events=events())
    assert report.table("events").new == 0
    fitted.fit("shop", pipeline_file=pipeline_file)
    assert fitted.rate("shop", "user-0003", item_ids=["i2"]) == before


def test_a_rater_that_cannot_forget_needs_a_fit(engine, tmp_path) -> None:
    path = tmp_path / "keeper.toml"
    path.write_text('features = ["keeper"]\n')
    engine.fit("shop", pipeline_file=path)
    receipt = engine.forget_user("user-0003")
    assert receipt.artifacts["shop"].sources["features keeper"] == (
        "needs a fit: it cannot forget one user"
    )
    assert "shop" in receipt.needs_fit


def test_a_rater_whose_plugin_is_gone_needs_a_fit(fitted, make_registry) -> None:
    fewer = make_registry(
        scenarios={"shop": scenario},
        candidate_generators={"blind": Blind},
        encoders={"letters": Letters},
    )
    other = Engine(Workspace.open(fitted.workspace.path), fewer, background=False)
    receipt = other.forget_user("user-0003")
    other.close()
    assert receipt.artifacts["shop"].sources["features means"].startswith("needs a fit: ")


def test_sets_that_keep_nothing_of_users_are_not_in_the_receipt(engine, tmp_path) -> None:
    path = tmp_path / "facts.toml"
    path.write_text('features = ["item_facts"]\n')
    engine.fit("shop", pipeline_file=path)
    assert set(engine.forget_user("user-0003").artifacts["shop"].sources) == {"blind"}


def test_other_features_still_need_a_ranker_that_reads_them(engine, tmp_path) -> None:
    path = tmp_path / "unread.toml"
    path.write_text('features = ["means", "item_facts"]\nranker = "rrf"\n')
    with pytest.raises(UsageError, match="none of its rankers reads any"):
        engine.fit("shop", pipeline_file=path)


def files_with(folder, words: str) -> list[str]:
    """Return the names of the files of a workspace that hold some words."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in paths if words.encode() in path.read_bytes()]


def test_what_a_forgotten_user_wrote_is_in_no_file(engine, pipeline_file) -> None:
    secret = "an unmistakable sentence about a book"
    row = {"user_id": ["user-0003"], "item_id": ["i1"], "event": ["rating"], "time": [9.0]}
    engine.ingest("shop", events=pd.DataFrame({**row, "value": [5], "review": [secret]}))
    engine.fit("shop", pipeline_file=pipeline_file)
    folder = engine.workspace.path
    assert files_with(folder, secret), "the store keeps what was written"
    engine.forget_user("user-0003")
    engine.workspace.close()
    assert files_with(folder, secret) == []
    assert files_with(folder, "user-0003") == []


def test_no_artifact_holds_a_review(fitted) -> None:
    artifacts = fitted.workspace.artifact_path("shop")
    assert files_with(artifacts, "means"), "nothing was looked at"
    assert files_with(artifacts, "good 3-") == []
