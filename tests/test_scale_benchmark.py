"""The shop that growth is measured on, and how its cells are checked."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"


@pytest.fixture
def scale(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    names = ("scale", "generated_shop", "common")
    import scale

    yield scale
    for name in names:
        sys.modules.pop(name, None)


def test_sizes_have_names(scale: ModuleType) -> None:
    assert scale.size_of("10kx100k") == (10_000, 100_000)
    assert scale.size_of("1Mx5M") == (1_000_000, 5_000_000)
    assert set(scale.LIMITS) <= set(scale.SIZES)


def test_the_shop_has_families_and_people_who_keep_to_some(scale: ModuleType) -> None:
    shop = scale.generated_shop(2_000, 300, 10, families=20, seed=3)
    items, events = shop.items, shop.events
    assert items.item_id.is_unique
    assert items.title.is_unique
    assert items.categories.nunique() == 20
    own = items.title.str.split().str[:2].str.join(" ")
    assert own.groupby(items.categories).nunique().eq(1).all(), "a family has words of its own"
    assert own.nunique() == 20
    assert len(events) == 3_000
    assert (events.groupby("user_id").size() == 10).all()
    assert events.groupby("user_id").time.is_monotonic_increasing.all()
    family = items.set_index("item_id").categories[events.item_id].to_numpy()
    assert events.assign(family=family).groupby("user_id").family.nunique().max() <= 4
    counts = np.sort(events.item_id.value_counts().to_numpy())[::-1]
    assert counts[: len(counts) // 5].sum() > 0.35 * counts.sum(), "few items sell the most"
    again = scale.generated_shop(2_000, 300, 10, families=20, seed=3)
    assert items.equals(again.items)
    assert events.equals(again.events)


def test_a_cell_is_compared_with_its_limits(scale: ModuleType) -> None:
    cell = {"size": "100kx1M", "fit_seconds": 450.0, "fit_memory_mib": 8192, "p50_ms": 20.0}
    ratios = {row["check"]: row["ratio"] for row in scale.checks([cell, {"size": "10kx100k"}])}
    assert ratios == {
        "100kx1M: fit_seconds": 0.5,
        "100kx1M: fit_memory_mib": 2.0,
        "100kx1M: p50_ms": 1.0,
    }
