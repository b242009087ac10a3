"""The report: exactly the agreed JSON, and tables that say no more than the tests do."""

from __future__ import annotations

import json
import math

import pytest
from crossrec.evaluation.evaluate import evaluate
from crossrec.evaluation.protocol import EvaluationProtocol
from crossrec.evaluation.report import FailedModel, ModelResult, Report, SegmentResult
from crossrec.evaluation.significance import Comparison
from crossrec.evaluation.tables import reference_of, report_tables, report_text

NAN = math.nan


def row(model: str, recall: float, *, baseline: bool = False) -> ModelResult:
    metrics = {"recall@10": recall, "ndcg@10": recall / 2, "mrr@10": recall / 3, "gini@10": NAN}
    ci95 = {name: (value - 0.01, value + 0.02) for name, value in metrics.items() if value == value}
    segments = {
        "users": {
            "hot": SegmentResult(8, {"recall@10": recall}, {"recall@10": (0.0, 1.0)}),
            "warm": SegmentResult(2, {"recall@10": 0.25}, {"recall@10": (0.0, 1.0)}),
            "cold": SegmentResult(0, {"recall@10": NAN}, {"recall@10": (NAN, NAN)}),
        },
        "items": {"hot": SegmentResult(10, {"recall@10": recall}, {"recall@10": (0.0, 1.0)})},
    }
    return ModelResult(model, baseline, 1.25, 0.5, metrics, ci95, segments)


def pair(model: str, against: str, difference: float, verdict: str) -> Comparison:
    ci95 = (difference - 0.01, difference + 0.02)
    return Comparison("recall@10", model, against, difference, ci95, 0.01, 0.02, 0.03, verdict)


@pytest.fixture
def report() -> Report:
    return Report(
        "ecommerce",
        "temporal",
        "unseen",
        10,
        (10,),
        (row("ease", 0.25), row("pipeline", 0.375), row("popularity", 0.125, baseline=True)),
        (
            pair("ease", "pipeline", -0.125, "worse"),
            pair("ease", "popularity", 0.125, "better"),
            pair("pipeline", "popularity", 0.25, "no difference"),
        ),
        (FailedModel("knn", "ValueError: no"),),
        ("leaks over time",),
    )


def test_json_has_the_agreed_keys(report):
    found = report.to_dict()
    assert {k: found[k] for k in ("scenario", "protocol", "candidates", "users")} == {
        "scenario": "ecommerce",
        "protocol": "temporal",
        "candidates": "unseen",
        "users": 10,
    }
    first = found["results"][0]
    assert first["model"] == "ease"
    assert first["fit_seconds"] == 1.25
    assert first["metrics"]["recall@10"] == 0.25
    assert first["ci95"]["recall@10"] == pytest.approx([0.24, 0.27])
    assert first["segments"]["users"]["warm"] == {
        "users": 2,
        "metrics": {"recall@10": 0.25},
        "ci95": {"recall@10": [0.0, 1.0]},
    }
    assert [one["model"] for one in found["results"]] == ["ease", "pipeline", "popularity"]
    assert [one["baseline"] for one in found["results"]] == [False, False, True]
    assert found["comparisons"][0]["verdict"] == "worse"
    assert found["failed"] == [{"model": "knn", "error": "ValueError: no"}]
    assert found["notes"] == ["leaks over time"]


def test_undefined_figures_are_null_and_everything_is_json(report):
    text = json.dumps(report.to_dict(), allow_nan=False)
    back = json.loads(text)
    assert back["results"][0]["metrics"]["gini@10"] is None
    assert back["results"][0]["segments"]["users"]["cold"]["ci95"]["recall@10"] == [None, None]


def test_a_real_report_is_json_with_a_row_for_each_model(checkerboard, covisitation):
    found = evaluate(
        checkerboard,
        lambda train, validation: [covisitation(train)],
        EvaluationProtocol(split="leave-one-out", candidates="unseen", resamples=50),
        scenario="chess",
    )
    back = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert back["scenario"] == "chess"
    assert [one["model"] for one in back["results"]] == [
        "covisitation",
        "popularity",
        "repeat-last",
    ]
    expected = {
        f"{name}@{k}"
        for name in (
            *("recall", "ndcg", "mrr", "longtail_recall"),
            *("coverage", "gini", "popular_overlap"),
        )
        for k in (10, 50)
    }
    for one in back["results"]:
        assert set(one["metrics"]) == expected
        for name in ("recall@10", "ndcg@10", "mrr@10", "recall@50", "ndcg@50", "mrr@50"):
            low, high = one["ci95"][name]
            assert low <= one["metrics"][name] <= high
    text = report_text(found)
    assert "chess: leave-one-out, unseen candidates, 20 users" in text
    assert "covisitation is … than …, Holm-corrected over 6 tests" in text


