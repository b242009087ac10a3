"""The losses by hand, and where their gradients go."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from crossrec_neural.losses import losses
from crossrec_neural.losses.negatives import Negatives, Sample, inclusion
from crossrec_neural.settings import LossSettings
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy

COUNTS = np.array([8, 4, 2, 1, 1, 0])
RNG = np.random.default_rng(0)


def loss(scores: torch.Tensor, targets: list[int], sample: Sample, given: LossSettings) -> float:
    """Return the loss of a table of scores of all items."""
    right = np.array(targets)
    positive = scores[torch.arange(len(right)), torch.from_numpy(right)]
    others = scores[:, torch.from_numpy(sample.items)]
    hits = right[:, None] == sample.items
    rng = np.random.default_rng(1)
    return losses.loss_of(positive, others, hits, sample.chance, given, 5, rng)


def test_softmax_is_the_cross_entropy_over_the_items_with_events() -> None:
    scores = torch.randn(3, 6, generator=torch.Generator().manual_seed(1))
    given_ = LossSettings(name="softmax")
    sample = Negatives(COUNTS, given_).draw(RNG)
    assert sample.items.tolist() == [0, 1, 2, 3, 4]  # nobody chose item 5
    expected = cross_entropy(scores[:, :5], torch.tensor([0, 3, 1]))
    torch.testing.assert_close(loss(scores, [0, 3, 1], sample, given_), expected)


@pytest.mark.parametrize("uniform", [0.0, 0.5, 1.0])
def test_a_sample_of_all_items_is_the_full_softmax(uniform: float) -> None:
    scores = torch.randn(3, 6, generator=torch.Generator().manual_seed(1))
    sampled = LossSettings(name="sampled-softmax", negatives=5, uniform=uniform)
    sample = Negatives(COUNTS, sampled).draw(RNG)
    full = LossSettings(name="softmax")
    everything = Negatives(COUNTS, full).draw(RNG)
    torch.testing.assert_close(
        loss(scores, [0, 3, 1], sample, sampled), loss(scores, [0, 3, 1], everything, full)
    )


def test_sampled_softmax_by_hand() -> None:
    """Two negatives that were drawn with a half and a quarter count for two and four items."""
    scores = torch.tensor([[1.0, 2.0, 3.0]], dtype=torch.float64)
    sample = Sample(np.array([1, 2]), np.array([0.5, 0.25]))
    found = loss(scores, [0], sample, LossSettings(name="sampled-softmax"))
    total = np.exp(1) + np.exp(2) / 0.5 + np.exp(3) / 0.25
    assert float(found) == pytest.approx(-np.log(np.exp(1) / total))


def test_the_positive_is_no_negative_of_itself() -> None:
    scores = torch.tensor([[1.0, 2.0, 3.0]], dtype=torch.float64)
    with_it = Sample(np.array([0, 1]), np.array([0.5, 0.5]))
    without = Sample(np.array([1]), np.array([0.5]))
    given_ = LossSettings(name="sampled-softmax")
    assert float(loss(scores, [0], with_it, given_)) == float(loss(scores, [0], without, given_))


def test_the_gradient_is_that_of_the_refined_correction() -> None:
    """(1 - P) (∇positive - Σ w ∇negative), the weights and P without gradients (2507.09331)."""
    scores = torch.tensor([[0.3, -0.2, 0.9, 0.1]], dtype=torch.float64, requires_grad=True)
    sample = Sample(np.array([1, 2, 3]), np.array([0.9, 0.2, 0.5]))
    loss(scores, [0], sample, LossSettings(name="sampled-softmax")).backward()
    assert scores.grad is not None
    raw = scores.detach()[0]
    corrected = (raw[1:] - torch.log(torch.tensor([0.9, 0.2, 0.5]))).exp()
    miss = corrected.sum() / (raw[0].exp() + corrected.sum())
    expected = torch.cat([-miss[None], miss * corrected / corrected.sum()])
    torch.testing.assert_close(scores.grad[0], expected)


def test_the_sampled_sum_is_right_on_average() -> None:
    given_ = LossSettings(name="sampled-softmax", negatives=2, uniform=0.3)
    negatives, rng = Negatives(COUNTS, given_), np.random.default_rng(5)
    values = np.exp([0.5, -1.0, 1.5, 0.0, 2.0])
    sums = [
        (values[sample.items] / sample.chance).sum()
        for sample in (negatives.draw(rng) for _ in range(20_000))
    ]
    assert np.mean(sums) == pytest.approx(values.sum(), rel=0.02)


def test_bce_by_hand() -> None:
    """One positive and two negatives; the one that is the positive itself counts nothing."""
    positive, others = torch.tensor([2.0]), torch.tensor([[0.5, -1.0]])
    sigmoid = torch.sigmoid
    both = losses.bce(positive, others, torch.tensor([[False, False]]))
    expected = -(sigmoid(positive).log() + (1 - sigmoid(others)).log().sum()) / 3
    torch.testing.assert_close(both, expected[0])
    one = losses.bce(positive, others, torch.tensor([[False, True]]))
    expected = -(sigmoid(positive).log() + (1 - sigmoid(others[:, 0])).log()) / 3
    torch.testing.assert_close(one, expected[0])


def test_gbce_raises_the_positive_to_a_power() -> None:
    """gSASRec: β = α (t (1 - 1/α) + 1/α); plain at t = 0, the share of negatives α at t = 1."""
    assert losses.calibrated_power(10, 101, 0.0) == pytest.approx(1.0)
    assert losses.calibrated_power(10, 101, 1.0) == pytest.approx(0.1)
    assert losses.calibrated_power(10, 101, 0.75) == pytest.approx(0.1 * (0.75 * -9 + 10))
    positive, others = torch.tensor([2.0]), torch.tensor([[0.5]])
    found = losses.bce(positive, others, torch.tensor([[False]]), power=0.3)
    expected = -(0.3 * torch.sigmoid(positive).log() + (1 - torch.sigmoid(others[:, 0])).log()) / 2
    torch.testing.assert_close(found, expected[0])


def test_bpr_by_hand() -> None:
    positive, others = torch.tensor([2.0]), torch.tensor([[0.5, 9.0]])
    found = losses.bpr(positive, others, torch.tensor([[False, True]]))
    torch.testing.assert_close(found, -torch.sigmoid(torch.tensor(1.5)).log())


@pytest.mark.parametrize("name", ["bce", "gbce", "bpr"])
def test_pairwise_losses_reach_only_the_picked_negatives(name: str) -> None:
    scores = torch.randn(4, 5, generator=torch.Generator().manual_seed(2)).requires_grad_()
    given_ = LossSettings(name=name, negatives=5, per_positive=1)
    loss(scores, [0, 1, 2, 3], Negatives(COUNTS, given_).draw(RNG), given_).backward()
    assert scores.grad is not None
    assert ((scores.grad != 0).sum(dim=1) <= 2).all()
    assert (scores.grad[torch.arange(4), torch.arange(4)] <= 0).all()


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.integers(0, 50), min_size=1, max_size=30).filter(any),
    st.integers(1, 40),
    st.floats(0, 1),
)
def test_samples_are_distinct_and_of_one_size(counts: list[int], size: int, share: float) -> None:
    given_ = LossSettings(negatives=size, uniform=share)
    active = sum(count > 0 for count in counts)
    sample = Negatives(np.array(counts), given_).draw(np.random.default_rng(0))
    assert len(np.unique(sample.items)) == len(sample.items)
    assert abs(len(sample.items) - min(size, active)) <= 1
    assert all(counts[item] for item in sample.items)
    assert ((sample.chance > 0) & (sample.chance <= 1)).all()


def test_chances_follow_popularity_and_stop_at_one() -> None:
    share = np.array([0.7, 0.1, 0.1, 0.1])
    np.testing.assert_allclose(inclusion(share, 1), share)
    np.testing.assert_allclose(inclusion(share, 2), [1.0, 1 / 3, 1 / 3, 1 / 3])
    np.testing.assert_allclose(inclusion(share, 9), np.ones(4))
