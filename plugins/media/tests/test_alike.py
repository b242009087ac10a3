"""The source `alike`: answers by hand, no score without vectors, and items that come later."""

from __future__ import annotations

from copy import copy

import numpy as np
import pytest
from crossrec.components.candidates import PAD
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.errors import NotFittedError
from crossrec.numeric.ragged import Ragged
from crossrec.testing import CandidateGeneratorTests
from crossrec_media.errors import MediaError
from crossrec_media.settings import AlikeConfig
from crossrec_media.sources.alike import AlikeSource
from hypothesis import given
from hypothesis import strategies as st

RUN = RunOptions()


class TestAlike(CandidateGeneratorTests):
    component = "alike"
    by_events = False


@pytest.fixture
def data_of(catalog_of):
    def make(vectors, name="image"):
        rows = np.asarray(vectors, dtype=np.float32)
        catalog = catalog_of(*(f"item {at}" for at in range(len(rows))))
        data = Dataset.build(Vocabulary(), catalog, Events.empty(), has_clock=False)
        return data.with_vectors(name, rows)

    return make


def batch(*histories: list[int]) -> QueryBatch:
    return QueryBatch.from_histories(
        Ragged.from_rows(histories), exclude=Ragged.from_rows(histories)
    )


#: Mean 0 over the items that have any, so that centring changes nothing.
CROSS = [[1, 0], [0.8, 0.6], [-1, 0], [0, 1], [-0.8, -0.6], [0, -1], [0, 0]]


@pytest.fixture
def source(data_of) -> AlikeSource:
    one = AlikeSource(AlikeConfig(whitening=0.0, decay=0.5))
    one.fit(data_of(CROSS), RUN)
    return one


def test_the_nearest_come_first_and_what_has_no_vector_never(source) -> None:
    found = source.generate(batch([0]), 10)
    assert [at for at in found.row(0).tolist() if at != PAD] == [1, 3, 5, 4, 2]
    np.testing.assert_allclose(found.score[0, :5], [0.8, 0, 0, -0.8, -1], atol=1e-6)


def test_the_newest_item_weighs_most(source) -> None:
    index = np.array([[0, 3], [0, 3]])
    first, second = source.score(batch([0, 3], [3, 0]), index)
    np.testing.assert_allclose(first, np.array([1, 2]) / np.sqrt(5), atol=1e-6)
    np.testing.assert_allclose(second, np.array([2, 1]) / np.sqrt(5), atol=1e-6)


def test_without_vectors_there_is_no_score(source) -> None:
    index = np.array([[0, 6, PAD], [0, 6, PAD]])
    scores = source.score(batch([1], [6]), index)
    assert np.isnan(scores).tolist() == [[False, True, True], [True, True, True]]
    assert (source.generate(batch([6], []), 5).index == PAD).all()


def test_reasons_name_what_an_item_is_like(source) -> None:
    one, none, pad = source.explain(batch([2, 0]), np.array([1, 6, PAD]))
    assert (none, pad) == (None, None)
    assert one.phrase == "looks like"
    assert one.history == (0,), "the other item of the history looks unlike it"
    assert one.strengths[0] > 0


def test_new_items_join_and_the_old_ones_stay(source, data_of) -> None:
    later = copy(source)
    later.add_items(data_of([*CROSS, [0.9, 0.1]]))
    assert later.generate(batch([0]), 1).row(0)[0] == 7
    assert source.generate(batch([0]), 1).row(0)[0] == 1
    np.testing.assert_array_equal(later.vectors()[:7], source.vectors())
    blind = copy(source)
    blind.add_items(data_of([*CROSS, [0.9, 0.1]], name="other"))
    assert not blind.vectors()[7].any()


def test_what_it_needs_is_named(data_of) -> None:
    with pytest.raises(MediaError, match="no vectors of the encoder 'image': there are sound"):
        AlikeSource().fit(data_of(CROSS, "sound"), RUN)
    with pytest.raises(MediaError, match="fewer than two items"):
        AlikeSource().fit(data_of([[1, 0], [0, 0]]), RUN)
    with pytest.raises(NotFittedError):
        AlikeSource().generate(batch([0]), 1)


def test_values_that_are_all_positive_are_centred(data_of) -> None:
    """Features after a rectifier all point the same way; without the mean they tell items apart."""
    rng = np.random.default_rng(0)
    groups = np.arange(40) % 2
    rows = 10 + rng.random((40, 4)) * 0.1 + groups[:, None] * [1, 0, 1, 0]
    one = AlikeSource()
    one.fit(data_of(rows), RUN)
    found = one.generate(batch([0], [1]), 19)
    assert (groups[found.index[0]] == 0).all()
    assert (groups[found.index[1]] == 1).all()


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 1.0))
def test_scores_are_cosines_whatever_the_whitening(seed, whitening) -> None:
    rng = np.random.default_rng(seed)
    one = AlikeSource(AlikeConfig(encoder="v", whitening=whitening))
    from crossrec.testing.toy import shop

    data = shop().dataset
    one.fit(data.with_vectors("v", rng.normal(size=(data.n_items, 5)).astype(np.float32)), RUN)
    scores = one.score(batch([0, 1]), np.arange(data.n_items)[None])
    assert np.abs(scores).max() <= 1 + 1e-5
