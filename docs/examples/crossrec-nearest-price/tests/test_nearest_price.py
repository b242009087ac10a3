"""The conformance kit runs over the source; what is special about it has its own tests."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from crossrec.testing import CandidateGeneratorTests, toy


class TestNearestPrice(CandidateGeneratorTests):
    component = "nearest-price"
    by_events = False  # it looks at prices, not at what others bought

    def test_the_nearest_price_comes_first(self) -> None:
        shop = self.toy("shop")
        source = self.fitted(shop)
        # Who bought the pan for 39 and the knife for 45 is next shown the torch for 29.
        found = self.generate(source, shop, toy.batch([[5, 6]], shop.queries), k=3)
        assert found.row(0).tolist() == [10, 8, 3]
        np.testing.assert_allclose(found.score[0, 0], 29 / np.sqrt(39 * 45), rtol=1e-4)

    def test_nothing_is_known_without_a_price(self) -> None:
        shop = self.toy("shop")
        source = self.fitted(shop)
        assert self.generate(source, shop, toy.batch([[11], []], shop.queries)).index.size == 0


class TestWithSettings(CandidateGeneratorTests):
    component = "nearest-price"
    settings: ClassVar = {"attribute": "price", "history": 3}
    by_events = False
