from __future__ import annotations

import json

import numpy as np
import pytest
from crossrec.components.candidates import PAD
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.errors import ConfigError, NotFittedError
from crossrec.plugins.registration import Registration
from crossrec_backbone import plugin
from crossrec_backbone.sources import content
from crossrec_backbone.sources.content import ContentConfig, ContentSource
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

RUN = RunOptions()
KINDS = ("cordless drill", "nail polish")


@pytest.fixture(scope="module")
def board(dataset_of):
    """Even items are drills, odd ones nail polish: like a checkerboard, the right half is known."""
    titles = [f"{KINDS[at % 2]} model {chr(97 + at)}{at * 7}" for at in range(20)]
    vectors = np.zeros((20, 4), dtype=np.float32)
    vectors[np.arange(20), np.arange(20) % 2] = 1.0
    vectors[:, 2] = np.linspace(0, 0.2, 20)
    return dataset_of([f"{title}. things" for title in titles], titles, vectors)


@pytest.fixture(scope="module")
def source(board) -> ContentSource:
    source = ContentSource()
    source.fit(board, RUN)
    return source


@pytest.fixture(scope="module", params=["transformer", ""])
def either(request, board) -> ContentSource:
    source = ContentSource(ContentConfig(text={"encoder": request.param}))
    source.fit(board, RUN)
    return source


def test_who_bought_drills_gets_drills_and_who_bought_polish_gets_polish(either, queries_of):
    found = either.generate(queries_of([0, 4], [3, 9, 11]), 7)
    assert found.index.shape == (2, 7)
    assert (found.index[0] % 2 == 0).all()
    assert (found.index[1] % 2 == 1).all()
    assert not set(found.index[0]) & {0, 4}
    assert found.source == "content"


def test_the_last_item_counts_most(either, queries_of):
    drill_last = either.generate(queries_of([1, 0]), 6)
    polish_last = either.generate(queries_of([0, 1]), 6)
    assert (drill_last.index[0] % 2 == 0).all()
    assert (polish_last.index[0] % 2 == 1).all()


def test_it_works_without_a_single_event(board, source):
    assert len(board.events) == 0
    assert len(board.users) == 0


def test_scores_fall_and_excluded_items_never_come(source, queries_of):
    found = source.generate(queries_of([0], exclude=[[0, 2, 2, 5]]), 100)
    assert sorted(found.index[0]) == sorted(set(range(20)) - {0, 2, 5})
    assert (np.diff(found.score[0]) <= 0).all()


def test_with_all_items_as_candidates_an_item_is_not_like_itself(source, queries_of):
    """The history's own items come only for what they share with the rest of it."""
    found = source.generate(queries_of([0], exclude=[[]]), 20)
    assert found.index[0][0] != 0
    assert (found.index[0][:9] % 2 == 0).all()
    mixed = source.generate(queries_of([2, 0], exclude=[[]]), 20)
    assert {0, 2} <= set(mixed.index[0][:10])


def test_an_item_of_equal_text_is_the_very_best(dataset_of, queries_of):
    texts = ["red nail polish", "steel drill bit", "red nail polish", "blue nail polish", "mouse"]
    source = ContentSource(ContentConfig(text={"encoder": ""}))
    source.fit(dataset_of(texts), RUN)
    assert source.generate(queries_of([0]), 1).index.tolist() == [[2]]


def test_equal_texts_tie_in_the_order_of_the_index(dataset_of, queries_of):
    rng = np.random.default_rng(0)
    texts = ["red nail polish"] * 9 + [f"steel drill {at}" for at in range(9)]
    vectors = np.concatenate([np.tile(rng.normal(size=8), (9, 1)), rng.normal(size=(9, 8))])
    source = ContentSource()
    source.fit(dataset_of(texts, vectors=vectors), RUN)
    found = source.generate(queries_of([4]), 8)
    assert found.index[0].tolist() == [0, 1, 2, 3, 5, 6, 7, 8]


