"""One surface beside baselines: rows, verdicts, notes, and why lists are empty."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.candidates import PAD
from crossrec.components.query import QueryBatch
from crossrec.evaluation.baselines import Popularity
from crossrec.evaluation.protocol import EvaluationProtocol
from crossrec.evaluation.surfaces.figures import ItemFacts
from crossrec.evaluation.surfaces.measure import SurfaceAnswers, measured
from crossrec.evaluation.surfaces.questions import Questions, of_nobody, of_users
from crossrec.evaluation.surfaces.report import SurfaceResult, SurfacesReport
from crossrec.evaluation.surfaces.tables import is_than, surface_remarks, surface_tables
from crossrec.evaluation.surfaces.window import Window, window_of
from crossrec.numeric.ragged import Ragged

PROTOCOL = EvaluationProtocol(ks=(2,), resamples=200)


@pytest.fixture(scope="module")
def window(timed) -> Window:
    """Thirty users take 0 and 1 again and again, and each then an item of its own."""
    learnt = [(user, step % 2, step) for step in range(9) for user in range(30)]
    return window_of(timed([*learnt, *((user, 2 + user, 100) for user in range(30))]))


def measure(window: Window, questions: Questions, lists: np.ndarray, name: str = "shelf", **more):
    n = len(lists)
    empty = Ragged.empty(n)
    queries = more.pop("queries", QueryBatch.from_histories(empty, exclude=empty))
    short = more.pop("short", ("",) * n)
    answers = SurfaceAnswers(lists, queries, 0.5, short)
    return measured(
        name,
        "user",
        questions,
        answers,
        [Popularity(window.train)],
        ItemFacts.of(window.train, window.cut),
        PROTOCOL,
    )


def test_a_surface_that_is_always_right_is_better_than_popularity(window):
    queries = of_users(window)
    found = measure(window, queries, queries.targets.values[:, None])
    assert [row.model for row in found.report.results] == ["shelf", "popularity"]
    assert found.report.result("shelf").metrics["recall@2"] == 1.0
    assert found.report.result("shelf").ci95["recall@2"] == (1.0, 1.0)
    assert found.report.result("popularity").metrics["recall@2"] == 0.0
    assert is_than(found, "popularity", "ndcg@2") == "better"
    assert found.reason == ""
    assert found.report.notes == ()


def test_a_surface_that_is_always_wrong_is_no_better(window):
    queries = of_users(window)
    found = measure(window, queries, np.zeros((30, 1), dtype=np.int64))
    assert is_than(found, "popularity", "ndcg@2") == "–"
    assert found.against("nobody", "ndcg@2") is None


def test_one_list_of_nobody_is_held_against_all_users(window):
    queries = of_nobody(window)
    found = measure(window, queries, np.array([[2, 3]]))
    assert found.report.users == 30
    assert found.report.result("shelf").metrics["recall@2"] == pytest.approx(2 / 30)


def test_empty_lists_are_counted_with_their_cause(window):
    queries = of_users(window)
    lists = queries.targets.values[:, None].copy()
    lists[:3] = PAD
    short = ("nothing is due", "nothing is due", "gone", *("only 1 of 2",) * 27)
    found = measure(window, queries, lists, short=short)
    assert found.reason == "3 of 30 lists are empty, most often: nothing is due"
    assert found.report.result("shelf").metrics["hit@2"] == pytest.approx(0.9)


def test_a_surface_without_any_list_has_no_figures(window):
    queries = of_users(window)
    found = measure(window, queries, np.full((30, 2), PAD), short=("no field",) * 30)
    assert found.report is None
    assert found.reason == "30 of 30 lists are empty, most often: no field"
    assert found.against("popularity", "ndcg@2") is None


def test_targets_that_cannot_be_shown_are_noted(window):
    exclude = Ragged.from_rows([[2], *([] for _ in range(29))])
    seen = QueryBatch.from_histories(Ragged.empty(30), exclude=exclude)
    lists = np.zeros((30, 1), dtype=np.int64)
    found = measure(window, of_users(window), lists, queries=seen)
    assert found.report.notes[0].startswith("1 of 30 targets are no candidates")


def test_a_surface_may_be_called_like_a_baseline(window):
    queries = of_users(window)
    found = measure(window, queries, queries.targets.values[:, None], name="popularity")
    names = [row.model for row in found.report.results]
    assert names == ["popularity", "popularity (baseline)"]
    assert is_than(found, "popularity (baseline)", "recall@2") == "better"


def test_remarks_and_tables_name_what_is_missing(window):
    queries = of_users(window)
    results = (
        measure(window, queries, queries.targets.values[:, None]),
        SurfaceResult("radio", "entity", "", None, "no protocol for the input 'entity'"),
    )
    fit = {"failed": {"ease": "too large"}}
    report = SurfacesReport("shop", "temporal", 2, 30, fit, results, ("few users",))
    figures, left_out = surface_tables(report)
    assert figures.rows[1][-1] == "better"
    assert left_out.rows == (("radio", "entity", "no protocol for the input 'entity'"),)
    assert surface_remarks(report) == [
        "note: few users",
        "left out: ease: too large",
        "shelf: what a user takes after the cut",
    ]
    assert report.result("radio") is results[1]
    with pytest.raises(KeyError):
        report.result("nowhere")
    assert report.to_dict()["surfaces"][1]["report"] is None
