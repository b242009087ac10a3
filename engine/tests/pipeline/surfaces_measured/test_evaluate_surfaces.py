"""Surfaces through the real request path: certain walks, chance, and what is not measured."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from crossrec.errors import UsageError
from crossrec.evaluation.surfaces.report import SurfacesReport
from crossrec.evaluation.surfaces.tables import is_than, surface_remarks, surface_tables
from crossrec.pipeline.evaluate_surfaces import evaluate_surfaces
from crossrec.testing.requests import TOY

INPUTS = ("user", "item", "items", "session", "nothing")
#: One surface of every input, which asks the source that knows the steps alone.
SURFACES = {
    name: {"input": name, "sources": ["steps"], "fallback": [], "ranker": "best"} for name in INPUTS
}


@pytest.fixture(scope="module")
def report(make_walks, resolve, run) -> SurfacesReport:
    return evaluate_surfaces(TOY, make_walks(), resolve(SURFACES), run)


def metrics_of(report: SurfacesReport, surface: str, model: str = "") -> dict[str, float]:
    found = report.result(surface).report
    assert found is not None
    row = found.result(model or surface)
    assert row is not None
    return dict(row.metrics)


@pytest.mark.parametrize("surface", ["item", "items", "session"])
def test_where_the_next_item_is_certain_it_is_always_found_first(report, surface):
    """Of each user the last two steps are held out: one is given, the other is right."""
    found = metrics_of(report, surface)
    assert found["recall@10"] == found["ndcg@10"] == found["hit@10"] == found["mrr@10"] == 1.0
    if surface != "session":  # a session's list ends with what the user knows
        assert found["filled@10"] == pytest.approx(0.1)


def test_of_two_steps_ahead_a_user_surface_knows_the_first(report):
    found = metrics_of(report, "user")
    assert found["recall@10"] == 0.5
    assert found["hit@10"] == found["mrr@10"] == 1.0


def test_steps_know_nothing_without_a_user(report):
    result = report.result("nothing")
    assert result.report is None
    assert "1 of 1 lists are empty" in result.reason
    assert "steps proposed nothing" in result.reason


def test_baselines_are_measured_on_the_same_questions(report):
    for surface in ("user", "item", "items", "session"):
        inner = report.result(surface).report
        assert [row.model for row in inner.results] == [surface, "popularity", "same people"]
        assert inner.users == report.users == 60
        assert is_than(report.result(surface), "popularity", "ndcg@10") == "better"
        assert metrics_of(report, surface, "popularity")["recall@10"] < 0.5


def test_random_walks_are_found_by_chance_alone(make_walks, resolve, run):
    walks = make_walks(certain=False)
    surfaces = {name: {"input": name} for name in INPUTS}
    found = evaluate_surfaces(TOY, walks, resolve(surfaces), run)
    for surface in INPUTS:
        # Ten of about 180 items that are left, with 60 users: .056 and a wide margin.
        assert metrics_of(found, surface)["recall@10"] < 0.2
        assert is_than(found.result(surface), "popularity", "ndcg@10") == "–"


def test_nobody_s_list_is_the_same_for_all(make_walks, resolve, run):
    surfaces = {"user": {"input": "user"}, "top": {"input": "nothing", "sources": ["popular"]}}
    found = evaluate_surfaces(TOY, make_walks(certain=False), resolve(surfaces), run, names=["top"])
    inner = found.result("top").report
    assert [row.model for row in inner.results] == ["top", "popularity"]
    top, popularity = inner.results
    assert top.metrics["recall@10"] == popularity.metrics["recall@10"]
    assert top.metrics["coverage@10"] == pytest.approx(10 / 200)
    assert inner.users == 60


def test_without_times_the_last_steps_of_each_user_are_found(make_walks, resolve, run):
    found = evaluate_surfaces(TOY, make_walks(clock=False), resolve(SURFACES), run)
    assert found.protocol == "last events"
    # Four steps are held out: from the first one, one of the three others is the next.
    assert metrics_of(found, "item")["recall@10"] == pytest.approx(1 / 3)
    assert metrics_of(found, "session")["recall@10"] == 1.0
    assert any("no times" in note for note in found.notes)


def test_own_items_are_measured_on_returns_alone(make_walks, resolve, run):
    """A third of the users view their first item once more in the window."""
    walks = make_walks()
    events = walks.events
    last = walks.sequences.indptr[1:] - 1
    items = events.items.copy()
    items[last[::3]] = items[walks.sequences.indptr[:-1][::3]]
    # Views consume nothing.
    views = dataclasses.replace(events, items=items, types=np.full(len(items), 2))
    own = {"input": "user", "sources": ["own"], "fallback": [], "history": "keep"}
    surfaces = {"user": {"input": "user", "sources": ["steps"]}, "again": own}
    resolved = resolve(surfaces, "steps", "own", "popular")
    found = evaluate_surfaces(TOY, walks.with_events(views), resolved, run, k=20, names=["again"])
    inner = found.result("again").report
    assert inner.users == 20
    assert "33% of the test users do" in found.result("again").question
    assert [row.model for row in inner.results] == ["again", "popularity", "repeat-last"]
    assert metrics_of(found, "again")["recall@20"] == 1.0
    assert metrics_of(found, "again", "repeat-last")["recall@20"] == 1.0


def test_what_was_bought_is_no_candidate_and_is_counted(make_walks, resolve, run):
    """Who buys an item a second time cannot be shown it: the note says how many these are."""
    walks = make_walks()
    items = walks.events.items.copy()
    last = walks.sequences.indptr[1:] - 1
    items[last] = items[last - 5]
    bought = walks.with_events(dataclasses.replace(walks.events, items=items))
    found = evaluate_surfaces(TOY, bought, resolve(SURFACES), run, names=["user"])
    assert any("60 of 120 targets are no candidates" in one for one in surface_remarks(found))


def test_policies_have_their_say(make_walks, resolve, run):
    """An item that is hidden is in no list of a surface that looks at that."""
    walks = make_walks()
    records = {id_: {"title": id_, "is_hidden": True} for id_ in walks.catalog.items.ids}
    hidden = type(walks.catalog).from_records(walks.catalog.items, records, TOY.items)
    surfaces = {
        "user": {**SURFACES["user"], "policies": []},
        "strict": {**SURFACES["user"], "policies": [{"name": "availability"}]},
    }
    found = evaluate_surfaces(
        TOY, dataclasses.replace(walks, catalog=hidden), resolve(surfaces), run
    )
    assert metrics_of(found, "user")["recall@10"] == 0.5
    assert found.result("strict").report is None
    assert "policies dropped 1" in found.result("strict").reason


def test_a_surface_whose_sources_failed_says_why(make_walks, resolve, run):
    surfaces = {
        "user": {"input": "user", "sources": ["popular"]},
        "later": {"input": "user", "sources": ["unfit"], "ranker": "best"},
    }
    resolved = resolve(surfaces, "popular", "unfit")
    found = evaluate_surfaces(TOY, make_walks(), resolved, run)
    assert found.result("later").report is None
    assert "too large" in found.result("later").reason
    assert "too large" in found.fit["failed"]["unfit"]


def test_a_sample_of_users_is_said(make_walks, resolve, run):
    found = evaluate_surfaces(TOY, make_walks(), resolve(SURFACES), run, users=7)
    assert found.users == 7
    assert found.result("item").report.users == 7
    assert found.notes[-1] == "a sample of 7 of 60 test users, seed 3"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"names": ["shelf"]}, "no surface 'shelf': it has user, item"),
        ({"k": 0}, "must be 1 or more"),
        ({"users": 0}, "must be 1 or more"),
    ],
)
def test_what_makes_no_sense_is_refused_before_any_fit(make_walks, resolve, run, arguments, words):
    with pytest.raises(UsageError, match=words):
        evaluate_surfaces(TOY, make_walks(), resolve(SURFACES), run, **arguments)


def test_tables_show_every_surface_with_its_baselines(report):
    figures, left_out = surface_tables(report)
    assert figures.columns[:3] == ("SURFACE", "MODEL", "QUERIES")
    assert "CREATOR GINI" not in figures.columns
    rows = [row[:2] for row in figures.rows[:3]]
    assert rows == [("user", "(user)"), ("", "popularity *"), ("", "same people *")]
    assert figures.rows[1][-1] == "better"
    assert left_out.rows[0][:2] == ("nothing", "nothing")


def test_json_has_plain_values_only(report):
    import json

    values = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert [one["surface"] for one in values["surfaces"]] == list(INPUTS)
    item = values["surfaces"][1]
    assert item["question"].startswith("from the first item of a day")
    assert item["report"]["results"][0]["metrics"]["recall@10"] == 1.0
    assert values["surfaces"][4]["report"] is None