def test_words_find_what_vectors_blur_and_vectors_what_words_miss(dataset_of, queries_of):
    texts = ["acme x7 widget", "acme x7 gadget", "computer mouse", "trackball", "garden hose"]
    vectors = np.eye(5, dtype=np.float32)
    vectors[3] = [0, 0, 0.9, 0.4, 0]
    source = ContentSource()
    source.fit(dataset_of(texts, vectors=vectors), RUN)
    found = source.generate(queries_of([0], [2]), 1)
    assert found.index.tolist() == [[1], [3]]


def test_title_ngrams_find_joined_and_inflected_words(dataset_of, queries_of):
    texts = ["headphone stand", "headphones", "garden hose", "power cable", "desk lamp"]
    source = ContentSource(ContentConfig(text={"encoder": ""}))
    source.fit(dataset_of(texts), RUN)
    assert source.generate(queries_of([1]), 1).index.tolist() == [[0]]


def test_a_batch_gives_what_single_queries_give(source, queries_of, monkeypatch):
    rng = np.random.default_rng(1)
    histories = [rng.integers(0, 20, rng.integers(0, 7)).tolist() for _ in range(40)]
    batch = source.generate(queries_of(*histories), 5)
    monkeypatch.setattr(content, "_CELLS", 20 * 7)
    blocked = source.generate(queries_of(*histories), 5)
    np.testing.assert_array_equal(batch.index, blocked.index)
    for row, history in enumerate(histories):
        single = source.generate(queries_of(history), 5)
        np.testing.assert_array_equal(single.row(0), batch.row(row))
        width = len(single.row(0))
        np.testing.assert_allclose(single.score[0], batch.score[row, :width], atol=2e-5)


def test_score_gives_what_generate_gives(source, queries_of):
    queries = queries_of([0, 3], [5], [])
    found = source.generate(queries, 6)
    scores = source.score(queries, found.index)
    np.testing.assert_array_equal(np.where(found.index == PAD, -np.inf, scores), found.score)
    assert np.isnan(scores[2]).all()


def test_score_is_nan_at_padding_and_aligned_across_blocks(source, queries_of, monkeypatch):
    index = np.array([[3, PAD], [PAD, 7], [5, 5]])
    whole = source.score(queries_of([0], [1], [2]), index)
    assert np.isnan(whole[0, 1])
    assert np.isnan(whole[1, 0])
    assert whole[2, 0] == whole[2, 1]
    monkeypatch.setattr(content, "_CELLS", 20)
    np.testing.assert_allclose(source.score(queries_of([0], [1], [2]), index), whole, atol=2e-5)


def test_an_empty_history_and_an_empty_batch_give_nothing(source, queries_of):
    assert source.generate(queries_of([], []), 5).index.shape == (2, 0)
    assert source.generate(queries_of(), 5).index.shape == (0, 0)
    assert source.score(queries_of(), np.zeros((0, 3), dtype=np.int64)).shape == (0, 3)


def test_k_larger_than_the_catalog_gives_what_there_is(source, queries_of):
    assert source.generate(queries_of([0]), 1000).index.shape == (1, 19)


