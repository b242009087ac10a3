"""Many users at once get what each gets alone, and a file of their lists."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from crossrec import Engine
from crossrec.components.query import Query, QueryBatch
from crossrec.components.user_state import UserState
from crossrec.errors import DataError, UsageError
from crossrec.ingest import ingest_files
from crossrec.numeric.ragged import Ragged
from crossrec.pipeline import exporting
from crossrec.pipeline.exporting import COLUMNS, ExportJob, export_lists
from crossrec.pipeline.request import answer, answer_batch
from crossrec.scenario import EventType, ItemField, ItemSchema, Scenario, Surface
from crossrec.testing.requests import serve, user_with
from crossrec.testing.toy_sources import Popular, Together, registry_of
from crossrec.workspace import Workspace
from hypothesis import given
from hypothesis import strategies as st

N_USERS, N_ITEMS = 23, 9


def small() -> Scenario:
    return Scenario(
        "small", "a small shop", (EventType("view"), EventType("buy", consumes="hard")),
        ItemSchema((ItemField("title"),), "{title}"),
        (Surface("home", k=3), Surface("shelf", k=2), Surface("like_this", "item")),
        "batch_resources:small.toml", "view", "home",
    )  # fmt: skip


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A fitted engine of 23 users."""
    folder = tmp_path_factory.mktemp("batch")
    package = folder / "batch_resources"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "small.toml").write_text('sources = [{name = "popular"}, {name = "together"}]\n')
    items = ["item_id,title"] + [f"i{at},Title {at}" for at in range(N_ITEMS)]
    events = ["user_id,item_id,event_type,time"]
    for user in range(N_USERS):
        for step in range(4):
            kind = "buy" if step == 3 else "view"
            events.append(
                f"u{user},i{(user + step * step) % N_ITEMS},{kind},{1_700_000_000 + step}"
            )
    for name, lines in (("items", items), ("events", events)):
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    sources = {"popular": Popular, "together": Together}
    registry = registry_of(scenarios={"small": small}, candidate_generators=sources)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        workspace = Workspace.create(folder / "ws")
        ingest_files(
            workspace, registry.scenario("small"),
            items=folder / "items.csv", events=folder / "events.csv",
        )  # fmt: skip
        engine = Engine(workspace, registry, background=False)
        engine.fit("small")
        yield engine
        engine.close()


USERS = [f"u{at}" for at in range(N_USERS)]


FEW = {"filter": "title IN ('Title 1', 'Title 2', 'Title 4')"}


@pytest.mark.parametrize("more", [{}, {"k": 5}, {"surface": "shelf"}, FEW])
def test_many_users_get_what_each_gets_alone(fitted, more):
    users = [*USERS, "stranger"]
    many = fitted.recommend_many("small", users, explain=True, **more)
    for user, slate in zip(users, many, strict=True):
        alone = fitted.recommend("small", user, **more)
        assert slate.item_ids == alone.item_ids
        assert [item.reasons for item in slate.items] == [item.reasons for item in alone.items]
        assert (slate.notes, slate.path, slate.short_because) == (
            alone.notes,
            alone.path,
            alone.short_because,
        )
        assert all(item.source for item in slate.items)
    assert len({slate.request_id for slate in many}) == len(users)


def test_users_of_whom_different_things_are_known(fitted, tmp_path):
    """A batch of users whose rows have different fields, one that has none beside them."""
    path = tmp_path / "users.csv"
    path.write_text("user_id,country,plan\nu1,DE,\nu2,,plus\nu3,FR,free\n")
    fitted.ingest("small", users=path)
    users = ["u1", "u2", "u3", "u4", "stranger"]
    condition = {"filter": "user.country IS NULL OR title <> 'Title 4'"}
    many = fitted.recommend_many("small", users, k=6, **condition)
    alone = [fitted.recommend("small", user, k=6, **condition) for user in users]
    assert [one.item_ids for one in many] == [one.item_ids for one in alone]
    shown = {user: "i4" in one.item_ids for user, one in zip(users, many, strict=True)}
    assert not shown["u1"]
    assert not shown["u3"]
    assert any(shown.values())


