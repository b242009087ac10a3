"""The comparison with other libraries: what is exchanged, measured, kept and shown."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from crossrec.components.candidates import PAD, Candidates
from crossrec.components.query import QueryBatch
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.evaluation.evaluate import evaluate
from peers_tables import peers_tables

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = [str(ROOT / "benchmarks" / "peers"), str(ROOT / "benchmarks")]
MODULES = ("run", "cells", "environments", "exchange", "models", "quality", "common", "real_sets")

Peers = Any


@pytest.fixture(scope="module")
def peers() -> Iterator[Peers]:
    """Return the modules of benchmarks/peers, and leave nothing of them behind."""
    before = {name: sys.modules.pop(name) for name in MODULES if name in sys.modules}
    sys.path[:0] = FOLDERS
    try:
        yield SimpleNamespace(**{name: __import__(name) for name in MODULES})
    finally:
        for folder in FOLDERS:
            while folder in sys.path:
                sys.path.remove(folder)
        for name in MODULES:
            sys.modules.pop(name, None)
        sys.modules.update(before)


def dataset(rows: list[list[int]], n_items: int) -> Dataset:
    """Return users with these items, oldest first."""
    empty = ("",) * n_items
    ids = Vocabulary([f"i{i}" for i in range(n_items)])
    catalog = Catalog(ids, empty, empty, ((),) * n_items, empty, np.ones(n_items, dtype=bool))
    users = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    events = Events.from_columns(users, np.concatenate([np.array(row) for row in rows]))
    names = Vocabulary([f"u{u}" for u in range(len(rows))])
    return Dataset.build(names, catalog, events, has_clock=False)


@pytest.fixture
def data() -> Dataset:
    rng = np.random.default_rng(0)
    rows = [rng.choice(40, 3 + user % 5, replace=False).tolist() for user in range(60)]
    return dataset([*rows, [1, 2]], 40)


def job_of(peers: Peers, data: Dataset, users: int | None = None) -> Any:
    split = peers.quality.split_of(data, peers.quality.protocol_of(users))
    return peers.quality.job_of(data, split, 20)


def test_a_job_holds_the_split_and_nothing_of_the_test(peers: Peers) -> None:
    job = job_of(peers, dataset([[0, 1, 2, 3], [4, 5], [3, 2, 1]], 6))
    assert job.users.tolist() == [0, 0, 1, 1, 2]
    assert job.items.tolist() == [0, 1, 4, 5, 3]
    assert job.validation_users.tolist() == [0, 2]
    assert job.validation_items.tolist() == [2, 2]
    assert job.queries.tolist() == [0, 2]
    assert [row.tolist() for row in job.rows()] == [[0, 1, 2], [3, 2]]
    assert job.query_rows.tolist() == [0, 0, 0, 1, 1]


def test_a_job_comes_back_as_it_was_written(peers: Peers, data: Dataset, tmp_path: Path) -> None:
    job = job_of(peers, data, users=7)
    peers.exchange.write_job(tmp_path / "set" / "job.npz", job)
    found = peers.exchange.read_job(tmp_path / "set" / "job.npz")
    assert len(found.queries) == 7
    for name, value in vars(job).items():
        assert np.array_equal(getattr(found, name), value)
        assert type(getattr(found, name)) is type(value)


def answers(peers: Peers, lists: np.ndarray, **facts: Any) -> Any:
    known = {"fit_seconds": 2.0, "fit_cpu_seconds": 3.0, "answer_seconds": 0.5, "peak_mib": 100.0}
    return peers.exchange.Answers(lists=lists, versions={"numpy": "2"}, **{**known, **facts})


def test_answers_come_back_as_they_were_written(peers: Peers, tmp_path: Path) -> None:
    given = answers(peers, np.array([[3, 1], [2, PAD]]), note="two epochs")
    peers.exchange.write_answers(tmp_path, given)
    found = peers.exchange.read_answers(tmp_path)
    assert found.lists.tolist() == [[3, 1], [2, PAD]]
    assert {**vars(found), "lists": None} == {**vars(given), "lists": None}


def test_short_lists_are_padded_and_long_ones_cut(peers: Peers, data: Dataset) -> None:
    job = job_of(peers, data)
    out = job.padded([[5], range(30)])
    assert out.shape == (2, 10)
    assert out[0].tolist() == [5, *[PAD] * 9]
    assert out[1].tolist() == list(range(10))


def measured(
    peers: Peers, data: Dataset, lists: np.ndarray, users: np.ndarray, drawn: int | None = None
) -> dict[str, Any]:
    given = peers.quality.GivenLists("toy", users, lists)
    return peers.quality.quality(data, peers.quality.protocol_of(drawn), given)


def ranked_by(order: np.ndarray) -> Callable[[QueryBatch], np.ndarray]:
    """Return what lists the first ten items of an order that are no history."""

    def lists(queries: QueryBatch) -> np.ndarray:
        rows = [
            order[~np.isin(order, seen)][:10]
            for seen in map(queries.exclude.row, range(len(queries)))
        ]
        return np.stack(rows)

    return lists


class ByOrder:
    """A model that our evaluation queries itself."""

    name, fit_seconds = "by order", 0.0

    def __init__(self, order: np.ndarray) -> None:
        self.lists = ranked_by(order)

    def top(self, queries: QueryBatch, k: int) -> Candidates:
        index = self.lists(queries)[:, :k]
        score = np.broadcast_to(-np.arange(index.shape[1], dtype=np.float32), index.shape)
        return Candidates(index, np.array(score), self.name)


@pytest.mark.parametrize("users", [None, 20])
def test_given_lists_have_the_figures_of_our_own_evaluation(
    peers: Peers, data: Dataset, users: int | None
) -> None:
    from crossrec.components.eligibility import UNSEEN, queries_of

    protocol = peers.quality.protocol_of(users)
    order = np.random.default_rng(1).permutation(40)
    row = evaluate(data, lambda train, validation: [ByOrder(order)], protocol).results[0]
    split = peers.quality.split_of(data, protocol)
    lists = ranked_by(order)(queries_of(split.test, split.train, UNSEEN))
    found = measured(peers, data, lists, split.test.users, users)
    assert row.metrics["recall@10"] > 0
    assert found["metrics"] == {name: row.metrics[name] for name in ("recall@10", "ndcg@10")}
    assert found["ci95"] == {name: list(row.ci95[name]) for name in ("recall@10", "ndcg@10")}
    assert found["remarks"] == []


def test_a_hit_at_the_second_place_of_one_of_two_users(peers: Peers) -> None:
    data = dataset([[0, 1, 2], [3, 4, 5]], 8)
    found = measured(peers, data, np.array([[7, 2, PAD], [6, 7, 2]]), np.arange(2))
    assert found["metrics"]["recall@10"] == 0.5
    assert found["metrics"]["ndcg@10"] == pytest.approx(0.5 / np.log2(3))


def test_items_of_the_history_count_as_nothing_and_are_remarked(peers: Peers) -> None:
    data = dataset([[0, 1, 2], [3, 4, 5]], 8)
    found = measured(peers, data, np.array([[1, 2], [5, 3]]), np.arange(2))
    assert found["metrics"]["recall@10"] == 1.0
    assert found["remarks"][0].startswith("toy returned 2 items")


@pytest.mark.parametrize("lists", [np.array([[99], [0]]), np.array([[0]])])
def test_lists_that_cannot_be_measured_say_why(peers: Peers, lists: np.ndarray) -> None:
    data = dataset([[0, 1, 2], [3, 4, 5]], 8)
    with pytest.raises(ValueError, match="outside of the 8 items|has no list"):
        measured(peers, data, lists, np.arange(len(lists)))


POPULAR = """
import numpy as np
from exchange import serve

