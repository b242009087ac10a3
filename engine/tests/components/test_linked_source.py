"""What people did elsewhere answers here: right by hand, as far as it helps, and never unasked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crossrec.components.candidates import PAD
from crossrec.components.linked_learning import (
    ENOUGH,
    choose,
    measure,
    ndcg,
    served_up_to,
)
from crossrec.components.linked_model import LinkedSpace, ridge, text_alone, unit_rows
from crossrec.components.linked_source import (
    LinkedHistoryConfig,
    LinkedHistorySource,
    learning,
)
from crossrec.components.paired_gain import PairedGain
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.linked import LinkedHistories, linked_id
from crossrec.data.vocabulary import Vocabulary
from crossrec.errors import NotFittedError
from crossrec.numeric.ragged import Ragged
from crossrec.testing.answers import check_candidates
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

N_ITEMS, TASTES = 40, 4


def catalog(scenario, n):
    texts = Catalog.of_texts([f"text {at}" for at in range(n)])
    ids = Vocabulary(linked_id(scenario, f"{scenario[0]}{at}") for at in range(n))
    return replace(texts, items=ids, titles=tuple(f"Title {at}" for at in range(n)))


def vectors(n, seed=0):
    """Items of one taste, their number modulo 4, are alike."""
    rng = np.random.default_rng(seed)
    directions = np.linalg.qr(np.random.default_rng(9).normal(size=(8, 8)))[0]
    taste = np.arange(n) % TASTES
    return unit_rows((directions[taste] + 0.05 * rng.normal(size=(n, 8))).astype(np.float32))


def world(people, *, shift=1, seed=0, strangers=30, own=8):
    """Who likes taste t elsewhere likes t + shift here; strangers like anything."""
    rng = np.random.default_rng(seed)
    tastes = rng.integers(TASTES, size=people)
    events, histories = [], []
    for user, taste in enumerate(tastes.tolist()):
        pick = rng.permutation(np.arange((taste + shift) % TASTES, N_ITEMS, TASTES))[:own]
        events += [(user, item) for item in pick.tolist()]
        histories.append(rng.permutation(np.arange(taste, N_ITEMS, TASTES))[:5])
    for user in range(people, people + strangers):
        events += [(user, item) for item in rng.permutation(N_ITEMS)[:own].tolist()]
    users, items = np.array(events).T
    ids = Vocabulary(f"u{at}" for at in range(people + strangers))
    here = Dataset.build(ids, catalog("shop", N_ITEMS), Events.from_columns(users, items),
                         has_clock=False).with_vectors("text", vectors(N_ITEMS, 1))  # fmt: skip
    linked = LinkedHistories(
        catalog("video", N_ITEMS), np.arange(people), Ragged.from_rows(histories), people
    ).with_vectors("text", vectors(N_ITEMS))
    return replace(here, linked=linked), tastes


def fitted(dataset):
    source = LinkedHistorySource(LinkedHistoryConfig(encoder="text"))
    source.fit(dataset, RunOptions())
    return source


def queries(linked, histories=None):
    rows = Ragged.from_rows([np.array(one, dtype=np.int64) for one in linked])
    own = Ragged.from_rows(histories or [[] for _ in linked])
    return replace(QueryBatch.from_histories(own), linked=rows)


@pytest.fixture(scope="module")
def learnt():
    return fitted(world(200)[0])


def test_it_learns_which_taste_here_goes_with_which_there(learnt):
    found = learnt.generate(queries([[0, 4, 8], [1, 5], [3]]), 6)
    check_candidates(found, queries([[0, 4, 8], [1, 5], [3]]), 6, N_ITEMS)
    assert [set((row % TASTES).tolist()) for row in found.index] == [{1}, {2}, {0}]


def test_without_a_linked_history_it_answers_nothing(learnt):
    batch = queries([[], [0]])
    found = learnt.generate(batch, 5)
    assert (found.index[0] == PAD).all()
    assert (found.index[1] != PAD).all()
    assert learnt.generate(queries([[], []]), 5).index.shape == (2, 0)
    index = np.array([[1, PAD], [1, PAD]])
    scores = learnt.score(batch, index)
    assert np.isnan(scores[0]).all()
    assert np.isfinite(scores[1, 0])
    assert np.isnan(scores[1, 1])
    assert np.isnan(learnt.score(queries([[]]), index[:1])).all()
    assert learnt.explain(queries([[]]), np.array([1])) == [None]


def test_scores_are_those_of_the_candidates(learnt):
    batch = queries([[2, 6], [0]])
    found = learnt.generate(batch, 7)
    np.testing.assert_array_equal(learnt.score(batch, found.index), found.score)


def test_excluded_items_are_left_out(learnt):
    batch = replace(queries([[0]]), exclude=Ragged.from_rows([[1, 5, 9]]))
    assert not np.isin(learnt.generate(batch, 10).index, [1, 5, 9]).any()


def test_it_stops_where_people_have_more_own_events_than_it_helps_with(learnt):
    state = learnt.state()
    said = {**state.values["said"], "serves_up_to": 3}
    source = LinkedHistorySource()
    source.restore(State(state.arrays, {**state.values, "said": said}), catalog("shop", N_ITEMS))
    own = [0, 1, 2], [0, 1, 2, 3], [0] * 50
    found = source.generate(queries([[0]] * 3, own), 3)
    assert (found.index[0] != PAD).all()
    assert (found.index[1] == PAD).all()
    assert (found.index[2] != PAD).all(), "the same item fifty times is one"


def test_it_names_the_item_that_did_most_and_where_it_was(learnt):
    (one,) = learnt.explain(queries([[0, 4]]), np.array([1]))
    assert one.phrase in ("because you chose “Title 0” in video",
                          "because you chose “Title 4” in video")  # fmt: skip
    (none,) = learnt.explain(queries([[0, 4]]), np.array([3]))
    assert none.phrase == "chosen by people who are in video too"
    (mixed,) = learnt.explain(queries([[0, 1, 3]]), np.array([1]))
    assert mixed.phrase == "because you chose “Title 0” in video", "1 follows from taste 0"


def test_the_report_has_the_figures(learnt):
    said = learnt.report()
    assert said.values["people"] == said.values["learnt_from"] == 200
    at_none = said.values["measured"][0]
    assert at_none["own_events"] == 0
    assert at_none["helps"]
    assert at_none["with"] > at_none["without"] + 0.1
    assert said.lines[0].startswith("200 people")
    assert "helps" in said.lines[1]
    assert "answers people with up to" in said.lines[-1]


def test_too_few_people_teach_nothing_but_are_answered_by_text():
    few = fitted(world(ENOUGH - 1)[0])
    said = few.report()
    assert said.values["measured"] == []
    assert said.values["learnt_from"] == said.values["serves_up_to"] == 0
    assert "too few to measure" in said.lines[-1]
    everything = np.tile(np.arange(N_ITEMS), (2, 1))
    zero, one = few.score(queries([[0, 4], [1, 5]]), everything)
    assert (zero - one)[0::TASTES].min() > 0 > (zero - one)[1::TASTES].max(), "by similar text"
    assert (few.generate(queries([[0]], [[3]]), 5).index == PAD).all()


def test_where_it_does_not_help_it_answers_nobody():
    dataset, _ = world(150, own=8)
    rng = np.random.default_rng(5)
    blind = replace(dataset.linked, histories=Ragged.from_rows(
        [rng.permutation(N_ITEMS)[:5] for _ in range(150)]))  # fmt: skip
    source = fitted(replace(dataset, linked=blind))
    assert source.report().values["serves_up_to"] == -1
    assert source.report().lines[-1] == "it answers nobody"
    assert len(source.linked()) == 0, "so no request reads another scenario"
    assert source.generate(queries([[0]]), 3).index.size == 0


def test_nobody_linked_or_no_vectors_is_an_empty_source():
    dataset, _ = world(60)
    for lacking in (replace(dataset, linked=None), replace(dataset, vectors={}),
                    replace(dataset, linked=replace(dataset.linked, vectors={}))):  # fmt: skip
        source = fitted(lacking)
        assert len(source.linked()) == 0
        assert source.generate(queries([[0]]), 3).index.size == 0
        assert source.report().values["people"] == 0


def test_the_state_comes_back_and_names_no_person(learnt):
    state = learnt.state()
    other = LinkedHistorySource()
    with pytest.raises(NotFittedError):
        other.state()
    other.restore(State(state.arrays, state.values), catalog("shop", N_ITEMS))
    batch = queries([[0, 4], []])
    np.testing.assert_array_equal(learnt.generate(batch, 9).index, other.generate(batch, 9).index)
    assert other.explain(batch.take(np.array([0])), np.array([1])) == learnt.explain(
        batch.take(np.array([0])), np.array([1])
    )
    assert other.report() == learnt.report()
    assert not [name for name, array in state.arrays.items() if len(array) == 200]
    assert "u0" not in str(state.values)


def test_a_person_without_text_is_nobody():
    dataset, _ = world(60)
    silent = vectors(N_ITEMS)
    silent[0] = 0
    linked = replace(dataset.linked, vectors={"text": silent})
    source = fitted(replace(dataset, linked=linked))
    assert (source.generate(queries([[0]]), 3).index == PAD).all()
    assert (source.generate(queries([[0, 1]]), 3).index != PAD).all()


# The closed form, by hand.


def test_the_ridge_is_the_solution_of_its_normal_equations():
    rng = np.random.default_rng(3)
    features = rng.normal(size=(30, 4)).astype(np.float32)
    chosen = csr_matrix((rng.random((30, 7)) < 0.3).astype(np.float32))
    prior = np.full(7, 0.1, np.float32)
    model = ridge(features, chosen, prior, 5.0)
    centred = features - features.mean(axis=0)
    expected = np.linalg.inv(centred.T @ centred + 5 * np.eye(4)) @ centred.T @ chosen.toarray()
    np.testing.assert_allclose(model.weights, expected, atol=1e-5)
    shares = (np.asarray(chosen.sum(axis=0)).ravel() + 200 * 0.1) / 230
    np.testing.assert_allclose(model.base, shares, atol=1e-6)
    average = features.mean(axis=0, keepdims=True)
    np.testing.assert_allclose(
        model.scores(average, np.zeros((7, 4), np.float32))[0], model.base, atol=1e-5
    )


def test_without_people_it_is_popularity_and_a_little_text():
    own = unit_rows(np.array([[1, 0], [0, 1], [-1, 0]], dtype=np.float32))
    model = text_alone(np.array([5, 5, 5]), 2)
    scores = model.scores(np.array([[1, 0]], dtype=np.float32), own)[0]
    assert scores.argmax() == 0, "equally popular: the most similar text"
    assert scores.tolist() == [0, 0, 0] or not model.weights.any()
    popular = text_alone(np.array([0, 1000, 0]), 2)
    assert popular.scores(np.array([[1, 0]], np.float32), own)[0].argmax() == 1


def test_two_catalogues_are_centred_apart():
    linked = vectors(12)
    far = vectors(8, 1) + 5.0
    space = LinkedSpace.of(linked, far.astype(np.float32))
    near = LinkedSpace.of(linked, vectors(8, 1))
    np.testing.assert_allclose(space.own @ space.linked.T, near.own @ near.linked.T, atol=1e-3)
    with_blank = np.vstack([linked, np.zeros((1, 8), np.float32)])
    assert not LinkedSpace.of(with_blank, far).linked[-1].any()


def test_features_are_centroids_of_distinct_items():
    space = LinkedSpace(np.eye(3, dtype=np.float32), np.eye(3, dtype=np.float32))
    rows = space.features(Ragged.from_rows([[0, 1, 1], [], [2]]))
    half = 0.5**0.5
    np.testing.assert_allclose(rows, [[half, half, 0], [0, 0, 0], [0, 0, 1]], atol=1e-6)


def test_ndcg_of_known_lists():
    scores = np.array([[3.0, 2, 1], [3, 2, 1]], dtype=np.float32)
    targets = Ragged.from_rows([[0], [1]])
    np.testing.assert_allclose(ndcg(scores, targets), [1, 1 / np.log2(3)])
    excluded = Ragged.from_rows([[], [0]])
    np.testing.assert_allclose(ndcg(scores, targets, excluded), [1, 1])


def test_it_serves_up_to_the_last_gain_in_a_row():
    good, bad = PairedGain(100, 0.1, 0.01), PairedGain(100, 0.1, 0.06)
    assert served_up_to({0: good, 1: good, 3: bad, 5: good}) == 1
    assert served_up_to({0: bad, 1: good}) == -1
    assert served_up_to({}) == -1
    assert served_up_to({0: good, 1: good, 3: good, 5: good}) == 5


def test_people_are_judged_by_a_model_that_has_not_seen_them():
    dataset, _ = world(100)
    space = LinkedSpace.of(dataset.linked.vectors["text"], dataset.vectors["text"])
    data = learning(dataset, dataset.linked, space)
    held_out = [held for _, held in data.folds(range(5))]
    assert sorted(np.concatenate(held_out).tolist()) == list(range(100))
    for people, held in data.folds(range(5)):
        assert not np.intersect1d(people, held).size
    counts = data.counts_without(held_out[0])
    kept = np.setdiff1d(np.arange(dataset.n_users), data.rows[held_out[0]])
    np.testing.assert_array_equal(counts, dataset.matrix(binary=True)[kept].toarray().sum(axis=0))
    assert choose(data) is not None
    assert measure(data, choose(data))[0][0].n == 40, "two of five folds"


@settings(max_examples=15, deadline=None)
@given(linked=st.lists(st.lists(st.integers(0, N_ITEMS - 1), max_size=6), min_size=1, max_size=5),
       k=st.integers(1, 50))  # fmt: skip
def test_each_query_is_answered_as_if_it_were_alone(learnt, linked, k):
    batch = queries(linked)
    found = learnt.generate(batch, k)
    check_candidates(found, batch, k, N_ITEMS)
    for row, one in enumerate(linked):
        alone = learnt.generate(queries([one]), k)
        wide = found.index[row][found.index[row] != PAD]
        np.testing.assert_array_equal(wide, alone.index[0][alone.index[0] != PAD])


def test_linked_histories_are_found_by_user():
    linked = LinkedHistories(catalog("video", 5), np.array([2, 4]), Ragged.from_rows([[0, 1], [3]]))
    rows = linked.of_users(np.array([4, -1, 2, 3, 99]))
    assert [rows.row(at).tolist() for at in range(5)] == [[3], [], [0, 1], [], []]
    nobody = LinkedHistories(catalog("video", 5), np.zeros(0, np.int64), Ragged.empty(0))
    assert nobody.of_users(np.array([0, 1])).lengths.tolist() == [0, 0]


def test_a_refit_keeps_what_was_chosen_and_changes_nothing_on_the_same_events(learnt):
    dataset, _ = world(200)
    again = LinkedHistorySource(LinkedHistoryConfig(encoder="text"))
    again.restore(learnt.state(), dataset.catalog)
    again.refit(dataset, RunOptions())
    for name, array in learnt.state().arrays.items():
        np.testing.assert_allclose(again.state().arrays[name], array, atol=1e-6, err_msg=name)
    assert again.report() == learnt.report()


def test_a_refit_learns_from_more_events():
    dataset, _ = world(100, own=8)
    events = dataset.events
    fewer = dataset.with_events(events.take(np.arange(len(events)) % 8 != 0))
    source = fitted(fewer)
    base = source.state().arrays["base"]
    source.refit(dataset, RunOptions())
    more = source.state().arrays["base"]
    assert more.sum() > base.sum()
    few = fitted(world(ENOUGH - 1)[0])
    few.refit(world(ENOUGH - 1)[0], RunOptions())
    assert few.report().values["penalty"] is None
    with pytest.raises(NotFittedError):
        LinkedHistorySource().refit(dataset, RunOptions())
