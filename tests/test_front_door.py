"""The library's front door: a workspace made, filled, fitted and query from Python."""

import pytest
from crossrec import Engine
from crossrec.errors import CrossrecError, NotFittedError, UsageError, WorkspaceError

PIPELINE = 'encoder = ""\n[[sources]]\nname = "item-knn"\n[[sources]]\nname = "popularity"\n'


@pytest.fixture
def shop(tmp_path):
    rows = [
        f"u{u},i{(u + 2 * j) % 8},{1_700_000_000 + 60 * (9 * u + j)}"
        for u in range(12)
        for j in range(4)
    ]
    (tmp_path / "events.csv").write_text("user_id,item_id,time\n" + "\n".join(rows) + "\n")
    (tmp_path / "own.toml").write_text(PIPELINE)
    engine = Engine.create(tmp_path / "shop")
    report = engine.ingest("ecommerce", events=tmp_path / "events.csv")
    assert report.n_bad == 0
    return engine


def test_create_ingest_fit_recommend(shop, tmp_path):
    shop.fit("ecommerce", pipeline_file=tmp_path / "own.toml")
    slate = shop.recommend("ecommerce", "u1", k=3)
    assert len(slate.items) == 3
    assert not set(slate.item_ids) & {"i1", "i3", "i5", "i7"}
    assert (
        Engine.open(tmp_path / "shop").recommend("ecommerce", "u1", k=3).item_ids == slate.item_ids
    )


def test_a_second_engine_sees_what_the_first_ingested(shop, tmp_path):
    again = Engine.create(tmp_path / "shop")
    assert len(again.workspace.dataset(again.registry.scenario("ecommerce")).events) == 48


def test_errors_are_the_librarys_own(shop, tmp_path):
    with pytest.raises(NotFittedError, match="crossrec fit ecommerce"):
        shop.recommend("ecommerce", "u1")
    with pytest.raises(UsageError, match="ecommerce"):
        shop.ingest("ecomerce", events=tmp_path / "events.csv")
    with pytest.raises(CrossrecError, match=r"none\.csv"):
        shop.ingest("ecommerce", events=tmp_path / "none.csv")
    with pytest.raises(WorkspaceError, match="not empty"):
        Engine.create(tmp_path)
