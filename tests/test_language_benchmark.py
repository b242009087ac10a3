"""The benchmark of language features: what it reads, how it judges, and what is shown of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from crossrec.pipeline import text_query
from crossrec.pipeline.engine import Engine
from crossrec.testing.scripts import imported
from language_tables import language_tables

ROOT = Path(__file__).resolve().parent.parent
MODULES = ("language", "language_parts", "common")


@pytest.fixture(scope="module")
def script() -> Iterator[Any]:
    """Return benchmarks/language.py, and leave nothing of it behind."""
    pytest.importorskip("crossrec_language")
    with imported(ROOT / "benchmarks", *MODULES) as module:
        yield module


@pytest.fixture(scope="module")
def engine(script: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Fit eight films: even users watch crime, odd ones comedy."""
    pytest.importorskip("crossrec_video")
    folder = tmp_path_factory.mktemp("films")
    items = pd.DataFrame(
        {
            "item_id": [f"f{n}" for n in range(8)],
            "title": [f"film {n}" for n in range(8)],
            "categories": ["Comedy" if n % 2 else "Crime" for n in range(8)],
            "production_year": [1990 + 10 * (n % 3) for n in range(8)],
        }
    )
    rows = [(f"u{u}", f"f{n}", 100 * u + n) for u in range(12) for n in range(u % 2, 6, 2)]
    events = pd.DataFrame(rows, columns=["user_id", "item_id", "time"])
    events["event_type"] = "watch"
    with Engine.create(folder / "films") as one:
        script.fitted(one, "video", folder / "pipeline.toml", items=items, events=events)
        yield one


def test_films_are_read_with_genres_and_years(script: Any, tmp_path: Path) -> None:
    movies = {
        "movieId": [1, 2],
        "title": ["Heat (1995)", "Untitled"],
        "genres": ["Crime|Drama", "(no genres listed)"],
    }
    ratings = {"userId": [7, 7], "movieId": [1, 2], "rating": [4.0, 2.0], "timestamp": [5, 6]}
    pd.DataFrame(movies).to_csv(tmp_path / "movies.csv.gz", index=False)
    pd.DataFrame(ratings).to_csv(tmp_path / "ratings.csv.gz", index=False)
    items, events = script.parts.films(tmp_path)
    assert items["title"].tolist() == ["Heat", "Untitled"]
    assert items["production_year"].tolist()[0] == 1995
    assert events["item_id"].tolist() == ["1"], "what was rated low is no choice"


def test_the_last_two_choices_are_held_out(script: Any) -> None:
    rows = [(f"u{u}", f"f{n}", n) for u in range(3) for n in range(9)]
    events = pd.DataFrame(rows, columns=["user_id", "item_id", "time"])
    validation, test, kept = script.cases(events, 2, 0)
    assert [case.target for case in validation] == ["f7", "f7"]
    assert [case.target for case in test] == ["f8", "f8"]
    assert "f7" in test[0].history
    assert "f8" not in (*validation[0].history, *test[0].history)
    assert len(kept) == len(events) - 4


def test_weights_are_put_back(script: Any) -> None:
    before = text_query.WEIGHT, script.wishes.PREFERRED
    with script.weights(0.1, 0.2, 9.0):
        assert (text_query.WEIGHT, script.wishes.PREFERRED) == (0.1, 9.0)
    assert before == (text_query.WEIGHT, script.wishes.PREFERRED)


def test_true_words_beat_false_ones(script: Any, engine: Engine) -> None:
    cases = [script.Case(("f0", "f2"), "f7"), script.Case(("f1", "f3"), "f6")] * 3
    with_words = script.parts.mean_rank(engine, cases, "with", 0)
    against = script.parts.mean_rank(engine, cases, "against", 0)
    assert with_words["mrr"] > against["mrr"]


def test_places_are_counted_from_one(script: Any) -> None:
    assert script.parts.rank_of(["a", "b"], "b") == 0.5
    assert script.parts.rank_of(["a"], "z") == 0.0


@pytest.mark.parametrize(
    ("form", "genres", "year", "meets"),
    [
        ("anything but {a} or {b}", {"x"}, None, True),
        ("anything but {a} or {b}", {"B"}, None, False),
        ("only {c}, nothing made before {y}", {"C"}, 1990, True),
        ("only {c}, nothing made before {y}", {"C"}, 1989, False),
        ("only {c}, nothing made before {y}", {"C"}, None, False),
        ("a {c} film from between {y} and {z}", set(), 2000, True),
        ("a {c} film from between {y} and {z}", set(), 2001, False),
        ("{c} from the {d}s, and never {a}", {"A"}, 1995, False),
    ],
)
def test_the_judge_of_conditions_reads_the_item(
    script: Any, form: str, genres: set[str], year: float | None, meets: bool
) -> None:
    values = {"a": "A", "b": "B", "c": "C", "y": 1990, "z": 2000, "d": 1990}
    assert script.parts._meets(form, values, genres, year) is meets


def test_statements_of_the_item_are_foreseen_and_others_not(script: Any, tmp_path: Path) -> None:
    texts = ["great voice, lovely melody, good bass"] * 7, ["weak lyrics, poor mix, bad cover"] * 7
    rows = [
        {"asin": f"B{at}", "time": n, "summary": None, "text": text}
        for at, own in enumerate(texts)
        for n, text in enumerate(own)
    ]
    pd.DataFrame(rows).to_json(tmp_path / "reviews.jsonl.gz", orient="records", lines=True)
    found = script.parts.statements(tmp_path, 0)
    assert found["items"] == 2
    assert found["precision_3"]["by_reviews"] == 1.0
    assert found["precision_3"]["of_another_item"] == 0.0


def test_evidence_that_is_deleted_costs_more_than_other_items(script: Any, engine: Engine) -> None:
    cases = [script.Case(("f0", "f2", "f4", "f1"), "f6")] * 2
    found = script.parts.deletion(engine, cases, 0)
    assert found["users"] == 2
    lost = found["z_lost_without_the_cited_items"]
    assert lost > max(found["z_lost_without_as_many_others"], 0)


def test_the_kept_result_is_shown_with_its_controls() -> None:
    path = ROOT / "benchmarks" / "results" / "language.json"
    measured = json.loads(path.read_text(encoding="utf-8"))
    text = language_tables(measured)
    for control in ("words that are not (control)", "at random (control)", "popularity:"):
        assert control in text
    assert measured["conditions"]["items_that_meet_them"] >= 0.98
    intent = measured["intent"]
    assert intent["with"]["mrr"] > intent["without"]["mrr"] > intent["against"]["mrr"]