def test_stacked_profiles_say_nothing_where_one_lacks_a_field():
    def one(**profile):
        columns = {name: np.array([value]) for name, value in profile.items()}
        return QueryBatch(
            np.array([-1]), Ragged.empty(1), Ragged.empty(1), profile=columns, surface="home"
        )

    both = QueryBatch.stack([one(country="DE"), one(), one(plan="plus", country="Austria")])
    assert {name: column.tolist() for name, column in both.profile.items()} == {
        "country": ["DE", "", "Austria"],
        "plan": ["", "", "plus"],
    }


def test_nobody_and_one_string(fitted):
    assert fitted.recommend_many("small", []) == []
    with pytest.raises(UsageError, match="a list of ids"):
        fitted.recommend_many("small", "u1")
    with pytest.raises(UsageError, match="no surface 'none'"):
        fitted.recommend_many("small", ["u1"], surface="none")
    with pytest.raises(UsageError, match="is about a item|about"):
        fitted.recommend_many("small", ["u1"], surface="like_this")


histories = st.lists(st.lists(st.integers(0, 19), max_size=4, unique=True), min_size=1, max_size=5)


@given(histories)
def test_histories_and_dislikes_do_not_mix(pipeline, rows):
    """Whatever the others in the batch are."""
    serving = serve(pipeline)
    states = [
        user_with([f"i{at}" for at in row[:2]], [f"i{at}" for at in row[2:]], f"u{n}")
        for n, row in enumerate(rows)
    ]
    requests = [(Query(user_id=state.user_id, k=6), state) for state in states]
    for (query, state), slate in zip(requests, answer_batch(serving, requests), strict=True):
        assert slate.item_ids == answer(serving, query, state).item_ids


def test_a_source_that_fails_is_named_in_every_answer(pipeline):
    class Broken:
        def generate(self, queries, k):
            raise RuntimeError("not today")

    name = next(iter(pipeline.sources))
    broken = replace(pipeline, sources={**pipeline.sources, name: Broken()})
    slates = answer_batch(serve(broken), [(Query(), UserState()), (Query(k=2), UserState())])
    assert [len(slate.items) for slate in slates] == [10, 2]
    assert all(slate.degraded[0].component == name for slate in slates)


def test_stacked_queries_are_the_queries():
    def batch(items, times):
        return QueryBatch(
            np.array([len(items)]), Ragged.from_rows([items]), Ragged.from_rows([items[:1]]),
            times=np.array(times, dtype=np.float64), context={"device": np.array(["tv"])},
        )  # fmt: skip

    parts = [batch([1, 2], [3.0, 4.0]), batch([], []), batch([5], [6.0])]
    whole = QueryBatch.stack(parts)
    assert whole.users.tolist() == [2, 0, 1]
    assert whole.times is not None
    assert whole.times.tolist() == [3.0, 4.0, 6.0]
    for row in range(3):
        one = whole.take(np.array([row]))
        assert one.history.values.tolist() == parts[row].history.values.tolist()
        assert one.exclude.values.tolist() == parts[row].exclude.values.tolist()
    with pytest.raises(ValueError, match="some queries have times"):
        QueryBatch.stack([parts[0], replace(parts[1], times=None)])
    with pytest.raises(ValueError, match="a context"):
        QueryBatch.stack([parts[0], replace(parts[1], context={})])
    named = [replace(part, profile={"country": np.array([str(n)])}) for n, part in enumerate(parts)]
    assert QueryBatch.stack(named).profile["country"].tolist() == ["0", "1", "2"]


