"""A refresh beside requests, which none of them notices, and beside deletions, which it names."""

import sys
import threading

import pytest
from crossrec import Engine
from crossrec.ingest import ingest_files
from crossrec.scenario import EventType, ItemField, ItemSchema, Scenario, Surface
from crossrec.testing.toy_sources import Popular
from crossrec.workspace import Workspace


class Recounts(Popular):
    """Counts events, and goes on counting."""

    able = frozenset({"explain", "update"})

    def update(self, change):
        counts = change.after.item_counts - change.before.item_counts
        counts[: len(self.learnt())] += self.learnt().astype(int)
        self.counts = counts.astype("f4")


@pytest.fixture
def registry(tmp_path, make_registry, monkeypatch):
    package = tmp_path / "beside_resources"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "shop.toml").write_text('sources = [{name = "recounts"}]\n')
    monkeypatch.syspath_prepend(tmp_path)
    shop = Scenario(
        "shop", "a shop", (EventType("buy"),), ItemSchema((ItemField("title"),), "{title}"),
        (Surface("home"), Surface("alike", "item")), "beside_resources:shop.toml", "buy", "home",
    )  # fmt: skip
    yield make_registry(
        scenarios={"shop": lambda: shop}, candidate_generators={"recounts": Recounts}
    )
    sys.modules.pop("beside_resources", None)


def ingest(folder, registry, step):
    """Add an item, and events of it and of others."""
    (folder / "items.csv").write_text(f"item_id,title\nt{step},thing {step}\n")
    rows = "".join(f"u{u},t{i},{1000 * step + 10 * u + i}\n" for u in range(5) for i in range(step))
    (folder / "events.csv").write_text("user_id,item_id,time\n" + rows)
    ingest_files(
        Workspace.create(folder / "ws"),
        registry.scenario("shop"),
        items=folder / "items.csv",
        events=folder / "events.csv",
    )


def test_requests_go_on_while_new_versions_are_published(tmp_path, registry):
    for step in range(1, 8):
        ingest(tmp_path, registry, step)
    writer = Engine(Workspace.open(tmp_path / "ws"), registry, background=False)
    writer.fit("shop")
    server = Engine(Workspace.open(tmp_path / "ws"), registry)
    done = threading.Event()
    failures: list[object] = []
    answered = [0, 0, 0]

    def request(place):
        while not done.is_set():
            try:
                slate = server.recommend("shop", user_id="u1", k=5)
                if slate.degraded or not slate.items:
                    failures.append(slate)
            except Exception as error:
                failures.append(error)
            answered[place] += 1

    threads = [threading.Thread(target=request, args=(place,)) for place in range(3)]
    for thread in threads:
        thread.start()
    for step in range(8, 14):
        ingest(tmp_path, registry, step)
        assert writer.refresh("shop").published
    done.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert min(answered) > 0
    newest = server.pipeline("shop")
    assert newest.report["last_event"] == server.workspace.store().last_event("shop")
    assert "t13" in newest.catalog.items


def test_events_that_were_deleted_since_are_named_until_a_fit(tmp_path, registry):
    for step in range(1, 4):
        ingest(tmp_path, registry, step)
    engine = Engine(Workspace.open(tmp_path / "ws"), registry, background=False)
    engine.fit("shop")
    assert engine.refresh("shop").notes == ()
    engine.workspace.store().delete_user("shop", "u2")
    ingest(tmp_path, registry, 4)
    note = "6 events that were learnt have been deleted since: a fit takes them out"
    assert engine.refresh("shop").notes == (note,)
    assert engine.refresh("shop").notes == (note,)
    engine.fit("shop")
    assert engine.refresh("shop").notes == ()
