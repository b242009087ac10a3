"""Discounts of ndcg, against the formula."""

import math

import pytest
from crossrec.numeric.gain import discounts, ideal_gains


def test_the_discount_of_a_place() -> None:
    assert discounts(3).tolist() == pytest.approx([1.0, 1 / math.log2(3), 0.5])
    assert discounts(0).tolist() == []


def test_the_gain_of_an_ideal_list() -> None:
    second = 1 / math.log2(3)
    assert ideal_gains(3).tolist() == pytest.approx([0.0, 1.0, 1 + second, 1.5 + second])
    assert ideal_gains(0).tolist() == [0.0]
