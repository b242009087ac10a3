"""What every source of this package has to do, whatever it learns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from crossrec.components.candidates import PAD
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.errors import ConfigError, NotFittedError
from crossrec.plugins.registration import Registration
from crossrec_collaborative.plugin import register_candidate_generators
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

RUN = RunOptions(seed=3, threads=1)


def registrations() -> dict[str, Registration]:
    found: dict[str, Registration] = {}

    def register(name: str, factory: Any, **rest: Any) -> None:
        found[name] = Registration("candidate_generators", name, factory, **rest)

    register_candidate_generators(register)
    return found


ALL = registrations()
BOARDS = ("popularity", "popularity-decayed", "trending")
#: These histories have neither baskets nor times; `tests/baskets` has some.
BASKETS = ("next-basket", "buy-again", "bought-together")
#: Lists of what happened or came lately, whatever the history; `tests/shelves` has some.
SHELVES = ("event-count", "newest", "following", "who-to-follow", "continuation", "own-history")
PERSONAL = tuple(name for name in ALL if name not in (*BOARDS, *BASKETS, *SHELVES))
LINEAR = ("covisitation", "item-knn", "ease", "user-knn")
SMALL: dict[str, dict[str, Any]] = {
    "bpr": {"embedding_size": 8, "epochs": 200, "learning_rate": 0.05},
    # every item of a history weighs the same: the checkerboard has no order
    "covisitation": {"window": 50, "decay": 1.0},
    "item-knn": {"decay": 1.0},
    "ease": {"decay": 1.0, "reg": 1.0},
}


def make(name: str) -> Any:
    return ALL[name].build(SMALL.get(name, {}))


def fitted(name: str, dataset: Dataset) -> Any:
    source = make(name)
    source.fit(dataset, RUN)
    return source


every = pytest.mark.parametrize("name", ALL)
personal = pytest.mark.parametrize("name", PERSONAL)


@personal
def test_checkerboard_brings_the_withheld_item_first(
    name: str, checkerboard: Dataset, batch_of: Callable[..., QueryBatch]
) -> None:
    n = checkerboard.n_users
    histories = [checkerboard.sequences.row(u).tolist() for u in range(n)]
    source = fitted(name, checkerboard)
    best = source.generate(batch_of(histories, users=range(n)), 1)
    assert best.index[:, 0].tolist() == list(range(n))


@personal
def test_checkerboard_works_for_people_who_are_only_a_history(
    name: str, checkerboard: Dataset, batch_of: Callable[..., QueryBatch]
) -> None:
    source = fitted(name, checkerboard)
    best = source.generate(batch_of([range(0, 50, 2), range(1, 40, 2)], exclude=[[], []]), 10)
    assert {item % 2 for item in best.row(0)} == {0}
    assert {item % 2 for item in best.row(1)} == {1}


@personal
def test_without_a_history_there_is_no_evidence(
    name: str, random_dataset: Dataset, batch_of: Callable[..., QueryBatch]
) -> None:
    source = fitted(name, random_dataset)
    queries = batch_of([[], []], users=[-1, 0])
    assert source.generate(queries, 5).index.shape == (2, 0)
    assert np.isnan(source.score(queries, np.array([[1, 2], [3, 4]]))).all()
    assert source.explain(queries.take(np.array([0])), np.array([1, 2])) == [None, None]


@pytest.mark.parametrize("name", BOARDS)
def test_boards_answer_without_a_history(
    name: str, random_dataset: Dataset, batch_of: Callable[..., QueryBatch]
) -> None:
    assert len(fitted(name, random_dataset).generate(batch_of([[]]), 5).row(0)) > 0


@every
def test_never_excluded_never_unseen_never_twice(
    name: str, random_dataset: Dataset, batch_of: Callable[..., QueryBatch]
) -> None:
    histories = [random_dataset.sequences.row(u).tolist() for u in range(40)]
    exclude = [[*row, *row, 5] for row in histories]
    found = fitted(name, random_dataset).generate(
        batch_of(histories, users=range(40), exclude=exclude), 100
    )
    for row in range(40):
        items = found.row(row).tolist()
        assert not set(items) & set(exclude[row])
        assert len(items) == len(set(items))
        assert not set(items) & {28, 29}
        score = found.score[row][: len(items)]
        assert np.isfinite(score).all()
        assert (np.diff(score) <= 0).all()
        assert (found.index[row][len(items) :] == PAD).all()


@every
def test_all_excluded_leaves_nothing(
    name: str, random_dataset: Dataset, batch_of: Callable[..., QueryBatch]
) -> None:
    queries = batch_of([[1, 2, 3]], exclude=[range(30)])
    assert fitted(name, random_dataset).generate(queries, 4).index.shape == (1, 0)


@every
def test_batch_equals_single(
    name: str, random_dataset: Dataset, batch_of: Callable[..., QueryBatch]
) -> None:
    """With 45 queries the batch takes other paths than one query alone."""
    histories = [random_dataset.sequences.row(u).tolist() for u in range(40)]
    queries = batch_of(
        [*histories, [], [29], [1], [1, 2, 3, 4], [7, 7]], users=[*range(40), *[-1] * 5]
    )
    source = fitted(name, random_dataset)
    batch = source.generate(queries, 6)
    for row in range(len(queries)):
        one = source.generate(queries.take(np.array([row])), 6)
        assert one.row(0).tolist() == batch.row(row).tolist()
        width = one.index.shape[1]
        np.testing.assert_allclose(one.score[0], batch.score[row][:width], rtol=1e-4, atol=1e-6)
        if len(one.row(0)):
            np.testing.assert_allclose(one.mean[0], batch.mean[row], rtol=1e-4, atol=1e-6)
            np.testing.assert_allclose(one.std[0], batch.std[row], rtol=1e-3, atol=1e-6)


@every
def test_score_is_what_generate_gave(
    name: str, random_dataset: Dataset, batch_of: Callable[..., QueryBatch]
) -> None:
    histories = [random_dataset.sequences.row(u).tolist() for u in range(40)]
    queries = batch_of(histories, users=range(40))
    source = fitted(name, random_dataset)
    found = source.generate(queries, 100)
    scores = source.score(queries, found.index)
    padded = found.index == PAD
    assert np.isnan(scores[padded]).all()
    np.testing.assert_allclose(scores[~padded], found.score[~padded], rtol=1e-4, atol=1e-6)


@every
def test_full_scores_agree_with_score(
    name: str, random_dataset: Dataset, batch_of: Callable[..., QueryBatch]
) -> None:
    queries = batch_of([[3, 4, 5]], exclude=[[]])
    source = fitted(name, random_dataset)
    full = source.generate(queries, 3).full
    if full is None:
        assert name in (*BOARDS, *SHELVES, "buy-again")
        return
    scores = source.score(queries, np.arange(30)[None, :])
    real = np.where(np.isneginf(full), np.nan, full)
    np.testing.assert_allclose(real, scores, rtol=1e-4, atol=1e-6)


@every
def test_items_that_no_one_had_score_nan(
    name: str, random_dataset: Dataset, batch_of: Callable[..., QueryBatch]
) -> None:
    scores = fitted(name, random_dataset).score(batch_of([[1, 2]]), np.array([[28, PAD, 999]]))
    assert np.isnan(scores).all()


@every
def test_state_comes_back_exactly_and_read_only(
    name: str,
    random_dataset: Dataset,
    batch_of: Callable[..., QueryBatch],
    catalog_of: Callable[[int], Catalog],
) -> None:
    source = fitted(name, random_dataset)
    state = source.state()
    arrays = {key: np.array(value) for key, value in state.arrays.items()}
    for array in arrays.values():
        array.flags.writeable = False
    other = make(name)
    other.restore(State(arrays, dict(state.values)), catalog_of(30))
    queries = batch_of([[1, 2, 3], [], *[[u % 20, 4] for u in range(40)]], users=[0, *[-1] * 41])
    for k in (3, 50):
        first, second = source.generate(queries, k), other.generate(queries, k)
        np.testing.assert_array_equal(first.index, second.index)
        np.testing.assert_array_equal(first.score, second.score)
    one = queries.take(np.array([0]))
    assert other.explain(one, np.arange(6)) == source.explain(one, np.arange(6))
    again = other.state()
    assert set(again.arrays) == set(arrays)
    for key, array in again.arrays.items():
        np.testing.assert_array_equal(array, arrays[key])
        assert array.dtype == arrays[key].dtype


@every
def test_a_catalog_that_grew_changes_nothing(
    name: str,
    random_dataset: Dataset,
    batch_of: Callable[..., QueryBatch],
    catalog_of: Callable[[int], Catalog],
) -> None:
    source = fitted(name, random_dataset)
    grown = make(name)
    grown.restore(source.state(), catalog_of(35))
    queries = batch_of([[1, 2, 33]], exclude=[[1, 2, 33]])
    found = grown.generate(queries, 10)
    assert (found.index < 30).all()
    assert np.isnan(grown.score(queries, np.array([[33, 34]]))).all()
    assert grown.explain(queries, np.array([34])) == [None]


@every
def test_two_fits_agree(
    name: str, random_dataset: Dataset, batch_of: Callable[..., QueryBatch]
) -> None:
    first, second = fitted(name, random_dataset), fitted(name, random_dataset)
    for key, array in first.state().arrays.items():
        np.testing.assert_array_equal(array, second.state().arrays[key])
    first.fit(random_dataset, RUN)
    np.testing.assert_array_equal(
        first.generate(batch_of([[1, 2]]), 5).index, second.generate(batch_of([[1, 2]]), 5).index
    )


@every
def test_no_events_at_all(
    name: str, build: Callable[..., Dataset], batch_of: Callable[..., QueryBatch]
) -> None:
    source = fitted(name, build([[], []], 4))
    queries = batch_of([[1], []], users=[0, 1])
    assert source.generate(queries, 3).index.shape == (2, 0)
    assert np.isnan(source.score(queries, np.array([[0], [1]]))).all()
    assert source.explain(queries.take(np.array([0])), np.array([0])) == [None]
    copy = make(name)
    copy.restore(source.state(), build([], 4).catalog)
    assert copy.generate(queries, 3).index.shape == (2, 0)


@every
def test_no_queries_and_no_items(
    name: str, build: Callable[..., Dataset], batch_of: Callable[..., QueryBatch]
) -> None:
    source = fitted(name, build([[0, 1], [1, 2]], 3))
    assert len(source.generate(batch_of([]), 3)) == 0
    assert source.score(batch_of([[0]]), np.zeros((1, 0), dtype=np.int64)).shape == (1, 0)
    empty = fitted(name, build([], 0))
    assert empty.generate(batch_of([[]]), 3).index.shape == (1, 0)


@every
def test_unfitted_says_what_to_do(name: str, batch_of: Callable[..., QueryBatch]) -> None:
    source = make(name)
    calls: list[Callable[[], Any]] = [
        lambda: source.generate(batch_of([[0]]), 3),
        lambda: source.score(batch_of([[0]]), np.array([[0]])),
        lambda: source.explain(batch_of([[0]]), np.array([0])),
        lambda: source.state(),
    ]
    for call in calls:
        with pytest.raises(NotFittedError, match=f"'{name}' is not fitted: run"):
            call()


@every
def test_settings_are_frozen_and_checked(name: str) -> None:
    registration = ALL[name]
    config = registration.build().config
    assert type(config)(**config.model_dump()) == config
    assert hash(config) == hash(type(config)())
    with pytest.raises(ConfigError, match=f"{name} has no setting 'colour'"):
        registration.build({"colour": 1})


@pytest.mark.parametrize("name", LINEAR)
def test_strengths_sum_to_the_score(
    name: str, random_dataset: Dataset, batch_of: Callable[..., QueryBatch]
) -> None:
    source = fitted(name, random_dataset)
    queries = batch_of([[1, 2, 3, 9, 2]])
    found = source.generate(queries, 8)
    for item, score, evidence in zip(
        found.row(0), found.score[0], source.explain(queries, found.row(0))
    ):
        assert evidence is not None
        assert set(evidence.history) <= {1, 2, 3, 9}
        assert list(evidence.strengths) == sorted(evidence.strengths, reverse=True)
        assert min(evidence.strengths) > 0
        total = sum(evidence.strengths)
        if name == "ease":  # negative terms are left out
            assert total >= score - 1e-6
        else:
            assert total == pytest.approx(score, rel=1e-5), item


@pytest.mark.parametrize("name", ["covisitation", "item-knn", "user-knn", "ease", "als"])
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    data=st.data(),
    histories=st.lists(st.lists(st.integers(0, 6), max_size=6), min_size=1, max_size=8),
)
def test_any_small_dataset(
    name: str,
    build: Callable[..., Dataset],
    batch_of: Callable[..., QueryBatch],
    data: st.DataObject,
    histories: list[list[int]],
) -> None:
    """Whatever the events are, answers are valid and agree with `score`."""
    source = fitted(name, build(histories, 8))
    history = data.draw(st.lists(st.integers(0, 7), max_size=5))
    k = data.draw(st.integers(1, 12))
    queries = batch_of([history])
    found = source.generate(queries, k)
    items = found.row(0)
    assert len(items) <= min(k, 8)
    assert not set(items.tolist()) & set(history)
    assert set(items.tolist()) <= {i for row in histories for i in row}
    scores = source.score(queries, found.index)
    np.testing.assert_allclose(scores[0][: len(items)], found.score[0][: len(items)], 1e-4, 1e-6)
    for evidence in source.explain(queries, items):
        assert evidence is None or set(evidence.history) <= set(history)


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_request_changes_no_setting_of_the_process(
    name: str, random_dataset: Dataset, batch_of: Callable[..., QueryBatch], monkeypatch: Any
) -> None:
    """As many threads as BLAS may use are set for all requests at once, so none may set them."""
    from crossrec.components import threads

    source = fitted(name, random_dataset)

    def refuse() -> None:
        raise AssertionError("a request limits BLAS for the whole process")

    monkeypatch.setattr(threads, "_controller", refuse)
    for histories in ([[0, 1, 2]], [[0, 1]] * 40):
        queries = batch_of(histories)
        found = source.generate(queries, 5)
        source.score(queries, found.index)
    source.explain(batch_of([[0, 1, 2]]), np.array([3, 4]))
