"""Every surface of every installed scenario passes the kit on random catalogs and people."""

from __future__ import annotations

import pytest
from crossrec.plugins.registry import load_registry
from crossrec.testing import SurfaceTests


def classes() -> dict[str, type[SurfaceTests]]:
    """Return one test class for each installed scenario."""
    return {
        f"TestSurfacesOf_{one.name.replace('-', '_')}": type(
            f"TestSurfacesOf_{one.name}", (SurfaceTests,), {"component": one.name}
        )
        for one in load_registry().all("scenarios")
    }


globals().update(classes())


def test_every_installed_scenario_is_tested() -> None:
    names = {one.name for one in load_registry().all("scenarios")}
    assert {"ecommerce", "music", "social", "video"} <= names
    assert {f"TestSurfacesOf_{name.replace('-', '_')}" for name in names} <= set(globals())


@pytest.mark.parametrize("name", ["ecommerce", "music", "social", "video"])
def test_most_surfaces_answer(name: str) -> None:
    """The kit looks at lists, not at empty ones."""
    kit: SurfaceTests = classes()[f"TestSurfacesOf_{name}"]()
    lengths: dict[str, int] = {}
    for seed in range(6):
        for _, query, slate in kit.lists(seed):
            lengths[query.surface] = lengths.get(query.surface, 0) + len(slate.items)
    assert set(lengths) == {one.name for one in kit.scenario().surfaces}
    filled = [name for name, length in lengths.items() if length]
    assert len(filled) >= 0.7 * len(lengths), lengths
