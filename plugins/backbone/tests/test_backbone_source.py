"""The source `backbone`: the whole room behind one protocol."""

from __future__ import annotations

import gc
import json
from copy import copy
from dataclasses import replace

import numpy as np
import pytest
from crossrec.components.candidates import PAD
from crossrec.components.protocols import CandidateGenerator
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.errors import ArtifactError, ConfigError, NotFittedError, UsageError
from crossrec.numeric.ragged import Ragged
from crossrec.plugins.registration import Registration
from crossrec.testing import CandidateGeneratorTests
from crossrec_backbone.adaptation.adapter import AdapterConfig
from crossrec_backbone.adaptation.baselines import PLAIN, plain_scores
from crossrec_backbone.adaptation.gate import MIXTURE
from crossrec_backbone.pretrained.library import keep
from crossrec_backbone.pretrained.model import MANIFEST
from crossrec_backbone.ranking import features
from crossrec_backbone.ranking.candidates import propose
from crossrec_backbone.ranking.examples import Groups
from crossrec_backbone.sources import backbone
from crossrec_backbone.sources.backbone import BackboneSource, BackboneSourceConfig

RUN = RunOptions(seed=1, threads=1)
QUICK = {"rounds": 10, "folds": 2}


class TestBackboneSource(CandidateGeneratorTests):
    registered = Registration(
        "candidate_generators",
        "backbone",
        "crossrec_backbone.sources.backbone:BackboneSource",
        "crossrec_backbone.sources.backbone:BackboneSourceConfig",
        frozenset({"score", "explain", "add_items", "report", "refit", "leads", "estimate"}),
        "everything that carries over, adapted to the scenario",
    )


def batch(rows: list[list[int]], exclude: list[list[int]] | None = None) -> QueryBatch:
    excluded = None if exclude is None else Ragged.from_rows(exclude)
    return QueryBatch.from_histories(Ragged.from_rows(rows), exclude=excluded)


@pytest.fixture
def settings(config) -> BackboneSourceConfig:
    return BackboneSourceConfig(**config.model_dump(), adapter=QUICK)


@pytest.fixture
def fitted(shop, settings) -> BackboneSource:
    source = BackboneSource(settings)
    source.fit(shop(n_items=80, n_users=120), RUN)
    return source


@pytest.fixture
def home(backbone, tmp_path):
    """A folder with one pretrained backbone, `mine`."""
    keep("mine", backbone, tmp_path)
    return tmp_path


def test_keeps_the_protocol_and_reports_when_it_is_not_fitted(settings) -> None:
    source = BackboneSource(settings)
    assert isinstance(source, CandidateGenerator)
    assert source.config.below.text.encoder == source.config.encoder == "enc"
    with pytest.raises(NotFittedError, match="backbone"):
        source.state()


def test_items_of_the_own_kind_come_first(fitted) -> None:
    found = fitted.generate(batch([[0, 4, 8], [1, 5, 9]]), 5)
    assert found.index[0, 0] % 4 == 0
    assert found.index[1, 0] % 4 == 1
    assert found.source == "backbone"
    assert (np.diff(found.score, axis=1) <= 0).all()
    assert found.mean is not None
    assert (found.score[:, 0] > found.mean).all()


def test_new_events_change_the_next_answer(fitted) -> None:
    before = fitted.generate(batch([[0, 4]]), 5).index[0]
    after = fitted.generate(batch([[0, 4, 3, 7]]), 5).index[0]
    assert before.tolist() != after.tolist()
    assert after[0] % 4 == 3


def test_no_history_no_candidates(fitted) -> None:
    found = fitted.generate(batch([[], [0]]), 5)
    assert (found.index[0] == PAD).all()
    assert (found.index[1] != PAD).all()
    assert np.isnan(fitted.score(batch([[]]), np.array([[0, 1, PAD]]))).all()


def test_the_history_is_excluded_where_nothing_repeats(fitted) -> None:
    assert not fitted.report().values["repeats"]["candidates"]
    found = fitted.generate(batch([[0, 4, 8]], exclude=[[12]]), 200)
    assert not set(found.row(0).tolist()) & {0, 4, 8, 12}