def test_result_finds_a_row_by_name(report):
    assert report.result("ease") is report.results[0]
    assert report.result("nobody") is None


def test_the_first_table_shows_every_model_and_marks_baselines(report):
    table = report_tables(report)[0]
    assert table.columns == ("MODEL", "RECALL@10", "NDCG@10", "MRR@10", "FIT S")
    assert [cells[0] for cells in table.rows] == ["ease", "pipeline", "popularity *"]
    assert table.rows[1][1:3] == ("0.3750 ±.0150", "0.1875 ±.0150")
    assert table.title.startswith("ecommerce: temporal, unseen candidates, 10 users")


def test_empty_columns_are_left_out_and_a_gap_is_a_dash(report):
    filled = {**report.results[0].metrics, "gini@10": 0.5}
    first = ModelResult(**{**vars(report.results[0]), "metrics": filled})
    table = report_tables(Report(**{**vars(report), "results": (first, *report.results[1:])}))[0]
    assert table.columns[4] == "GINI"
    assert [cells[4] for cells in table.rows] == ["0.5000", "–", "–"]


def test_verdicts_are_about_the_pipeline_and_reversed_where_it_is_second(report):
    assert reference_of(report) == "pipeline"
    table = report_tables(report)[1]
    assert table.title == "pipeline is … than …, Holm-corrected over 3 tests"
    assert table.rows == (
        ("better", "ease", "recall@10", "+0.1250 [+0.1050, +0.1350]", "0.03"),
        ("no difference", "popularity", "recall@10", "+0.2500 [+0.2400, +0.2700]", "0.03"),
    )


def test_tiny_probabilities_are_not_shown_as_nothing(report):
    pairs = tuple(
        Comparison(**{**vars(one), "p_holm": p})
        for one, p in zip(report.comparisons[::2], (0.0, 0.00012))
    )
    table = report_tables(Report(**{**vars(report), "comparisons": pairs}))[1]
    assert [cells[-1] for cells in table.rows] == ["< 0.0001", "0.00012"]


def test_without_a_pipeline_the_best_is_the_reference(report):
    kept = tuple(one for one in report.results if one.model != "pipeline")
    pairs = (report.comparisons[1],)
    alone = Report(**{**vars(report), "results": kept, "comparisons": pairs})
    assert reference_of(alone) == "ease"
    assert report_tables(alone)[1].rows[0][:2] == ("better", "popularity")
    nothing = Report(**{**vars(report), "comparisons": ()})
    assert reference_of(nothing) == ""
    assert len(report_tables(nothing)) == 2


def test_segments_are_shown_only_for_groups_that_are_divided(report):
    table = report_tables(report)[2]
    assert table.columns == ("MODEL", "HOT USERS (8)", "WARM USERS (2)")
    assert table.rows[0] == ("ease", "0.2500", "0.2500")
    whole = {"users": {"hot": report.results[0].segments["users"]["hot"]}}
    undivided = tuple(ModelResult(**{**vars(one), "segments": whole}) for one in report.results)
    assert len(report_tables(Report(**{**vars(report), "results": undivided}))) == 2


def test_text_holds_tables_failures_and_notes(report):
    text = report_text(report)
    for table in report_tables(report):
        assert table.title in text
    assert text.endswith("left out: knn: ValueError: no\nnote: leaks over time\n")
    lines = text.splitlines()
    header = next(line for line in lines if line.startswith("MODEL"))
    ease = next(line for line in lines if line.startswith("ease"))
    assert ease.index("0.2500") == header.index("RECALL@10")


def test_reports_are_frozen(report):
    with pytest.raises(AttributeError):
        report.users = 3  # type: ignore[misc]