def popular(job):
    order = np.argsort(-np.bincount(job.items, minlength=job.n_items), kind="stable")
    lists = [order[~np.isin(order, row)] for row in job.rows()]
    open("beside.txt", "w").close()
    return lambda: job.padded(lists), "of the training events"

serve({"popular": popular}, ("numpy",))
"""
BROKEN = "print('working')\nraise SystemExit('this model needs\\ta GPU')\n"


@pytest.fixture
def arena(peers: Peers, data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a set that is ready, whose models are two scripts of this test."""

    class Small(peers.run.Arena):  # type: ignore[misc,name-defined]
        dataset = data

    scripts = {
        "popular": POPULAR,
        "broken": BROKEN,
        "crossrec": POPULAR.replace('"popular"', '"crossrec"'),
    }
    for name, text in scripts.items():
        path = tmp_path / f"with_{name}.py"
        path.write_text(text)
        monkeypatch.setitem(peers.run.MODELS, name, peers.models.Model(name, str(path), ""))
    monkeypatch.setenv("PYTHONPATH", FOLDERS[0], prepend=":")
    return Small("lastfm", tmp_path / "work", 20)


def cell(peers: Peers, cells: Any, model: str) -> dict[str, Any]:
    return json.loads(cells.path("lastfm", model).read_text())


