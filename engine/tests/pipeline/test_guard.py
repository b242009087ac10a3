"""No answer of a plugin is believed unseen: what is invalid is dropped, and named."""

import dataclasses

import numpy as np
import pytest
from crossrec.components.candidates import PAD, Candidates, Pool
from crossrec.components.query import QueryBatch
from crossrec.components.topk import top_k
from crossrec.numeric.ragged import Ragged
from crossrec.pipeline.guard import Admission, scores_of
from hypothesis import given
from hypothesis import strategies as st

N_ITEMS = 8


def batch(exclude):
    rows = Ragged.from_rows(exclude)
    return QueryBatch.from_histories(Ragged.empty(len(rows)), exclude=rows)


def listed(rows, **more):
    index = np.array(rows)
    score = np.tile(np.arange(index.shape[1], 0, -1, dtype=np.float32), (len(index), 1))
    return Candidates(index, score, **more)


def admit(found, exclude=((),), k=10):
    return Admission.of(batch(exclude), N_ITEMS).admit(found, k)


def test_a_valid_answer_passes_untouched():
    found = listed([[3, 1, 7], [0, 2, PAD]])
    passed, complaint = admit(found, [[2], [1]])
    assert passed is found
    assert complaint == ""


def test_invalid_items_become_padding_and_are_counted():
    found = listed([[3, 8, 1], [-2, 5, 2**40]])
    passed, complaint = admit(found, [[1, 3], [0]])
    assert passed.index.tolist() == [[PAD, PAD, PAD], [PAD, 5, PAD]]
    assert passed.score.tolist() == [[-np.inf] * 3, [-np.inf, 2.0, -np.inf]]
    assert complaint == "5 candidates that are excluded or no item were dropped"


def test_what_one_query_excludes_another_may_have():
    passed, _ = admit(listed([[5], [5]]), [[5], []])
    assert passed.index.tolist() == [[PAD], [5]]


def test_the_last_item_of_one_row_is_not_the_first_of_the_next():
    passed, complaint = admit(listed([[0, 7], [0, 7]]), [[7], [0]])
    assert passed.index.tolist() == [[0, PAD], [PAD, 7]]
    assert complaint.startswith("2 ")


def test_more_than_k_is_cut_at_k():
    passed, complaint = admit(listed([[1, 2, 3, 4]]), k=2)
    assert passed.index.tolist() == [[1, 2]]
    assert passed.score.tolist() == [[4.0, 3.0]]
    assert complaint == ""


@pytest.mark.parametrize(
    ("found", "error"),
    [
        (None, "NoneType, not Candidates"),
        ([[1, 2]], "list, not Candidates"),
        (listed([[1], [2]]), "2 rows of candidates for 1 queries"),
        (Candidates(np.array([[1.0]]), np.ones((1, 1))), "float64"),
        (Candidates(np.array([["i1"]], dtype=object), np.ones((1, 1))), "object"),
    ],
)
def test_no_answer_at_all(found, error):
    with pytest.raises((TypeError, ValueError), match=error):
        admit(found)


@pytest.mark.parametrize("shape", [(1, 7), (1, 9), (2, 8), (8,)])
def test_a_full_row_of_another_size_is_not_used(shape):
    passed, _ = admit(listed([[1]], full=np.zeros(shape, np.float32)))
    assert passed.full is None
    assert passed.index.tolist() == [[1]]


def test_a_full_row_that_fits_is_kept():
    full = np.zeros((1, N_ITEMS), np.float32)
    assert admit(listed([[1]], full=full))[0].full is full


def test_statistics_of_another_size_are_not_used():
    good, bad = np.zeros(1, np.float32), np.zeros(2, np.float32)
    assert admit(listed([[1]], mean=good, std=good))[0].mean is good
    for mean, std in ((good, bad), (bad, good), (bad, bad)):
        passed, _ = admit(listed([[1]], mean=mean, std=std))
        assert passed.mean is passed.std is None


wild = st.lists(st.integers(-3, N_ITEMS + 3), min_size=5, max_size=5)
barred = st.lists(st.integers(0, N_ITEMS - 1), max_size=6)


@given(
    st.lists(st.tuples(wild, barred), min_size=1, max_size=4),
    st.integers(1, 6),
)
def test_admission_is_a_filter_of_each_row(pairs, k):
    index = [row for row, _ in pairs]
    exclude = [out for _, out in pairs]
    passed, complaint = admit(listed(index), exclude, k)
    dropped = 0
    for got, scores, row, out in zip(passed.index.tolist(), passed.score, index, exclude):
        want = [i if 0 <= i < N_ITEMS and i not in out else PAD for i in row[:k]]
        assert got == want
        gone = [w != i for w, i in zip(want, row)]
        assert np.isneginf(scores[gone]).all()
        dropped += sum(gone)
    count = f"{dropped} candidates that are excluded or no item were dropped"
    assert complaint == (count if dropped else "")


@given(st.integers(0, 2**16))
def test_what_top_k_gives_is_always_valid(seed):
    rng = np.random.default_rng(seed)
    queries = batch([np.flatnonzero(rng.random(N_ITEMS) < 0.4) for _ in range(3)])
    found = top_k(rng.normal(size=(3, N_ITEMS)).astype(np.float32), 4, queries.exclude)
    passed, complaint = Admission.of(queries, N_ITEMS).admit(found, 4)
    assert passed is found
    assert complaint == ""


@dataclasses.dataclass
class Gives:
    """A ranker that answers what it was made with."""

    answer: object

    def score(self, queries, pool):
        return self.answer


POOL = Pool(
    np.array([[2, 5, PAD]]),
    np.zeros((1, 3, 1), np.float32),
    np.zeros((1, 3, 1), np.int64),
    ("a",),
    np.zeros((1, 1), np.float32),
    np.ones((1, 1), np.float32),
)


def test_scores_become_float32_with_padding_behind():
    scores = scores_of(Gives([[1, 2, 9]]), batch([[]]), POOL)
    assert scores.dtype == np.float32
    assert scores.tolist() == [[1.0, 2.0, -np.inf]]
    assert scores_of(Gives([[1, 2, np.nan]]), batch([[]]), POOL)[0, 2] == -np.inf


@pytest.mark.parametrize(
    "answer", [[[np.nan, 1, 0]], [[1, np.inf, 0]], [[-np.inf, 1, 0]], [[1e300, 1, 0]]]
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_scores_that_order_nothing_are_refused(answer):
    with pytest.raises(ValueError, match="finite"):
        scores_of(Gives(answer), batch([[]]), POOL)


@pytest.mark.parametrize("answer", [[1, 2, 3], [[1, 2]], [[[1], [2], [3]]], 0.0])
def test_scores_of_another_shape_are_refused(answer):
    with pytest.raises(ValueError, match="shape"):
        scores_of(Gives(answer), batch([[]]), POOL)
