"""The kit passes right feature sets and finds faulty ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crossrec.components.candidates import PAD
from crossrec.components.item_facts import ItemFacts, ItemFactsConfig
from crossrec.components.state import State
from crossrec.plugins.registration import Registration
from crossrec.testing import FeatureTests


class Counted:
    """How many events an item has."""

    columns: Any = ("events",)

    def fit(self, dataset: Any, run: Any) -> None:
        self.counts = dataset.item_counts.astype(np.float32)

    def compute(self, queries: Any, index: Any, items: Any) -> Any:
        at = np.minimum(np.maximum(index, 0), len(self.counts) - 1)
        unknown = (index == PAD) | (index >= len(self.counts))
        return np.where(unknown, np.float32(np.nan), self.counts[at])[..., None]

    def state(self) -> State:
        return State({"counts": self.counts})

    def restore(self, state: State, catalog: Any) -> None:
        self.counts = state.arrays["counts"]


def registered(factory: Any, config: Any = None) -> Registration:
    return Registration("features", "mine", factory, config, summary="a feature set")


class TestCounted(FeatureTests):
    registered = registered(Counted)


class TestItemFacts(FeatureTests):
    registered = registered(ItemFacts, ItemFactsConfig)


def kit_for(one: type[Any]) -> FeatureTests:
    return type("T", (FeatureTests,), {"registered": registered(one)})()


class NoColumns(Counted):
    columns = ()


class TwiceTheName(Counted):
    columns = ("events", "events")


class WithADot(Counted):
    columns = ("events.all",)


class Doubles(Counted):
    def compute(self, queries: Any, index: Any, items: Any) -> Any:
        return super().compute(queries, index, items).astype(np.float64)


class Flat(Counted):
    def compute(self, queries: Any, index: Any, items: Any) -> Any:
        return super().compute(queries, index, items)[..., 0]


class FillsPadding(Counted):
    def compute(self, queries: Any, index: Any, items: Any) -> Any:
        return np.nan_to_num(super().compute(queries, index, items))


class Infinite(Counted):
    def compute(self, queries: Any, index: Any, items: Any) -> Any:
        with np.errstate(divide="ignore"):
            return np.log(super().compute(queries, index, items))


class KnowsNothing(Counted):
    def compute(self, queries: Any, index: Any, items: Any) -> Any:
        return super().compute(queries, index, items) * np.float32(np.nan)


class NeedsAHistory(Counted):
    def compute(self, queries: Any, index: Any, items: Any) -> Any:
        last = [queries.history.row(row)[-1] for row in range(len(queries))]
        return super().compute(queries, index, items) + np.float32(len(last) * 0)


class NeedsFittedItems(Counted):
    def compute(self, queries: Any, index: Any, items: Any) -> Any:
        found = self.counts[index]
        return np.where(index == PAD, np.float32(np.nan), found)[..., None]


class NeedsPrices(Counted):
    def fit(self, dataset: Any, run: Any) -> None:
        super().fit(dataset, run)
        assert len(dataset.catalog.attributes["price"])


class NeedsEvents(Counted):
    def fit(self, dataset: Any, run: Any) -> None:
        super().fit(dataset, run)
        self.latest = dataset.events.times.max()


class CentresTheBatch(Counted):
    def compute(self, queries: Any, index: Any, items: Any) -> Any:
        return super().compute(queries, index, items) + np.float32(len(queries))


class NumbersThePlaces(Counted):
    def compute(self, queries: Any, index: Any, items: Any) -> Any:
        found = super().compute(queries, index, items)
        return found + np.arange(index.shape[1], dtype=np.float32)[None, :, None]


class ForgetsToSave(Counted):
    def restore(self, state: State, catalog: Any) -> None:
        self.counts = state.arrays["counts"] * np.float32(0)


class AddsUp(Counted):
    def fit(self, dataset: Any, run: Any) -> None:
        before = getattr(self, "counts", 0)
        super().fit(dataset, run)
        self.counts = self.counts + before


FAULTS: list[tuple[type[Any], str, tuple[Any, ...]]] = [
    (NoColumns, "test_columns_have_names", ()),
    (TwiceTheName, "test_columns_have_names", ()),
    (WithADot, "test_columns_have_names", ()),
    (Doubles, "test_something_is_known", (True,)),
    (Flat, "test_something_is_known", (True,)),
    (FillsPadding, "test_something_is_known", (True,)),
    (Infinite, "test_something_is_known", (False,)),
    (KnowsNothing, "test_something_is_known", (True,)),
    (NeedsAHistory, "test_every_query_is_valid", ()),
    (NeedsFittedItems, "test_items_that_came_after_the_fit", ()),
    (NeedsPrices, "test_a_catalog_without_anything", ()),
    (NeedsEvents, "test_no_events", ()),
    (CentresTheBatch, "test_batch_equals_single", ()),
    (NumbersThePlaces, "test_a_candidate_has_its_own_features", ()),
    (ForgetsToSave, "test_save_and_load", ("folder",)),
    (AddsUp, "test_a_second_fit_starts_anew", ()),
]


@pytest.mark.parametrize(("one", "test", "arguments"), FAULTS, ids=[f[0].__name__ for f in FAULTS])
def test_a_faulty_set_is_found(
    one: type[Any], test: str, arguments: tuple[Any, ...], tmp_path: Path
) -> None:
    given = [(tmp_path / "right", tmp_path / "wrong") if a == "folder" else a for a in arguments]
    right = [a[0] if isinstance(a, tuple) else a for a in given]
    wrong = [a[1] if isinstance(a, tuple) else a for a in given]
    getattr(kit_for(Counted), test)(*right)
    with pytest.raises((AssertionError, IndexError, KeyError, ValueError)):
        getattr(kit_for(one), test)(*wrong)


def test_every_test_of_the_kit_finds_a_fault() -> None:
    there = {name for name in vars(FeatureTests) if name.startswith("test_")}
    assert there == {test for _, test, _ in FAULTS}