class TestItemsWithoutText:
    @pytest.fixture(scope="class")
    @classmethod
    def sparse(cls, dataset_of) -> ContentSource:
        texts = ["nail polish", "", "red nail polish", "  ", "steel drill", "blue drill"]
        source = ContentSource()
        source.fit(dataset_of(texts, vectors=np.eye(6)), RUN)
        return source

    def test_they_are_no_candidates_and_get_no_score(self, sparse, queries_of):
        found = sparse.generate(queries_of([0], exclude=[[]]), 10)
        assert set(found.index[0]) == {0, 2, 4, 5}
        scores = sparse.score(queries_of([0]), np.arange(6)[None, :])
        assert np.isnan(scores[0, [1, 3]]).all()
        assert np.isfinite(scores[0, [2, 4, 5]]).all()

    def test_a_history_of_nothing_else_gives_nothing(self, sparse, queries_of):
        assert sparse.generate(queries_of([1, 3]), 10).index.shape == (1, 0)

    def test_they_are_passed_over_in_a_history(self, sparse, queries_of):
        with_them = sparse.score(queries_of([4, 0, 1, 3], exclude=[[]]), np.arange(6)[None, :])
        without = sparse.score(queries_of([4, 0], exclude=[[]]), np.arange(6)[None, :])
        np.testing.assert_array_equal(with_them, without)

    @pytest.mark.parametrize("texts", [[], ["", ""], ["!!!", "?!"]])
    def test_a_catalog_without_words_is_no_error(self, dataset_of, queries_of, texts):
        source = ContentSource()
        source.fit(dataset_of(texts), RUN)
        found = source.generate(queries_of(list(range(len(texts)))[:1]), 5)
        assert found.index.shape[0] == 1
        restored = ContentSource()
        restored.restore(source.state(), dataset_of(texts).catalog)
        np.testing.assert_array_equal(
            restored.generate(queries_of([], []), 5).index, np.zeros((2, 0))
        )

    def test_a_catalog_of_one_item_has_nothing_to_offer(self, dataset_of, queries_of):
        source = ContentSource()
        source.fit(dataset_of(["nail polish"], vectors=[[1.0, 0.0]]), RUN)
        assert source.generate(queries_of([0]), 5).index.shape == (1, 0)
        assert source.generate(queries_of([0], exclude=[[]]), 5).score.tolist() == [[0.0]]


class TestVectors:
    def test_those_of_another_encoder_are_refused_by_name(self, dataset_of):
        source = ContentSource(ContentConfig(text={"encoder": "transfomer"}))
        with pytest.raises(ConfigError, match=r"'transfomer'.*one of: transformer"):
            source.fit(dataset_of(["a b"], vectors=[[1.0]]), RUN)

    def test_none_at_all_means_words_alone_with_a_warning(self, dataset_of, queries_of, caplog):
        source = ContentSource()
        source.fit(dataset_of(["nail polish", "red nail polish", "drill", "hose"]), RUN)
        assert "only words are compared" in caplog.text
        assert source.generate(queries_of([0]), 1).index.tolist() == [[1]]

    def test_an_empty_name_means_words_alone_without_a_warning(self, dataset_of, caplog):
        source = ContentSource(ContentConfig(text={"encoder": ""}))
        source.fit(dataset_of(["nail polish"], vectors=[[1.0]]), RUN)
        assert not caplog.text
        assert not source.state().values["dense"]

    def test_any_encoder_will_do(self, dataset_of, queries_of):
        dataset = dataset_of(
            ["a", "b", "c", "d"], vectors=[[1, 0], [0, 1], [1, 0.1], [0, 1]], name="x"
        )
        source = ContentSource(ContentConfig(text={"encoder": "x"}))
        source.fit(dataset, RUN)
        assert source.generate(queries_of([0]), 1).index.tolist() == [[2]]

    def test_the_datasets_vectors_are_left_as_they_are(self, dataset_of):
        dataset = dataset_of(["a", "b"], vectors=[[1.0, 0.0], [0.0, 1.0]])
        before = dataset.vectors["transformer"].copy()
        ContentSource().fit(dataset, RUN)
        np.testing.assert_array_equal(dataset.vectors["transformer"], before)


def read_only(state: State) -> State:
    arrays = {name: array.copy() for name, array in state.arrays.items()}
    for array in arrays.values():
        array.flags.writeable = False
    return State(arrays, json.loads(json.dumps(dict(state.values))))