def test_the_history_is_open_where_people_repeat(shop, settings) -> None:
    dataset = shop(n_items=60, n_users=100)
    rows = [np.append(dataset.sequences.row(u), dataset.sequences.row(u)[:1]) for u in range(100)]
    users = np.repeat(np.arange(100), [len(row) for row in rows])
    source = BackboneSource(settings)
    source.fit(dataset.with_events(Events.from_columns(users, np.concatenate(rows))), RUN)
    assert source.report().values["repeats"]["candidates"]
    found = source.generate(batch([[0, 4, 8]], exclude=[[4]]), 200).row(0).tolist()
    assert {0, 8} <= set(found)
    assert 4 not in found, "what the query excludes stays excluded"


def longer(dataset: Dataset, title: str, like: int) -> Dataset:
    """The set with one more item that reads like another."""
    old = dataset.catalog
    catalog = Catalog(
        Vocabulary([*old.items.ids, "new"]),
        (*old.titles, title),
        (*old.texts, title),
        (*old.categories, old.categories[like]),
        (*old.creators, old.creators[like]),
        np.append(old.known, True),
    )
    vectors = {
        name: np.concatenate([rows, rows[like : like + 1]])
        for name, rows in dataset.vectors.items()
    }
    return replace(dataset, catalog=catalog, vectors=vectors)


def test_a_new_item_is_served_at_once(shop, settings) -> None:
    dataset = shop(n_items=80, n_users=120)
    source = BackboneSource(settings)
    source.fit(dataset, RUN)
    report = source.report().values
    source.add_items(longer(dataset, dataset.catalog.titles[0], 0))
    found = source.generate(batch([[0, 4]]), 80).row(0).tolist()
    assert found.index(80) < 25, "it comes after items of another kind"
    assert source.report().values is report, "nothing is trained for it"
    evidence = source.explain(batch([[0, 4]]), np.array([80]))[0]
    assert evidence is not None
    assert evidence.history[0] == 0


def test_score_is_that_of_generate_and_more(fitted) -> None:
    queries = batch([[0, 4], [1]])
    found = fitted.generate(queries, 20)
    np.testing.assert_allclose(fitted.score(queries, found.index), found.score, rtol=1e-5)
    own = fitted.score(queries, np.array([[0, 4], [1, PAD]]))  # not among its own candidates
    assert np.isfinite(own[0]).all()
    assert np.isnan(own[1, 1])
    everything = np.tile(np.arange(80), (2, 1))
    scores = fitted.score(queries, everything)
    there = np.isfinite(scores)
    assert there.mean() > 0.9
    assert abs(np.nanmean(scores)) < 3


@pytest.fixture
def computed(monkeypatch) -> list[np.ndarray]:
    """What columns are computed of: the candidates of every call, as they come."""
    calls: list[np.ndarray] = []

    def counted(statistics, queries, index):
        calls.append(index)
        return features.compute(statistics, queries, index)

    monkeypatch.setattr(backbone, "compute", counted)
    return calls


@pytest.mark.parametrize("histories", [[[0, 4]], [[0, 4], [1], [2, 7, 3]]])
def test_columns_are_computed_once_for_a_batch(fitted, computed, histories) -> None:
    queries = batch(histories)
    found = fitted.generate(queries, 20)
    own = [found.row(row) for row in range(len(histories))]
    assert len(computed) == 1
    fitted.generate(queries, 5)
    fitted.score(queries, found.index)
    assert len(computed) == 1, "candidates keep the scores that they have"
    fitted.score(queries, np.tile(np.arange(80), (len(histories), 1)))
    assert len(computed) == 2
    for row, further in enumerate(computed[1]):
        assert not set(further.tolist()) & set(own[row].tolist()), "only what is new is computed"
    if len(histories) == 1:
        fitted.explain(queries, own[0])
        assert len(computed) == 2


def test_what_is_kept_goes_with_the_batch_and_with_the_fit(fitted, shop) -> None:
    queries = batch([[0, 4]])
    before = fitted.generate(queries, 5)
    kept = fitted._fitted.scored
    assert len(kept) == 1
    longer_ = copy(fitted)
    dataset = shop(n_items=80, n_users=120)
    longer_.add_items(longer(dataset, dataset.catalog.titles[0], 0))
    assert 80 in longer_.generate(queries, 80).row(0), "the grown source does not answer from it"
    np.testing.assert_array_equal(fitted.generate(queries, 5).index, before.index)
    del queries
    gc.collect()
    assert not len(kept)


