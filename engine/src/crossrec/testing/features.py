"""Conformance of feature sets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from crossrec.components.candidates import PAD
from crossrec.components.live_items import LiveItems
from crossrec.components.query import QueryBatch
from crossrec.data.dataset import Dataset
from crossrec.numeric.ragged import Ragged
from crossrec.testing import toy as toys
from crossrec.testing.base import RUN, Conformance, through_disk
from crossrec.testing.toy import Toy


class FeatureTests(Conformance, kit=True):
    """What every feature set must do."""

    kind: ClassVar[str] = "features"

    def toy(self, *, clock: bool = True) -> Toy:
        """Return the shop with the vectors that this set reads."""
        return self.prepared(toys.shop(clock=clock))

    def fitted(self, dataset: Dataset) -> Any:
        """Return a new set, fitted."""
        one = self.build()
        one.fit(dataset, RUN)
        return one

    def index(self, queries: QueryBatch, n_items: int) -> NDArray[np.int64]:
        """Return all items as the candidates of each query, with padding behind them."""
        row = np.append(np.arange(n_items), [PAD, PAD])
        return np.tile(row, (len(queries), 1))

    def compute(
        self, one: Any, queries: QueryBatch, dataset: Dataset, index: Any = None
    ) -> NDArray[np.float32]:
        """Compute the columns of all items and check their contract."""
        items = LiveItems(dataset.catalog, toys.SCHEMA)
        index = self.index(queries, len(items)) if index is None else index
        values: NDArray[np.float32] = one.compute(queries, index, items)
        assert values.dtype == np.float32, f"features are {values.dtype}, not float32"
        shape = (*index.shape, len(one.columns))
        assert values.shape == shape, f"features of shape {values.shape}, not {shape}"
        assert not np.isinf(values).any(), "a feature is infinite: NaN says that it is not known"
        assert np.isnan(values[index == PAD]).all(), "features of padding must be NaN"
        return values

    def test_columns_have_names(self) -> None:
        """The names are a tuple of distinct ones without a dot, the same for every object."""
        columns = self.build().columns
        assert isinstance(columns, tuple)
        assert columns
        assert len(set(columns)) == len(columns), "two columns of one name"
        assert all(name.strip() and "." not in name for name in columns)
        assert self.build().columns == columns

    @pytest.mark.parametrize("clock", [True, False])
    def test_something_is_known(self, clock: bool) -> None:
        """On the shop at least one column tells items from each other, with and without a clock."""
        toy = self.toy(clock=clock)
        values = self.compute(self.fitted(toy.dataset), toy.queries, toy.dataset)
        spread = [np.unique(column[~np.isnan(column)]).size for column in values.T]
        assert max(spread) > 1, "no column tells anything"

    def test_every_query_is_valid(self) -> None:
        """Unknown users, empty and odd histories, surfaces about items, no query at all."""
        toy = self.toy()
        one, n = self.fitted(toy.dataset), toy.dataset.n_items
        batch = toys.batch([[], [10], [11], [0, 0, 0], list(range(n))], toy.queries)
        self.compute(one, batch, toy.dataset)
        about = replace(batch, about=Ragged.from_rows([[2], [3, 4], [11], [5], [10]]))
        self.compute(one, about, toy.dataset)
        self.compute(one, replace(batch, now=None), toy.dataset)
        none = batch.take(np.zeros(0, dtype=np.int64))
        self.compute(one, none, toy.dataset)
        self.compute(one, batch, toy.dataset, np.zeros((len(batch), 0), dtype=np.int64))
        self.compute(one, batch, toy.dataset, np.full((len(batch), 3), PAD))

    def test_items_that_came_after_the_fit(self) -> None:
        """New items in a pool are no error, and change nothing for the others."""
        toy = self.toy()
        one = self.fitted(toy.dataset)
        before = self.compute(one, toy.queries, toy.dataset)
        grown = toys.with_items_like(toy, [0, 5])
        after = self.compute(one, toy.queries, grown)
        n = toy.dataset.n_items
        np.testing.assert_array_equal(after[:, :n], before[:, :n])

    def test_a_catalog_without_anything(self) -> None:
        """Where items have neither texts nor attributes, what is not known is NaN."""
        toy = self.toy()
        catalog = toy.dataset.catalog
        n = len(catalog)
        bare = replace(
            catalog,
            titles=("",) * n,
            texts=("",) * n,
            categories=((),) * n,
            creators=("",) * n,
            attributes={},
        )
        dataset = replace(toy.dataset, catalog=bare)
        self.compute(self.fitted(dataset), toy.queries, dataset)

    def test_no_events(self) -> None:
        """A scenario without events is fitted too."""
        toy = self.toy()
        empty = toy.dataset.with_events(toy.dataset.events.take(np.zeros(0, dtype=np.int64)))
        self.compute(self.fitted(empty), toys.batch([[], [3]], toy.queries), empty)

    def test_batch_equals_single(self) -> None:
        """A query gets the same features alone and in a batch."""
        toy = self.toy()
        one = self.fitted(toy.dataset)
        together = self.compute(one, toy.queries, toy.dataset)
        for row in range(len(toy.queries)):
            alone = self.compute(one, toy.queries.take(np.array([row])), toy.dataset)
            np.testing.assert_allclose(alone[0], together[row], rtol=1e-5, atol=1e-6)

    def test_a_candidate_has_its_own_features(self) -> None:
        """An item's features do not depend on its place among the candidates."""
        toy = self.toy()
        one = self.fitted(toy.dataset)
        index = self.index(toy.queries, toy.dataset.n_items)
        order = np.random.default_rng(4).permutation(index.shape[1])
        plain = self.compute(one, toy.queries, toy.dataset, index)
        mixed = self.compute(one, toy.queries, toy.dataset, np.ascontiguousarray(index[:, order]))
        np.testing.assert_allclose(mixed, plain[:, order], rtol=1e-5, atol=1e-6)

    def test_save_and_load(self, tmp_path: Path) -> None:
        """After a round trip through an artifact on disk, the features are the same."""
        toy = self.toy()
        one, restored = self.fitted(toy.dataset), self.build()
        restored.restore(through_disk(one.state(), tmp_path), toy.dataset.catalog)
        before = self.compute(one, toy.queries, toy.dataset)
        np.testing.assert_allclose(
            self.compute(restored, toy.queries, toy.dataset), before, rtol=1e-6
        )

    def test_a_second_fit_starts_anew(self) -> None:
        """Nothing remains of the fit before; one seed gives one result."""
        toy = self.toy()
        half = toy.dataset.with_events(toy.dataset.events.take(np.arange(9)))
        one = self.fitted(half)
        one.fit(toy.dataset, RUN)
        fresh = self.compute(self.fitted(toy.dataset), toy.queries, toy.dataset)
        np.testing.assert_array_equal(self.compute(one, toy.queries, toy.dataset), fresh)