def test_state_round_trip_with_read_only_arrays(source, board, queries_of):
    restored = ContentSource()
    restored.restore(read_only(source.state()), board.catalog)
    for exclude in (None, [[], [2]]):
        queries = queries_of([0, 3, 5], [7], exclude=exclude)
        before, after = source.generate(queries, 8), restored.generate(queries, 8)
        np.testing.assert_array_equal(before.index, after.index)
        np.testing.assert_array_equal(before.score, after.score)
    one, index = queries_of([0, 3]), np.array([2, 5, 9])
    assert source.explain(one, index) == restored.explain(one, index)


def test_state_holds_numbers_only(source):
    for name, array in source.state().arrays.items():
        assert array.dtype.kind in "fiu", name


def test_fitting_again_forgets_what_was(dataset_of, board, queries_of):
    source = ContentSource()
    source.fit(board, RUN)
    source.fit(dataset_of(["nail polish", "drill", "red nail polish"]), RUN)
    assert source.generate(queries_of([0]), 9).index.tolist() == [[2, 1]]


def test_fitting_is_deterministic(board, source, queries_of):
    again = ContentSource()
    again.fit(board, RUN)
    first, second = (one.generate(queries_of([0, 7], [3]), 9) for one in (source, again))
    np.testing.assert_array_equal(first.index, second.index)
    np.testing.assert_array_equal(first.score, second.score)


@pytest.mark.parametrize("call", ["generate", "score", "explain", "state"])
def test_before_fitting_it_is_a_clear_error(call, queries_of):
    source = ContentSource()
    index = np.zeros((1, 1), dtype=np.int64)
    arguments = {
        "generate": (queries_of([0]), 3),
        "score": (queries_of([0]), index),
        "explain": (queries_of([0]), index[0]),
        "state": (),
    }
    with pytest.raises(NotFittedError, match="fit or restore"):
        getattr(source, call)(*arguments[call])


@settings(max_examples=60, deadline=None)
@given(
    texts=st.lists(st.text("ab é中🎧!", max_size=6), min_size=1, max_size=8),
    data=st.data(),
)
def test_any_catalog_and_any_query_get_a_valid_answer(texts, data, dataset_of, queries_of):
    n = len(texts)
    items = st.lists(st.integers(0, n - 1), max_size=5)
    histories = data.draw(st.lists(items, max_size=4))
    excluded = [data.draw(items) for _ in histories]
    vectors = np.random.default_rng(n).normal(size=(n, 3))
    source = ContentSource()
    source.fit(dataset_of(texts, vectors=vectors), RUN)
    found = source.generate(queries_of(*histories, exclude=excluded), 4)
    assert len(found) == len(histories)
    for row, exclude in enumerate(excluded):
        items = found.row(row)
        assert len(set(items)) == len(items)
        assert not set(items) & set(exclude)
        assert all(texts[item].strip() for item in items)
        assert np.isfinite(found.score[row, : len(items)]).all()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"history": {"decay": 0}}, "decay"),
        ({"history": {"decay": 1.5}}, "decay"),
        ({"postings": 0}, "postings"),
        ({"weights": {"texts": (1, 1)}}, "weights"),
        ({"encoder": "transformer"}, "has no setting 'encoder'"),
    ],
)
def test_settings_that_do_not_fit_are_named(values, message):
    with pytest.raises(ConfigError, match=message):
        registered().build(values)


def test_what_is_declared_is_there():
    content = registered()
    assert content.capabilities == {
        "score",
        "score_text",
        "explain",
        "estimate",
        "add_items",
        "update",
        "forget",
        "vectors",
    }
    assert all(callable(getattr(content.build(), name)) for name in content.capabilities)
    again = ContentConfig.model_validate_json(content.build().config.model_dump_json())
    assert again == ContentConfig()
    with pytest.raises(ValidationError):
        content.build().config.postings = 5


def registered() -> Registration:
    found: dict[str, Registration] = {}

    def register(name, factory, *, config=None, capabilities=frozenset(), summary=""):
        found[name] = Registration("x", name, factory, config, frozenset(capabilities), summary)

    plugin.register_candidate_generators(register=register)
    return found["content"]