def test_large_batches_keep_scores_but_no_columns(fitted, computed, monkeypatch) -> None:
    rows = [[u % 80, (u * 7 + 4) % 80] for u in range(6)]
    index = np.tile(np.arange(80), (6, 1))
    small = batch(rows)
    expected = fitted.generate(small, 80), fitted.score(small, index)
    monkeypatch.setattr(backbone, "_KEPT", 5)
    large = batch(rows)
    np.testing.assert_array_equal(fitted.generate(large, 80).score, expected[0].score)
    assert fitted._fitted.scored[large].columns is None
    np.testing.assert_array_equal(fitted.score(large, index), expected[1])


def test_further_items_are_scored_beside_the_own_ones(fitted) -> None:
    """All columns anew, as if the own candidates had never been computed."""
    queries = batch([[0, 4, 9]])
    statistics, adapter = fitted._fitted.statistics, fitted._fitted.adapter
    own = propose(statistics, queries, kappa=adapter.mixture.kappa)
    others = np.setdiff1d(np.arange(80), own[0])
    assert len(others), "every item is a candidate of its own"
    both = np.concatenate([own, others[None]], axis=1)

    def mixture(index):
        groups = Groups(index, features.compute(statistics, queries, index), np.zeros(1, np.int64))
        return adapter.scores(groups)[0]

    alone, together = mixture(own), mixture(both)
    first = together[: own.shape[1]]
    moved = (together - first.mean()) * (alone.std() / first.std()) + alone.mean()
    expected = np.concatenate([alone, moved[own.shape[1] :]])
    known = features.has_evidence(features.compute(statistics, queries, both))[0]
    expected[~known] = np.nan
    np.testing.assert_allclose(fitted.score(queries, both)[0], expected, rtol=1e-4, atol=1e-5)


def test_one_query_is_one_of_many(fitted) -> None:
    rows = [[u % 80, (u * 7 + 4) % 80] for u in range(300)]  # more than one block
    together = fitted.generate(batch(rows), 10)
    for at in (0, 17, 255, 256, 299):
        alone = fitted.generate(batch([rows[at]]), 10)
        np.testing.assert_array_equal(alone.index[0], together.index[at])
        np.testing.assert_allclose(alone.score[0], together.score[at], rtol=1e-4, atol=1e-5)


def test_the_order_of_the_catalogue_changes_nothing(shop, settings, home) -> None:
    """With a pretrained head, without a target ranker: rounding may bend trees that are fitted."""
    order = np.random.default_rng(3).permutation(40)
    place = np.argsort(order)
    fixed = settings.model_copy(
        update={"backbone": str(home / "mine"), "adapter": AdapterConfig(floor=10_000)}
    )
    answers = []
    for dataset, history in ((shop(), [0, 4, 9]), (shop(order=order), place[[0, 4, 9]].tolist())):
        source = BackboneSource(fixed)
        source.fit(dataset, RUN)
        found = source.generate(batch([history]), 10)
        answers.append([dataset.catalog.items.id(int(i)) for i in found.row(0)])
    assert answers[0] == answers[1]


def test_reasons_count_truly(fitted, shop) -> None:
    sequences = shop(n_items=80, n_users=120).sequences
    query = batch([[0, 4, 8]])
    items = fitted.generate(query, 10).row(0)
    counted = 0
    for item, one in zip(items, fitted.explain(query, items), strict=True):
        if one is None or "together" not in one.phrase:
            continue
        with_first = sum(
            item in sequences.row(u) and one.history[0] in sequences.row(u) for u in range(120)
        )
        expected = "once" if with_first == 1 else f"{with_first} times"
        assert expected in one.phrase
        counted += 1
    assert counted


def test_state_is_arrays_and_json(fitted, shop) -> None:
    state = fitted.state()
    values = json.loads(json.dumps(state.values, allow_nan=False))
    locked = {}
    for name, array in state.arrays.items():
        locked[name] = array.copy()
        locked[name].flags.writeable = False
    again = BackboneSource(fitted.config)
    again.restore(State(locked, values), shop(n_items=80, n_users=120).catalog)
    queries = batch([[0, 4], [3]])
    ours, theirs = (one.generate(queries, 10) for one in (fitted, again))
    np.testing.assert_array_equal(ours.index, theirs.index)
    assert again.report().values == values["adapter"]["report"]


