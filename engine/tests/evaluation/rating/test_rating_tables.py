"""What a report on ratings shows to people."""

from __future__ import annotations

from crossrec.data.reviews import RatingScale
from crossrec.evaluation.rating.report import RatingReport, RatingResult
from crossrec.evaluation.rating.tables import rating_remarks, rating_tables, rating_text
from crossrec.evaluation.report import FailedModel
from crossrec.evaluation.significance import Comparison

NONE = float("nan")


def row(model: str, mse: float, *, baseline: bool = False, auc: float = 0.75) -> RatingResult:
    metrics = {"mse": mse, "mae": mse / 2, "auc": auc}
    ci95 = {name: (value - 0.1, value + 0.1) for name, value in metrics.items()}
    return RatingResult(model, baseline, "", "", 1.25, metrics, ci95)


def report(**changes) -> RatingReport:
    values = {
        "scenario": "music",
        "protocol": "temporal",
        "scale": RatingScale(1, 5),
        "sizes": {"train": 8000, "validation": 1000, "test": 1000, "liked": 700, "users": 1234},
        "results": (row("user-item-bias", 0.9, baseline=True), row("rating", 0.85)),
        "comparisons": (
            Comparison(
                "mse", "rating", "user-item-bias", -0.05, (-0.08, -0.02), 0.001, 0.002, 0.00001,
                "better",
            ),
        ),
        "conclusions": ("rating predicts better",),
        "failed": (FailedModel("odd", "it broke"),),
        "notes": ("read this",),
        **changes,
    }  # fmt: skip
    return RatingReport(**values)


def test_the_table_of_models() -> None:
    models = rating_tables(report())[0]
    assert models.title == (
        "music: temporal, 1,000 ratings of 1,234 users, 700 of them liked; stars from 1 to 5; "
        "95 % intervals, * baseline"
    )
    assert models.columns == ("MODEL", "MSE", "MAE", "AUC OF LIKING", "FIT S")
    assert models.rows[0] == (
        "user-item-bias *",
        "0.9000 [0.8000, 1.0000]",
        "0.4500 [0.3500, 0.5500]",
        "0.7500 [0.6500, 0.8500]",
        "1.2",
    )
    assert models.rows[1][0] == "rating"


def test_what_is_undefined_is_a_dash() -> None:
    models = rating_tables(report(results=(row("rating", 0.5, auc=NONE),)))[0]
    assert models.rows[0][3] == "– [–, –]"


def test_the_table_of_comparisons() -> None:
    verdicts = rating_tables(report())[1]
    assert verdicts.title == "less is better; Holm-corrected over 1 tests"
    assert verdicts.rows == (
        ("rating", "better", "user-item-bias", "mse", "-0.0500 [-0.0800, -0.0200]", "< 0.0001"),
    )


def test_nothing_compared_no_table() -> None:
    assert len(rating_tables(report(comparisons=()))) == 1


def test_remarks_come_in_the_order_of_their_weight() -> None:
    assert rating_remarks(report()) == [
        "rating predicts better",
        "left out: odd: it broke",
        "note: read this",
    ]


def test_the_whole_as_text() -> None:
    text = rating_text(report(scenario=""))
    assert text.startswith("ratings: temporal")
    assert text.endswith("note: read this\n")
    assert text.index("user-item-bias *") < text.index("less is better") < text.index("left out")


def test_the_row_of_a_model() -> None:
    found = report().result("rating")
    assert found is not None
    assert found.metrics["mse"] == 0.85
    assert report().result("other") is None


def test_undefined_figures_are_null_in_json() -> None:
    values = report(results=(row("rating", 0.5, auc=NONE),)).to_dict()
    assert values["results"][0]["metrics"]["auc"] is None
    assert values["results"][0]["metrics"]["mse"] == 0.5
    assert values["comparisons"][0]["ci95"] == [-0.08, -0.02]
    assert values["failed"] == [{"model": "odd", "error": "it broke"}]