def test_a_run_keeps_a_cell_for_each_model_and_goes_on_where_it_stopped(
    peers: Peers, arena: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cells = peers.cells.Cells(tmp_path / "cells")
    peers.run.run_set(arena, ["popular", "broken"], cells, again=False)
    popular, failed = cell(peers, cells, "popular"), cell(peers, cells, "broken")
    assert failed == {
        "set": "lastfm",
        "model": "broken",
        "failed": "broken failed: this model needs a GPU",
    }
    assert popular["users"] == 60
    assert (arena.folder / "popular" / "beside.txt").is_file()
    assert popular["note"] == "of the training events"
    assert popular["metrics"]["recall@10"] > 0
    assert popular["beside"] is None
    assert popular["peak_mib"] > 10
    written = cells.path("lastfm", "popular").stat().st_mtime_ns
    capsys.readouterr()
    peers.run.run_set(arena, ["popular", "broken"], cells, again=False)
    assert capsys.readouterr().out == ""
    peers.run.run_set(arena, ["crossrec", "popular", "broken"], cells, again=False)
    assert cells.path("lastfm", "popular").stat().st_mtime_ns == written
    ours = cell(peers, cells, "crossrec")
    assert ours["metrics"] == popular["metrics"]
    peers.run.run_set(arena, ["crossrec", "popular"], cells, again=True)
    again = cell(peers, cells, "popular")
    ours = cell(peers, cells, "crossrec")
    assert again["beside"] == {name: ours[name] for name in peers.cells.COSTS}


def test_a_model_that_takes_too_long_is_given_up(peers: Peers, tmp_path: Path) -> None:
    with pytest.raises(
        peers.environments.PeerError, match=r"^slow failed: it took longer than 0 s$"
    ):
        peers.environments.called(
            [sys.executable, "-c", "import time; time.sleep(60)"],
            "slow failed",
            tmp_path / "l",
            0.05,
        )


def test_what_cannot_be_installed_says_so_in_one_line(
    peers: Peers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers.environments, "HERE", tmp_path)
    monkeypatch.setattr(peers.environments, "FOLDER", tmp_path / "envs")
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "absent.txt").write_text("./no such folder\n")
    (tmp_path / "envs" / "absent" / "bin").mkdir(parents=True)
    (tmp_path / "envs" / "absent" / "bin" / "python").symlink_to(sys.executable)
    with pytest.raises(peers.environments.PeerError, match="^absent does not install: ") as caught:
        peers.environments.interpreter("absent")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "envs" / "absent" / ".installed").exists()


def test_unknown_names_are_refused_with_the_known_ones(peers: Peers) -> None:
    assert peers.run.names(None, ("a", "b"), "set") == ["a", "b"]
    assert peers.run.names("b, a", ("a", "b"), "set") == ["b", "a"]
    with pytest.raises(SystemExit, match="no set 'c': there are a, b"):
        peers.run.names("a,c", ("a", "b"), "set")


def test_every_model_has_its_script_and_pinned_requirements(peers: Peers) -> None:
    folder = ROOT / "benchmarks" / "peers"
    tested = (ROOT / "constraints.txt").read_text().splitlines()
    models = peers.models.MODELS.values()
    assert [model.name for model in models if not model.environment] == ["crossrec"]
    for model in models:
        assert f'"{model.name}":' in (folder / model.script).read_text()
    for path in (folder / "requirements").iterdir():
        lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
        assert path.stem in {model.environment for model in models}
        assert all("==" in line for line in lines)
        assert all(line in tested for line in lines if line.startswith("torch"))


MEASURED = {
    "set": "small",
    "users": 1200,
    "items": 300,
    "events": 4000,
    "note": "",
    "remarks": [],
    "ci95": {"recall@10": [0.1, 0.3], "ndcg@10": [0.05, 0.15]},
}


def figures(model: str, ndcg: float, **more: Any) -> dict[str, Any]:
    costs = {"fit_seconds": 30.0, "peak_mib": 900.0, "answers_per_second": 400.0}
    return {
        **MEASURED,
        "model": model,
        "metrics": {"recall@10": 0.2, "ndcg@10": ndcg},
        **costs,
        **more,
    }


def test_the_table_has_the_best_first_ratios_and_what_did_not_run() -> None:
    beside = {"fit_seconds": 60.0, "peak_mib": 90.0, "answers_per_second": 401.0}
    cells = [
        {"set": "small", "model": "absent", "failed": "absent does not install: no wheel"},
        figures("crossrec", 0.12),
        figures("other", 0.09, beside=beside, note="3 epochs", remarks=["other returned 2 items"]),
        figures("alone", 0.15, beside=None),
        {**figures("crossrec", 0.5), "set": "large"},
    ]
    lines = peers_tables(cells, "small").splitlines()
    assert lines[0] == "**small**: 1,200 test users, 300 items, 4,000 events"
    assert [line.split(" | ")[0].strip("| ") for line in lines[4:]] == [
        "alone",
        "crossrec",
        "other",
        "absent",
    ]
    assert lines[4].split(" | ")[2:4] == ["**0.1500** (0.050–0.150)", "1.25 ×"]
    assert lines[6] == (
        "| other | **0.2000** (0.100–0.300) | 0.0900 (0.050–0.150) | 0.75 × | 30.0 (0.5 ×) "
        "| 900 (10 ×) | 400 (1 ×) | 3 epochs; other returned 2 items |"
    )
    assert lines[7].endswith("| – | did not run: absent does not install: no wheel |")
    assert "**large**" in peers_tables(cells, "all")


def test_sets_without_any_figure_still_say_why() -> None:
    failed = {"set": "small", "model": "absent", "failed": "no memory"}
    assert "did not run: no memory" in peers_tables([failed], "all")
    assert peers_tables([], "all") == ""