def read(path):
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            return [
                {**row, "place": int(row["place"]), "score": float(row["score"])}
                for row in csv.DictReader(file)
            ]
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    import pandas as pd

    return pd.read_parquet(path).to_dict("records")


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_the_file_holds_every_list(fitted, tmp_path, monkeypatch, ending):
    monkeypatch.setattr(exporting, "BLOCK", 5)
    path = tmp_path / f"lists.{ending}"
    done = export_lists(fitted, ExportJob("small"), USERS, path)
    assert (done.users, done.rows, done.without, done.kept) == (N_USERS, 3 * N_USERS, 0, 0)
    rows = read(path)
    assert tuple(rows[0]) == COLUMNS
    for user in USERS:
        own = [row for row in rows if row["user_id"] == user]
        slate = fitted.recommend("small", user)
        assert [row["item_id"] for row in own] == list(slate.item_ids)
        assert [row["place"] for row in own] == [1, 2, 3]
        assert [row["title"] for row in own] == [item.title for item in slate.items]
        assert [row["score"] for row in own] == pytest.approx([one.score for one in slate.items])
    assert list(tmp_path.iterdir()) == [path], "no part is left"


def test_a_killed_export_goes_on(fitted, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "BLOCK", 5)
    path, answered = tmp_path / "lists.csv", []
    many = type(fitted).recommend_many

    def until(limit):
        def run(self, scenario, user_ids, **more):
            if len(answered) >= limit:
                raise KeyboardInterrupt
            answered.extend(user_ids)
            return many(self, scenario, user_ids, **more)

        monkeypatch.setattr(type(fitted), "recommend_many", run)

    until(10)
    with pytest.raises(KeyboardInterrupt):
        export_lists(fitted, ExportJob("small"), USERS, path)
    assert not path.exists()
    until(99)
    done = export_lists(fitted, ExportJob("small"), USERS, path)
    assert (done.kept, done.rows) == (10, 3 * N_USERS)
    assert answered == USERS, "nobody was answered twice"
    whole = path.read_text()
    answered.clear()
    export_lists(fitted, ExportJob("small"), USERS, path)
    assert path.read_text() == whole


@pytest.mark.parametrize(
    ("job", "users"),
    [(ExportJob("small", k=2), USERS), (ExportJob("small"), USERS[::-1])],
    ids=["other length", "other users"],
)
def test_parts_of_another_export_are_not_used(fitted, tmp_path, monkeypatch, job, users):
    monkeypatch.setattr(exporting, "BLOCK", 5)
    path = tmp_path / "lists.csv"
    wanted = export_lists(fitted, job, users, tmp_path / "wanted.csv").path.read_text()
    with monkeypatch.context() as patch:
        patch.setattr(exporting, "_join", stop)
        with pytest.raises(KeyboardInterrupt):
            export_lists(fitted, ExportJob("small"), USERS, path)
    done = export_lists(fitted, job, users, path)
    assert done.kept == 0
    assert path.read_text() == wanted


def test_again_begins_anew(fitted, tmp_path, monkeypatch):
    path = tmp_path / "lists.csv"
    with monkeypatch.context() as patch:
        patch.setattr(exporting, "_join", stop)
        with pytest.raises(KeyboardInterrupt):
            export_lists(fitted, ExportJob("small"), USERS, path)
    assert export_lists(fitted, ExportJob("small"), USERS, path, again=True).kept == 0


def stop(*_):
    raise KeyboardInterrupt


def test_users_with_an_empty_list_are_counted(fitted, tmp_path):
    job = ExportJob("small", filter="title = 'Title 0'")
    done = export_lists(fitted, job, USERS, tmp_path / "lists.csv")
    bought = sum((user + 9) % N_ITEMS == 0 for user in range(N_USERS))
    assert done.without == bought
    assert done.rows == N_USERS - bought


def test_what_cannot_be_written_is_said(fitted, tmp_path):
    for path, message in (("lists.txt", "a file of .csv"), ("lists", "a file of .csv")):
        with pytest.raises(UsageError, match=message):
            export_lists(fitted, ExportJob("small"), USERS, tmp_path / path)
    with pytest.raises(UsageError, match="no user"):
        export_lists(fitted, ExportJob("small"), [], tmp_path / "lists.csv")
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written"):
        export_lists(fitted, ExportJob("small"), USERS, tmp_path / "file" / "lists.csv")
    with pytest.raises(UsageError, match="character"):
        export_lists(fitted, ExportJob("small", filter="title ="), USERS, tmp_path / "x.csv")
