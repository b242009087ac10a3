"""The benchmark of ratings: what it reads, what it keeps, and what is shown of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from crossrec.testing.scripts import imported
from rating_tables import differences, rating_tables

ROOT = Path(__file__).resolve().parent.parent
MODULES = ("rating", "common")
NEEDED = {"crossrec_music", "crossrec_neural"}


@pytest.fixture(scope="module")
def rating() -> Iterator[Any]:
    """Return benchmarks/rating.py, and leave nothing of it behind."""
    with imported(ROOT / "benchmarks", *MODULES) as script:
        yield script


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a set of the same form with four reviews."""
    reviews = [
        {"user": at % 2, "asin": f"B{at}", "overall": 1.0 + at, "time": 893721600 + 86400 * at,
         "summary": f"sum {at}", "text": None if at == 3 else f"text {at}", "helpful": [0, 0]}
        for at in range(4)
    ]  # fmt: skip
    items = [
        {"asin": f"B{at}", "title": f"title {at}", "description": None, "price": 1.0,
         "categories": [["Music", "Pop"], ["Music"]] if at else None}
        for at in range(6)
    ]  # fmt: skip
    for name, rows in (("reviews", reviews), ("items", items)):
        frame = pd.DataFrame(rows)
        frame.to_json(tmp_path / f"{name}.jsonl.gz", orient="records", lines=True)
    return tmp_path


def test_summaries_come_before_texts_and_only_reviewed_items_count(rating, folder) -> None:
    tables = rating.tables(folder)
    events, items = tables["events"], tables["items"]
    assert events["review"].tolist() == [
        "sum 0. text 0", "sum 1. text 1", "sum 2. text 2", "sum 3. ",
    ]  # fmt: skip
    assert events["user_id"].tolist() == ["u0", "u1", "u0", "u1"]
    assert items["asin"].tolist() == ["B0", "B1", "B2", "B3"]
    assert items["categories"].tolist()[:2] == [[], ["Music > Pop", "Music"]]


def test_the_set_becomes_a_dataset_with_reviews(rating, folder) -> None:
    pytest.importorskip("crossrec_music")
    dataset = rating.read(folder)
    assert dataset.ratings.ratings.tolist() == [1.0, 3.0, 2.0, 4.0]
    assert dataset.events.reviews.texts[0] == "sum 0. text 0"
    assert dataset.has_clock


def test_without_the_sets_nothing_is_measured(rating, monkeypatch, capsys, tmp_path) -> None:
    monkeypatch.setenv("CROSSREC_DATASETS", str(tmp_path / "nowhere"))
    monkeypatch.setattr(sys, "argv", ["rating.py", "--cache", str(tmp_path / "cache")])
    rating.main()
    assert "nothing was measured" in capsys.readouterr().out
    assert not (tmp_path / "cache").exists()


def report(protocol: str, seed: int, mse: float, verdict: str = "no difference") -> dict[str, Any]:
    """Return a report as the benchmark keeps it, with two models."""
    metrics = {"mse": mse, "mae": 0.5, "auc": 0.7}
    pair = {"model": "rating", "against": "user-item-bias", "metric": "mse"}
    return {
        "protocol": protocol,
        "seed": seed,
        "unit": "stars from 1 to 5",
        "sizes": {"test": 1000, "users": 500, "liked": 800},
        "results": [
            {"model": "user-item-bias", "baseline": True, "metrics": {**metrics, "mse": 0.6}},
            {"model": "rating", "baseline": False, "metrics": metrics},
        ],
        "comparisons": [
            {**pair, "difference": mse - 0.6, "ci95": [mse - 0.7, mse - 0.5], "verdict": verdict}
        ],
    }


RESULT = {
    "set": "songs",
    "reports": [
        report("temporal", 0, 0.5), report("temporal", 1, 0.7, "worse"),
        report("leave-one-out", 0, 0.5),
    ],
}  # fmt: skip


def test_a_table_for_each_protocol_with_means_over_seeds() -> None:
    text = rating_tables(RESULT)
    assert "**songs**, temporal: 1,000 test ratings of 500 users, 800 of them liked" in text
    assert "mean of 2 seeds" in text
    assert "1 seed;" in text
    assert "| user-item-bias * | 0.6000 | 0.5000 | 0.7000 | – |" in text
    assert (
        "| rating | 0.6000 | 0.5000 | 0.7000 | -0.1000 [-0.200, +0.000] · "
        "+0.1000 [+0.000, +0.200] worse |"
    ) in text


def test_equal_differences_are_shown_once() -> None:
    row = RESULT["reports"][0]["results"][1]
    twice = [report("temporal", seed, 0.5) for seed in range(3)]
    assert differences(row, twice) == "-0.1000 [-0.200, +0.000]"


def test_nothing_measured_no_table() -> None:
    assert rating_tables({}) == ""


def test_the_kept_result_is_of_this_benchmark() -> None:
    path = ROOT / "benchmarks" / "results" / "rating.json"
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert kept["command"].startswith("python benchmarks/rating.py")
    assert {one["protocol"] for one in kept["reports"]} == {"temporal", "leave-one-out"}
    assert len(kept["reports"]) == 6
    for one in kept["reports"]:
        names = [row["model"] for row in one["results"]]
        assert names[:3] == ["global-mean", "user-item-bias", "matrix-factorisation"]
        assert names[3:] == ["rating", "rating (no reviews)", "rating (shuffled reviews)"]
        assert one["failed"] == []
