"""Groups of vectors by direction."""

import numpy as np
import pytest
from crossrec.numeric.kmeans import spherical_kmeans
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays


def blobs(seed=0, per=12):
    """Three directions with noise, and which vector has which."""
    rng = np.random.default_rng(seed)
    truth = np.arange(3).repeat(per)
    return np.eye(3)[truth] * rng.uniform(1, 5, (len(truth), 1)) + rng.normal(
        0, 0.1, (len(truth), 3)
    ), truth


@pytest.mark.parametrize("seed", range(5))
def test_directions_are_found_whatever_the_lengths(seed):
    vectors, truth = blobs(seed)
    labels = spherical_kmeans(vectors, 3)
    for group in range(3):
        assert len(set(labels[truth == group].tolist())) == 1
    assert len(set(labels.tolist())) == 3


def test_the_same_vectors_get_the_same_groups():
    vectors, _ = blobs()
    assert np.array_equal(spherical_kmeans(vectors, 4), spherical_kmeans(vectors.copy(), 4))


def test_the_heaviest_vector_starts_a_group():
    """With one group too few, the two light directions share what is left."""
    vectors = np.array([[1.0, 0, 0], [0, 1, 0], [0, 1, 0.1], [0, 0, 1]])
    labels = spherical_kmeans(vectors, 2, np.array([9.0, 1, 1, 1]))
    assert (labels == labels[0]).sum() <= 2
    assert labels[1] == labels[2]


def test_there_are_no_more_groups_than_directions():
    vectors = np.array([[1.0, 0], [2.0, 0], [0, 3.0]])
    assert set(spherical_kmeans(vectors, 3).tolist()) == {0, 1}
    assert spherical_kmeans(np.ones((4, 2)), 3).tolist() == [0, 0, 0, 0]


def test_of_nothing_and_of_nothing_known():
    assert spherical_kmeans(np.zeros((0, 3)), 2).tolist() == []
    assert spherical_kmeans(np.zeros((3, 2)), 2).tolist() == [0, 0, 0]
    mixed = np.array([[0.0, 0.0], [1, 0], [0, 1]])
    labels = spherical_kmeans(mixed, 2)
    assert labels[1] != labels[2]


VECTORS = arrays(
    np.float64,
    st.tuples(st.integers(1, 12), st.integers(1, 4)),
    elements=st.floats(-5, 5).map(lambda value: round(value, 2)),
)


@given(VECTORS, st.integers(1, 6))
def test_labels_are_numbered_without_gaps(vectors, k):
    labels = spherical_kmeans(vectors, k)
    assert labels.shape == (len(vectors),)
    found = sorted(set(labels.tolist()))
    assert found == list(range(len(found)))
    assert len(found) <= k


@given(VECTORS, st.floats(0.1, 10))
def test_lengths_do_not_matter(vectors, factor):
    scaled = spherical_kmeans(vectors * factor, 3)
    again = spherical_kmeans(vectors * factor * 4.0, 3)
    assert np.array_equal(scaled, again)