def test_a_named_backbone_is_used(shop, settings, home) -> None:
    named = settings.model_copy(update={"backbone": "mine", "family": "shops"})
    source = BackboneSource(named)
    young = shop().with_events(Events.empty())
    source.fit(young, replace(RUN, pretrained={"mine": home / "mine"}))
    assert source.report().values["weights"]["head"] == "shops"
    assert source.report().values["weights"]["head_weight"] == 1.0
    bare = BackboneSource(settings)
    bare.fit(young, RUN)
    queries = batch([[0, 4]])
    scores = [one.generate(queries, 10).score for one in (source, bare)]
    assert not np.allclose(*scores)
    by_path = BackboneSource(named.model_copy(update={"backbone": str(home / "mine")}))
    by_path.fit(young, RUN)
    np.testing.assert_array_equal(by_path.generate(queries, 10).score, scores[0])


def test_a_missing_or_newer_backbone_is_a_clear_error(shop, settings, home) -> None:
    run = replace(RUN, pretrained={"mine": home / "mine"})
    missing = BackboneSource(settings.model_copy(update={"backbone": "other"}))
    with pytest.raises(UsageError, match="no backbone 'other'"):
        missing.fit(shop(), run)
    manifest = json.loads((home / "mine" / MANIFEST).read_text())
    (home / "mine" / MANIFEST).write_text(json.dumps({**manifest, "format": 99}))
    newer = BackboneSource(settings.model_copy(update={"backbone": "mine"}))
    with pytest.raises(ArtifactError, match="upgrade crossrec"):
        newer.fit(shop(), run)


def test_vectors_of_another_encoder_are_refused(shop, settings) -> None:
    other = settings.model_copy(
        update={"text": settings.text.model_copy(update={"encoder": "another"})}
    )
    with pytest.raises(ConfigError, match="another"):
        BackboneSource(other).fit(shop(), RUN)


def test_without_vectors_words_are_compared(shop, settings) -> None:
    source = BackboneSource(settings)
    source.fit(shop(vectors=False), RUN)
    assert source.generate(batch([[0, 4]]), 5).index[0, 0] % 4 == 0


def test_odd_vectors_and_items_without_text_do_no_harm(shop, settings) -> None:
    dataset = shop()
    vectors = dataset.vectors["enc"].copy()
    vectors[0], vectors[4] = np.nan, 0.0
    catalog = dataset.catalog
    blank = replace(
        catalog,
        titles=("", *catalog.titles[1:]),
        texts=("", *catalog.texts[1:]),
        categories=((), *catalog.categories[1:]),
        creators=("", *catalog.creators[1:]),
    )
    odd = replace(dataset, catalog=blank).with_vectors("enc", vectors)
    source = BackboneSource(settings)
    source.fit(odd, RUN)
    found = source.generate(batch([[0], [4], [1, 0]]), 10)
    assert np.isfinite(found.score[found.index != PAD]).all()
    assert (found.index[2] != PAD).any()


@pytest.mark.parametrize("method", PLAIN)
def test_a_plain_method_that_wins_serves_over_the_whole_catalogue(fitted, method: str) -> None:
    adapter = replace(fitted._fitted.adapter, serves=method)
    fitted._state = replace(fitted._fitted, adapter=adapter)
    queries = batch([[0, 4], []])
    found = fitted.generate(queries, 10)
    scores = plain_scores(fitted._fitted.statistics, queries, (method,))[method][0]
    scores[[0, 4]] = -np.inf
    assert found.index[0, 0] == int(np.argmax(scores))
    assert (found.index[1] == PAD).all()
    np.testing.assert_allclose(fitted.score(queries, found.index)[0], found.score[0], rtol=1e-5)


def test_it_serves_the_mixture_unless_a_plain_method_is_clearly_better(fitted) -> None:
    adapter = fitted._fitted.adapter
    gate = adapter.report["gate"]
    better = gate["gain"] < -2 * gate["error"]
    assert adapter.serves == gate["serves"] == (gate["best_plain"] if better else MIXTURE)
    assert gate["best_plain"] in PLAIN
