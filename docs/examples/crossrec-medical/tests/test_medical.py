"""The conformance kit runs over the scenario; its rules have known answers on its demo data."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import pytest
from crossrec import Engine, Slate
from crossrec.ingest.frames import Frames
from crossrec.testing import ScenarioTests, SurfaceTests
from crossrec_medical.demo import generate


class TestMedical(ScenarioTests):
    component = "medical"


class TestMedicalSurfaces(SurfaceTests):
    component = "medical"


@pytest.fixture(scope="module")
def frames() -> Frames:
    return generate()


@pytest.fixture(scope="module")
def items(frames: Frames) -> pd.DataFrame:
    """Return the documents by their ids."""
    assert frames.items is not None
    return frames.items.set_index("item_id")


@pytest.fixture(scope="module")
def engine(frames: Frames, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Return an engine that was fitted on the demo data."""
    engine = Engine.create(tmp_path_factory.mktemp("medical") / "ws")
    engine.ingest("medical", items=frames.items, events=frames.events, users=frames.users)
    engine.fit("medical")
    yield engine
    engine.workspace.close()


def reader(frames: Frames, role: str) -> str:
    """Return a user of this role."""
    users = frames.users
    assert users is not None
    return str(users.loc[users["audience"] == role, "user_id"].iloc[0])


def ask(engine: Engine, surface: str, **request: object) -> Slate:
    slate: Slate = engine.recommend("medical", surface=surface, **request)  # type: ignore[arg-type]
    assert not slate.degraded
    return slate


@pytest.mark.parametrize("surface", ["reading_list", "guidelines", "recently_published"])
def test_patients_see_what_is_written_for_them(
    engine: Engine, frames: Frames, items: pd.DataFrame, surface: str
) -> None:
    for user in (reader(frames, "patient"), "nobody"):
        slate = ask(engine, surface, user_id=user)
        assert slate.items or slate.short_because
        assert set(items.loc[list(slate.item_ids), "audience"]) <= {"patient"}


def test_professionals_see_both(engine: Engine, frames: Frames, items: pd.DataFrame) -> None:
    slate = ask(engine, "reading_list", user_id=reader(frames, "professional"), k=50)
    assert set(items.loc[list(slate.item_ids), "audience"]) == {"patient", "professional"}


def test_guidelines_are_guidelines(engine: Engine, frames: Frames, items: pd.DataFrame) -> None:
    slate = ask(engine, "guidelines", user_id=reader(frames, "professional"))
    assert set(items.loc[list(slate.item_ids), "document_type"]) == {"guideline"}


def test_better_evidence_stands_higher(engine: Engine, frames: Frames) -> None:
    slate = ask(engine, "reading_list", user_id=reader(frames, "professional"))
    boosts = [change for change in slate.changes if change.policy == "boost"]
    assert {change.action for change in boosts} == {"moved", "demoted"}


def test_a_retracted_document_is_gone_at_once(
    engine: Engine, frames: Frames, items: pd.DataFrame
) -> None:
    user = reader(frames, "professional")
    first = ask(engine, "reading_list", user_id=user).item_ids[0]
    row = items.loc[[first]].reset_index().assign(retracted=True)
    engine.ingest("medical", items=row)
    assert first not in ask(engine, "reading_list", user_id=user, k=100).item_ids
